"""Arms together and other arms: a folder in BOSZ format that reaches all of them, against plain numpy."""

import functools
import gzip
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from toys import ONE

from logg1m.bounds import fisher
from logg1m.config.bayes import BayesConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.data import Data
from logg1m.config.files_sources import BoszConfig
from logg1m.config.forecast import Forecast
from logg1m.forecast.make import levers_part
from logg1m.forecast.other_arms import choices
from logg1m.forecast.reweighted import posteriors_part
from logg1m.forecast.scene import Scene, Setting
from logg1m.observe import Observer, StellarGrid
from logg1m.observe.arms import TABLE, Arm
from logg1m.observe.pfs import REFERENCE_TABLE
from logg1m.observe.survey import Columns
from logg1m.sources.bosz.fetch import file_name
from logg1m.sources.bosz.source import WAVE, BoszSource, wavelengths

ARMS = ("b", "m", "n")
NODES = {
    "teff": (4500.0, 5000.0),
    "logg": (2.0, 3.0),
    "m_h": (-0.5, 0.0),
    "a_m": (0.0, 0.25),
    "c_m": (-0.25, 0.0),
}
SCALE = np.array([500.0, 1.0, 0.5, 0.25, 0.25])
STAR = np.array([4700.0, 2.4, -0.3, 0.1, -0.1])
POWER = 20_000.0
WIDTH = 1.0  # Å, σ of every line
TRIPLET = (8500.35, 8544.44, 8664.52)
LINES = np.random.default_rng(8).uniform(3780, 12_620, (5, 150))  # of every label
C = 2.99792458e18


def lines(wave: np.ndarray, sigma: np.ndarray | float, places: np.ndarray | tuple[float, ...]) -> np.ndarray:
    """Gaussians of the same area, (n,)."""
    broad = np.sqrt(WIDTH**2 + np.square(sigma))
    total = np.zeros(len(wave))
    for place in places:
        near = np.abs(wave - place) < 8
        width = np.broadcast_to(broad, wave.shape)[near]
        total[near] += np.exp(-0.5 * ((wave[near] - place) / width) ** 2) / width
    return total


def shapes(wave: np.ndarray, sigma: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """ln F at the middle of the box (n,), and its change per scaled label (5, n)."""
    each = np.stack([-0.15 * lines(wave, sigma, places) for places in LINES])
    each[0] += (wave - 8000) / 20_000
    return -0.4 * lines(wave, sigma, TRIPLET) - 0.3 * (wave - 8000) / 8000, each


def scaled(labels: np.ndarray) -> np.ndarray:
    return (np.asarray(labels) - [4750, 2.5, -0.25, 0.125, -0.125]) / SCALE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bosz")
    wave = np.exp(np.arange(np.log(3700), np.log(12_700), 1 / (2 * POWER)))
    base, each = shapes(wave, wave / (2.3548 * POWER))
    for labels in itertools.product(*NODES.values()):
        flux = 1e6 * np.exp(base + scaled(np.array(labels)) @ each)
        path = root / file_name(labels, "r20000")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress("\n".join([f"{value:.8e} 1.0" for value in flux]).encode(), 1))
    (root / "bosz2024_wave_r20000.txt").write_text("\n".join(f"{value:.8e}" for value in wave))
    return root


def data_of(folder: Path, arms: tuple[str, ...] = ARMS, **observation: object) -> Data:
    priors = {name: [nodes[0], nodes[-1]] for name, nodes in NODES.items()}
    section = {"folder": str(folder), "grid_file": None}
    seen = {"arms": arms, "nuisances": {"amplitude": "free"}} | observation
    return Data.model_validate(
        {"source": "bosz", "n_spectra": 20, "bosz": section, "priors": priors, "observation": seen}
    )


@pytest.fixture(scope="module")
def source(folder: Path) -> BoszSource:
    return BoszSource(data_of(folder, mag=[18.0, 18.2]), 3)


def pixels(name: str, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wavelengths and F_λ of an arm's pixels by plain quadrature over its line spread and every pixel."""
    arm = Arm.read(name)
    fine = np.arange(arm.wave[0] - 20, arm.wave[-1] + 20, 0.05)
    base, each = shapes(fine, 0.0)
    flux = np.exp(base + scaled(labels) @ each)
    within = np.mean(
        [gathered(fine, flux, arm.wave + shift * arm.pixel, arm.line_spread) for shift in (np.arange(9) - 4) / 9],
        axis=0,
    )
    return arm.wave, within


def gathered(fine: np.ndarray, flux: np.ndarray, at: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    reach = int(6 * sigma.max() / 0.05)
    place = np.rint((at - fine[0]) / 0.05).astype(int)[:, None] + np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * ((fine[place] - at[:, None]) / sigma[:, None]) ** 2)
    return np.asarray((kernel * flux[place]).sum(axis=1) / kernel.sum(axis=1))


@functools.cache
def normalised(labels: tuple[float, ...]) -> tuple[dict[str, np.ndarray], float]:
    """Flux of every arm with one normalisation, and F_λ (erg/s/cm²/Å) per unit of it at i = 20."""
    seen = {name: pixels(name, np.array(labels)) for name in ARMS}
    middle = np.median(np.concatenate([flux for _, flux in seen.values()]))
    wave, red = seen["m"]
    band = np.clip((8600 - wave) / 200, 0, 1)
    f_nu = (red * wave * band).sum() / (C * (band / wave).sum())
    return {name: 0.5 * flux / middle for name, (_, flux) in seen.items()}, 10 ** (-0.4 * 68.6) / f_nu * middle / 0.5


def information(name: str) -> np.ndarray:
    """Fisher information (6, 6) of one arm's pixels on labels and amplitude, 12 × 900 s at i = 20: finite differences and the
    formula of the noise."""
    a, q, dark = {"b": (0.752, 1.0, 2e-4), "m": (1.015, 1.0, 1e-4), "n": (2.694, 1.2, 1e-2)}[name]
    table = pd.read_csv(REFERENCE_TABLE if name == "m" else TABLE, comment=None if name != "m" else "#")
    table = table if name == "m" else table[table["arm"] == name]
    conv, sky = table["electrons_per_fnu_cgs"].to_numpy(), table["sky_electrons"].to_numpy()
    around = np.pad(sky, 1)
    brightest = np.max([around[:-2], around[1:-1], around[2:]], axis=0)
    noise = a * (q * sky + 1e-4 * 12 * brightest**2 + 0.015 * q * sky.mean() + 5 * (dark * 900 * q + 16))
    flux, scale = normalised(tuple(STAR))
    per_unit = conv * Arm.read(name).wave ** 2 / C * scale
    error = np.sqrt((q * per_unit * flux[name] + noise) / 12) / per_unit
    slopes = []
    for k, unit in enumerate(SCALE):
        step = np.zeros(5)
        step[k] = 1e-4 * unit
        up, down = (normalised(tuple(STAR + sign * step))[0][name] for sign in (1, -1))
        slopes.append((up - down) / (2e-4 * unit))
    weighted = np.array([*slopes, flux[name]]) / error
    return weighted @ weighted.T


def without_amplitude(known: np.ndarray) -> np.ndarray:
    """On the labels alone, of which it is the Schur complement: what the median of a spectrum does to its derivatives, which
    pixels far apart may decide, is then no matter."""
    return known[:5, :5] - np.outer(known[:5, 5], known[5, :5]) / known[5, 5]


@pytest.mark.slow
def test_information_of_arms_together_is_the_sum_over_arms_of_an_independent_calculation(source: BoszSource) -> None:
    observer = Observer(source.grid, source.data.observation, dtype=torch.float64)
    assert observer.wave.shape == (3 * 4096,)
    scene = Scene.of(observer, STAR[None], Columns(source.data.observation.nuisances, observer.wave))
    found = scene.seen(Setting(20.0, 12))[0]
    each = {name: information(name) for name in ARMS}
    expected = without_amplitude(sum(each.values()))
    size = np.outer(np.sqrt(np.diag(expected)), np.sqrt(np.diag(expected)))
    np.testing.assert_allclose(found / size, expected / size, atol=0.02)
    error = scene.error(scene.parts(Setting(20.0, 12).conditions()), 12)
    for k, part in enumerate(each.values()):
        own = observer.arm.owner == k
        alone = scene.marginalised(fisher.fisher_information(scene.jacobian[:, :, own], error[:, own]))[0]
        np.testing.assert_allclose(alone / size, without_amplitude(part) / size, atol=0.02)


@pytest.mark.slow
def test_levers_say_what_each_arm_is_worth_where_the_files_reach_it(source: BoszSource) -> None:
    config = Forecast(lever_stars=4, at_magnitude=20.0)
    found = levers_part(source, {"full": np.arange(4)}, config, Bootstrap(resamples=100), 1.0, 1e10)
    rows = {row["lever"]: row for row in found["subsets"]["full"]["rows"]}
    assert {key: rows[key]["words"] for key in ("low_resolution", "without_b", "without_n")} == {
        "low_resolution": "red arm at low resolution, not medium",  # all of it: no lower bound
        "without_b": "without the blue arm",
        "without_n": "without the near-infrared arm",
    }
    assert rows["without_b"]["mse"]["value"] > 0
    assert rows["without_n"]["mse"]["value"] > 0
    assert {(row["star"], row["lever"]) for row in found["arms"]} == {
        ("clump+0.0", lever) for lever in ("low_resolution", "without_b", "without_n")
    }
    red = BoszSource(data_of(Path(source.data.bosz.folder), ("m",), mag=[18.0, 18.2]), 3)
    alone = levers_part(red, {"full": np.arange(4)}, config, Bootstrap(resamples=100), 1.0, 1e10)
    np.testing.assert_array_equal(red.grid.wave, WAVE)
    assert {row["lever"] for row in alone["arms"]} == {"low_resolution"}  # nothing is claimed of b and n
    before = found["subsets"]["full"]["base"]["mse"]["value"]
    assert before < alone["subsets"]["full"]["base"]["mse"]["value"]


@pytest.mark.slow
def test_posteriors_see_all_arms(source: BoszSource) -> None:
    """Of bright stars they are as wide as the bound with the prior says."""
    config = Forecast(posterior_stars=3, library=1024, teff_priors=(50.0,), m_h_priors=())
    bayes = BayesConfig(target_ess=300, min_ess=50, max_iterations=20)
    part = posteriors_part(source, np.arange(3), config, bayes, Bootstrap(resamples=100), ONE, 1.0)
    exact = source.derivatives(np.arange(3))
    columns = Columns(source.data.observation.nuisances, source.wave)
    slopes = fisher.with_nuisances(exact.d_flux.numpy(), exact.flux.numpy(), columns)
    known = fisher.marginalised(fisher.fisher_information(slopes, exact.error.numpy()), columns)
    ranges = fisher.prior_ranges(source.data.priors.model_dump())
    bound = np.square(fisher.bounds(known, ranges, 1e10)["sigma_prior"]).mean()
    assert part["photometry"]["n"] == 3
    assert part["photometry"]["base"]["mse"]["value"] == pytest.approx(bound, rel=0.35)


def test_a_grid_is_made_for_the_arms_as_far_as_the_files_reach() -> None:
    far = (500.0, 320_000.0)
    np.testing.assert_array_equal(wavelengths(("m",), *far), WAVE)
    for arms in (("m", "n"), ("b", "m", "n"), ("r",), ("b", "r")):
        wave = wavelengths(arms, *far)
        assert all(Arm.read(name).reached(wave[0], wave[-1]).all() for name in arms)
        assert np.isin(np.round(WAVE, 4), np.round(wave, 4)).all()
        np.testing.assert_allclose(np.diff(wave), 0.2)
    cut = wavelengths(("b", "m", "n"), 5000.0, 10_000.0)
    assert 5006 <= cut[0] < 5006.3
    assert 9993.7 < cut[-1] <= 9994
    np.testing.assert_array_equal(wavelengths(("b", "m"), 7078.0, 8876.0), WAVE)


def test_only_arms_that_a_grid_reaches_are_offered(grid: StellarGrid) -> None:
    near = [(c.arms, c.key) for c in choices(("m",), grid.wave[0], grid.wave[-1])]
    assert near == [(("r",), "low_resolution")]
    wide = {c.key: c for c in choices(("m",), 3700, 12_700)}
    assert [*wide] == ["low_resolution", "with_b", "with_n"]
    assert wide["with_b"].arms == ("m", "b")
    assert not any("lower bound" in c.words for c in wide.values())
    part = {c.key: c.words for c in choices(("b", "m"), 5000, 10_000)}
    assert [*part] == ["low_resolution", "without_b", "with_n"]
    assert part["with_n"].startswith("the near-infrared arm as well, over 9")
    assert part["with_n"].endswith("Å alone: a lower bound for that arm")
    (back,) = choices(("r",), grid.wave[0], grid.wave[-1])
    assert back.key == "medium_resolution"


def test_kept_grids_of_other_arms_are_not_taken_for_these(tmp_path: Path) -> None:
    from logg1m.sources.bosz.source import _identity

    (tmp_path / "x").mkdir()
    config = BoszConfig(folder=str(tmp_path / "x"))
    nodes = {name: np.array(values) for name, values in NODES.items()}
    made = {arms: _identity(config, nodes, arms) for arms in (("m",), ("b", "m"), ("m", "b"), ("b", "m", "n"))}
    assert made[("b", "m")] == made[("m", "b")]
    assert len(set(made.values())) == 3
