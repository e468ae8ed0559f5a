"""Which spectra a run takes, with which noise, and what the model sees of them."""

import numpy as np
import pandas as pd
import pytest
import torch

from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.config.protocol import Protocol
from logg1m.experiments import data, reading
from logg1m.files import InputError
from logg1m.inputs.windows import line_windows
from logg1m.observe.honest import HonestError
from logg1m.observe.pfs import Conditions
from logg1m.observe.survey import PLAIN
from logg1m.protocol.pools import Pools, noisy_rows

SEED, LEVEL = 11, 1.0
ONE = Compute(threads=1, device="cpu")
CPU = torch.device("cpu")
SETTINGS = Protocol(scales=(500, 2_000))


@pytest.fixture(scope="module")
def pools(small_store) -> Pools:
    return Pools.of(small_store, SEED, SETTINGS)


@pytest.fixture(scope="module")
def members(small_store) -> pd.DataFrame:
    return pd.DataFrame({"low_noise": np.arange(small_store.n_spectra) % 5 == 0})


@pytest.fixture(scope="module")
def labels(small_store) -> pd.DataFrame:
    return small_store.labels()


@pytest.fixture(scope="module")
def rows(pools, members) -> data.Rows:
    return data.choose_rows(pools, members, Recipe(), train_size=300, test_size=50, seed_number=0)


def preparation(store, labels, rows, recipe, visible) -> data.Preparation:
    return data.Preparation(store, data.View(recipe, visible, Observation(), SEED, LEVEL), labels, rows.fit, ONE, CPU)


def gathered(store, rows, prepare) -> dict[str, np.ndarray]:
    """Features of all roles of a run."""
    roles = {"fit": prepare.role(rows.fit, rows.draw)}
    roles |= {name: prepare.role(getattr(rows, name)) for name in ("validation", "test")}
    return {name: arrays[0] for name, arrays in reading.gather(store, roles, ONE).items()}


def features(store, labels, rows, draw=1, ids=None, **recipe) -> np.ndarray:
    """Features (B, C, P) of some test spectra of chunk 0."""
    recipe = Recipe(**recipe)
    visible, _ = data.visible_pixels(store, recipe, rows, None, SEED, ONE)
    prepare = preparation(store, labels, rows, recipe, visible)
    ids = np.array([3, 500, 1023]) if ids is None else ids
    return prepare.rows(0, ids, draw).reshape(len(ids), len(recipe.channels), -1)


def noisy(store, ids=(3, 500, 1023), draw=1) -> np.ndarray:
    ids = np.array(ids)
    return noisy_rows(store.read(0, "flux")[ids], store.read(0, "error")[ids], ids, SEED, LEVEL, draw)


# --- rows


def test_rows_are_prefixes_of_the_pools_and_share_nothing(pools, rows):
    np.testing.assert_array_equal(np.concatenate([rows.fit, rows.validation]), pools.train[:300])
    np.testing.assert_array_equal(rows.test, pools.common_test[:50])
    assert len(rows.validation) == 15
    assert not set(rows.fit) & set(rows.validation)
    assert not set(rows.test) & set(pools.train)


def test_smaller_training_set_is_a_part_of_the_larger_one(pools, members, rows):
    smaller = data.choose_rows(pools, members, Recipe(), 100, 50, 0)
    assert set(smaller.fit) | set(smaller.validation) <= set(rows.fit) | set(rows.validation)
    np.testing.assert_array_equal(smaller.test, rows.test)


def test_sizes_beyond_the_pools_take_all_there_is(pools, members):
    everything = data.choose_rows(pools, members, Recipe(), 10**9, 10**9, 0)
    assert len(everything.fit) + len(everything.validation) == len(pools.train)
    np.testing.assert_array_equal(everything.test, pools.common_test)


def test_low_noise_training_takes_the_first_low_noise_spectra_and_the_same_test(pools, members, rows):
    low = data.choose_rows(pools, members, Recipe(train_on="low_noise"), 100, 50, 0)
    chosen = np.concatenate([low.fit, low.validation])
    flags = members.loc[pools.train, "low_noise"].to_numpy()
    np.testing.assert_array_equal(chosen, pools.train[flags][:100])
    np.testing.assert_array_equal(low.test, rows.test)


def test_too_few_low_noise_spectra_are_refused(pools, members):
    nothing = members.assign(low_noise=False)
    with pytest.raises(InputError, match="only 0 training spectra for train_on = 'low_noise'"):
        data.choose_rows(pools, nothing, Recipe(train_on="low_noise"), 100, 50, 0)


def test_every_seed_trains_on_a_noise_draw_of_its_own_and_none_on_the_frozen_one(pools, members):
    draws = [data.choose_rows(pools, members, Recipe(), 300, 50, k).draw for k in range(4)]
    assert draws == [1, 2, 3, 4]


# --- features


def test_features_are_the_noisy_flux_of_the_draw(small_store, labels, rows):
    np.testing.assert_array_equal(features(small_store, labels, rows)[:, 0], noisy(small_store))
    np.testing.assert_array_equal(features(small_store, labels, rows, draw=0)[:, 0], noisy(small_store, draw=0))


def test_pixels_outside_the_windows_are_zero_in_every_channel(small_store, labels, rows):
    inside, _ = line_windows(small_store.wave)
    seen = features(small_store, labels, rows, windows="lines", channels=("flux", "log_error"))
    assert not seen[:, :, ~inside].any()
    np.testing.assert_array_equal(seen[:, 0, inside], noisy(small_store)[:, inside])


def test_mask_hides_the_noisiest_pixels_of_the_training_spectra(small_store, labels, rows):
    seen = features(small_store, labels, rows, mask="error_10")[:, 0]
    hidden = ~seen.any(axis=0)
    error = np.concatenate([small_store.read(c, "error") for c in range(3)])[rows.fit]
    median = np.median(error, axis=0)
    assert hidden.sum() == round(0.1 * small_store.n_pixels)
    assert median[hidden].min() >= median[~hidden].max()


def test_windows_are_cut_after_the_normalisation(small_store, labels, rows):
    inside, _ = line_windows(small_store.wave)
    whole = features(small_store, labels, rows, normalisation="continuum_poly5")
    cut = features(small_store, labels, rows, normalisation="continuum_poly5", windows="lines")
    np.testing.assert_array_equal(cut[:, :, inside], whole[:, :, inside])


def test_simulators_error_is_the_stored_one_and_the_honest_one_is_made_from_noisy_flux(small_store, labels, rows):
    ids = np.array([3, 500, 1023])
    stored = features(small_store, labels, rows, channels=("error",), error_source="simulator")[:, 0]
    np.testing.assert_array_equal(stored, small_store.read(0, "error")[ids])
    about = labels.loc[ids]
    conditions = Conditions(**{c: about[c].to_numpy() for c in PLAIN})
    model = HonestError(Observation(), torch.device("cpu"))
    expected = model(torch.from_numpy(noisy(small_store)), about["flux_scale"].to_numpy(), conditions)
    honest = features(small_store, labels, rows, channels=("error",))[:, 0]
    np.testing.assert_allclose(honest, expected.numpy(), rtol=1e-6)
    assert not np.array_equal(honest, stored)


def test_a_weighted_residual_is_taken_from_the_mean_of_training_spectra(small_store, labels, rows):
    ids = np.array([3, 500, 1023])
    made = features(small_store, labels, rows, channels=("weighted_residual", "error_level", "error"))
    flux = np.concatenate([small_store.read(c, "flux") for c in range(3)])[rows.fit]
    error = made[:, 2]
    middle = np.sort(error, axis=1)[:, error.shape[1] // 2 - 1, None]
    expected = (noisy(small_store, ids) - flux.mean(axis=0)) / (error + 1e-3) * (middle + 1e-3)
    np.testing.assert_allclose(made[:, 0], expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(made[:, 1], np.broadcast_to(np.log(middle + 1e-3), expected.shape), rtol=1e-5)


def test_a_preparation_of_other_stars_sees_them_as_those_of_the_store(small_store, labels, rows):
    """The stars of the store under other numbers: rows of a table of their own."""
    ids, recipe = np.array([3, 500, 1023]), Recipe(channels=("flux", "log_error"))
    prepare = preparation(small_store, labels, rows, recipe, np.ones(small_store.n_pixels, dtype=bool))
    other = prepare.of_stars(labels.loc[ids].reset_index(drop=True))
    flux, error = (torch.from_numpy(small_store.read(0, name)[ids]) for name in ("flux", "error"))
    with_noise = prepare.noisy(flux, error, ids, 0)
    torch.testing.assert_close(other.seen(with_noise, error, np.arange(3)), prepare.fresh(flux, error, ids, 0))
    with pytest.raises(AssertionError):
        torch.testing.assert_close(prepare.seen(with_noise, error, np.arange(3)), prepare.fresh(flux, error, ids, 0))


# --- gathering


def test_gathered_features_are_in_the_order_of_their_ids_with_frozen_validation_and_test(small_store, labels, rows):
    recipe = Recipe()
    everything = np.ones(small_store.n_pixels, dtype=bool)
    prepare = preparation(small_store, labels, rows, recipe, everything)
    found = gathered(small_store, rows, prepare)
    flux, error = (np.concatenate([small_store.read(c, a) for c in range(3)]) for a in ("flux", "error"))
    for role, ids, draw in (("fit", rows.fit, 1), ("validation", rows.validation, 0), ("test", rows.test, 0)):
        expected = noisy_rows(flux[ids], error[ids], ids, SEED, LEVEL, draw)
        np.testing.assert_array_equal(found[role], expected)


def test_validation_and_test_see_the_same_noise_under_every_seed(small_store, labels, pools, members):
    found = []
    for seed_number in (0, 1):
        rows = data.choose_rows(pools, members, Recipe(), 60, 20, seed_number)
        everything = np.ones(small_store.n_pixels, dtype=bool)
        found.append(gathered(small_store, rows, preparation(small_store, labels, rows, Recipe(), everything)))
    np.testing.assert_array_equal(found[0]["test"], found[1]["test"])
    np.testing.assert_array_equal(found[0]["validation"], found[1]["validation"])
    assert not np.array_equal(found[0]["fit"], found[1]["fit"])


def test_ids_are_grouped_by_chunk_in_rising_order(small_store):
    grouped = reading.by_chunk(small_store, np.array([2_050, 3, 1_024, 1, 1_023]))
    assert {chunk: ids.tolist() for chunk, ids in grouped.items()} == {0: [1, 3, 1_023], 1: [1_024], 2: [2_050]}
