"""Every linear model of the table against scikit-learn in float64; validation from moments; edges; raw features."""

import numpy as np
import pandas as pd
import pytest
from made_ridges import Fitted
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from toys import ONE, TWO, ToySource, linear_source, noisy, store_of

from logg1m.baselines import ridge
from logg1m.config.baselines import RidgeConfig
from logg1m.config.data import Data
from logg1m.config.protocol import Protocol
from logg1m.files import InputError
from logg1m.protocol import pools as protocol
from logg1m.protocol.pools import Pools
from logg1m.sources.embedded import EmbeddedSource
from logg1m.spectra.generation import generate
from logg1m.spectra.store import Store

SEED = 11
# The smallest scale fits 61 rows on 64 pixels: fewer rows than pixels.
SETTINGS = Protocol(scales=(80, 600, 3_000))
CONFIG = RidgeConfig(alphas=(0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6), pca=(5, 20, 40), raw=True)


def wiggly_source(n: int) -> ToySource:
    """Labels in a box, pixels of very different scatter, flux slightly curved in the labels."""
    source = linear_source(n, seed=3, sigma=0.3, labels=lambda rng, n: rng.uniform(-1, 1, (n, 5)))
    brightness = np.geomspace(0.1, 10, source.flux.shape[1]).astype(np.float32)
    source.flux = (source.flux + 0.2 * source.values[:, 1:2].astype(np.float32) ** 2) * brightness
    source.error = source.error * brightness
    return source


@pytest.fixture(scope="module")
def fitted(tmp_path_factory) -> Fitted:
    store = store_of(wiggly_source(3_000), tmp_path_factory.mktemp("ridge"))
    _, pixels = protocol.survey(store, SEED, SETTINGS, ONE)
    pools, truth = Pools.draw(SEED, 3_000, SETTINGS), store.labels()["logg"].to_numpy()
    frame = ridge.Frame.of(pixels, SETTINGS.noise_level)
    moments = ridge.accumulate(store, pools, truth, frame, SEED, ONE)
    return Fitted(store, pools, truth, frame, moments, ridge.fit_all(moments, pools, frame, CONFIG, ONE))


def peer(features: str, alpha: float, raw: bool):
    """The same model in scikit-learn; the seed-free full SVD of PCA."""
    steps = [StandardScaler(with_std=not raw)]
    if features != "full":
        steps.append(PCA(int(features.removeprefix("pca_")), svd_solver="full"))
    return make_pipeline(*steps, Ridge(alpha=alpha, solver="cholesky" if features != "full" else "svd"))


@pytest.mark.parametrize("size", SETTINGS.scales)
@pytest.mark.parametrize("standardised", [True, False], ids=["standardised", "raw"])
def test_validation_r2_of_the_whole_table_is_that_of_scikit_learn(fitted, size, standardised):
    split = fitted.pools.split(size)
    x, held = (noisy(fitted.store, ids, SEED).astype(np.float64) for ids in (split.fit, split.validation))
    curve = [row for row in fitted.fits[size].curve if row["standardised"] is standardised]
    assert {row["features"] for row in curve} == {"pca_5", "pca_20", "pca_40", "full"}
    assert len(curve) == 4 * len(CONFIG.alphas)
    for row in curve:
        model = peer(row["features"], row["alpha"], raw=not standardised).fit(x, fitted.truth[split.fit])
        expected = r2_score(fitted.truth[split.validation], model.predict(held))
        assert row["validation_r2"] == pytest.approx(expected, abs=1e-6), row


def test_predictions_on_the_common_test_are_those_of_scikit_learn(fitted):
    ids = fitted.pools.common_test
    held = noisy(fitted.store, ids, SEED).astype(np.float64)
    models = [model for fit in fitted.fits.values() for model in fit.models]
    assert len(models) == len(SETTINGS.scales) * 4 * 2
    predicted = ridge.predict(fitted.store, ids, models, fitted.frame, SEED, 1.0, ONE)
    for k, model in enumerate(models):
        split = fitted.pools.split(model.scale)
        same = peer(model.features, model.alpha, raw="raw" in model.name)
        same.fit(noisy(fitted.store, split.fit, SEED).astype(np.float64), fitted.truth[split.fit])
        expected = same.predict(held)
        np.testing.assert_allclose(predicted[:, k], expected, rtol=0, atol=2e-6, err_msg=str((model.name, model.scale)))
        own, theirs = (r2_score(fitted.truth[ids], values) for values in (predicted[:, k], expected))
        assert own == pytest.approx(theirs, abs=1e-6)


def test_validation_r2_from_moments_is_that_of_the_predictions_themselves(fitted):
    for size, fit in fitted.fits.items():
        ids = fitted.pools.split(size).validation
        predicted = ridge.predict(fitted.store, ids, fit.models, fitted.frame, SEED, 1.0, ONE)
        for k, model in enumerate(fit.models):
            assert model.validation_r2 == pytest.approx(r2_score(fitted.truth[ids], predicted[:, k]), abs=1e-6)


def test_the_chosen_penalty_is_the_best_on_validation(fitted):
    for fit in fitted.fits.values():
        for model in fit.models:
            rows = [
                row for row in fit.curve
                if row["features"] == model.features and row["standardised"] is ("raw" not in model.name)
            ]  # fmt: skip
            assert model.validation_r2 == max(row["validation_r2"] for row in rows)
            assert model.alpha == max(rows, key=lambda row: row["validation_r2"])["alpha"]


def test_raw_features_are_the_flux_itself_and_not_the_standardised_one(fitted):
    fit = fitted.fits[3_000]
    by_way = {way: [r["validation_r2"] for r in fit.curve if r["standardised"] is way] for way in (True, False)}
    assert np.abs(np.subtract(by_way[True], by_way[False])).max() > 0.05


def test_on_two_threads_moments_agree_and_predictions_have_the_same_bits(fitted):
    again = ridge.accumulate(fitted.store, fitted.pools, fitted.truth, fitted.frame, SEED, TWO)
    for one, two in zip(fitted.moments, again):
        np.testing.assert_allclose(one.matrix, two.matrix, rtol=1e-12, atol=1e-9)
    models, ids = fitted.fits[600].models, fitted.pools.common_test
    one, two = (ridge.predict(fitted.store, ids, models, fitted.frame, SEED, 1.0, c) for c in (ONE, TWO))
    np.testing.assert_array_equal(one, two)


def test_predictions_stay_with_their_spectrum_whatever_the_order_of_the_ids(fitted):
    models, ids = fitted.fits[600].models, fitted.pools.common_test
    order = np.random.default_rng(1).permutation(len(ids))
    one = ridge.predict(fitted.store, ids, models, fitted.frame, SEED, 1.0, ONE)
    other = ridge.predict(fitted.store, ids[order], models, fitted.frame, SEED, 1.0, ONE)
    np.testing.assert_array_equal(one[order], other)


def test_the_pass_reads_every_chunk_with_training_rows_once(fitted, monkeypatch):
    seen, original = [], Store.read
    monkeypatch.setattr(
        Store, "read", lambda self, chunk, name: seen.append((chunk, name)) or original(self, chunk, name)
    )
    ridge.accumulate(fitted.store, fitted.pools, fitted.truth, fitted.frame, SEED, ONE)
    assert sorted(seen) == [(chunk, name) for chunk in range(3) for name in ("error", "flux")]


def test_moments_of_a_scale_are_those_of_its_own_rows(fitted):
    fit = fitted.moments[0]
    for k, size in enumerate(SETTINGS.scales):
        split = fitted.pools.split(size)
        fit = fit if k == 0 else fit + fitted.moments[2 * k - 1] + fitted.moments[2 * k]
        assert fit.n == len(split.fit)
        assert fitted.moments[2 * k + 1].n == len(split.validation)
        assert fit.sum_y == pytest.approx(fitted.truth[split.fit].sum())
        assert fitted.moments[2 * k + 1].sum_y == pytest.approx(fitted.truth[split.validation].sum())


def test_scales_whose_validation_rows_would_be_trained_on_are_refused():
    pools = Pools.draw(SEED, 3_000, Protocol(scales=(1_000, 1_020)))
    with pytest.raises(InputError, match="800 and 816 training spectra two scales are too close"):
        ridge.shells([pools.split(size) for size in (1_000, 1_020)], 3_000)


def test_a_frozen_validation_set_judges_every_scale_and_is_never_fitted(fitted):
    settings = Protocol(scales=(600, 620, 2_000))  # scales as close as one likes: no scale validates on its own rows
    role = np.zeros(3_000)
    role[500:600], role[2_500:] = 1, 2
    pools = Pools.draw(SEED, 3_000, settings, role)
    moments = ridge.accumulate(fitted.store, pools, fitted.truth, fitted.frame, SEED, ONE)
    fits = ridge.fit_all(moments, pools, fitted.frame, RidgeConfig(alphas=(10.0,), pca=(20,)), ONE)
    held = np.arange(500, 600)
    for size in settings.scales:
        x = noisy(fitted.store, pools.split(size).fit, SEED).astype(np.float64)
        for row in fits[size].curve:
            model = peer(row["features"], 10.0, raw=False).fit(x, fitted.truth[pools.split(size).fit])
            expected = r2_score(fitted.truth[held], model.predict(noisy(fitted.store, held, SEED).astype(np.float64)))
            assert row["validation_r2"] == pytest.approx(expected, abs=1e-6)


def test_components_that_the_rows_cannot_give_are_left_out(fitted):
    wide = RidgeConfig(alphas=(1.0,), pca=(20, 63, 500))
    fits = ridge.fit_all(fitted.moments, fitted.pools, fitted.frame, wide, ONE)
    assert [model.features for model in fits[80].models] == ["pca_20", "full"]
    assert [model.features for model in fits[3_000].models] == ["pca_20", "pca_63", "full"]


@pytest.mark.parametrize(
    ("alphas", "edge"), [((0.1, 1.0), True), ((1e-3, 10.0, 100.0, 1e6), False), ((1e5, 1e6), True)]
)
def test_a_penalty_on_the_edge_of_the_grid_is_flagged(fitted, alphas, edge):
    config = RidgeConfig(alphas=alphas, pca=())
    report = ridge.report(ridge.fit_all(fitted.moments, fitted.pools, fitted.frame, config, ONE), config)
    chosen = report["scales"]["600"]["chosen"]["ridge_full"]
    assert chosen["alpha_at_edge_of_grid"] is edge
    assert chosen["alpha"] in alphas


def test_a_pixel_that_never_changes_does_no_harm(tmp_path):
    source = linear_source(1_100, sigma=0.2)
    source.flux[:, 7] = 1.0
    settings = Protocol(scales=(1_000,), noise_level=0.0)
    store = store_of(source, tmp_path)
    _, pixels = protocol.survey(store, SEED, settings, ONE)
    pools, frame = Pools.draw(SEED, 1_100, settings), ridge.Frame.of(pixels, 0.0)
    moments = ridge.accumulate(store, pools, store.labels()["logg"].to_numpy(), frame, SEED, ONE)
    fit = ridge.fit_all(moments, pools, frame, RidgeConfig(alphas=(1e-3, 1.0), pca=()), ONE)[1_000]
    assert fit.models[0].validation_r2 > 0.999


def test_the_frame_only_keeps_sums_well_conditioned_and_changes_no_result(fitted):
    other = ridge.Frame(fitted.frame.shift + 0.1, fitted.frame.scale * np.geomspace(0.5, 2, len(fitted.frame.scale)))
    moments = ridge.accumulate(fitted.store, fitted.pools, fitted.truth, other, SEED, ONE)
    again = ridge.fit_all(moments, fitted.pools, other, CONFIG, ONE)
    for size, fit in fitted.fits.items():
        one, two = (pd.DataFrame(f.curve)["validation_r2"] for f in (fit, again[size]))
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_real_spectra_at_full_resolution_give_the_r2_of_scikit_learn_in_double_precision(tmp_path):
    """4,096 pixels, fewer rows than pixels, PCA-100 / 200 / 500: what single-precision eigenvectors must not cost."""
    settings, config = Protocol(scales=(1_500,)), RidgeConfig(alphas=(10.0, 1e3, 1e5), pca=(100, 200, 500))
    generate(EmbeddedSource(Data(n_spectra=1_500), SEED, "cpu"), tmp_path / "manifest.json", ONE)
    store = Store(tmp_path / "manifest.json")
    _, pixels = protocol.survey(store, SEED, settings, ONE)
    pools, truth = Pools.draw(SEED, 1_500, settings), store.labels()["logg"].to_numpy()
    frame = ridge.Frame.of(pixels, 1.0)
    moments = ridge.accumulate(store, pools, truth, frame, SEED, ONE)
    fit = ridge.fit_all(moments, pools, frame, config, ONE)[1_500]
    split = pools.split(1_500)
    scaler = StandardScaler()
    x = scaler.fit_transform(noisy(store, split.fit, SEED).astype(np.float64))
    held = scaler.transform(noisy(store, split.validation, SEED).astype(np.float64))
    pca = PCA(500, svd_solver="full").fit(x)
    parts = {"full": (x, held)}
    scores, held_scores = pca.transform(x), pca.transform(held)
    parts |= {f"pca_{k}": (scores[:, :k], held_scores[:, :k]) for k in config.pca}
    assert len(fit.curve) == len(parts) * len(config.alphas)
    for row in fit.curve:
        seen, unseen = parts[row["features"]]
        model = Ridge(alpha=row["alpha"], solver="cholesky").fit(seen, truth[split.fit])
        expected = r2_score(truth[split.validation], model.predict(unseen))
        assert row["validation_r2"] == pytest.approx(expected, abs=1e-6), row
