"""The recipe that Phase 3 starts from."""

from logg1m.config.experiments import Recipe
from logg1m.decisions.recipes import next_recipe
from logg1m.files import read_json, write_json
from logg1m.jobs.frame import job

with job(snakemake):
    verdicts = [read_json(path, ("key", "outcome")) for path in snakemake.input.verdicts]
    recipe = next_recipe(Recipe(**read_json(snakemake.input.recipe, ("recipe",))["recipe"]), verdicts)
    write_json(snakemake.output[0], {"recipe": recipe.model_dump(mode="json")})
