"""What to do next: σ(log g) against exposure time, conditions and levers."""

import torch

from logg1m.bounds.compute import select
from logg1m.config.bayes import BayesConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.config.forecast import Forecast
from logg1m.files import InputError, read_parquet, write_json
from logg1m.forecast.make import exposure_part, levers_part
from logg1m.forecast.reweighted import posteriors_part
from logg1m.jobs.frame import job
from logg1m.observe import Observer
from logg1m.sources import build
from logg1m.sources.embedded import EmbeddedSource
from logg1m.sources.identity import require_same
from logg1m.spectra.store import Store

with job(snakemake):
    params, compute = snakemake.params, Compute.from_job(snakemake)
    data, config = Data.of(params.data), Forecast.of(params.forecast)
    source = build(data, params.seed, compute)
    if not isinstance(source, EmbeddedSource):
        raise InputError("data.source = 'pfs_hdf5' has no forecast: only a source that simulates has one")
    require_same(source, Store(snakemake.input.manifest).source, snakemake.input.manifest)
    members = read_parquet(snakemake.input.members, ("id", "pool", "rank", "low_noise"))
    test = members[members["pool"] == "test"]
    subsets = {"low_noise": select(test, config.lever_stars, 0), "full": select(test, 0, config.lever_stars)}
    observer = Observer(source.grid, data.observation, dtype=torch.float64)
    how = params.noise_level, params.max_condition
    found = exposure_part(observer, data, config, *how, params.seed)
    bootstrap = Bootstrap.of(params.bootstrap)
    found["levers"] = levers_part(source, subsets, config, bootstrap, *how)
    bayes, level = BayesConfig.of(params.bayes), params.noise_level
    found["posteriors"] = posteriors_part(source, subsets["low_noise"], config, bayes, bootstrap, compute, level)
    write_json(snakemake.output[0], found)
