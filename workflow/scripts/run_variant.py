"""Train and evaluate one variant of an experiment with one seed."""

from pathlib import Path

from logg1m.config.baselines import LightGBMConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.config.protocol import Protocol
from logg1m.experiments.run import Setting, run
from logg1m.files import read_json, read_parquet
from logg1m.job import job
from logg1m.members import read_members
from logg1m.store import Store

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    base = read_json(given.recipe[0])["recipe"] if given.recipe else params.recipe
    recipe = Recipe(**{**base, **params.change})
    setting = Setting(
        seed=params.seed,
        seed_number=int(snakemake.wildcards.seed),
        train_size=params.training["train_size"],
        test_size=params.training["test_size"],
        alphas=tuple(params.training.get("alphas", ())),
        lightgbm=LightGBMConfig(**params.training.get("lightgbm", {})),
        protocol=Protocol(**params.protocol),
        bootstrap=Bootstrap(**params.bootstrap),
        observation=Observation(**params.observation),
    )
    sensitivity = read_parquet(given.sensitivity[0]) if given.sensitivity else None
    members = read_members(given.members, given.snr)
    folder = Path(snakemake.output[0]).parent
    run(Store(given.manifest), members, sensitivity, recipe, setting, Compute.from_job(snakemake), folder)
