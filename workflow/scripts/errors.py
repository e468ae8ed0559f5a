"""Where the error of the best model and of the Bayes-optimal estimator lies."""

import pandas as pd

from logg1m.blame import understood
from logg1m.bounds.comparison import largest_of_each
from logg1m.bounds.efficiency import reached
from logg1m.config.bounds import Bootstrap
from logg1m.experiments.anatomy import anatomy
from logg1m.files import InputError, read_json, read_parquet, write_json
from logg1m.jobs.frame import job
from logg1m.protocol.members import read_members
from logg1m.spectra.store import Store

COLUMNS = ("id", "truth", "predicted")

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    with understood(given.models):
        best = read_json(given.models, ("choice",))["choice"]["model"]  # the one that D1 takes
    classical = pd.concat([read_parquet(path, ("model", "scale", *COLUMNS)) for path in given.classical])
    tables = largest_of_each(classical)[0]
    known = [*tables, *params.runs]
    if best is not None and best not in known:
        raise InputError(f"{given.models}: the best model is {best}, expected one of {', '.join(known)}")
    members = read_members(given.members, given.snr)
    posteriors = read_parquet(given.bayes, ("id", "mean", "var", "truth", "converged"))
    low_noise, rank = (members.loc[posteriors["id"], name].to_numpy() for name in ("low_noise", "rank"))
    subsets = {"low_noise": posteriors[low_noise], "full": posteriors[rank < params.bayes["n_full"]]}
    optimal = {name: reached(rows, params.bayes["min_reached"]) for name, rows in subsets.items()}
    found = {}
    if best is not None:
        run = dict(zip(params.runs, given.runs)).get(best)
        table = read_parquet(run, COLUMNS) if run else tables[best]
        labels, bootstrap = Store(given.manifest).labels(), Bootstrap.of(params.bootstrap)
        found = anatomy(table, optimal, labels, members["low_noise"], bootstrap, params.seed)
    write_json(snakemake.output[0], {"model": best, **found})
