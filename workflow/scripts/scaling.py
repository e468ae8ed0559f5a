"""The scaling table and figure."""

import pandas as pd

from logg1m.baselines.scaling import facts_of, table
from logg1m.config.baselines import Baselines
from logg1m.config.bounds import Bootstrap
from logg1m.config.protocol import Protocol
from logg1m.files import read_json, read_parquet, understood, write_json
from logg1m.jobs.frame import job
from logg1m.protocol.members import read_members
from logg1m.protocol.truths import require_one_truth
from logg1m.report import baseline_figures

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    columns = ("model", "scale", "id", "truth", "predicted")
    tables = {path: read_parquet(path, columns) for path in [given.ridge, *given.lightgbm]}
    require_one_truth(tables)
    predictions = pd.concat(tables.values(), ignore_index=True)
    lightgbm = {size: read_json(path) for size, path in zip(params.lightgbm_sizes, given.lightgbm_reports)}
    with understood(given.ridge_report):
        facts = facts_of(read_json(given.ridge_report, ("scales",)), lightgbm)
    scaling = table(
        predictions,
        read_members(given.members, given.snr),
        Protocol(**params.protocol),
        Baselines(**params.baselines),
        Bootstrap(**params.bootstrap),
        params.seed,
        facts,
    )
    baseline_figures.scaling(scaling, snakemake.output.figure)
    write_json(snakemake.output.scaling, scaling)
