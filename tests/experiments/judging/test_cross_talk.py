"""Cross-talk against scikit-learn's regression, on errors whose dependence is known."""

import numpy as np
import pytest
from made_evidence import evidence
from sklearn.linear_model import LinearRegression

from logg1m.experiments.extras import cross_talk
from logg1m.experiments.judging.cross_talk import explained_share, slopes

N = 3_000
RNG = np.random.default_rng(1)
OTHERS = np.stack([RNG.normal(20, 100, N), RNG.normal(0, 0.1, N)], axis=1)
NOISE = RNG.normal(0, 0.2, N)
ERROR = 0.002 * OTHERS[:, 0] - 1.5 * OTHERS[:, 1] + NOISE


def test_share_is_r2_of_the_regression():
    found = explained_share(ERROR, OTHERS)(np.ones((1, N)))[0]
    assert found == pytest.approx(LinearRegression().fit(OTHERS, ERROR).score(OTHERS, ERROR), abs=1e-9)
    np.testing.assert_allclose(slopes(ERROR, OTHERS), [0.002, -1.5], rtol=0.05)


def test_counts_are_repetitions():
    counts = RNG.integers(0, 3, N)
    again = np.repeat(np.arange(N), counts)
    expected = explained_share(ERROR[again], OTHERS[again])(np.ones((1, len(again))))[0]
    both = explained_share(ERROR, OTHERS)(np.stack([counts, np.ones(N)]))
    assert both[0] == pytest.approx(expected, abs=1e-9)
    assert both[0] != both[1]


def test_errors_that_have_nothing_in_common_share_nothing():
    assert explained_share(NOISE, OTHERS)(np.ones((1, N)))[0] < 0.01


def test_an_error_that_never_varies_explains_nothing():
    others = np.stack([OTHERS[:, 0], np.zeros(N)], axis=1)
    found = explained_share(ERROR, others)(np.ones((1, N)))[0]
    assert found == pytest.approx(explained_share(ERROR, others[:, :1])(np.ones((1, N)))[0], abs=1e-9)


def test_table_finds_the_variant_with_cross_talk_and_its_slope():
    made = evidence()
    rows = {row["variant"]: row for row in cross_talk.extra(made)}
    share, low = rows["plain"]["share of the variance"], made.runs.low_noise
    error = made.runs.errors["plain"][0][low]
    others = np.stack([made.runs.further[label]["plain"][0][low] for label in ("teff", "m_h")], axis=1)
    assert share["value"] == pytest.approx(LinearRegression().fit(others, error).score(others, error))
    assert share["ci95"][0] > rows["masked"]["share of the variance"]["value"]
    assert rows["plain"]["slope, dex per 100 K"] == pytest.approx(0.5, abs=0.05)
    assert rows["masked"]["share of the variance"]["value"] < 0.05
    assert rows["plain"]["MAE of Teff, K"] == pytest.approx(80, rel=0.15)
