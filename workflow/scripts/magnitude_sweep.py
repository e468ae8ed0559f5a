"""Bounds against magnitude at fixed conditions."""

from logg1m.bounds.sweep import sweep
from logg1m.config.bounds import Bounds
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.files import write_json
from logg1m.jobs.frame import job
from logg1m.sources import build

with job(snakemake):
    params, compute = snakemake.params, Compute.from_job(snakemake)
    data = Data.of(params.data)
    observer = build(data, params.seed, compute).observer
    config, level = Bounds.of(params.bounds), params.noise_level
    rows = sweep(observer, data.priors.model_dump(), config, params.seed, compute, level)
    write_json(snakemake.output[0], {"rows": rows, "noise_level": level})
