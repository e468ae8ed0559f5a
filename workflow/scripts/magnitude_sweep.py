"""Bounds against magnitude at fixed conditions."""

from logg1m.bounds.sweep import sweep
from logg1m.config.bounds import Bounds
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.figures.magnitude_sweep import magnitude_sweep
from logg1m.files import write_json
from logg1m.jobs.frame import job
from logg1m.sources import build
from logg1m.sources.identity import require_same
from logg1m.spectra.store import Store

with job(snakemake):
    params, compute = snakemake.params, Compute.from_job(snakemake)
    data = Data(**params.data)
    source = build(data, params.seed, compute)
    require_same(source, Store(snakemake.input.manifest).source, snakemake.input.manifest)
    observer = source.observer
    config, level = Bounds(**params.bounds), params.noise_level
    rows = sweep(observer, data.priors.model_dump(), config, params.seed, compute, level)
    magnitude_sweep(rows, data.observation, level, snakemake.output.figure)
    write_json(snakemake.output.table, {"rows": rows, "noise_level": level})
