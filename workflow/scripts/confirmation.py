"""What was accepted, and the winner, on stars that chose nothing."""

from pathlib import Path

from logg1m.bounds.comparison import largest_of_each
from logg1m.config.baselines import LightGBMConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.config.experiments import Experiment, Recipe
from logg1m.config.networks import Network
from logg1m.config.projection import Projection
from logg1m.config.protocol import Protocol
from logg1m.experiments import confirmation, fresh, looks, scales
from logg1m.experiments.confirmation import Saved
from logg1m.experiments.judging.confirming import accepted
from logg1m.experiments.models import BY_STEPS
from logg1m.experiments.task import Given, RunSetting, Task
from logg1m.files import InputError, read_json, read_parquet, write_json
from logg1m.jobs.device import resolve
from logg1m.jobs.frame import job
from logg1m.nn import denoisers
from logg1m.protocol.members import read_members
from logg1m.protocol.pools import Pools, simulates
from logg1m.results.run import PREDICTIONS
from logg1m.sources import build
from logg1m.spectra.store import Store

COLUMNS = ("id", "truth", "predicted")

with job(snakemake):
    params, given, compute = snakemake.params, snakemake.input, Compute.from_job(snakemake)
    store, members = Store(given.manifest), read_members(given.members, given.snr)
    protocol, bootstrap, data = Protocol.of(params.protocol), Bootstrap.of(params.bootstrap), Data.of(params.data)
    pools = Pools.of(store, params.seed, protocol)
    if simulates(data.source):
        source, threshold = build(data, params.seed, compute), read_json(given.protocol)["low_noise"]["threshold"]
        asked = fresh.simulated(source, source.describe(), params.size, threshold, compute)
    else:
        asked = fresh.set_aside(store, pools, members, params.size, compute)
    sensitivity, pixels = read_parquet(given.sensitivity), read_parquet(given.pixels, ("wave", "error_mean"))

    def task_of(saved: Saved, number: int) -> Task:
        """What a run was fitted to."""
        recipe = Recipe.of(saved.recipe)
        device = resolve(compute.device if recipe.model in BY_STEPS else "cpu")
        denoiser = None
        if recipe.denoiser != "none":
            wanted = Path("results/denoisers") / recipe.denoiser / f"seed_{number}"
            path = next((p for p in map(Path, given.denoisers) if p.parent == wanted), None)
            if path is None:
                raise InputError(f"{saved.run} was trained with a denoiser that is not in {wanted}: run it again")
            denoiser = denoisers.load(str(path), device)
        training = params.training[recipe.model]
        setting = RunSetting(
            seed=params.seed,
            seed_number=number,
            train_size=training["train_size"],
            test_size=training["test_size"],
            alphas=(),
            lightgbm=LightGBMConfig.of(training.get("lightgbm", {})),
            protocol=protocol,
            bootstrap=bootstrap,
            observation=data.observation,
            network=Network.of(training.get("network", {})),
            code="",
            projection=Projection.of(training.get("projection", {})),
        )
        about = Given(store, members, sensitivity, pixels, denoiser)
        return Task.of(about, recipe, setting, compute, Path("results/.state"), f"confirmation {saved.run}")

    def saved_in(run: str, judge: str, variant: str = "") -> Saved:
        folders = (Path("results") / run / f"seed_{k}" for k in range(params.seeds[judge]))
        return Saved(variant or run, run, tuple(folders))

    found, looked = {}, {}
    for path in given.verdicts:
        key = Path(path).parent.name
        verdict, experiment = read_json(path, ("variants",)), Experiment.of(params.experiments[key])
        if accepted(verdict):
            every = [saved_in(params.runs[key][name], key, name) for name in verdict["variants"]]
            judged = (params.seed_scatter, bootstrap, params.seed)
            found[key] = confirmation.of_experiment(experiment, verdict, every, task_of, asked, *judged)
            looked |= {f"{each.run}, {len(each.models)}": looks.fingerprint(each.recipe, each.models) for each in every}
    best, winner = read_json(given.winner, ("model",))["model"], None
    classical = {}
    for path in map(Path, given.classical):
        tables = largest_of_each(read_parquet(path, ("model", "scale", *COLUMNS)))[0]
        classical |= {name: (table, path.with_suffix(".safetensors")) for name, table in tables.items()}
    if best in classical:
        table, path = classical[best]
        if best == scales.NAME:
            shape, size = Projection.of(params.projection), int(table["scale"].iloc[0])
            task = scales.task_at(store, size, protocol, shape, params.seed, compute, Path("results/.state"))
            on_fresh = [confirmation.ask(task, path, asked)[0]]
        else:
            on_fresh = [confirmation.ask_classical(best, path, asked, params.seed, protocol.noise_level)]
        on_test = [table]
        looked[best] = looks.fingerprint({}, [path])
    elif best is not None:
        saved = saved_in(best, "winner")
        on_fresh = [confirmation.ask(task_of(saved, k), path, asked)[0] for k, path in enumerate(saved.models)]
        on_test = [read_parquet(folder / PREDICTIONS, COLUMNS) for folder in saved.folders]
        looked[best] = looks.fingerprint(saved.recipe, saved.models)
    if best is not None:
        winner = {"model": best} | confirmation.of_winner(on_fresh, on_test, asked, members, bootstrap, params.seed)
    write_json(
        snakemake.output[0],
        {
            "stars": {
                "from": asked.origin,
                "n": len(asked.ids),
                "n_low_noise": int(asked.members["low_noise"].sum()),
                "first_id": int(asked.ids[0]),
            },
            "looks": looks.count(Path("results/.history"), asked.identity, looked),
            "experiments": found,
            "winner": winner,
        },
    )
