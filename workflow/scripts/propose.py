"""D4's proposal: the accepted directions, ranked and combined."""

from logg1m.config.experiments import Recipe
from logg1m.decisions.recipes import compose, read_verdicts
from logg1m.files import read_json, write_json
from logg1m.jobs.frame import job

with job(snakemake):
    verdicts = read_verdicts(snakemake.input.verdicts)
    heads = read_json(snakemake.input.d3, ("heads",))["heads"]
    params = snakemake.params
    write_json(snakemake.output[0], compose(verdicts, Recipe.of(params.recipe), heads, params.members))
