"""Metrics that need more than the log g prediction: other labels' errors, and predictions under conditions."""

import numpy as np
import pandas as pd
import pytest

from logg1m import metrics
from logg1m.experiments.judging.errors import LOSS_UNDER, Runs
from logg1m.nn.robustness import conditions

N = 200
IDS = np.arange(N) + 5
RNG = np.random.default_rng(0)
LABELS = pd.DataFrame({"teff": RNG.uniform(3750, 6000, N), "m_h": RNG.uniform(-2.5, 0.5, N)}, index=IDS)
TRUTH = RNG.uniform(1, 5, N)
ERROR = RNG.normal(0, 0.3, N)
MEMBERS = pd.DataFrame({"low_noise": np.arange(N) < 80}, index=IDS)
LOW, ONCE = MEMBERS["low_noise"].to_numpy(), np.ones((1, 80), dtype=np.float32)


def predictions(**columns: np.ndarray) -> pd.DataFrame:
    table = pd.DataFrame({"id": IDS, "truth": TRUTH, "predicted": TRUTH + ERROR} | columns)
    return table.sample(frac=1, random_state=1)  # the order of a file is no matter


def value(runs: Runs, metric: str, subset: np.ndarray = LOW) -> float:
    once = np.ones((1, int(subset.sum())), dtype=np.float32)
    return float(runs.statistic(metric, "new", 0, subset)(once)[0])


def test_conditions_of_the_metrics_are_conditions_that_networks_are_put_to():
    assert {name for names in LOSS_UNDER.values() for name in names if name} <= set(conditions(4096))


def test_errors_of_other_labels_are_in_their_units():
    table = predictions(predicted_teff=LABELS["teff"].to_numpy() + 50, predicted_m_h=LABELS["m_h"].to_numpy() - 0.25)
    runs = Runs.of({"new": [table]}, MEMBERS, LABELS)
    assert value(runs, "mae_teff") == pytest.approx(50)
    assert value(runs, "mae_m_h") == pytest.approx(0.25)


def test_cross_talk_is_what_other_errors_explain():
    other = {"predicted_teff": LABELS["teff"].to_numpy() + 1e3 * ERROR, "predicted_m_h": LABELS["m_h"].to_numpy()}
    assert value(Runs.of({"new": [predictions(**other)]}, MEMBERS, LABELS), "cross_talk") == pytest.approx(1)


def test_loss_under_a_condition_is_the_fall_of_r2_on_the_spectra_that_were_tried():
    tried = pd.DataFrame({"id": IDS[LOW], "crop_10": (TRUTH + 2 * ERROR)[LOW], "shift_64": (TRUTH + 2 * ERROR)[LOW]})
    tried["hidden_64"] = tried["crop_10"]
    runs = Runs.of({"new": [predictions()]}, MEMBERS, LABELS, {"new": [tried.iloc[::-1]]})
    plain = metrics.r2(TRUTH[LOW], ERROR[LOW])(ONCE)[0]
    assert value(runs, "crop_loss") == pytest.approx(3 * (1 - plain))  # twice the error: four times the lost variance
    assert value(runs, "shift_loss") == pytest.approx(0, abs=1e-12)  # no more than hiding the same pixels costs
    assert np.isnan(value(runs, "crop_loss", np.ones(N, dtype=bool))), "the full test was not tried"


@pytest.mark.parametrize("metric", ["mae_teff", "mae_m_h", "cross_talk", "crop_loss", "shift_loss"])
def test_what_a_run_has_not_measured_is_undefined(metric):
    assert np.isnan(value(Runs.of({"new": [predictions()]}, MEMBERS, LABELS), metric))


def test_runs_are_aligned_by_id():
    members = pd.DataFrame({"low_noise": [True, False, True]}, index=[10, 11, 12])
    labels = pd.DataFrame({"teff": [4000.0, 5000.0, 6000.0], "m_h": [0.0, -1.0, -2.0]}, index=[10, 11, 12])
    first = pd.DataFrame({"id": [12, 10, 11], "truth": [3.0, 1.0, 2.0], "predicted": [3.3, 1.1, 2.2]})
    runs = Runs.of({"a": [first], "b": [first.sort_values("id")]}, members, labels)
    assert runs.truth.tolist() == [1, 2, 3]
    assert runs.low_noise.tolist() == [True, False, True]
    assert runs.about["teff"].tolist() == [4000, 5000, 6000]
    np.testing.assert_allclose(runs.errors["a"], [[0.1, 0.2, 0.3]])
    np.testing.assert_allclose(runs.errors["b"], runs.errors["a"])


def test_other_test_spectra_are_refused():
    members = pd.DataFrame({"low_noise": [True] * 3})
    labels = pd.DataFrame({"teff": [4000.0] * 3, "m_h": [0.0] * 3})
    table = pd.DataFrame({"id": [0, 1], "truth": [1.0, 2.0], "predicted": [1.0, 2.0]})
    with pytest.raises(ValueError, match="variant b was tested on other spectra"):
        Runs.of({"a": [table], "b": [table.assign(id=[0, 2])]}, members, labels)
