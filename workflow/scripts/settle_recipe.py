"""D4: the combination against its best member, and the recipe of Phase 2."""

from logg1m.blame import understood
from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Recipe
from logg1m.decisions.recipes import keep_combination, settle
from logg1m.files import read_json, read_parquet, write_json
from logg1m.jobs.frame import job
from logg1m.protocol.members import read_members
from logg1m.protocol.truths import require_one_truth

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    proposal = read_json(given.proposal, ("recipe", "members", "closed"))
    heads = read_json(given.d3, ("heads",))["heads"]
    trial = None
    if given.trial:
        half = len(given.trial) // 2
        tables = [read_parquet(path, ("id", "truth", "predicted")) for path in given.trial]
        require_one_truth(dict(zip(given.trial, tables)))
        members = read_members(given.members, given.snr)
        bootstrap = Bootstrap.of(params.bootstrap)
        trial = keep_combination(tables[:half], tables[half:], members, bootstrap, params.seed, params.seed_scatter)
    base = Recipe.of(params.recipe)
    with understood(given.proposal):
        settled = settle(proposal, base, heads, trial)
    write_json(snakemake.output.evidence, {"decision": "d4", "proposal": proposal, "trial": trial, "settled": settled})
    write_json(snakemake.output.recipe, {"recipe": settled["recipe"]})
    write_json(snakemake.output.d4, settled)
