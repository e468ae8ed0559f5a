"""A model and the Bayes-optimal estimator on the same stars, where both are known in closed form."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from logg1m.bounds.efficiency import efficiency
from logg1m.config.bounds import Bootstrap

N, SEED = 4_000, 3
BOOTSTRAP = Bootstrap(resamples=400)
RNG = np.random.default_rng(2)
# Prior N(0, 1), noise of variance 1/4: the posterior mean is 0.8 of what is observed, its variance 0.2.
TRUTH = RNG.normal(size=N)
OBSERVED = TRUTH + 0.5 * RNG.normal(size=N)
POSTERIORS = pd.DataFrame({"id": np.arange(N), "mean": 0.8 * OBSERVED, "var": 0.2, "truth": TRUTH})
MODEL = 0.8 * OBSERVED + 0.3 * RNG.normal(size=N)


@pytest.fixture(scope="module")
def found() -> dict:
    table = pd.DataFrame({"id": np.arange(N + 500), "predicted": np.append(MODEL, np.zeros(500))})
    return efficiency(POSTERIORS, table.sample(frac=1, random_state=1), BOOTSTRAP, SEED)


def test_both_are_measured_on_the_stars_that_have_a_posterior_and_a_prediction(found):
    assert found["n_bayes"] == N
    same = found["same_stars"]
    assert same["model_observed"]["r2"]["value"] == pytest.approx(r2_score(TRUTH, MODEL))
    assert same["observed"]["r2"]["value"] == pytest.approx(r2_score(TRUTH, 0.8 * OBSERVED))
    assert same["expected"]["r2"]["value"] == pytest.approx(1 - 0.2 / TRUTH.var())
    assert same["model_observed"]["rmse"]["value"] == pytest.approx(np.sqrt(np.mean((MODEL - TRUTH) ** 2)))
    assert same["expected"]["rmse"]["value"] == pytest.approx(np.sqrt(0.2))


def test_the_gap_is_the_difference_in_r2_and_in_dex_and_holds_what_theory_says(found):
    same = found["same_stars"]
    assert same["gap"]["r2"]["value"] == pytest.approx(same["expected"]["r2"]["value"] - same["model"]["r2"]["value"])
    assert same["gap"]["rmse"]["value"] == pytest.approx(
        same["model"]["rmse"]["value"] - same["expected"]["rmse"]["value"]
    )
    for name, exact in (("r2", 0.09), ("rmse", np.sqrt(0.29) - np.sqrt(0.2))):
        low, high = same["gap"][name]["ci95"]
        assert low < exact < high, name


def test_the_gap_is_paired_and_so_more_certain_than_its_ends(found):
    same = found["same_stars"]

    def width(name: str) -> float:
        low, high = same[name]["r2"]["ci95"]
        return high - low

    assert width("gap") < width("model") + width("expected")
    assert width("model") < width("model_observed"), "the luck of the stars is in the observed one alone"
    assert width("expected") < width("observed"), "what posteriors expect scatters less than their errors"


def test_without_a_star_in_common_there_is_nothing():
    assert efficiency(POSTERIORS, pd.DataFrame({"id": [N + 7], "predicted": [0.0]}), BOOTSTRAP, SEED) is None


def test_the_excess_is_the_distance_from_the_posterior_mean_and_says_the_efficiency_with_less_scatter(found):
    assert found["excess"]["value"] == pytest.approx(np.mean((MODEL - 0.8 * OBSERVED) ** 2) / 0.2)
    assert found["excess"]["value"] == pytest.approx(0.09 / 0.2, rel=0.1)
    assert 1 / (1 + found["excess"]["value"]) == pytest.approx(found["efficiency"]["value"], rel=0.1)

    def width(low: float, high: float) -> float:
        return high - low

    by_excess = [1 / (1 + end) for end in reversed(found["excess"]["ci95"])]
    assert width(*by_excess) < 0.7 * width(*found["efficiency"]["ci95"])
    optimal = efficiency(POSTERIORS, POSTERIORS.rename(columns={"mean": "predicted"}), BOOTSTRAP, SEED)
    assert optimal["excess"]["value"] == 0
