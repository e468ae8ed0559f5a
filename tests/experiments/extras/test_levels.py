"""Levels of 0.25 dex: accuracies and calibration error that are known."""

import numpy as np
import pandas as pd
import pytest
from made_evidence import evidence

from logg1m.config.bounds import Bootstrap
from logg1m.experiments.extras import levels

BOOTSTRAP = Bootstrap(resamples=100)


def test_accuracy_counts_levels_and_their_neighbours():
    truth = pd.Series([1.1, 1.1, 1.1, 1.1])
    table = pd.DataFrame({"truth": truth, "predicted": [1.2, 1.3, 0.9, 1.6]})
    row = levels.accuracies(table, BOOTSTRAP, 1)
    assert row["right level"]["value"] == 0.25
    assert row["within one level"]["value"] == 0.75
    assert "right level, classifier" not in row
    assert row["MAE"]["value"] == pytest.approx(0.25)
    assert "MAE, expectation over levels" not in row


def test_a_border_belongs_to_the_level_above():
    assert levels.level_of(pd.Series([0.9999, 1.0, 1.2499, 1.25, -0.1])).tolist() == [3, 4, 4, 5, -1]


def test_calibration_error_is_the_gap_between_accuracy_and_confidence():
    right = np.arange(100) < 70
    assert levels.calibration_error(np.full(100, 0.7), right) == pytest.approx(0)
    assert levels.calibration_error(np.full(100, 0.9), right) == pytest.approx(0.2)
    assert levels.calibration_error(np.full(100, 1.0), right) == pytest.approx(0.3)


def test_gaps_of_opposite_sign_do_not_cancel():
    probability, right = np.repeat([0.25, 0.75], 50), np.repeat([True, False], 50)
    assert levels.calibration_error(probability, right) == pytest.approx(0.75)


def test_a_classifier_is_judged_beside_the_regression():
    rows = [row for row in levels.extra(evidence()) if row["subset"] == "full"]
    sure = next(row for row in rows if row["variant"] == "sure")
    assert sure["right level, classifier"]["value"] == 1
    assert sure["MAE, expectation over levels"]["value"] == 0
    assert sure["expected calibration error"] == pytest.approx(0.05)
    assert 0.2 < sure["right level"]["value"] < 0.5
    assert len(rows) == 4
