"""The models of Phases 0 and 1 beside the bounds."""

from logg1m.bounds.efficiency import optimal
from logg1m.config.bounds import Bootstrap
from logg1m.decisions.models import with_runs
from logg1m.files import read_json, read_parquet, understood, write_json
from logg1m.jobs.frame import job
from logg1m.protocol.members import read_members
from logg1m.protocol.truths import require_one_truth

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    members = read_members(given.members, given.snr)
    posteriors = optimal(
        read_parquet(given.bayes, ("id", "mean", "var", "truth")), members, params.bayes["min_reached"]
    )
    predictions = {
        name: read_parquet(path, ("id", "truth", "predicted")) for name, path in zip(params.runs, given.predictions)
    }
    require_one_truth(dict(zip(given.predictions, predictions.values())))
    fisher, stars = read_json(given.fisher, ("models", "reference_estimator")), read_parquet(given.stars, ("id",))
    with understood(given.fisher):
        found = with_runs(fisher, predictions, stars, posteriors, members, Bootstrap.of(params.bootstrap), params.seed)
    write_json(snakemake.output[0], found)
