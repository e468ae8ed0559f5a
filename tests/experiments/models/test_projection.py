"""Projections as a kind of model: a toy whose posterior mean is known, masks, heads, channels, and resuming."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from logg1m import noise
from logg1m.bounds.efficiency import efficiency, is_leak
from logg1m.config.bounds import Bootstrap
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.config.networks import Network
from logg1m.config.projection import Projection
from logg1m.experiments import data, evaluate, reading
from logg1m.experiments.models import features, projection, supervised
from logg1m.experiments.task import Fitted, RunSetting, Task
from logg1m.files import InputError
from logg1m.nn.streaming import StreamedFeed
from tests.toys import ONE

SEED = 20251222
TRAINING = {"epochs": 40, "batch_size": 256, "learning_rate": 5e-3, "ema": 0.98}
SMALL = Projection(width=64, depth=2, training=TRAINING)


class Linear:
    """Flux linear in normal labels, beside noise whose level differs from star to star and from pixel to pixel: the
    posterior is a Gaussian in closed form. Implements what a run needs of a store."""

    n_pixels, chunk_rows, n_spectra = 128, 1024, 6_000

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.values = rng.standard_normal((self.n_spectra, 3))
        self.design = 0.1 * (rng.standard_normal((3, self.n_pixels)) + 0.5 * rng.standard_normal(self.n_pixels))
        self.wave = np.linspace(7100, 7200, self.n_pixels)
        self.flux = (1 + self.values @ self.design).astype(np.float32)
        per_pixel = np.where(rng.uniform(size=self.n_pixels) < 0.1, 20.0, 1.0) * rng.uniform(0.5, 2, self.n_pixels)
        self.error = (rng.uniform(0.2, 1.5, (self.n_spectra, 1)) * per_pixel).astype(np.float32)
        self.table = pd.DataFrame(self.values, columns=["logg", "teff", "m_h"])
        self.manifest = {"store_id": "linear"}
        self.n_chunks = -(-self.n_spectra // self.chunk_rows)

    def labels(self) -> pd.DataFrame:
        return self.table

    def rows(self, chunk: int) -> tuple[int, int]:
        return chunk * 1024, min((chunk + 1) * 1024, self.n_spectra)

    def size(self, chunk: int) -> int:
        low, high = self.rows(chunk)
        return high - low

    def read(self, chunk: int, name: str) -> np.ndarray:
        return getattr(self, name)[slice(*self.rows(chunk))]

    def posteriors(self, ids: np.ndarray) -> pd.DataFrame:
        """Exact mean and variance of the first label given the noisy spectrum with draw 0 and its own error."""
        normal = noise.normal(SEED, torch.as_tensor(ids), self.n_pixels).double().numpy()
        means, variances = [], []
        for k, row in zip(ids, normal):
            weight = self.design / self.error[k].astype(np.float64) ** 2
            covariance = np.linalg.inv(np.eye(3) + weight @ self.design.T)
            means.append((covariance @ weight @ (self.flux[k] - 1 + self.error[k] * row))[0])
            variances.append(covariance[0, 0])
        return pd.DataFrame({"id": ids, "truth": self.values[ids, 0], "mean": means, "var": variances})


class Masked(Linear):
    """The same with a third of the pixels of every star masked over anything at all."""

    def __init__(self, under: float) -> None:
        super().__init__()
        mask = np.random.default_rng(5).uniform(size=self.flux.shape) < 0.3
        self.error = np.where(mask, np.float32(under), self.error)
        self.flux = np.where(mask, np.float32(under), self.flux)
        self.mask = mask.astype(np.uint8)
        sums = {"mask": ["masked"] * self.n_chunks}
        self.manifest = {"store_id": "masked", "arrays": {"mask": "uint8"}, "crc32c": sums}


class Stars:
    """Blocks of stars like those of `Linear`, that are in no store."""

    block = 250

    def __init__(self) -> None:
        self.like = Linear()

    def ids(self, number: int) -> np.ndarray:
        return 10**6 + np.arange(number * self.block, (number + 1) * self.block)

    def __call__(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values = noise.uniform(SEED, noise.Stream.LABELS, self.ids(number), 4)
        labels = np.sqrt(12) * (values[:, :3] - 0.5)
        some = self.ids(number) % self.like.n_spectra
        return (
            (1 + labels @ self.like.design).astype(np.float32),
            self.like.error[some],
            labels[:, :1].astype(np.float32),
        )


class Here(StreamedFeed):
    """The same batches, simulated in this process."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments, ahead=False)


def task_of(store, state, shape: Projection = SMALL, train: int = 4_000, **recipe) -> Task:
    recipe = Recipe(model="projection", **{"components": 8, "residual_levels": 4} | recipe)
    ids = noise.permutation(SEED, store.n_spectra)
    fit = train - 200
    rows = data.Rows(ids[:fit], ids[fit:train], ids[4_000:5_500], draw=1)
    view = data.View(recipe, np.ones(store.n_pixels, dtype=bool), Observation(), SEED, 1.0)
    prepare = data.Preparation(store, view, store.labels(), rows.fit, ONE, torch.device("cpu"))
    names = ["logg", "teff", "m_h"] if recipe.heads != "single" else ["logg"]
    settings = RunSetting(
        SEED, 0, train, 1_500, (), None, None, Bootstrap(resamples=100), Observation(), Network(), "test", shape
    )
    return Task(store, rows, prepare, recipe, settings, store.labels()[names].to_numpy(), None, state, ONE, "toy")


def predictions(task: Task) -> tuple[pd.DataFrame, Fitted]:
    found = projection.fit(task)
    with reading.Room(task.state) as room:
        spectra = evaluate.read(task, room, {"test": task.rows.test})["test"]
    return evaluate.predict(task, found, task.rows.test, spectra), found


def quick(epochs: int = 2) -> Projection:
    return SMALL.model_copy(update={"training": SMALL.training.model_copy(update={"epochs": epochs})})


@pytest.mark.slow
def test_it_reaches_the_posterior_mean_and_nothing_beats_it(tmp_path):
    store = Linear()
    table, found = predictions(task_of(store, tmp_path))
    posteriors = store.posteriors(table["id"].to_numpy())
    assert posteriors["var"].mean() > 0.05  # there is something to lose
    measured = efficiency(posteriors, table, Bootstrap(resamples=400), SEED)
    assert measured["excess"]["value"] < 0.05
    assert not is_leak(measured)
    assert measured["efficiency"]["value"] > 0.93
    assert found.chosen["components"] == 8


@pytest.mark.slow
def test_every_part_of_the_method_brings_something(tmp_path):
    """Without weights sky lines drown the rest; without residual levels a star's noise is not known; random directions
    miss what the spectra vary in."""
    store = Linear()
    found = {}
    for name, change in {"whole": {}, "unweighted": {"pixel_weights": "none"}, "random": {"basis": "random"}}.items():
        table, _ = predictions(task_of(store, tmp_path / name, **change))
        measured = efficiency(store.posteriors(table["id"].to_numpy()), table, Bootstrap(resamples=100), SEED)
        found[name] = measured["excess"]["value"]
    assert found["unweighted"] > 3 * found["whole"]
    assert found["random"] > 3 * found["whole"]


def test_weights_are_those_of_the_errors_and_of_anything_else_those_of_the_noise_in_it(tmp_path):
    store = Linear()
    task = task_of(store, tmp_path)
    raw = store.flux[task.rows.fit], store.error[task.rows.fit]
    expected = 1 / np.sqrt((store.error[task.rows.fit].astype(np.float64) ** 2).mean(axis=0))
    np.testing.assert_allclose(features.subspace(task, raw).weights, expected, rtol=1e-4)
    other = task_of(store, tmp_path, channels=("flux", "derivative"))
    found = features.subspace(other, raw).weights.reshape(2, -1)
    np.testing.assert_allclose(found[0], expected, rtol=0.06)  # from one draw of 3,800 spectra
    assert (found[1] > 0).all()


def test_the_masked_share_is_no_measurement_and_has_no_weight(tmp_path, monkeypatch):
    from logg1m.spectra import masks

    monkeypatch.setattr(masks, "_sum_of_zeros", lambda *_: "nothing is masked")
    store = Masked(1e9)
    task = task_of(store, tmp_path, channels=("flux", "masked_share"))
    task, raw = replace(task, rows=replace(task.rows, fit=np.arange(500))), data.measured(store, 0, np.arange(500))
    weights = features.subspace(task, raw).weights.reshape(2, -1)
    assert not weights[1].any()
    assert (weights[0] > 0).all()
    found, x = features.of(task, raw), task.prepare.rows(0, np.arange(600, 700), 0).reshape(100, 2, 128)
    assert np.isnan(x[:, 0]).any()
    other = x.copy()
    other[:, 1] = 1 - x[:, 1]
    assert torch.equal(found(torch.as_tensor(x)), found(torch.as_tensor(other)))


@pytest.mark.slow
def test_masked_pixels_are_not_seen_and_cost_what_they_hold(tmp_path, monkeypatch):
    from logg1m.spectra import masks

    monkeypatch.setattr(masks, "_sum_of_zeros", lambda *_: "nothing is masked")
    tables = [predictions(task_of(Masked(under), tmp_path / str(under)))[0] for under in (1e-6, 1e9)]
    assert tables[0].equals(tables[1])
    complete, _ = predictions(task_of(Linear(), tmp_path / "complete"))
    lost, full = (((t["predicted"] - t["truth"]) ** 2).mean() for t in (tables[0], complete))
    posteriors = Linear().posteriors(complete["id"].to_numpy())
    assert full < lost < 2 * full
    assert lost > posteriors["var"].mean()


@pytest.mark.parametrize("change", [{"windows": "lines"}, {"normalisation": "median"}, {"residual_levels": 0},
                                    {"heads": "multi_equal"}, {"components": 500}], ids=str)  # fmt: skip
def test_recipes_that_it_supports(tmp_path, change):
    table, found = predictions(task_of(Linear(), tmp_path, quick(), train=1_000, **change))
    assert np.isfinite(table["predicted"]).all()
    assert ("predicted_teff" in table) == ("heads" in change)
    assert found.chosen["components"] <= 128


@pytest.mark.slow
def test_a_gaussian_likelihood_says_its_uncertainty(tmp_path):
    store = Linear()
    table, _ = predictions(task_of(store, tmp_path, objective="gaussian_nll"))
    truth = store.posteriors(table["id"].to_numpy())
    assert np.median(table["sigma"] / np.sqrt(truth["var"])) == pytest.approx(1, abs=0.07)
    inside = (np.abs(table["predicted"] - table["truth"]) < table["sigma"]).mean()
    assert inside == pytest.approx(0.683, abs=0.04)


def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(tmp_path, interrupted):
    store = Linear()
    whole = projection.fit(task_of(store, tmp_path / "whole", quick()))
    interrupted(lambda: projection.fit(task_of(store, tmp_path / "parts", quick())), 20)
    resumed = projection.fit(task_of(store, tmp_path / "parts", quick()))
    assert whole.history == resumed.history
    for name, values in whole.tensors.items():
        assert np.array_equal(values, resumed.tensors[name]), name


def test_another_size_is_another_training(tmp_path):
    first = projection.fit(task_of(Linear(), tmp_path, quick()))
    second = projection.fit(task_of(Linear(), tmp_path, quick().model_copy(update={"width": 32})))
    assert first.tensors["head.weight"].shape != second.tensors["head.weight"].shape


def test_a_fit_does_not_look_at_the_test(tmp_path):
    task = task_of(Linear(), tmp_path / "a", quick(), train=1_000)
    nowhere = replace(task, rows=replace(task.rows, test=np.array([10**9])), state=tmp_path / "b")
    assert projection.fit(nowhere).history == projection.fit(task).history


def test_simulated_stars_are_counted_and_it_goes_on_among_them_bit_for_bit(tmp_path, monkeypatch, interrupted):
    monkeypatch.setattr(supervised, "StreamedFeed", Here)
    simulated = {"training_spectra": "simulated", "draws_per_star": 2, "supervised_epochs_factor": 2}

    def task(name: str) -> Task:
        return replace(task_of(Linear(), tmp_path / name, quick(), **simulated), simulate=Stars())

    table, found = predictions(task("whole"))
    assert [row["stars"] for row in found.history] == [2_000, 4_000, 6_000, 8_000]  # 14 steps of 7 per window and draw
    assert 1 - ((table["predicted"] - table["truth"]) ** 2).mean() > 0.3
    interrupted(lambda: projection.fit(task("parts")), 20)
    resumed = projection.fit(task("parts"))
    assert resumed.history == found.history


def test_simulated_stars_are_refused_where_they_cannot_be_had(tmp_path):
    with pytest.raises(InputError, match="needs a source that simulates"):
        projection.fit(task_of(Linear(), tmp_path, quick(), training_spectra="simulated"))
    with pytest.raises(ValueError, match="train_on = 'low_noise'"):
        task_of(Linear(), tmp_path, quick(), training_spectra="simulated", train_on="low_noise")
