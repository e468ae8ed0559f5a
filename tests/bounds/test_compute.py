"""One pass of bounds: the estimators beside each other, independence of batches and threads, one read per chunk."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from toys import ONE, TWO, ToySource, linear_source, store_of

from logg1m.bounds import compute, fisher
from logg1m.bounds.compute import Library, collect, compute_bounds, select
from logg1m.config.bounds import Bounds
from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.observe import LABELS
from logg1m.sources.embedded import EmbeddedSource
from logg1m.spectra.store import Store

RANGES = {name: high - low for name, (low, high) in Data().priors}
TOY_RANGES = dict.fromkeys(LABELS, 1.0)


def part(library: Library, rows: slice) -> Library:
    return Library(library.ids[rows], library.flux[rows], library.error[rows], library.labels[rows])


@pytest.fixture(scope="module")
def library(small_store: Store) -> Library:
    """Every spectrum of the store."""
    return collect(small_store, np.arange(small_store.n_spectra), ONE)


@pytest.fixture(scope="module")
def found(library: Library, small_source: EmbeddedSource) -> compute.BoundsResult:
    return compute_bounds(library, small_source, RANGES, Bounds(), TWO)


def test_local_regression_agrees_with_the_exact_derivative(found):
    ratio = found.stars["local_linear_sigma_5d"] / found.stars["exact_sigma_5d"]
    assert 0.8 < ratio.median() < 1.25
    assert 0.8 < (found.stars["local_linear_sigma_1d"] / found.stars["exact_sigma_1d"]).median() < 1.25


def test_no_exact_bound_fails_and_all_are_ordered(found):
    exact = found.stars.filter(regex="^exact_")
    assert not exact.filter(like="failed").to_numpy().any()
    assert (exact["exact_sigma_1d"] <= exact["exact_sigma_3d"] * (1 + 1e-6)).all()
    assert (exact["exact_sigma_3d"] <= exact["exact_sigma_5d"] * (1 + 1e-6)).all()
    assert (exact["exact_trace_share"] > 0).all()
    assert exact["exact_trace_share"].median() < 0.01


def test_exact_bounds_are_those_of_the_sources_derivatives(found, library, small_source):
    ids = np.array([5, 700, 2_099])
    jacobian = small_source.derivatives(ids).d_flux.double().numpy()
    information = fisher.fisher_information(jacobian, library.error[ids].astype(np.float64))
    expected = fisher.bounds(information, RANGES, Bounds().max_condition)
    for name in fisher.SETS:
        np.testing.assert_allclose(found.stars.loc[ids, f"exact_sigma_{name}"], expected[f"sigma_{name}"], rtol=1e-3)


def test_every_star_carries_its_own_labels(found, small_store):
    np.testing.assert_array_equal(found.stars["id"], np.arange(2_100))
    np.testing.assert_array_equal(found.stars["logg"], small_store.labels()["logg"])


def test_sensitivity_along_wavelength_is_the_mean_over_stars(library, small_source):
    few = part(library, slice(0, 130))
    values = compute_bounds(few, small_source, RANGES, Bounds(), ONE).sensitivity
    np.testing.assert_array_equal(values["wave"], small_source.wave)
    weighted = small_source.derivatives(few.ids).d_flux.double().numpy() / few.error[:, None]
    np.testing.assert_allclose(values["exact"], np.abs(weighted[:, 1]).mean(axis=0), rtol=1e-3)
    others = weighted[:, [0, 2, 3, 4]]
    imitated = [np.linalg.lstsq(others[k].T, weighted[k, 1], rcond=None)[0] @ others[k] for k in range(len(few.ids))]
    own = np.abs(weighted[:, 1] - np.array(imitated)).mean(axis=0)
    np.testing.assert_allclose(values["exact_marginalised"], own, rtol=1e-2, atol=1e-4 * own.max())


@pytest.mark.slow
def test_bounds_do_not_depend_on_batches_or_threads(library, small_source, monkeypatch):
    few = part(library, slice(0, 300))
    whole = compute_bounds(few, small_source, RANGES, Bounds(), ONE)
    threads = compute_bounds(few, small_source, RANGES, Bounds(), TWO)
    pd.testing.assert_frame_equal(whole.stars, threads.stars, check_exact=True)
    pd.testing.assert_frame_equal(whole.sensitivity, threads.sensitivity, check_exact=True)
    monkeypatch.setattr(compute, "_BATCH", 77)
    batches = compute_bounds(few, small_source, RANGES, Bounds(), ONE)
    pd.testing.assert_frame_equal(whole.stars, batches.stars, rtol=2e-3)
    pd.testing.assert_frame_equal(whole.sensitivity, batches.sensitivity, rtol=2e-3)


def test_collect_reads_each_chunk_once_and_only_those_it_needs(small_store, monkeypatch):
    seen, original = [], Store.read
    monkeypatch.setattr(
        Store, "read", lambda self, chunk, name: seen.append((chunk, name)) or original(self, chunk, name)
    )
    ids = np.array([2_099, 3, 2_060, 7, 1_000])
    library = collect(small_store, ids, ONE)
    assert sorted(seen) == [(chunk, name) for chunk in (0, 2) for name in ("error", "flux")]
    np.testing.assert_array_equal(library.ids, [3, 7, 1_000, 2_060, 2_099])


def test_collected_rows_are_those_of_their_ids(small_store, library):
    some = collect(small_store, np.array([2_050, 12, 1_024]), TWO)
    np.testing.assert_array_equal(some.flux, library.flux[some.ids])
    np.testing.assert_array_equal(some.error, library.error[some.ids])
    np.testing.assert_array_equal(some.labels, small_store.labels()[list(LABELS)].to_numpy()[some.ids])


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> tuple[ToySource, Library]:
    """Flux linear in the labels: the exact derivative is the same for all, and every regression finds it."""
    source = linear_source(1_500, labels=lambda rng, n: rng.random((n, 5)))
    return source, collect(store_of(source, tmp_path_factory.mktemp("toy")), np.arange(1_500), ONE)


def test_a_linear_flux_has_the_closed_form_by_exact_and_by_local_regression(toy):
    source, library = toy
    stars = compute_bounds(library, source, TOY_RANGES, Bounds(), ONE).stars
    weighted = source.design.astype(np.float64) / library.error[0].astype(np.float64)
    for name, labels in fisher.SETS.items():
        index = [LABELS.index(label) for label in labels]
        sigma = np.sqrt(np.linalg.inv(weighted[index] @ weighted[index].T)[0, 0])
        np.testing.assert_allclose(stars[f"exact_sigma_{name}"], sigma, rtol=1e-5)
        np.testing.assert_allclose(stars[f"local_linear_sigma_{name}"], sigma, rtol=1e-3)
    assert stars["knn_sigma_1d"].std() / stars["knn_sigma_1d"].mean() > 0.05  # contaminated by the other labels


def test_a_source_without_derivatives_has_no_exact_bound(toy):
    class Plain:
        def __init__(self, source: ToySource) -> None:
            self.wave = source.wave

    stars = compute_bounds(toy[1], Plain(toy[0]), TOY_RANGES, Bounds(), ONE).stars
    assert not [column for column in stars if column.startswith("exact")]
    assert "local_linear_sigma_5d" in stars


def test_labels_that_are_not_separated_fail_and_leave_the_sensitivity_of_the_others_alone(toy):
    source, library = toy
    labels = library.labels.copy()
    labels[:700, 4] = labels[:700, 3] = 10.0  # a far corner where [C/M] and [α/M] never vary
    result = compute_bounds(replace(library, labels=labels), source, TOY_RANGES, Bounds(linear_degree=1), ONE)
    failed = result.stars["local_linear_failed_5d"].to_numpy()
    np.testing.assert_array_equal(failed, np.arange(1_500) < 700)
    assert fisher.summarise(result.stars.filter(like="local_linear_").rename(columns=lambda c: c[13:]))["5d"]["n_failed"] == 700  # fmt: skip
    assert np.isfinite(result.sensitivity.to_numpy()).all()


@pytest.mark.parametrize("degree", [1, 2])
def test_a_label_that_is_the_same_for_the_whole_library_counts_as_known(toy, degree):
    source, library = toy
    labels = library.labels.copy()
    labels[:, 3] = 0.2
    alike = replace(
        library, labels=labels, flux=(library.flux - library.labels[:, 3:4] * source.design[3]).astype("f4")
    )
    result = compute_bounds(alike, source, TOY_RANGES, Bounds(linear_degree=degree), ONE)
    weighted = (source.design.astype(np.float64) / library.error[0].astype(np.float64))[[1, 0, 2, 4]]
    sigma = np.sqrt(np.linalg.inv(weighted @ weighted.T)[0, 0])
    for name in ("exact", "local_linear"):
        np.testing.assert_allclose(result.stars[f"{name}_sigma_5d"], sigma, rtol=1e-3)
        assert result.stars[f"{name}_sigma_prior"].notna().all()
    assert np.isfinite(result.sensitivity.to_numpy()).all()


def test_fewer_spectra_than_a_regression_needs_are_refused(toy):
    with pytest.raises(InputError, match="at least 23"):
        compute_bounds(part(toy[1], slice(0, 20)), toy[0], TOY_RANGES, Bounds(), ONE)


@pytest.fixture(scope="module")
def members() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    order = rng.permutation(1_000)
    table = pd.DataFrame({"id": np.arange(1_000), "pool": "train", "rank": 0, "low_noise": rng.random(1_000) < 0.3})
    table.loc[order[:800], "rank"] = np.arange(800)
    table.loc[order[800:], "rank"] = np.arange(200)
    table.loc[order[800:], "pool"] = "test"
    return table


def test_low_noise_test_spectra_are_selected_first(members):
    in_test = members[(members["pool"] == "test") & members["low_noise"]]
    few = select(members, len(in_test) // 2, 0)
    first = in_test.sort_values("rank")["id"][: len(in_test) // 2]
    np.testing.assert_array_equal(few, np.sort(first))
    more = select(members, len(in_test) + 40, 0)
    assert set(in_test["id"]) <= set(more)
    assert len(more) == len(in_test) + 40
    assert members.loc[more, "low_noise"].all()


def test_the_first_of_the_test_pool_come_along_whatever_their_noise(members):
    chosen = select(members, 10_000, 50)
    low = members.index[members["low_noise"]]
    first = members.index[(members["pool"] == "test") & (members["rank"] < 50)]
    np.testing.assert_array_equal(chosen, np.union1d(low, first))


def test_bounds_scale_with_the_noise_level_and_are_the_same_bits_at_one(library, small_source):
    few = part(library, slice(0, 130))
    assert few.at_noise(1.0) is few
    one, two = (compute_bounds(few.at_noise(level), small_source, RANGES, Bounds(), ONE).stars for level in (1.0, 2.0))
    for name in fisher.SETS:
        np.testing.assert_allclose(two[f"exact_sigma_{name}"], 2 * one[f"exact_sigma_{name}"], rtol=1e-9)
    assert (two["exact_sigma_prior"] > one["exact_sigma_prior"]).all()
    with pytest.raises(InputError, match=r"protocol\.noise_level = 0: without noise there is no bound"):
        few.at_noise(0.0)


def test_with_everybodys_weights_no_star_does_better_than_its_bound(found):
    ratio = found.stars["exact_sigma_common_weights"] / found.stars["exact_sigma_5d"]
    assert ratio.notna().sum() == 1_024  # the first stars alone are fitted twice
    assert (ratio.dropna() > 1 - 1e-6).all()
    assert ratio.median() < 1.05
    assert "local_linear_sigma_common_weights" not in found.stars


def test_common_weights_are_of_the_shape_of_errors_and_not_of_their_size():
    rng = np.random.default_rng(3)
    error = rng.uniform(0.5, 2, size=(6, 11))
    weights = compute.common_weights(error)
    np.testing.assert_allclose(compute.common_weights(error * rng.uniform(1, 9, size=(6, 1))), weights)
    masked = np.where(np.arange(11) == 4, np.inf, error)
    assert compute.common_weights(masked)[4] == 0
    assert (np.delete(compute.common_weights(masked), 4) > 0).all()


def test_a_star_without_any_pixel_has_no_say_in_common_weights():
    error = np.random.default_rng(4).uniform(0.5, 2, size=(5, 9))
    empty = np.vstack([error, np.full((1, 9), np.inf)])
    np.testing.assert_array_equal(compute.common_weights(empty), compute.common_weights(error))
