"""Simulate or import the spectra into the store."""

from pathlib import Path

from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.jobs.frame import job
from logg1m.sources import build
from logg1m.spectra.generation import generate

with job(snakemake):
    params = snakemake.params
    data = Data(**params.data)
    compute = Compute.from_job(snakemake)
    source = build(data, params.seed, compute)
    generate(source, Path(snakemake.output.manifest), compute, data.compression, params.code + params.files)
