"""Simulate or import the spectra into the store."""

from pathlib import Path

import numpy as np

from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.config.protocol import Protocol
from logg1m.jobs.frame import job
from logg1m.protocol.pools import Pools, simulates
from logg1m.sources import build
from logg1m.spectra.generation import generate

with job(snakemake):
    params = snakemake.params
    data = Data.of(params.data)
    compute = Compute.from_job(snakemake)
    source = build(data, params.seed, compute)
    # Before hours of work: the source holds the largest scale. It is read past the params, since it makes nothing here.
    role = np.repeat(source.roles, np.diff(source.first_rows)) if data.source == "pfs_hdf5" else None
    protocol = Protocol.model_validate(snakemake.config.get("protocol", {}))
    Pools.draw(params.seed, source.n_spectra, protocol, role, simulates(data.source)).require_scales()
    generate(source, Path(snakemake.output.manifest), compute, data.compression, params.code + params.files)
