"""Signal-to-noise of every spectrum and statistics of every pixel, in one pass."""

from logg1m.config.compute import Compute
from logg1m.config.protocol import Protocol
from logg1m.files import write_parquet
from logg1m.jobs.frame import job
from logg1m.protocol.pools import Pools, survey
from logg1m.spectra.store import Store

with job(snakemake):
    params = snakemake.params
    store = Store(snakemake.input.manifest)
    Pools.of(store, params.seed, Protocol.model_validate(snakemake.config.get("protocol", {}))).require_scales()
    snr, pixels = survey(store, params.seed, Protocol.of(params.protocol), Compute.from_job(snakemake))
    write_parquet(snakemake.output.snr, snr)
    write_parquet(snakemake.output.pixels, pixels)
