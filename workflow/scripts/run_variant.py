"""Train and evaluate one variant of an experiment with one seed."""

from contextlib import nullcontext
from pathlib import Path

from logg1m.blame import understood
from logg1m.bounds.efficiency import optimal
from logg1m.config.baselines import LightGBMConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Data, Observation
from logg1m.config.experiments import Recipe
from logg1m.config.networks import Network
from logg1m.config.places import state_of
from logg1m.config.projection import Projection
from logg1m.config.protocol import Protocol
from logg1m.experiments.models import BY_STEPS
from logg1m.experiments.run import run
from logg1m.experiments.task import TARGETS, Given, RunSetting, training_code
from logg1m.files import read_json, read_parquet
from logg1m.jobs.device import resolve
from logg1m.jobs.frame import job
from logg1m.nn import denoisers
from logg1m.protocol.members import read_members
from logg1m.sources import build
from logg1m.sources.identity import require_same
from logg1m.sources.streamed import Stream
from logg1m.spectra.store import Store

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    base = read_json(given.recipe[0], ("recipe",))["recipe"] if given.recipe else params.recipe
    with understood(given.recipe[0]) if given.recipe else nullcontext():
        recipe = Recipe(**{**base, **params.change})
    compute = Compute.from_job(snakemake)
    device = resolve(compute.device if recipe.model in BY_STEPS else "cpu")
    denoiser = denoisers.load(given.denoiser[0], device) if given.denoiser else None
    network = Network.of(params.training.get("network", {}))
    if recipe.model == "vit":
        network = network.as_in(snakemake.config.get("network", {}), "training.checkpoint_seconds")
    projection = Projection.of(params.training.get("projection", {}))
    if recipe.model == "projection":
        projection = projection.as_in(snakemake.config.get("projection", {}), "training.checkpoint_seconds")
    setting = RunSetting(
        seed=params.seed,
        seed_number=int(snakemake.wildcards.seed),
        train_size=params.training["train_size"],
        test_size=params.training["test_size"],
        alphas=tuple(params.training.get("alphas", ())),
        lightgbm=LightGBMConfig.of(params.training.get("lightgbm", {})),
        protocol=Protocol.of(params.protocol),
        bootstrap=Bootstrap.of(params.bootstrap),
        observation=Observation.of(params.observation),
        network=network,
        code=training_code(recipe) + (denoiser.identity if denoiser else ""),
        projection=projection,
    )
    members = read_members(given.members, given.snr)
    sensitivity = read_parquet(given.sensitivity[0]) if given.sensitivity else None
    pixels = read_parquet(given.pixels[0], ("wave", "error_mean")) if given.pixels else None
    posteriors = optimal(
        read_parquet(given.bayes, ("id", "mean", "var", "truth")), members, params.bayes["min_reached"]
    )
    folder = Path(snakemake.output[0]).parent
    store, simulate = Store(given.manifest), None
    if recipe.training_spectra == "simulated":
        data, labels = Data.of(params.data), TARGETS if recipe.heads != "single" else TARGETS[:1]
        require_same(build(data, params.seed, Compute(threads=1, device="cpu")), store.source, given.manifest)
        simulate = Stream(data, params.seed, labels)
    needed = Given(store, members, sensitivity, pixels, denoiser, simulate)
    run(needed, recipe, setting, compute, folder, state_of(folder), posteriors)
