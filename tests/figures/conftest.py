"""What figures are drawn from, made; and one way to draw and look: a picture that is not empty, its values beside it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_evidence import PIXELS, evidence, judged

from logg1m.config.bounds import Bootstrap
from logg1m.experiments.anatomy import anatomy
from logg1m.experiments.denoising.quality import Trial, examples, measure, profile
from logg1m.experiments.extras import denoisers, extra
from logg1m.experiments.regions import regions
from logg1m.figures import catalogue, style
from logg1m.files import write_json, write_parquet
from logg1m.observe.pfs import WAVE
from logg1m.results.run import columns, empty

N = 2_000
REPORTS = ("robustness", "calibration", "mask_controls", "cross_talk", "attention_mass", "levels")


@pytest.fixture(autouse=True)
def drawn_fast(monkeypatch):
    """Without the layout that keeps labels apart, which takes most of the time of a figure."""
    for name, value in {"figure.constrained_layout.use": False, "figure.dpi": 60}.items():
        monkeypatch.setitem(plt.rcParams, name, value)


@pytest.fixture
def draw(tmp_path) -> Callable[..., pd.DataFrame]:
    """Draw a kind from what it asks for; gives the CSV beside a picture that shows something."""

    def drawn(kind: str, **given: object) -> pd.DataFrame:
        path = tmp_path / "figure.png"
        catalogue.draw(kind, given, path)
        picture = matplotlib.image.imread(path)
        assert min(picture.shape[:2]) > 60
        assert len(np.unique(picture[..., :3].reshape(-1, 3), axis=0)) > 10
        assert not list(path.parent.glob(".*"))
        return pd.read_csv(path.with_suffix(".csv"))

    return drawn


@pytest.fixture
def pictures(monkeypatch) -> list:
    """The figures that were saved, for what a picture and its CSV do not tell."""
    saved, save = [], style.save
    monkeypatch.setattr(style, "save", lambda figure, *rest: (saved.append(figure), save(figure, *rest)))
    return saved


@pytest.fixture(scope="session")
def made():
    """Evidence of four variants with known errors; the first two spectra of the store are flat but for noise."""
    rng = np.random.default_rng(5)
    found = evidence()
    gradients = {n: [t.assign(gradient=1 + rng.random(len(t))) for t in ts] for n, ts in found.gradients.items()}
    rows = {"flux": 0.5 + 0.1 * rng.standard_normal((2, PIXELS)), "error": np.full((2, PIXELS), 0.1)}
    read = lambda chunk, name: rows[name].astype(np.float32)  # noqa: E731
    store = SimpleNamespace(wave=found.store.wave, read=read, manifest={"arrays": dict.fromkeys(rows, "float32")})
    pixels = found.pixels.assign(error_mean=found.pixels["error_mean"] + 1e-3 * rng.random(PIXELS))
    return replace(found, gradients=gradients, store=store, pixels=pixels)


@pytest.fixture(scope="session")
def poor(made):
    """The same without what some figures show: no σ, no other labels, conditions, attention, derivatives, pretraining."""
    bare = {n: [t.drop(columns=["sigma", "predicted_teff"], errors="ignore") for t in ts] for n, ts in made.predictions.items()}  # fmt: skip
    return replace(
        made,
        predictions=bare,
        robustness={n: [t[["id"]].iloc[:0] for t in ts] for n, ts in made.robustness.items()},
        attention={n: [t.iloc[:0] for t in ts] for n, ts in made.attention.items()},
        gradients={n: [t.assign(gradient=0.0) for t in ts] for n, ts in made.gradients.items()},
    )


@pytest.fixture(scope="session")
def verdict(made) -> dict:
    """The verdict on it, with reports and bins."""
    found = judged(made)
    found["extra"] = {name: extra(name, made) for name in REPORTS}
    row = {"n": 20, "mean": 0.1, "standard_error": 0.02}
    for variant in found["variants"].values():
        variant["bias"] = {
            "teff": [row | {"low": t, "high": t + 500.0} for t in (4000.0, 4500.0, 5000.0)],
            "m_h": [row | {"low": m, "high": m + 0.5} for m in (-1.0, -0.5)],
        }
        variant["windows"] = None
    return found


@pytest.fixture(scope="session")
def denoised(tmp_path_factory):
    """Evidence of twenty spectra; the linear filter keeps half of the noise, the oracle a tenth."""
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
def verdict_denoised(denoised) -> dict:
    return {"id": "2.2", "title": "Denoising", "model": "vit", "outcome": "open", "reason": "", "n_test": 20,
            "n_test_low_noise": 8, "variants": {"raw": {"label": "raw"}}, "extra": {"denoisers": denoisers.extra(denoised)}}  # fmt: skip


@pytest.fixture
def pretrained():
    """Evidence of a network from scratch and a pretrained one."""
    low = {"r2_low_noise": 0.1, "r2_full": 0.2, "layer": 1}
    probe = {"spectra": 90, "pixels": low, "pixels_over_rms": low, "random": low}
    probe["pretrained"] = {"r2_low_noise": None, "r2_full": 0.4, "layer": 2}
    report = {"equivalent_spectra": 250.0, "spectra": 300, "explained": 0.05, "explained_noise_free": 0.7, "probe": probe}  # fmt: skip
    wave, seen = np.linspace(7100, 8850, 64), []
    for number in range(2):
        example = (number, 40 + number, wave, np.ones(64), np.ones(64), np.full(64, 0.9), (wave > 8000).astype(int))
        seen.append(pd.DataFrame(dict(zip(columns("reconstruction"), example))))
    return SimpleNamespace(
        runs=SimpleNamespace(scores={"scratch": [np.array([0.2, 0.4, 0.5])], "masked": [np.array([0.4, 0.5, 0.6])]}),
        metrics={"scratch": [{"n_fit": 100, "pretraining": None}], "masked": [{"n_fit": 100, "pretraining": report}]},
        times={"scratch": [{"training_seconds": 30.0}], "masked": [{"training_seconds": 30.0, "pretraining_seconds": 25.0}]},
        reconstructions={"scratch": [empty("reconstruction")], "masked": [pd.concat(seen)]},
    )  # fmt: skip


@pytest.fixture
def untrained():
    """Evidence of a model that is not trained in epochs."""
    return SimpleNamespace(
        runs=SimpleNamespace(scores={"scratch": [np.empty(0)]}), metrics={"scratch": [{"n_fit": 9, "pretraining": None}]},
        times={"scratch": [{"seconds": 1.0}]}, reconstructions={"scratch": [empty("reconstruction")]},
    )  # fmt: skip


@pytest.fixture
def verdict_pretrained() -> dict:
    reached = {subset: {"r2": {"value": value}} for subset, value in (("low_noise", 0.8), ("full", 0.6))}
    variants = {n: {"label": n, "metrics": reached} for n in ("scratch", "masked")}
    return {"id": "2.1", "title": "Masked", "model": "vit", "outcome": "open", "reason": "", "reference": "scratch",
            "variants": variants}  # fmt: skip


@pytest.fixture(scope="session")
def stars() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"id": np.arange(N), "teff": rng.uniform(3750, 6000, N), "logg": rng.uniform(1, 5, N)})
    for name in ("exact", "local_linear", "knn"):
        table[f"{name}_sigma_5d"] = np.exp(rng.normal(-1.5, 0.6, N))
    table.loc[3, "exact_sigma_5d"] = np.nan
    return table


@pytest.fixture(scope="session")
def predictions(stars) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(2)
    tables = {}
    for name, error in (("ridge_full", 0.7), ("lightgbm", 0.6)):
        predicted = stars["logg"] + error * rng.standard_normal(N)
        tables[name] = pd.DataFrame({"id": stars["id"], "truth": stars["logg"], "predicted": predicted})
    return tables


@pytest.fixture(scope="session")
def members() -> pd.DataFrame:
    snr = np.random.default_rng(3).uniform(1, 7.5, N)
    return pd.DataFrame({"snr": snr, "low_noise": snr > 5}, index=pd.Index(np.arange(N), name="id"))


@pytest.fixture
def fisher() -> dict:
    bins = [{"snr_median": 2.0, "crlb_median_r2": 0.2, "crlb_mean_r2": 0.3, "n": 40}]
    return {
        "reference_estimator": "exact",
        "verdict": {"model": "lightgbm"},
        "ceilings": {"snr_bins": bins},
        "models": {},
    }


@pytest.fixture
def csv(tmp_path) -> Path:
    """Where a CSV of the page would lie."""
    return tmp_path / "values.csv"


@pytest.fixture(params=[True, False], ids=["with a ceiling", "without"])
def errors(request) -> dict:
    """errors.json of a ridge on 800 low-noise stars, 300 of them with a posterior."""
    n = 800
    rng = np.random.default_rng(2)
    ids, truth = np.arange(n), rng.uniform(1, 5, n)
    labels = pd.DataFrame(
        {"teff": rng.uniform(3750, 6000, n), "m_h": rng.uniform(-2.5, 0.5, n), "mag": rng.uniform(20, 22, n)}
    )
    model = pd.DataFrame({"id": ids, "truth": truth, "predicted": truth + rng.normal(0, 0.6, n)})
    posteriors = pd.DataFrame({"id": ids, "truth": truth, "mean": truth + rng.normal(0, 0.3, n), "var": 0.09})[:300]
    given = {"low_noise": posteriors if request.param else None}
    found = anatomy(model, given, labels, pd.Series(np.ones(n, dtype=bool)), Bootstrap(resamples=100), 1)
    return {"model": "ridge_full", **found}
