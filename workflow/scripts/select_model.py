"""The model that was chosen on validation, in a folder that predicts without the run."""

from pathlib import Path

from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.config.networks import Network
from logg1m.config.predict import Predict
from logg1m.config.projection import Projection
from logg1m.config.protocol import Protocol
from logg1m.files import read_json, read_parquet
from logg1m.jobs.frame import job
from logg1m.predict import choosing, folder, selection
from logg1m.predict.card import card
from logg1m.protocol.members import read_members
from logg1m.protocol.pools import Pools
from logg1m.sources import build
from logg1m.sources.identity import require_same
from logg1m.spectra.store import Store

with job(snakemake):
    params, given, compute = snakemake.params, snakemake.input, Compute.from_job(snakemake)
    store, members = Store(given.manifest), read_members(given.members, given.snr)
    protocol, data, settings = Protocol.of(params.protocol), Data.of(params.data), Predict.of(params.predict)
    about = choosing.Setting(
        store=store,
        members=members,
        protocol=protocol,
        seed=params.seed,
        train_size=params.train_size,
        test_size=params.test_size,
        projection=Projection.of(params.projection),
        network=Network.of(params.network),
        compute=compute,
        sensitivity=read_parquet(given.sensitivity) if given.sensitivity else None,
        pixels=read_parquet(given.pixels, ("wave", "error_mean")),
    )
    if settings.model == "winner":
        winner = read_json(given.winner, ("model", "rmse"))
        task, tensors, origin = choosing.of_winner(winner, [Path(path) for path in given.models], about)
    else:
        task, tensors, origin = choosing.of_projection(Path(given.models[0]), about)
    source = build(data, params.seed, compute)
    require_same(source, store.source, given.manifest)
    contents = selection.contents_of(task, tensors, origin, params.data)
    validation = Pools.of(store, params.seed, protocol).choosing
    contents = selection.complete(contents, task, source, settings, validation)
    folder.write(Path(snakemake.output[-1]).parent, contents, card(contents))
