"""Figures of denoisers from artifacts as a denoiser leaves them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from logg1m.config.bounds import Bootstrap
from logg1m.experiments.denoising.quality import Trial, examples, measure, profile
from logg1m.experiments.extras import denoisers
from logg1m.experiments.regions import regions
from logg1m.figures import concentration
from logg1m.figures import denoisers as figures_of_denoisers
from logg1m.files import write_json, write_parquet
from logg1m.observe.pfs import WAVE


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    """Twenty spectra; the linear filter keeps half of the noise, the oracle a tenth."""
    rng = np.random.default_rng(1)
    pixels = pd.DataFrame({"wave": WAVE, "error_mean": rng.uniform(0.05, 0.5, len(WAVE))})
    flux = 0.5 + 0.1 * rng.standard_normal((20, 1)) * np.sin(WAVE / 50)
    error = np.broadcast_to(pixels["error_mean"].to_numpy(), flux.shape)
    noisy = flux + error * rng.standard_normal(flux.shape)
    trial = Trial(flux, error, noisy, flux.mean(axis=0), np.arange(20) < 8, np.arange(20), WAVE, regions(pixels))
    folder = tmp_path_factory.mktemp("denoisers") / "pca" / "seed_0"
    half, best = (flux + share * (noisy - flux) for share in (0.5, 0.1))
    few = Bootstrap(resamples=100)
    write_json(folder / "report.json", {**measure(half, trial, few, 1), "oracle": measure(best, trial, few, 1)})
    write_parquet(folder / "profile.parquet", profile(half, trial))
    write_parquet(folder / "examples.parquet", examples(half, trial, np.arange(20.0)))
    return SimpleNamespace(denoisers={"pca": folder}, pixels=pixels)


@pytest.fixture
def verdict(evidence):
    return {"id": "2.2", "title": "Denoising", "model": "vit", "outcome": "open", "reason": "", "n_test": 20,
            "n_test_low_noise": 8, "variants": {}, "extra": {"denoisers": denoisers.extra(evidence)}}  # fmt: skip


def test_table_holds_the_filter_and_the_oracle(verdict):
    table = verdict["extra"]["denoisers"]
    assert list(table) == ["pca", "oracle"]
    assert [row["snr_gain"]["value"] for row in table["oracle"]["regions"]] == pytest.approx([10] * 8)
    assert {row["n"] for row in table["pca"]["regions"]} == {8, 20}


def test_gain_figure_writes_what_it_draws(verdict, evidence, tmp_path):
    figures_of_denoisers.draw("denoiser_gain", verdict, evidence, tmp_path / "gain.png")
    values = pd.read_csv(tmp_path / "gain.csv")
    bars = values[values["what"].str.startswith("snr gain") & (values["denoiser"] == "pca")]
    np.testing.assert_allclose(bars["value"], 2.0)
    along = values[values["what"] == "gain along wavelength"]
    assert along["value"].between(1.8, 2.2).all()
    assert (tmp_path / "gain.png").stat().st_size > 10_000


def test_example_figure_shows_three_spectra(verdict, evidence, tmp_path):
    figures_of_denoisers.draw("denoiser_examples", verdict, evidence, tmp_path / "examples.png")
    values = pd.read_csv(tmp_path / "examples.csv")
    assert values["id"].nunique() == 3
    assert values["wave"].between(8470, 8700).all()


def test_concentration_shows_both_gains_and_their_difference(verdict, evidence, tmp_path):
    def estimate(value: float) -> dict:
        return {"value": value, "ci95": [value - 0.1, value + 0.1]}

    measured = {**estimate(0.2), "inside": estimate(0.3), "outside": estimate(0.1)}
    rules = [
        {"metric": "mae", "subset": "low_noise", "more_in": None, "improvement": estimate(0.1)},
        {"metric": "mae", "subset": "low_noise", "more_in": ["sky", "between"], "improvement": measured},
    ]
    verdict["variants"] = {"net": {"label": "net", "criteria": rules}, "raw": {"label": "raw"}}
    concentration.draw("concentration", verdict, evidence, tmp_path / "where.png")
    assert pd.read_csv(tmp_path / "where.csv")["value"].tolist() == [0.3, 0.1, 0.2]


@pytest.mark.parametrize("kind", ["denoiser_gain", "denoiser_examples", "concentration"])
def test_nothing_to_show_is_said(kind, verdict, tmp_path):
    module = concentration if kind == "concentration" else figures_of_denoisers
    module.draw(kind, verdict, SimpleNamespace(denoisers={}), tmp_path / "none.png")
    assert (tmp_path / "none.png").exists()
