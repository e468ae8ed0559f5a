"""What lies under a mask reaches nothing: no signal-to-noise, no bound, no posterior, no model, no network."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from toys import ONE, Masked, Prefix, ToySource, linear_source, masked_stores, store_of

from logg1m.baselines import boosting, ridge
from logg1m.bounds import fisher
from logg1m.bounds.bayes import model as bayes
from logg1m.bounds.bayes.posterior import Stars, posterior
from logg1m.bounds.completion import Completion
from logg1m.bounds.compute import collect, compute_bounds
from logg1m.config.baselines import LightGBMConfig, RidgeConfig
from logg1m.config.bayes import BayesConfig
from logg1m.config.bounds import Bootstrap, Bounds
from logg1m.config.data import Observation
from logg1m.config.denoisers import DenoiserKind, Denoisers
from logg1m.config.experiments import Recipe
from logg1m.config.networks import Network, Training
from logg1m.config.projection import Projection
from logg1m.config.protocol import Protocol
from logg1m.experiments import data
from logg1m.experiments.denoising.making import make
from logg1m.experiments.denoising.training import Request
from logg1m.experiments.run import run
from logg1m.experiments.task import Given, RunSetting
from logg1m.files import InputError
from logg1m.observe import LABELS
from logg1m.observe.honest import FittedError
from logg1m.protocol import pools as protocol
from logg1m.protocol.pools import Pools
from logg1m.spectra.masks import good_pixels, has_masked, measured
from logg1m.spectra.store import Store

SEED, N = 5, 1_500
SETTINGS = Protocol(scales=(300, 1_400))
RANGES = dict.fromkeys(LABELS, 4.0)
CPU = torch.device("cpu")


@dataclass
class Stores:
    """The same spectra: without a mask, with one that masks nothing, and with one over different things."""

    none: Store
    nothing: Store
    truth: Store
    huge: Store
    mask: np.ndarray
    source: ToySource


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    source = linear_source(N, seed=2, sigma=0.5)
    mask = np.random.default_rng(3).random(source.flux.shape) < 0.08
    mask[:, 60:] = True  # as the edges that a resampler leaves
    return Stores(**masked_stores(source, mask, tmp_path_factory.mktemp("masked")), mask=mask, source=source)


def test_masked_pixels_are_no_measurement(toys: Stores) -> None:
    (flux, error), bad = measured(toys.huge, 1), toys.mask[1024:]
    np.testing.assert_array_equal(np.isnan(flux), bad)
    np.testing.assert_array_equal(np.isinf(error), bad)
    np.testing.assert_array_equal(flux[~bad], toys.source.flux[1024:][~bad])
    np.testing.assert_array_equal(error[~bad], toys.source.error[1024:][~bad])
    some = np.array([3, 100])
    for one, other in zip(measured(toys.huge, 1, some), (flux, error)):
        np.testing.assert_array_equal(one, other[some])


def test_a_mask_that_masks_nothing_is_not_read(toys: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_masked(toys.truth)
    assert not has_masked(toys.none)
    read, names = Store.read, []
    monkeypatch.setattr(Store, "read", lambda self, chunk, name: names.append(name) or read(self, chunk, name))
    for store in (toys.none, toys.nothing):
        assert not has_masked(store)
        assert good_pixels(store, 1).all()
        for k in range(2):
            flux, error = measured(store, k)
            np.testing.assert_array_equal(flux, toys.source.flux[slice(*store.rows(k))])
            np.testing.assert_array_equal(error, toys.source.error[slice(*store.rows(k))])
    assert set(names) == {"flux", "error"}


# --- signal-to-noise


def test_signal_to_noise_is_that_of_the_good_pixels(toys: Stores) -> None:
    found = {name: protocol.survey(getattr(toys, name), SEED, SETTINGS, ONE) for name in ("truth", "huge")}
    for one, other in zip(found["truth"], found["huge"]):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    spectra, pixels = found["huge"]
    for row in (0, 700, 1_499):
        flux, error = (x[row][~toys.mask[row]].astype(np.float64) for x in (toys.source.flux, toys.source.error))
        assert spectra["snr"][row] == pytest.approx(np.linalg.norm(flux) / np.linalg.norm(error), rel=1e-5)
        assert spectra["snr_median"][row] == pytest.approx(np.median(flux / error), rel=1e-5)
        assert spectra["snr_p95"][row] == pytest.approx(np.percentile(flux / error, 95), rel=1e-5)
    good = np.where(toys.mask, np.nan, toys.source.flux)
    np.testing.assert_allclose(pixels["flux_mean"][:60], np.nanmean(good[:, :60], axis=0), rtol=1e-5)
    np.testing.assert_allclose(pixels["flux_std"][:60], np.nanstd(good[:, :60], axis=0), rtol=1e-4)
    assert (pixels["flux_mean"][60:] == 0).all()
    assert (pixels["error_mean"][60:] == pixels["error_mean"][59]).all()


def test_a_spectrum_without_any_good_pixel_has_no_signal(tmp_path: Path) -> None:
    source = linear_source(20)
    mask = np.zeros(source.flux.shape, dtype=bool)
    mask[7] = True
    spectra, _ = protocol.survey(store_of(Masked(source, mask, 1e9), tmp_path), SEED, SETTINGS, ONE)  # type: ignore[arg-type]
    assert (spectra.loc[7, ["snr", "snr_observer", "snr_median", "snr_p95"]] == 0).all()
    assert np.isfinite(spectra.to_numpy()).all()


def test_a_mask_that_masks_nothing_changes_no_signal_to_noise(toys: Stores) -> None:
    for one, other in zip(*(protocol.survey(store, SEED, SETTINGS, ONE) for store in (toys.none, toys.nothing))):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


# --- bounds


def bounds_of(store: Store, source: object) -> pd.DataFrame:
    return compute_bounds(collect(store, np.arange(N), ONE), source, RANGES, Bounds(max_spectra=N), ONE).stars  # type: ignore[arg-type]


@pytest.mark.slow
def test_bounds_are_those_of_the_good_pixels(toys: Stores) -> None:
    truth, huge = (bounds_of(store, toys.source) for store in (toys.truth, toys.huge))
    pd.testing.assert_frame_equal(truth, huge, check_exact=True)
    weight = np.where(toys.mask, 0.0, 1 / toys.source.error.astype(np.float64) ** 2)
    information = np.einsum("ip,np,jp->nij", toys.source.design, weight, toys.source.design)
    expected = fisher.bounds(information, RANGES, Bounds().max_condition)
    for name in fisher.SETS:
        np.testing.assert_allclose(huge[f"exact_sigma_{name}"], expected[f"sigma_{name}"], rtol=1e-4)
        # Flux linear in the labels: the regression is exact too, whatever its neighbours have masked.
        np.testing.assert_allclose(huge[f"local_linear_sigma_{name}"], expected[f"sigma_{name}"], rtol=1e-2)
    assert (huge["exact_sigma_1d"] > bounds_of(toys.none, toys.source)["exact_sigma_1d"]).all()


@pytest.mark.slow
def test_a_mask_that_masks_nothing_changes_no_bound(toys: Stores) -> None:
    pd.testing.assert_frame_equal(*(bounds_of(s, toys.source) for s in (toys.none, toys.nothing)), check_exact=True)


def test_masked_pixels_of_a_library_are_what_its_labels_say() -> None:
    rng = np.random.default_rng(1)
    labels = rng.uniform(-1, 1, (900, 3)) * [1000, 2, 0]  # the third does not vary
    flux = (1 + labels[:, :2] @ rng.normal(size=(2, 5)) / [1000, 2, 1, 1, 1] + labels[:, :1] ** 2 / 1e6).astype(
        "float32"
    )
    holes = np.where(rng.random(flux.shape) < 0.2, np.float32(np.nan), flux)
    holes[:, 4] = np.nan  # measured nowhere
    filled = Completion.of(holes, labels)(holes, labels)
    np.testing.assert_allclose(filled[:, :4], flux[:, :4], rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(filled[~np.isnan(holes)], flux[~np.isnan(holes)])
    assert (filled[:, 4] == 0).all()


def test_posteriors_take_masked_pixels_as_unseen(toys: Stores) -> None:
    config, ids = BayesConfig(min_ess=2), np.arange(0, N, 100)

    def found(store: Store) -> pd.DataFrame:
        seen = collect(store, ids, ONE)
        stars = Stars.observed(ids, seen.labels[:, 1], seen.flux, seen.error, 1.0, SEED)
        return posterior(stars, None, bayes.Library.stored(store, ("logg",), N), config, SEED, ONE)

    truth, huge, none, nothing = (found(s) for s in (toys.truth, toys.huge, toys.none, toys.nothing))
    pd.testing.assert_frame_equal(truth, huge, check_exact=True)
    pd.testing.assert_frame_equal(none, nothing, check_exact=True)
    assert np.isfinite(truth[["mean", "var"]].to_numpy()).all()
    library, flux = bayes.Library.stored(toys.huge, ("logg",), N), toys.source.flux[:1024]
    np.testing.assert_allclose(library.read(0)[:, :60], flux[:, :60], atol=2e-2)  # linear in the labels


# --- the classical models


def ridge_of(store: Store) -> np.ndarray:
    pools, truth = Pools.of(store, SEED, SETTINGS), store.labels()["logg"].to_numpy()
    frame = ridge.Frame.of(protocol.survey(store, SEED, SETTINGS, ONE)[1], 1.0)
    moments = ridge.accumulate(store, pools, truth, frame, SEED, ONE)
    config = RidgeConfig(alphas=(1.0, 100.0), pca=(5,), raw=True)
    models = [model for fit in ridge.fit_all(moments, pools, frame, config, ONE).values() for model in fit.models]
    return ridge.predict(store, pools.common_test, models, frame, SEED, 1.0, ONE)


def test_ridge_and_its_components_see_nothing_under_the_mask(toys: Stores) -> None:
    truth, huge, none, nothing = (ridge_of(s) for s in (toys.truth, toys.huge, toys.none, toys.nothing))
    np.testing.assert_array_equal(truth, huge)
    np.testing.assert_array_equal(none, nothing)
    assert np.isfinite(truth).all()
    assert np.abs(truth).max() < 10


def test_lightgbm_takes_masked_pixels_as_missing(toys: Stores, tmp_path: Path) -> None:
    config = LightGBMConfig(n_estimators=15, learning_rate=0.3, num_leaves=7, bin_sample=500)
    predictions = {}
    for name in ("truth", "huge", "none", "nothing"):
        store = getattr(toys, name)
        split, truth = Pools.of(store, SEED, SETTINGS).split(1_400), store.labels()["logg"].to_numpy()
        boosted = boosting.train(store, split, truth, config, SEED, 1.0, ONE, tmp_path / name)
        predictions[name] = boosting.predict(boosted, boosting.NoisyRows(store, split.test, SEED, 1.0, ONE))
    np.testing.assert_array_equal(predictions["truth"], predictions["huge"])
    np.testing.assert_array_equal(predictions["none"], predictions["nothing"])


# --- what a network, or any model of an experiment, sees


@pytest.fixture(scope="module")
def seen(small_source, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Store]:
    """300 spectra of the embedded source: without a mask, with an empty one, and with two things under the same mask."""
    source = Prefix(small_source, 300)
    mask = np.random.default_rng(4).random((300, len(source.wave))) < 0.02
    mask[:, :12] = True
    mask[::3, 1000:1400] = True
    return masked_stores(source, mask, tmp_path_factory.mktemp("seen"))


def prepared(store: Store, labels: pd.DataFrame | None = None, **recipe: object) -> tuple[data.Preparation, np.ndarray]:
    view = data.View(Recipe(**recipe), np.ones(store.n_pixels, dtype=bool), Observation(), SEED, 1.0)  # type: ignore[arg-type]
    labels = store.labels() if labels is None else labels
    prepare = data.Preparation(store, view, labels, np.arange(200), ONE, CPU)
    ids = np.arange(200, 300)
    return prepare, prepare.rows(0, ids, 0).reshape(100, len(view.recipe.channels), -1)


RECIPES = [
    {},
    *({"normalisation": name} for name in ("median", "zscore_200", "continuum_poly3", "continuum_spline")),
    {"normalisation": "continuum_running_median"},
    {"channels": ("flux", "derivative", "smooth_residual")},
    {"channels": ("flux", "log_error", "flux_over_error"), "error_source": "honest"},
    {"channels": ("error",), "error_source": "simulator"},
]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_a_model_sees_the_mean_in_place_of_a_masked_pixel(seen: dict[str, Store], recipe: dict[str, object]) -> None:
    prepare, huge = prepared(seen["huge"], **recipe)
    np.testing.assert_array_equal(prepared(seen["truth"], **recipe)[1], huge)
    assert np.isfinite(huge).all()
    assert prepare.neutral is not None
    bad = ~good_pixels(seen["huge"], 0)[200:300]
    training = prepare.rows(0, np.arange(200), 1).reshape(200, *huge.shape[1:])
    known = np.where(good_pixels(seen["huge"], 0)[:200], 1.0, np.nan)[:, 12:]
    for k, (name, neutral) in enumerate(zip(prepare.view.recipe.channels, prepare.neutral.numpy())):
        own = np.broadcast_to(neutral, bad.shape)  # of what has the size of a star's error, in that size
        if name in ("error", "flux_over_error"):
            own = own * (np.where(bad, 0, huge[:, k]).sum(axis=1) / np.where(bad, 0, own).sum(axis=1))[:, None]
        if name == "log_error":
            own = own + (np.where(bad, 0, huge[:, k] - own).sum(axis=1) / (~bad).sum(axis=1))[:, None] * (own != 0)
        np.testing.assert_allclose(huge[:, k][bad], own[bad], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(neutral[12:], np.nanmean(training[:, k, 12:] * known, axis=0), rtol=1e-4, atol=1e-5)
    assert (prepare.neutral[:, :12] == 0).all()  # good nowhere


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_a_mask_that_masks_nothing_changes_nothing_seen(seen: dict[str, Store], recipe: dict[str, object]) -> None:
    prepare, found = prepared(seen["nothing"], **recipe)
    assert prepare.neutral is None
    np.testing.assert_array_equal(prepared(seen["none"], **recipe)[1], found)


def test_the_masked_share_is_told_and_nothing_else_changes(seen: dict[str, Store]) -> None:
    _, both = prepared(seen["huge"], channels=("flux", "masked_share"))
    np.testing.assert_array_equal(both[:, :1], prepared(seen["huge"])[1])
    bad = np.pad(~good_pixels(seen["huge"], 0)[200:300], ((0, 0), (12, 12)))
    around = np.lib.stride_tricks.sliding_window_view(bad, 25, axis=1)
    np.testing.assert_allclose(both[:, 1, 12:-12], around.mean(axis=2)[:, 12:-12], atol=1e-6)
    np.testing.assert_array_equal(prepared(seen["truth"], channels=("flux", "masked_share"))[1], both)


@pytest.mark.parametrize("name", ["none", "nothing"])
def test_a_masked_share_of_spectra_without_masks_is_refused(seen: dict[str, Store], name: str) -> None:
    with pytest.raises(InputError, match=r"channels = \['flux', 'masked_share'\]: no pixel of the spectra is masked"):
        prepared(seen[name], channels=("flux", "masked_share"))


def test_a_fitted_error_does_not_see_the_mask(seen: dict[str, Store]) -> None:
    recipe = {"channels": ("flux", "log_error"), "error_source": "honest"}
    labels = seen["huge"].labels()[list(LABELS)]  # without the conditions of the night
    one, other = (prepared(seen[name], labels, **recipe) for name in ("truth", "huge"))
    np.testing.assert_array_equal(one[1], other[1])
    assert one[0].fitted is not None
    assert other[0].fitted is not None
    assert one[0].fitted.residual == other[0].fitted.residual
    whole = FittedError(*data.training_spectra(seen["none"], np.arange(200), ONE))
    assert one[0].fitted.residual == pytest.approx(whole.residual, rel=0.2)


def test_gradients_at_masked_pixels_are_zero_and_elsewhere_finite(seen: dict[str, Store]) -> None:
    prepare, _ = prepared(seen["huge"], normalisation="median")
    flux, error = (torch.from_numpy(values) for values in prepare.raw(0, np.arange(5)))
    noisy = prepare.noisy(flux, error, np.arange(5), 0).requires_grad_()
    (gradient,) = torch.autograd.grad(prepare.seen(noisy, error, np.arange(5)).square().sum(), noisy)
    good = torch.from_numpy(good_pixels(seen["huge"], 0)[:5])
    assert gradient.isfinite().all()
    assert (gradient[~good] == 0).all()
    assert (gradient[good] != 0).any()


def test_median_error_does_not_count_masked_pixels(seen: dict[str, Store]) -> None:
    ids = np.arange(200)
    middle = data.error_median(seen["huge"], ids, ONE)
    known = np.where(good_pixels(seen["huge"], 0)[:200], seen["huge"].read(0, "error")[:200], np.nan)
    np.testing.assert_array_equal(middle[12:], np.nanmedian(known[:, 12:], axis=0))
    assert (middle[:12] == 0).all()
    np.testing.assert_array_equal(*(data.error_median(seen[name], ids, ONE) for name in ("none", "nothing")))


# --- whole trainings

SMALL = Protocol(scales=(100, 300))
QUICK = Training(epochs=1, batch_size=32, learning_rate=5e-3, ema=0.9)


def members_of(store: Store) -> tuple[pd.DataFrame, pd.DataFrame]:
    snr, pixels = protocol.survey(store, SEED, SMALL, ONE)
    return protocol.define(snr, SEED, SMALL)[1].merge(snr[["id", "snr"]], on="id").set_index("id"), pixels


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe",
    [
        {"model": "ridge"},
        {"model": "vit", "normalisation": "median"},
        {"model": "vit", "pretraining": "masked_token"},
        {"model": "vit", "projection_token": True, "components": 8},
        {"model": "projection", "components": 8},
        {"model": "projection", "channels": ["flux", "derivative"], "normalisation": "median"},
    ],
    ids=str,
)
def test_a_run_does_not_see_the_mask(seen: dict[str, Store], tmp_path: Path, recipe: dict[str, object]) -> None:
    setting = RunSetting(
        SEED, 0, 200, 60, (1e3, 1e4), LightGBMConfig(), SMALL, Bootstrap(resamples=100), Observation(),
        Network(preset="smoke", training=QUICK), "x", Projection(width=8, training=QUICK),
    )  # fmt: skip
    found = {}
    for name, store in seen.items():
        given = Given(store, members_of(store)[0])
        run(given, Recipe(**recipe), setting, ONE, tmp_path / name / "v" / "seed_0", tmp_path / "state" / name)  # type: ignore[arg-type]
        found[name] = {
            file: (tmp_path / name / "v" / "seed_0" / file).read_bytes()
            for file in ("predictions.parquet", "gradient.csv")
        }
    assert found["truth"] == found["huge"]
    assert found["none"] == found["nothing"]
    assert found["none"] != found["truth"]
    predictions = pd.read_parquet(tmp_path / "huge" / "v" / "seed_0" / "predictions.parquet")
    assert np.isfinite(predictions["predicted"]).all()
    assert np.isfinite(pd.read_csv(tmp_path / "huge" / "v" / "seed_0" / "gradient.csv")["gradient"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pca", "blind_spot", "autoencoder"])
def test_a_denoiser_does_not_see_the_mask(seen: dict[str, Store], tmp_path: Path, kind: DenoiserKind) -> None:
    settings = Denoisers(train_size=200, test_size=60, block=64, code=4, hidden=8, components=8, training=QUICK)
    request = Request(kind, settings, SMALL, Bootstrap(resamples=100), SEED, 0, "code")
    reports = {
        name: make(
            request, store, *members_of(store), ONE, tmp_path / name / kind / "seed_0", tmp_path / "state" / name
        )
        for name, store in seen.items()
    }
    assert reports["truth"] == reports["huge"]
    assert reports["none"] == reports["nothing"]
    assert "NaN" not in json.dumps(reports["huge"])
    assert "Infinity" not in json.dumps(reports["huge"])
