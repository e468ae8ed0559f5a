"""Simulate or import the spectra into the store."""

from pathlib import Path

from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.generation import generate
from logg1m.job import job
from logg1m.sources import build

with job(snakemake):
    params = snakemake.params
    data = Data(**params.data)
    compute = Compute.from_job(snakemake)
    source = build(data, params.seed, compute)
    generate(source, Path(snakemake.output.manifest), compute, data.compression, params.code)
