"""Bounds against magnitude at fixed conditions."""

from logg1m.bounds.sweep import sweep
from logg1m.config.bounds import Bounds
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.files import InputError, write_json
from logg1m.jobs.frame import job
from logg1m.sources import Simulator, build
from logg1m.sources.identity import require_same
from logg1m.spectra.store import Store

with job(snakemake):
    params, compute = snakemake.params, Compute.from_job(snakemake)
    data = Data.of(params.data)
    source = build(data, params.seed, compute)
    if not isinstance(source, Simulator):
        raise InputError("data.source = 'pfs_hdf5' has no magnitude sweep: only a source that simulates has one")
    require_same(source, Store(snakemake.input.manifest).source, snakemake.input.manifest)
    observer = source.observer
    config, level = Bounds.of(params.bounds), params.noise_level
    rows = sweep(observer, data.priors.model_dump(), config, params.seed, compute, level)
    write_json(snakemake.output[0], {"rows": rows, "noise_level": level})
