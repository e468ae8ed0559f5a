"""Models better than any estimator can be: flagged, logged, and without a say in the verdict; unless the ceiling is
approximate."""

import numpy as np
import pandas as pd
import pytest

from logg1m.bounds.bayes.comparison import add_bayes
from logg1m.bounds.comparison import compare, largest_of_each, note_training, verdict
from logg1m.config.bayes import BayesConfig
from logg1m.config.bounds import Bootstrap, Bounds

N, SEED = 600, 3
BOOTSTRAP = Bootstrap(resamples=200)
CONFIG = Bounds(bayes=BayesConfig(n_full=100), fewest_in_bin=30)


def made() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, pd.DataFrame]]:
    """Bounds, members, posteriors of σ = 0.3 dex, and predictions of an honest model and of one that knows too much."""
    rng = np.random.default_rng(0)
    ids, truth = np.arange(N), rng.uniform(1, 5, N)
    stars = pd.DataFrame({"id": ids, "logg": truth})
    for dims in ("1d", "3d", "5d", "prior"):
        stars[f"exact_sigma_{dims}"] = 0.3
    for dims in ("1d", "3d", "5d"):
        stars[f"exact_retention_{dims}"], stars[f"exact_condition_{dims}"], stars[f"exact_failed_{dims}"] = 1, 10, False
    stars["exact_trace_share"] = 0.0
    members = pd.DataFrame(
        {"snr": rng.uniform(3, 6, N), "pool": "test", "low_noise": True, "rank": ids}, index=pd.Index(ids, name="id")
    )
    error = 0.3 * rng.standard_normal(N)
    posteriors = pd.DataFrame(
        {"id": ids, "truth": truth, "mean": truth + error, "var": 0.09, "median": truth + error,
         "rank": rng.random(N), "ess": 300.0, "iterations": 1, "converged": True}
    )  # fmt: skip
    models = {
        name: pd.DataFrame({"id": ids, "truth": truth, "predicted": truth + factor * error})
        for name, factor in (("honest", 1.5), ("leaky", 0.4))
    }
    return stars, members, posteriors, models


def added(exact: bool = True, only: tuple[str, ...] = ("honest", "leaky")) -> dict:
    stars, members, posteriors, models = made()
    models = {name: models[name] for name in only}
    fisher = compare(stars, members, models, 16 / 12, CONFIG, BOOTSTRAP, SEED, models)
    add_bayes(fisher, posteriors, members, models, CONFIG, BOOTSTRAP, SEED, "uniform box", models, exact)
    return fisher


def test_a_leak_is_recorded_and_logged_and_has_no_say_in_the_verdict(caplog):
    with caplog.at_level("ERROR", logger="logg1m"):
        found = added()
    assert [leak["model"] for leak in found["leaks"]] == ["leaky"]
    assert [line for line in caplog.messages if line.startswith("leak: leaky ")]
    assert found["models"]["leaky"]["rmse"]["value"] < found["models"]["honest"]["rmse"]["value"]
    assert found["verdict"]["model"] == "honest"
    assert found["verdict"]["excluded_as_leaks"] == ["leaky"]
    assert found["ceiling_is_approximate"] is False


def test_under_an_approximate_prior_nothing_is_called_a_leak_and_the_file_says_why(caplog):
    found = added(exact=False)
    assert found["leaks"] == []
    assert not caplog.messages
    assert found["ceiling_is_approximate"] is True
    assert found["models"]["leaky"]["efficiency"]["value"] > 1
    assert found["verdict"]["model"] == "leaky"


def test_if_every_model_leaks_nothing_is_concluded():
    found = added(only=("leaky",))["verdict"]
    assert (found["outcome"], found["reason"]) == ("inconclusive", "every model is flagged as a leak")


def test_the_verdict_is_that_of_the_model_which_was_chosen():
    models = {name: {"rmse_over_bayes": {"value": 3, "ci95": [2.5, 3.5]}} for name in "ab"}
    assert verdict(models, CONFIG, "b")["model"] == "b"
    nothing = verdict(models, CONFIG, None)
    assert (nothing["outcome"], nothing["model"]) == ("inconclusive", None)
    assert "no validation star" in nothing["reason"]


def against_bayes(predicted: np.ndarray) -> dict:
    """Verdict on one estimator, given what it predicts."""
    stars, members, posteriors, _ = made()
    models = {"lightgbm": pd.DataFrame({"id": posteriors["id"], "truth": posteriors["truth"], "predicted": predicted})}
    fisher = compare(stars, members, models, 16 / 12, CONFIG, BOOTSTRAP, SEED, models)
    add_bayes(fisher, posteriors, members, models, CONFIG, BOOTSTRAP, SEED, "uniform box", models)
    return fisher["verdict"]


def test_an_estimator_that_is_optimal_for_half_of_the_stars_and_guesses_the_rest_is_not_near_the_bound():
    """Optimal for 52 %, log g = 3.0 for the others: the median ratio is below 2, R² is far below the ceiling."""
    posterior_mean = made()[2]["mean"].to_numpy()
    gamed = against_bayes(np.where(np.arange(N) < 0.52 * N, posterior_mean, 3.0))
    assert gamed["all_statistics"]["median_ratio"]["value"] < 2.0
    assert (gamed["statistic"], gamed["outcome"]) == ("rmse_over_bayes", "headroom")
    assert gamed["ratio"]["ci95"][0] > 2.0


def test_the_posterior_mean_itself_scores_one_and_is_near_the_bound():
    verdict = against_bayes(made()[2]["mean"].to_numpy())
    assert verdict["ratio"]["value"] == pytest.approx(1.0)
    assert verdict["ratio"]["ci95"] == pytest.approx([1.0, 1.0])
    assert verdict["outcome"] == "near_bound"


def test_a_model_between_the_thresholds_is_inconclusive():
    posteriors = made()[2]
    error = (posteriors["mean"] - posteriors["truth"]).to_numpy()
    assert against_bayes((posteriors["truth"] + 1.7 * error).to_numpy())["outcome"] == "inconclusive"


def test_the_headline_is_what_posteriors_expect_and_the_observed_ceiling_stands_beside_it():
    ceilings = added()["ceilings"]
    assert ceilings["expected_rmse"]["value"] == pytest.approx(0.3)
    assert ceilings["expected_r2"] == ceilings["bayes"]["low_noise"]["expected_r2"]
    assert ceilings["expected_r2"]["value"] != ceilings["bayes_r2"]["value"]
    assert added()["models"]["honest"]["same_stars"]["expected"]["r2"]["value"] == ceilings["expected_r2"]["value"]


def test_the_prior_aware_bound_is_an_approximation_of_the_ceiling_and_says_so():
    ceilings = added()["ceilings"]
    for name, value in (("prior_aware_r2", 1 - 0.09 * 12 / 16), ("prior_aware_rmse", 0.3)):
        assert ceilings[name]["approximation"] is True
        assert ceilings[name]["value"] == pytest.approx(value)
    low, high = ceilings["bayes_rmse"]["ci95"]
    assert low < ceilings["prior_aware_rmse"]["value"] < high


def test_bins_of_signal_to_noise_hold_three_metrics_and_no_bin_of_few_stars():
    _, members, posteriors, _ = made()
    found = added()["ceilings"]
    counts = np.histogram(members["snr"], [3, 4, 5, 6])[0]
    assert [b["n"] for b in found["bayes_bins"]] == counts.tolist()
    for entry in found["bayes_bins"]:
        inside = (members["snr"] >= entry["snr_low"]) & (members["snr"] < entry["snr_high"])
        part = posteriors[inside.to_numpy()]
        assert entry["r2"]["value"] == pytest.approx(1 - 0.09 * 12 / 16)
        assert entry["rmse"]["value"] == pytest.approx(0.3)
        assert entry["mae"]["value"] == pytest.approx((part["mean"] - part["truth"]).abs().mean())
    stars, members, posteriors, models = made()
    strict = compare(stars, members, models, 16 / 12, Bounds(fewest_in_bin=N), BOOTSTRAP, SEED, models)
    assert strict["ceilings"]["snr_bins"] == []


def test_every_model_is_taken_at_its_own_largest_scale_and_the_file_says_at_which():
    _, _, _, models = made()
    table = pd.concat(
        [models["honest"].assign(model="ridge_full", scale=s) for s in (1_000, 2_000)]
        + [models["honest"].assign(model="lightgbm", scale=1_000)]
    )
    predictions, scales = largest_of_each(table)
    assert scales == {"ridge_full": 2_000, "lightgbm": 1_000}
    assert all(len(rows) == N for rows in predictions.values())
    fisher = {"models": {name: {} for name in scales}}
    note_training(fisher, scales, 2_000, 0.8, {"lightgbm": {"setting": "economical"}})
    assert fisher["models"]["ridge_full"] == {"scale": "2k", "n_train": 1_600}
    assert fisher["models"]["lightgbm"] == {
        "scale": "1k",
        "n_train": 800,
        "below_largest_scale": "trained at 1k, not at 2k",
        "setting": "economical",
    }
