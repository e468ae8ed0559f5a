"""The error that an observer can estimate: near the true one, and blind to what only the simulator knows."""

import numpy as np
import pytest
import torch

from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.experiments.data import Preparation, View
from logg1m.observe.honest import HonestError, boxcar
from logg1m.observe.pfs import Conditions
from logg1m.protocol.pools import noisy_rows
from logg1m.spectra.store import Store

SEED = 3
CONDITIONS = ("mag", "seeing", "zenith_angle", "field_angle", "redshift")
IDS = np.arange(200)


@pytest.fixture(scope="module")
def seen(small_store) -> dict[str, np.ndarray]:
    """Noise-free flux, error and noisy flux of 200 spectra."""
    flux, error = small_store.read(0, "flux")[IDS], small_store.read(0, "error")[IDS]
    return {"flux": flux, "error": error, "noisy": noisy_rows(flux, error, IDS, SEED, 1.0, draw=0)}


@pytest.fixture(scope="module")
def estimate(small_store):
    """A function: noisy flux (B, P) of the first spectra → honest error (B, P)."""
    about = small_store.labels()
    model = HonestError(Observation(), torch.device("cpu"))

    def of(noisy: np.ndarray) -> np.ndarray:
        rows = about.loc[IDS[: len(noisy)]]
        conditions = Conditions(**{name: rows[name].to_numpy() for name in CONDITIONS})
        return model(torch.from_numpy(noisy), rows["flux_scale"].to_numpy(), conditions).numpy()

    return of


def test_honest_error_is_within_a_few_percent_of_the_true_one(estimate, seen):
    ratio = estimate(seen["noisy"]) / seen["error"]
    assert abs(np.median(ratio) - 1) < 0.01
    assert np.median(np.abs(ratio - 1)) < 0.03
    assert np.quantile(np.abs(ratio - 1), 0.95) < 0.15


def test_honest_error_of_every_spectrum_is_unbiased(estimate, seen):
    medians = np.median(estimate(seen["noisy"]) / seen["error"], axis=1)
    assert np.abs(medians - 1).max() < 0.1


class Disguised:
    """A store whose noise-free flux and error differ from another's, but whose noisy flux is the same."""

    def __init__(self, store: Store, noisy: np.ndarray) -> None:
        flux, error = store.read(0, "flux"), store.read(0, "error")
        self.arrays = {"flux": flux.copy(), "error": error * np.float32(0.9)}
        self.arrays["flux"][IDS] += np.float32(0.1) * (noisy - flux[IDS])
        self.rows, self.manifest = store.rows, store.manifest

    def read(self, chunk: int, name: str) -> np.ndarray:
        return self.arrays[name]


@pytest.mark.parametrize("source", ["honest", "simulator"])
def test_inputs_with_honest_error_know_nothing_but_the_noisy_flux(small_store, seen, source):
    labels, everything = small_store.labels(), np.ones(small_store.n_pixels, dtype=bool)
    recipe = Recipe(channels=("flux", "flux_over_error", "error"), error_source=source)
    made = []
    for store in (small_store, Disguised(small_store, seen["noisy"])):
        view = View(recipe, everything, Observation(), SEED, 1.0)
        prepare = Preparation(store, view, labels, IDS, Compute(threads=1), torch.device("cpu"))
        made.append(prepare.rows(0, IDS, draw=0))
    if source == "honest":
        np.testing.assert_allclose(made[0], made[1], rtol=1e-4, atol=1e-5)
    else:
        assert np.median(np.abs(made[1] / made[0] - 1)[:, small_store.n_pixels :]) > 0.05


def test_lines_of_the_star_are_smoothed_away(estimate, seen):
    """A change that the smoothing hides changes the error by next to nothing, unlike the simulator's error."""
    struck = seen["noisy"].copy()
    struck[:, 2000] += 0.5
    struck[:, 2001] -= 0.5
    change = np.abs(estimate(struck) / estimate(seen["noisy"]) - 1)
    assert np.median(change[:, 1950:2050]) < 1e-3


def test_negative_flux_gives_the_error_of_the_sky(estimate, seen):
    negative = estimate(np.full_like(seen["noisy"][:5], -1.0))
    np.testing.assert_allclose(negative, estimate(np.zeros_like(seen["noisy"][:5])))
    assert (negative > 0).all()


def test_boxcar_is_the_mean_over_its_width_and_over_less_at_the_edges():
    values = torch.rand(3, 100, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    smooth = boxcar(values, 11)
    for pixel in (0, 3, 50, 99):
        low, high = max(pixel - 5, 0), min(pixel + 6, 100)
        torch.testing.assert_close(smooth[:, pixel], values[:, low:high].mean(dim=1))
    torch.testing.assert_close(boxcar(torch.full((1, 60), 0.7), 51), torch.full((1, 60), 0.7))
