"""The scaling table."""

import pandas as pd

from logg1m.baselines.scaling import facts_of, table
from logg1m.blame import understood
from logg1m.config.baselines import Baselines
from logg1m.config.bounds import Bootstrap
from logg1m.config.protocol import Protocol
from logg1m.files import read_json, read_parquet, write_json
from logg1m.jobs.frame import job
from logg1m.protocol.members import read_members
from logg1m.protocol.truths import require_one_truth

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    columns = ("model", "scale", "id", "truth", "predicted")
    tables = {
        path: read_parquet(path, columns) for path in [*given.ridge, *given.lightgbm, *given.draws, *given.projection]
    }
    require_one_truth(tables)
    predictions = pd.concat(tables.values(), ignore_index=True)
    facts = {}
    for path in given.ridge_reports:
        with understood(path):
            facts |= facts_of([read_json(path, ("scales",))], {}, {}, {})
    for size, path in zip(params.lightgbm_sizes, given.lightgbm_reports):
        with understood(path):
            facts |= facts_of([], {size: read_json(path)}, {}, {})
    for size, path in zip(params.draws_sizes, given.draws_reports):
        with understood(path):
            facts |= facts_of([], {}, {size: read_json(path)}, {})
    for size, path in zip(params.protocol["scales"], given.projection_reports):
        with understood(path):
            facts |= facts_of([], {}, {}, {size: read_json(path)})
    protocol, baselines = Protocol.of(params.protocol), Baselines.of(params.baselines)
    members, bootstrap = read_members(given.members, given.snr), Bootstrap.of(params.bootstrap)
    scaling = table(predictions, members, protocol, baselines, bootstrap, params.seed, facts)
    write_json(snakemake.output[0], scaling)
