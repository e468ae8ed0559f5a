"""Every figure is a picture that is not empty, with the values it shows beside it as CSV."""

from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from logg1m import metrics
from logg1m.config.protocol import Protocol
from logg1m.figures import snr_histogram, style
from logg1m.protocol.pools import define
from logg1m.report import baseline_figures, bounds_figures

N = 2_000


def values_of(path: Path) -> pd.DataFrame:
    """The CSV beside a picture that exists and shows something."""
    picture = matplotlib.image.imread(path)
    assert picture.shape[0] > 200
    assert picture.shape[1] > 300
    assert len(np.unique(picture[..., :3].reshape(-1, 3), axis=0)) > 10
    assert not list(path.parent.glob(".*"))
    return pd.read_csv(path.with_suffix(".csv"))


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "figure.png"


@pytest.fixture(scope="module")
def stars() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"id": np.arange(N), "teff": rng.uniform(3750, 6000, N), "logg": rng.uniform(1, 5, N)})
    for name in ("exact", "local_linear", "knn"):
        table[f"{name}_sigma_5d"] = np.exp(rng.normal(-1.5, 0.6, N))
    table.loc[3, "exact_sigma_5d"] = np.nan
    return table


@pytest.fixture(scope="module")
def predictions(stars) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(2)
    tables = {}
    for name, error in (("ridge_full", 0.7), ("lightgbm", 0.6)):
        predicted = stars["logg"] + error * rng.standard_normal(N)
        tables[name] = pd.DataFrame({"id": stars["id"], "truth": stars["logg"], "predicted": predicted})
    return tables


@pytest.fixture(scope="module")
def members() -> pd.DataFrame:
    snr = np.random.default_rng(3).uniform(1, 7.5, N)
    return pd.DataFrame({"snr": snr, "low_noise": snr > 5}, index=pd.Index(np.arange(N), name="id"))


def test_snr_histogram_shows_every_spectrum(path):
    snr = pd.DataFrame({"id": np.arange(N), "snr": np.random.default_rng(4).gamma(9, 0.35, N)})
    protocol, _ = define(snr, 1, Protocol(scales=(N,)))
    snr_histogram.snr_histogram(snr, protocol, path)
    values = values_of(path)
    assert values["spectra"].sum() == N
    counts, edges = np.histogram(snr["snr"], bins=80)
    np.testing.assert_array_equal(values["spectra"], counts)
    np.testing.assert_allclose(values["snr_low"], edges[:-1], rtol=1e-7)
    np.testing.assert_allclose(values["snr_high"], edges[1:], rtol=1e-7)


def measured(value: float, n: int = 100) -> dict:
    return {"n": n, "r2": {"value": value, "ci95": [value - 0.02, value + 0.03]}}


@pytest.mark.parametrize("low_noise", [True, False])
def test_scaling_figure_holds_the_table(path, low_noise):
    models = {
        name: {
            "scales": {
                scale: {
                    "n_train": n,
                    "common_test": {
                        "full": measured(0.3 + k / 10),
                        "low_noise": measured(0.5 + k / 10, 20) if low_noise else None,
                    },
                }
                for k, (scale, n) in enumerate((("10k", 8_000), ("32k", 25_600)))
            }
        }
        for name in ("ridge_full", "lightgbm")
    }
    baseline_figures.scaling({"models": models, "noise_level": 1.0}, path)
    values = values_of(path)
    assert len(values) == (8 if low_noise else 4)
    for _, row in values.iterrows():
        entry = models[row["model"]]["scales"][row["scale"]]
        shown = entry["common_test"][row["subset"]]
        assert (row["n_train"], row["n_test"]) == (entry["n_train"], shown["n"])
        assert row["r2"] == pytest.approx(shown["r2"]["value"])
        assert [row["r2_low"], row["r2_high"]] == pytest.approx(shown["r2"]["ci95"])


def test_alpha_curves_hold_every_point(path):
    curve = [
        {"standardised": way, "features": features, "alpha": alpha, "validation_r2": 0.4 - 0.01 * (k - 2) ** 2}
        for way in (True, False)
        for features in ("pca_100", "full")
        for k, alpha in enumerate((0.1, 1.0, 10.0, 1e6))
    ]
    ridge = {"scales": {"10k": {"alpha_curve": curve}, "32k": {"alpha_curve": curve}}}
    baseline_figures.alpha_curves(ridge, path)
    expected = pd.concat([pd.DataFrame(curve).assign(scale=name) for name in ridge["scales"]], ignore_index=True)
    pd.testing.assert_frame_equal(values_of(path), expected)


def test_sigma_against_error_shows_percentiles_of_both(path, stars, predictions):
    bounds_figures.sigma_vs_error(stars, predictions, path)
    values = values_of(path)
    levels = values["percentile"]
    for name in ("exact", "local_linear", "knn"):
        expected = np.percentile(stars[f"{name}_sigma_5d"].dropna(), levels)
        np.testing.assert_allclose(values[f"sigma_5d_{name}"], expected, rtol=1e-6)
    for name, table in predictions.items():
        error = np.abs(table["predicted"] - table["truth"]) / 0.6745
        np.testing.assert_allclose(values[f"error_{name}"], np.percentile(error, levels), rtol=1e-6)


def test_ratio_histogram_is_the_density_of_errors_over_bounds(path, stars, predictions):
    bounds_figures.ratio_histogram(stars, predictions["lightgbm"], "lightgbm", "exact", path)
    values = values_of(path)
    ratio = np.abs(predictions["lightgbm"]["predicted"] - stars["logg"]) / stars["exact_sigma_5d"]
    step = values["ratio"].diff().iloc[1]
    edges = np.append(values["ratio"] - step / 2, values["ratio"].iloc[-1] + step / 2)
    density, _ = np.histogram(ratio.dropna(), bins=edges, density=True)
    np.testing.assert_allclose(values["density"], density, rtol=0.02, atol=0.002)  # edges of the CSV are rounded
    half_normal = np.sqrt(2 / np.pi) * np.exp(-(values["ratio"] ** 2) / 2)
    np.testing.assert_allclose(values["half_normal"], half_normal, rtol=1e-6, atol=1e-9)


def test_figures_of_stars_without_any_bound_are_empty_and_no_error(path, stars, predictions):
    none = stars.copy()
    none[[c for c in none if c.endswith("sigma_5d")]] = np.nan
    bounds_figures.ratio_histogram(none, predictions["lightgbm"], "lightgbm", "exact", path)
    assert (values_of(path)["density"] == 0).all()
    bounds_figures.sigma_map(none, "exact", path)
    assert values_of(path)["sigma"].isna().all()
    bounds_figures.sigma_vs_error(none, predictions, path)
    assert set(values_of(path)) == {"percentile"} | {f"error_{name}" for name in predictions}


def test_map_of_sigma_holds_the_median_of_each_cell(path, stars):
    bounds_figures.sigma_map(stars, "exact", path)
    values = values_of(path)
    assert len(values) == 12 * 10
    assert values["n"].sum() >= N - 1  # stars on an edge between cells count in both
    for _, cell in values.iloc[::17].iterrows():
        inside = stars["teff"].between(cell["teff_low"], cell["teff_high"]) & stars["logg"].between(
            cell["logg_low"], cell["logg_high"]
        )
        expected = stars.loc[inside, "exact_sigma_5d"].dropna()
        assert cell["n"] == len(expected)
        assert cell["sigma"] == pytest.approx(expected.median(), rel=1e-6)


def test_map_of_few_stars_leaves_cells_open(path, stars):
    bounds_figures.sigma_map(stars.head(240), "exact", path)
    values = values_of(path)
    assert values["sigma"].isna().equals(values["n"] < 3)
    assert values["n"].max() >= 3


def test_map_of_hardly_any_star_is_empty_and_no_error(path, stars):
    bounds_figures.sigma_map(stars.head(10), "exact", path)
    assert values_of(path)["sigma"].isna().all()


def test_sensitivity_figure_shows_the_values_along_wavelength(path):
    wave = np.linspace(7100, 8850, 500)
    shown = pd.DataFrame({"wave": wave, "exact": 1 + np.sin(wave / 50) ** 2, "exact_marginalised": 0.5 + 0 * wave})
    bounds_figures.sensitivity(shown, "exact", path)
    pd.testing.assert_frame_equal(values_of(path), shown, rtol=1e-7)


@pytest.fixture
def figures(monkeypatch) -> list:
    """The figures that were saved, for what a picture and its CSV do not tell."""
    saved, save = [], style.save
    monkeypatch.setattr(style, "save", lambda figure, *rest: (saved.append(figure), save(figure, *rest)))
    return saved


def test_no_two_models_of_the_scaling_figure_are_drawn_alike(path, figures):
    scales = {
        scale: {"n_train": n, "common_test": {"full": measured(0.4), "low_noise": None}}
        for scale, n in (("10k", 8_000), ("32k", 25_600))
    }
    models = {f"model_{k}": {"scales": scales} for k in range(len(style.CYCLE) + 1)}
    baseline_figures.scaling({"models": models, "noise_level": 1.0}, path)
    lines = [line for line in figures[0].axes[0].get_lines() if line.get_marker() in style.MARKERS]
    assert len({(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines}) == len(models)


def test_ceilings_against_snr_hold_bounds_bayes_and_models(path, members, predictions):
    bins = [
        {"snr_median": 2.2, "crlb_median_r2": 0.2, "crlb_mean_r2": 0.3, "n": 40},
        {"snr_median": 6.0, "crlb_median_r2": 0.9, "crlb_mean_r2": 0.8, "n": 60},
    ]
    bayes = [{"snr_median": 6.1, "r2": {"value": 0.93, "ci95": [0.9, 0.95]}, "n": 30}]
    fisher = {"ceilings": {"snr_bins": bins, "bayes_bins": bayes}}
    bounds_figures.ceiling_vs_snr(fisher, members, predictions, path)
    values = values_of(path).set_index("series")
    assert values.loc["crlb_median_r2", "r2"].tolist() == [0.2, 0.9]
    assert values.loc["crlb_mean_r2", "r2"].tolist() == [0.3, 0.8]
    assert values.loc["bayes_optimal", ["snr", "r2", "n"]].tolist() == [6.1, 0.93, 30]
    table = predictions["lightgbm"].set_index("id")
    rows = values.loc["lightgbm"]
    assert len(rows) == 8
    for (_, row), low, high in zip(rows.iterrows(), metrics.SNR_EDGES[:-1], metrics.SNR_EDGES[1:]):
        inside = members.index[(members["snr"] >= low) & (members["snr"] < high)]
        part = table.loc[inside]
        residual = ((part["predicted"] - part["truth"]) ** 2).sum()
        assert row["n"] == len(part)
        assert row["r2"] == pytest.approx(1 - residual / ((part["truth"] - part["truth"].mean()) ** 2).sum())


def test_a_model_that_stops_below_the_largest_scale_says_so_in_the_legend(path, members, predictions, figures):
    fisher = {
        "ceilings": {"snr_bins": [{"snr_median": 2.0, "crlb_median_r2": 0.2, "crlb_mean_r2": 0.3, "n": 40}]},
        "models": {"lightgbm": {"scale": "100k", "below_largest_scale": "trained at 100k, not at 1M"}},
    }
    bounds_figures.ceiling_vs_snr(fisher, members, predictions, path)
    labels = [text.get_text() for text in figures[0].axes[0].get_legend().texts]
    n = len(predictions["lightgbm"])
    assert f"lightgbm at 100k, {n:,} test spectra" in labels
    assert sum(" at " in label for label in labels) == 1


def test_ceilings_are_drawn_although_a_model_has_too_few_spectra_for_any_bin(path, members, predictions):
    fisher = {"ceilings": {"snr_bins": [{"snr_median": 2.0, "crlb_median_r2": 0.2, "crlb_mean_r2": 0.3, "n": 40}]}}
    bounds_figures.ceiling_vs_snr(fisher, members, {"lightgbm": predictions["lightgbm"].head(12)}, path)
    assert set(values_of(path)["series"]) == {"crlb_median_r2", "crlb_mean_r2"}


def test_a_figure_of_the_same_values_is_the_same_file(tmp_path, stars):
    for name in ("a.png", "b.png"):
        bounds_figures.sigma_map(stars, "exact", tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_figures_are_closed_once_they_are_saved(path, stars):
    bounds_figures.sigma_map(stars, "exact", path)
    assert style.plt.get_fignums() == []
