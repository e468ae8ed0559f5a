"""Make one denoiser with one seed."""

from pathlib import Path

from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.denoisers import Denoisers
from logg1m.config.places import state_of
from logg1m.config.protocol import Protocol
from logg1m.experiments.denoising.making import make
from logg1m.experiments.denoising.training import Request, training_code
from logg1m.files import read_parquet
from logg1m.jobs.frame import job
from logg1m.protocol.members import read_members
from logg1m.spectra.store import Store

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    settings = Denoisers.of(params.denoisers)
    if snakemake.wildcards.kind != "pca":
        settings = settings.as_in(snakemake.config.get("denoisers", {}), "training.checkpoint_seconds")
    request = Request(
        snakemake.wildcards.kind,
        settings,
        Protocol.of(params.protocol),
        Bootstrap.of(params.bootstrap),
        params.seed,
        int(snakemake.wildcards.seed),
        training_code(),
    )
    folder = Path(snakemake.output[0]).parent
    members, pixels = read_members(given.members, given.snr), read_parquet(given.pixels, ("wave", "error_mean"))
    make(request, Store(given.manifest), members, pixels, Compute.from_job(snakemake), folder, state_of(folder))
