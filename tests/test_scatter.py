"""Scatter between seeds: pooled values, intervals and power against tables, Holm against his own example."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t

from logg1m.scatter import Scatter, Uncertainty, holm

NOTHING = np.zeros(10)


def test_scatter_is_pooled_within_groups_and_groups_of_one_say_nothing():
    found = Scatter.pooled([np.array([1.0, 2.0, 3.0]), np.array([10.0, 14.0]), np.array([7.0])], 0.0)
    assert (found.value, found.freedom) == (pytest.approx(np.sqrt((2 + 8) / 3)), 3)


def test_few_degrees_of_freedom_do_not_undercut_what_is_configured():
    few, many = [np.array([0.0, 0.01, 0.02])] * 4, [np.array([0.0, 0.01, 0.02])] * 5
    assert Scatter.pooled(few, 0.05) == Scatter(0.05)
    assert Scatter.pooled(few, 0.005) == Scatter(pytest.approx(0.01), 8)
    assert Scatter.pooled(many, 0.05) == Scatter(pytest.approx(0.01), 10)
    assert Scatter.pooled([np.array([0.5])], 0.05).is_configured
    assert Scatter.pooled([np.array([0.5, np.nan])], 0.05) == Scatter(0.05)


def test_seeds_alone_give_students_interval_of_a_difference_of_means():
    uncertain = Uncertainty.of(NOTHING, Scatter(0.1, 4), 2 / 3)
    half = t.ppf(0.975, 4) * 0.1 * np.sqrt(2 / 3)
    assert uncertain.interval(1.0, 0.95) == pytest.approx([1 - half, 1 + half])
    assert uncertain.p_value(half, 0.0) == pytest.approx(0.025)


def test_stars_and_seeds_add_in_quadrature_and_share_the_degrees_of_freedom():
    """Equal variances, of which only one is known from four degrees of freedom: 4 · (2 / 1)² = 16."""
    replicates = np.array([-1.0, 1.0]) * 0.1 / np.sqrt(2)
    uncertain = Uncertainty.of(replicates, Scatter(0.1, 4), 1.0)
    assert (uncertain.error, uncertain.freedom) == (pytest.approx(0.1 * np.sqrt(2)), pytest.approx(16))
    assert Uncertainty.of(replicates, Scatter(0.1), 1.0).freedom == np.inf
    assert Uncertainty.of(replicates, Scatter(0.0, 4), 1.0).freedom == np.inf


def test_the_detectable_difference_is_accepted_with_eighty_percent_power():
    found = Uncertainty(0.01, np.inf).detectable(0.02, 0.025)
    assert found == pytest.approx(0.02 + (norm.ppf(0.975) + norm.ppf(0.8)) * 0.01)
    drawn = np.random.default_rng(0).normal(found, 0.01, 100_000)
    assert (drawn - norm.ppf(0.975) * 0.01 > 0.02).mean() == pytest.approx(0.8, abs=0.005)


def test_what_was_not_measured_has_no_interval_and_is_never_accepted():
    nothing = Uncertainty.of(np.full(10, np.nan), Scatter(0.1), 1.0)
    assert np.isnan(nothing.interval(0.5, 0.95)).all()
    assert nothing.p_value(0.5, 0.0) == 1
    assert (Uncertainty(0.0, np.inf).p_value(0.1, 0.0), Uncertainty(0.0, np.inf).p_value(0.0, 0.0)) == (0, 1)


def test_holm_multiplies_the_smallest_by_all_and_never_falls():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06}
    )
    assert holm({}) == {}
    assert holm({"only": 0.02}) == {"only": 0.02}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_adjusted_p_values_are_never_smaller_and_keep_the_order(values):
    given_p = {str(k): p for k, p in enumerate(values)}
    found = holm(given_p)
    assert all(p <= found[name] <= 1 for name, p in given_p.items())
    ordered = [found[name] for name in sorted(given_p, key=given_p.get)]
    assert ordered == sorted(ordered)
