"""Marginalised ridge and LightGBM on several draws of noise: a masked pixel is no measurement, whatever lies under it."""

from pathlib import Path

import numpy as np
import pytest
from toys import ONE, ToySource, linear_source, masked_stores

from logg1m.baselines import boosting, marginalised, ridge
from logg1m.config.baselines import LightGBMConfig, RidgeConfig
from logg1m.config.protocol import Protocol
from logg1m.protocol import pools as protocol
from logg1m.protocol.pools import Pools
from logg1m.spectra.store import Store

SEED, N = 5, 1_500
SETTINGS = Protocol(scales=(300, 1_400))
MASK = np.random.default_rng(3).random((N, 64)) < 0.08
MASK[:, 60:] = True  # as the edges that a resampler leaves


@pytest.fixture(scope="module")
def source() -> ToySource:
    return linear_source(N, seed=2, sigma=0.5)


@pytest.fixture(scope="module")
def stores(source: ToySource, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Store]:
    return masked_stores(source, MASK[:, : source.flux.shape[1]], tmp_path_factory.mktemp("masked"))


def fitted(store: Store) -> tuple[np.ndarray, list[np.ndarray], ridge.Frame]:
    pools, truth = Pools.of(store, SEED, SETTINGS), store.labels()["logg"].to_numpy()
    frame = ridge.Frame.of(protocol.survey(store, SEED, SETTINGS, ONE)[1], 1.0)
    moments = marginalised.accumulate(store, pools, truth, frame, ONE)
    diagonals = [m.upper.diagonal().copy() for m in moments]
    fits = ridge.fit_all(moments, pools, frame, RidgeConfig(alphas=(1.0, 100.0), pca=()), ONE)
    models = [model for fit in fits.values() for model in fit.models]
    return ridge.predict(store, pools.common_test, models, frame, SEED, 1.0, ONE), diagonals, frame


def test_marginalised_ridge_sees_nothing_under_the_mask(stores: dict[str, Store]) -> None:
    truth, huge, none, nothing = (fitted(stores[name])[0] for name in ("truth", "huge", "none", "nothing"))
    np.testing.assert_array_equal(truth, huge)
    np.testing.assert_array_equal(none, nothing)
    assert np.isfinite(huge).all()
    assert np.abs(huge).max() < 10


def test_a_masked_pixel_is_the_mean_in_every_draw_and_adds_no_noise(
    stores: dict[str, Store], source: ToySource
) -> None:
    _, diagonals, frame = fitted(stores["huge"])
    good = ~MASK[:, : source.flux.shape[1]]
    x, sigma = (source.flux.astype(np.float64) - frame.shift) / frame.scale, source.error / frame.scale
    fit = Pools.of(stores["huge"], SEED, SETTINGS).split(300).fit
    np.testing.assert_allclose(diagonals[0], np.where(good, x**2 + sigma**2, 0.0)[fit].sum(axis=0), rtol=1e-4)
    assert (diagonals[0][60:] == 0).all()


def test_every_draw_of_a_spectrum_has_the_same_pixels_missing(stores: dict[str, Store], tmp_path: Path) -> None:
    rows = boosting.NoisyRows(stores["huge"], np.array([3, 700, 1_200]), SEED, 1.0, ONE, draws=2)
    found = np.concatenate(list(rows.blocks("draws")))
    np.testing.assert_array_equal(np.isnan(found), MASK[:, : found.shape[1]][rows.per_row()])
    config = LightGBMConfig(n_estimators=8, learning_rate=0.3, num_leaves=7, bin_sample=500)
    predictions = []
    for name in ("truth", "huge"):
        store, folder = stores[name], tmp_path / name
        split, truth = Pools.of(store, SEED, SETTINGS).split(300), store.labels()["logg"].to_numpy()
        boosted = boosting.train(store, split, truth, config, SEED, 1.0, ONE, folder, draws=2)
        predictions.append(boosting.predict(boosted, boosting.NoisyRows(store, split.test, SEED, 1.0, ONE)))
    np.testing.assert_array_equal(*predictions)
