"""The recipe that Phase 3 starts from."""

from logg1m.blame import understood
from logg1m.config.experiments import Recipe
from logg1m.decisions.recipes import next_recipe, read_verdicts
from logg1m.files import read_json, write_json
from logg1m.jobs.frame import job

with job(snakemake):
    verdicts = read_verdicts(snakemake.input.verdicts)
    with understood(snakemake.input.recipe):
        start = Recipe(**read_json(snakemake.input.recipe, ("recipe",))["recipe"])
    recipe = next_recipe(start, verdicts)
    write_json(snakemake.output[0], {"recipe": recipe.model_dump(mode="json")})
