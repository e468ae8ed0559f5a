"""Measures of a denoiser at the ends of the scale: a copy, the mean spectrum, the truth, and halves between them."""

import numpy as np
import pandas as pd
import pytest

from logg1m.config.bounds import Bootstrap
from logg1m.experiments.denoising.quality import Trial, equivalent_width, examples, measure, profile
from logg1m.observe.lines import FEATURES
from logg1m.observe.pfs import PIXEL_SIZE, WAVE

FEW = Bootstrap(resamples=100)
CA = next(f for f in FEATURES if f.name == "Ca II 8542")


@pytest.fixture(scope="module")
def trial() -> Trial:
    """300 flat spectra with Gaussian lines whose depths differ from star to star."""
    rng = np.random.default_rng(3)
    flux = np.full((300, len(WAVE)), 0.5)
    for feature in FEATURES:
        shape = np.exp(-(((WAVE - feature.vacuum) / 2) ** 2) / 2)
        flux -= 0.5 * rng.uniform(0.1, 0.5, (300, 1)) * shape
    error = np.broadcast_to(np.where(np.arange(len(WAVE)) % 10 == 0, 0.5, 0.05), flux.shape)
    noisy = flux + error * rng.standard_normal(flux.shape)
    sky = error[0] > 0.1
    regions = {"sky lines": sky, "between sky lines": ~sky}
    made = (flux, error, noisy, flux.mean(axis=0), rng.random(300) < 0.4, np.arange(300), WAVE, regions)
    return Trial(*(np.asarray(a, dtype=np.float32) if k < 4 else a for k, a in enumerate(made)))  # type: ignore[arg-type]


def test_a_copy_keeps_all_noise_and_gains_nothing(trial):
    found = measure(trial.noisy, trial, FEW, 1)
    for row in found["regions"]:
        assert row["snr_gain"]["value"] == pytest.approx(1)
        assert row["noise_kept"] == pytest.approx(1)
        assert row["signal_kept"] == pytest.approx(1, abs=0.2)
    assert found["failures"]["copies_its_input"]
    assert not found["failures"]["smooths_lines_away"]


def test_the_mean_spectrum_keeps_no_noise_and_no_line(trial):
    found = measure(np.broadcast_to(trial.mean, trial.flux.shape), trial, FEW, 1)
    for row in found["regions"]:
        assert row["noise_kept"] == pytest.approx(0, abs=0.02)
        assert row["signal_kept"] == pytest.approx(0, abs=1e-6)
        assert row["snr_gain"]["value"] == pytest.approx(row["snr_gain_of_mean"])
    assert all(row["strength_kept"] == pytest.approx(0, abs=1e-3) for row in found["lines"])
    assert found["failures"]["smooths_lines_away"]
    assert not found["failures"]["copies_its_input"]


def test_half_of_the_noise_and_half_of_the_signal_are_told_apart(trial):
    half_noise = measure(trial.flux + 0.5 * (trial.noisy - trial.flux), trial, FEW, 1)
    half_signal = measure(trial.mean + 0.5 * (trial.flux - trial.mean), trial, FEW, 1)
    for a, b in zip(half_noise["regions"], half_signal["regions"]):
        assert a["snr_gain"]["value"] == pytest.approx(2)
        assert a["noise_kept"] == pytest.approx(0.5)
        assert b["signal_kept"] == pytest.approx(0.5)
        assert b["noise_kept"] == pytest.approx(0, abs=0.02)
    assert all(row["strength_kept"] == pytest.approx(0.5, abs=0.05) for row in half_signal["lines"])


def test_gain_is_told_apart_by_region_and_subset(trial):
    sky = trial.regions["sky lines"]
    found = measure(np.where(sky, trial.flux + 0.1 * (trial.noisy - trial.flux), trial.noisy), trial, FEW, 1)
    gains = {(row["subset"], row["region"]): row["snr_gain"]["value"] for row in found["regions"]}
    for subset in ("low_noise", "full"):
        assert gains[subset, "sky lines"] == pytest.approx(10, rel=1e-3)
        assert gains[subset, "between sky lines"] == pytest.approx(1)
    assert {row["n"] for row in found["regions"]} == {300, int(trial.low_noise.sum())}


def test_equivalent_width_of_a_box_line():
    distance = np.abs(WAVE - CA.vacuum)
    flux = np.where(distance <= 4, 0.25, 0.5)[None]
    expected = 0.5 * (distance <= 4).sum() * PIXEL_SIZE
    assert equivalent_width(flux, WAVE, CA)[0] == pytest.approx(expected)
    assert equivalent_width(3 * flux, WAVE, CA)[0] == pytest.approx(expected)


def test_profile_and_examples(trial):
    along = profile(trial.flux, trial)
    assert float(along["after"].max()) == 0.0
    np.testing.assert_allclose(along["before"], trial.error[0], rtol=0.25)
    table = examples(trial.flux, trial, np.arange(300.0))
    assert list(dict.fromkeys(table["snr"])) == [284.0, 150.0, 15.0]
    one = table[table["id"] == 150]
    pd.testing.assert_series_equal(one["denoised"], one["noise_free"], check_names=False)
