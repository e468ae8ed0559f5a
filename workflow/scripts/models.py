"""The models of Phases 0 and 1 beside the bounds."""

import pandas as pd

from logg1m.blame import understood
from logg1m.bounds.comparison import largest_of_each
from logg1m.bounds.efficiency import optimal
from logg1m.config.bounds import Bootstrap
from logg1m.decisions.models import with_runs
from logg1m.files import read_json, read_parquet, write_json
from logg1m.jobs.frame import job
from logg1m.protocol.members import read_members
from logg1m.protocol.truths import require_one_truth

COLUMNS = ("id", "truth", "predicted")

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    members = read_members(given.members, given.snr)
    table = read_parquet(given.bayes, ("id", "mean", "var", "truth"))
    posteriors = optimal(table, members, params.bayes["min_reached"])
    tested = {path: read_parquet(path, COLUMNS) for path in given.predictions}
    require_one_truth(tested)
    predictions, selection = {}, {}
    for name, table, choosing in zip(params.runs, tested.values(), given.selection):
        predictions.setdefault(name, []).append(table)
        selection.setdefault(name, []).append(read_parquet(choosing, COLUMNS))
    classical = pd.concat([read_parquet(path, ("model", "scale", *COLUMNS)) for path in given.classical])
    selection |= {name: [table] for name, table in largest_of_each(classical)[0].items()}
    fisher, stars = read_json(given.fisher, ("models", "reference_estimator")), read_parquet(given.stars, ("id",))
    with understood(given.fisher):
        found = with_runs(
            fisher,
            predictions,
            stars,
            posteriors,
            members,
            Bootstrap.of(params.bootstrap),
            params.seed,
            selection,
            params.changes,
        )
    write_json(snakemake.output[0], found)
