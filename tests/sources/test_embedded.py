"""The embedded source: label and condition draws, their ranges, and reads that do not depend on the block."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from logg1m.config.data import Data, Observation, Priors
from logg1m.files import InputError
from logg1m.observe import LABELS, Conditions
from logg1m.sources.embedded import EmbeddedSource
from logg1m.spectra.store import digest

IDS = np.arange(20_000)


def source(grid, seed: int = 3, **data: object) -> EmbeddedSource:
    return EmbeddedSource(Data(n_spectra=2_100, **data), seed, grid=grid)  # type: ignore[arg-type]


def test_continuous_labels_are_uniform_in_their_priors_and_independent(grid):
    labels, conditions = source(grid).draw(IDS)
    priors = Priors()
    columns = [(labels[:, k], getattr(priors, name)) for k, name in enumerate(LABELS)]
    columns += [(conditions.mag, (20.5, 22.5)), (conditions.zenith_angle, (0, 45)), (conditions.field_angle, (0, 0.65))]
    for values, (low, high) in columns:
        assert stats.kstest((values - low) / (high - low), "uniform").pvalue > 1e-4
    correlations = np.corrcoef(np.stack([values for values, _ in columns])) - np.eye(len(columns))
    assert np.abs(correlations).max() < 4 / np.sqrt(len(IDS))


def test_fixed_seeing_is_its_value_and_sampled_seeing_is_uniform_in_its_range(grid):
    assert (source(grid).draw(IDS)[1].seeing == 0.8).all()
    observation = Observation(noise_seeing="sampled", seeing_range=(0.6, 1.1), rv_km_s=(-300, 100))
    sampled = source(grid, observation=observation).draw(IDS)[1]
    assert stats.kstest((sampled.seeing - 0.6) / 0.5, "uniform").pvalue > 1e-4
    assert stats.kstest((sampled.redshift * 299792.458 + 300) / 400, "uniform").pvalue > 1e-4


def test_a_change_of_one_setting_leaves_the_other_draws_as_they_were(grid):
    labels, conditions = source(grid).draw(IDS[:100])
    changed = Observation(noise_seeing="sampled", mag=(18.0, 19.0))
    other_labels, other = source(grid, observation=changed).draw(IDS[:100])
    np.testing.assert_array_equal(labels, other_labels)
    np.testing.assert_array_equal(conditions.field_angle, other.field_angle)
    np.testing.assert_allclose(other.mag - 18, (conditions.mag - 20.5) / 2, atol=1e-12)


def test_draws_depend_on_the_id_alone(grid):
    one = source(grid)
    labels, conditions = one.draw(IDS[:500])
    for ids in (np.array([17]), np.array([400, 3, 3])):
        some_labels, some = one.draw(ids)
        np.testing.assert_array_equal(some_labels, labels[ids])
        for name, values in vars(some).items():
            np.testing.assert_array_equal(values, getattr(conditions, name)[ids])


def test_grid_edge_labels_lie_on_nodes_along_every_axis_but_one(grid):
    labels, _ = source(grid, labels="grid_edges").draw(IDS)
    on_node = np.stack([np.isin(labels[:, k], nodes) for k, nodes in enumerate(grid.axes.values())], axis=1)
    assert (on_node.sum(axis=1) == 4).all()
    np.testing.assert_allclose(on_node.mean(axis=0), 0.8, atol=0.02)  # as published
    for k, nodes in enumerate(grid.axes.values()):
        assert set(labels[on_node[:, k], k]) == set(nodes)


def test_grid_edge_labels_stay_inside_their_priors(grid):
    priors = Priors(teff=(4100, 5100), logg=(2.2, 4.4))
    labels, _ = source(grid, labels="grid_edges", priors=priors).draw(IDS)
    assert labels[:, 0].min() >= 4100
    assert labels[:, 0].max() <= 5100
    assert labels[:, 1].min() >= 2.2
    assert labels[:, 1].max() <= 4.4
    with pytest.raises(InputError, match=r"no node of logg lies in its prior \[2.6, 2.9\]"):
        source(grid, labels="grid_edges", priors=Priors(logg=(2.6, 2.9))).draw(IDS)


def test_priors_beyond_the_grid_are_refused_before_anything_is_made(grid):
    with pytest.raises(InputError, match=r"data.priors.logg = \[0.5, 5.0\] dex leaves the grid, which covers \[1, 5\]"):
        source(grid, priors=Priors(logg=(0.5, 5.0)))


def test_a_block_holds_what_the_observer_sees_and_the_documented_labels(grid):
    one = source(grid)
    block = one.read(0, 128)
    labels, conditions = one.draw(np.arange(128))
    seen = one.observer.observe(labels, conditions)
    np.testing.assert_array_equal(block.arrays["flux"], seen.flux.numpy())
    np.testing.assert_array_equal(block.arrays["error"], seen.error.numpy())
    assert list(block.labels) == list(one.labels)
    assert {"flux_scale", "teff", "logg", "m_h", "a_m", "c_m", "mag", "redshift", "seeing"} <= set(block.labels)
    np.testing.assert_array_equal(block.labels["m_h"], labels[:, 2])
    np.testing.assert_array_equal(block.labels["mag"], conditions.mag)
    assert {name: block.arrays[name].dtype.name for name in one.arrays} == one.arrays


@pytest.mark.slow
@settings(max_examples=4)
@given(cuts=st.lists(st.integers(1, 2_099), max_size=4, unique=True))
def test_a_spectrum_is_the_same_bits_whatever_the_blocks_and_their_order(small_source, small_store, cuts):
    stored = np.concatenate([small_store.read(chunk, "error") for chunk in range(small_store.n_chunks)])
    edges = [0, *sorted(cuts), 2_100]
    blocks = [(start, small_source.read(start, stop)) for start, stop in reversed(list(pairwise(edges)))]
    for start, block in blocks:
        rows = slice(start, start + len(block.arrays["error"]))
        np.testing.assert_array_equal(block.arrays["error"], stored[rows])
    assert sum(len(block.arrays["error"]) for _, block in blocks) == 2_100


def test_the_description_changes_with_everything_that_changes_spectra(grid):
    other_nodes = replace(grid, axes=grid.axes | {"teff": grid.axes["teff"] * 1.0001})
    coefficients = grid.coefficients.copy()
    coefficients[0, 0, 0, 0, 0, 0] += 1e-3
    variants = [
        source(grid),
        source(grid, seed=4),
        source(grid, labels="grid_edges"),
        source(grid, observation=Observation(exposures=11)),
        source(grid, priors=Priors(teff=(4000, 5000))),
        source(other_nodes, priors=Priors(teff=(4000, 5000))),
        source(replace(grid, coefficients=coefficients)),
    ]
    assert len({digest(one.describe()) for one in variants}) == len(variants)
    assert digest(source(grid).describe()) == digest(variants[0].describe())


def test_the_description_changes_with_the_table_of_the_instrument(grid, tmp_path, monkeypatch):
    from logg1m.sources import embedded

    before = source(grid).describe()
    (tmp_path / "table.csv").write_text("another")
    monkeypatch.setattr(embedded, "REFERENCE_TABLE", tmp_path / "table.csv")
    assert source(grid).describe() != before


def test_conditions_can_be_taken_by_rows():
    whole = Conditions(*(np.arange(5.0) + 10 * k for k in range(5)))
    assert len(whole) == 5
    np.testing.assert_array_equal(whole[np.array([3, 1])].redshift, [43, 41])
    np.testing.assert_array_equal(whole[1:3].mag, [1, 2])
