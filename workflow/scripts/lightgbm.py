"""LightGBM at one scale, on one draw of noise per training spectrum or on several."""

from pathlib import Path

import numpy as np
import pandas as pd

from logg1m.baselines import boosting
from logg1m.config.baselines import LightGBMConfig
from logg1m.config.compute import Compute
from logg1m.config.protocol import Protocol, scale_name
from logg1m.files import write_json, write_parquet, write_tensors
from logg1m.jobs.frame import job
from logg1m.protocol.pools import Pools
from logg1m.spectra.store import Store

with job(snakemake):
    params, compute = snakemake.params, Compute.from_job(snakemake)
    config, protocol = LightGBMConfig.of(params.lightgbm), Protocol.of(params.protocol)
    store = Store(snakemake.input.manifest)
    size = next(s for s in protocol.scales if scale_name(s) == snakemake.wildcards.scale)
    truth = store.labels()["logg"].to_numpy()
    pools = Pools.of(store, params.seed, protocol)
    draws = params.draws
    name = "lightgbm" if draws == 1 else "lightgbm_draws"
    state = Path("results/.state") / name / snakemake.wildcards.scale
    split, level = pools.split(size), protocol.noise_level
    boosted = boosting.train(store, split, truth, config, params.seed, level, compute, state, params.code, draws)
    asked = {snakemake.output.predictions: pools.common_test, snakemake.output.selection: pools.choosing}
    rows = boosting.NoisyRows(store, np.concatenate(list(asked.values())), params.seed, level, compute)  # in one pass
    columns = {"id": rows.ids, "truth": truth[rows.ids], "predicted": boosting.predict(boosted, rows)}
    table = pd.DataFrame({"model": name, "scale": size} | columns)
    for path, ids in asked.items():
        write_parquet(path, table[table["id"].isin(ids)].reset_index(drop=True))
    write_tensors(snakemake.output.model, boosting.tensors(boosted))
    write_json(snakemake.output.report, boosting.report(boosted, config))
