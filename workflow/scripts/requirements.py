"""Bound and ceiling against what is not known of a spectrum."""

from logg1m.bounds.compute import select
from logg1m.bounds.requirements import requirements
from logg1m.config.bayes import BayesConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.config.requirements import Requirements
from logg1m.files import InputError, read_parquet, write_json
from logg1m.jobs.frame import job
from logg1m.sources import build
from logg1m.sources.embedded import EmbeddedSource
from logg1m.sources.identity import require_same
from logg1m.spectra.store import Store

with job(snakemake):
    params, compute = snakemake.params, Compute.from_job(snakemake)
    source = build(Data.of(params.data), params.seed, compute)
    if not isinstance(source, EmbeddedSource):
        raise InputError("data.source = 'pfs_hdf5' has no table of requirements: only a source that simulates has one")
    require_same(source, Store(snakemake.input.manifest).source, snakemake.input.manifest)
    members = read_parquet(snakemake.input.members, ("id", "pool", "rank", "low_noise"))
    config = Requirements.of(params.requirements)
    low_noise = select(members[members["pool"] == "test"], config.stars, 0)
    bayes, bootstrap = BayesConfig.of(params.bayes), Bootstrap.of(params.bootstrap)
    how = bayes, bootstrap, compute, params.noise_level, params.max_condition
    write_json(snakemake.output[0], requirements(source, low_noise, config, *how))
