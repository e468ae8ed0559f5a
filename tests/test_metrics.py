"""Metrics against scikit-learn and numpy, weighted and not; the bootstrap's coverage, pairing and reproducibility."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from toys import paired_difference

from logg1m import metrics
from logg1m.config.bounds import Bootstrap

SEED = 20251222
FEW = Bootstrap(resamples=200)


def sample(n: int = 501, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """(truth, predicted), dex."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(1, 5, n)
    return truth, truth + 0.1 + rng.standard_t(3, n) * 0.4


def ones(n: int) -> np.ndarray:
    return np.ones((1, n), dtype=np.float32)


def test_every_metric_of_the_summary_agrees_with_scikit_learn_and_numpy():
    truth, predicted = sample()
    error = predicted - truth
    found = metrics.summary(truth, predicted, FEW, SEED)
    expected = {
        "r2": r2_score(truth, predicted),
        "mae": mean_absolute_error(truth, predicted),
        "rmse": root_mean_squared_error(truth, predicted),
        "median_bias": np.median(error),
        "nmad": 1.4826 * np.median(np.abs(error)),
        "outlier_rate": np.mean(np.abs(error) > 0.5),
    }
    assert found["n"] == len(truth)
    assert set(found) == {"n", *expected}
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value, rel=1e-12), name


def test_counts_are_weights_for_every_metric():
    truth, predicted = sample(200)
    error = predicted - truth
    counts = np.random.default_rng(2).integers(0, 4, (3, len(truth))).astype(np.float32)
    for row in counts:
        times = row.astype(int)
        expected = {
            "r2": r2_score(truth, predicted, sample_weight=row),
            "mae": mean_absolute_error(truth, predicted, sample_weight=row),
            "rmse": root_mean_squared_error(truth, predicted, sample_weight=row),
            "median": np.quantile(np.repeat(error, times), 0.5, method="inverted_cdf"),
            "nmad": 1.4826 * np.quantile(np.repeat(np.abs(error), times), 0.5, method="inverted_cdf"),
        }
        statistics = {
            "r2": metrics.r2(truth, error),
            "mae": metrics.mean(np.abs(error)),
            "rmse": metrics.rms(error),
            "median": metrics.median(error),
            "nmad": metrics.nmad(error),
        }
        for name, value in expected.items():
            assert statistics[name](row[None])[0] == pytest.approx(value, rel=1e-10), name


def test_statistics_of_many_rows_of_counts_are_those_of_each_row():
    truth, predicted = sample(100)
    counts = next(metrics.resamples(100, FEW, SEED))
    for statistic in (metrics.r2(truth, predicted - truth), metrics.median(predicted), metrics.rms(predicted)):
        together = statistic(counts)
        np.testing.assert_allclose(together, [statistic(row[None])[0] for row in counts], rtol=1e-12)


def test_every_row_of_counts_draws_as_many_spectra_as_there_are():
    counts = np.concatenate(list(metrics.resamples(77, FEW, SEED)))
    assert counts.shape == (200, 77)
    assert (counts.sum(axis=1) == 77).all()
    assert counts.mean(axis=0) == pytest.approx(1, abs=0.3)
    assert counts.var() == pytest.approx(1 - 1 / 77, rel=0.05)  # multinomial


def test_counts_do_not_depend_on_how_many_are_held_at_once(monkeypatch):
    whole = np.concatenate(list(metrics.resamples(101, FEW, SEED)))
    for held in (101, 707, 5_000):
        monkeypatch.setattr(metrics, "_BATCH_VALUES", held)
        batches = list(metrics.resamples(101, FEW, SEED))
        assert len(batches) > 1
        np.testing.assert_array_equal(np.concatenate(batches), whole)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    truth, predicted = sample()
    first, again = (metrics.summary(truth, predicted, FEW, SEED) for _ in range(2))
    assert first == again
    assert first["r2"]["ci95"] != metrics.summary(truth, predicted, FEW, SEED + 1)["r2"]["ci95"]


@pytest.mark.parametrize("name", ["mean", "rms", "median"])
def test_intervals_of_gaussian_samples_cover_the_truth_as_often_as_they_say(name):
    rng = np.random.default_rng(3)
    truth = {"mean": 0.0, "rms": 1.0, "median": 0.0}[name]
    repetitions, hits = 600, 0
    for k in range(repetitions):
        values = rng.standard_normal(200)
        low, high = metrics.with_interval(getattr(metrics, name)(values), 200, FEW, k)["ci95"]
        hits += low <= truth <= high
    assert hits / repetitions == pytest.approx(0.95, abs=0.04)


def test_interval_of_r2_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(4)
    hits = 0
    for k in range(400):
        truth = rng.standard_normal(300)
        error = 0.5 * rng.standard_normal(300)
        low, high = metrics.with_interval(metrics.r2(truth, error), 300, FEW, k)["ci95"]
        hits += low <= 0.75 <= high
    assert hits / 400 == pytest.approx(0.95, abs=0.04)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_the_interval_of_a_median_is_that_of_every_possible_resample(n, level):
    values = np.random.default_rng(n).normal(size=n)
    medians = [np.quantile(values[list(draw)], 0.5, method="inverted_cdf") for draw in product(range(n), repeat=n)]
    tails = [(1 - level) / 2, 1 - (1 - level) / 2]
    found = metrics.median_with_interval(values, level)
    assert found["value"] == np.quantile(values, 0.5, method="inverted_cdf")
    assert found[f"ci{level * 100:.0f}"] == np.quantile(medians, tails, method="inverted_cdf").tolist()


def test_the_interval_of_a_median_is_the_one_that_resampling_tends_to():
    values = np.random.default_rng(8).normal(size=2_001)
    settings = Bootstrap(resamples=4_000)
    drawn = metrics.with_interval(metrics.median(values), len(values), settings, 3)
    exact = metrics.median_with_interval(values, settings.level)
    assert exact["value"] == drawn["value"]
    np.testing.assert_allclose(exact["ci95"], drawn["ci95"], atol=0.005)


def test_an_interval_of_another_level_carries_its_own_name_and_is_narrower():
    values = np.random.default_rng(5).standard_normal(200)
    wide = metrics.with_interval(metrics.mean(values), 200, FEW, SEED)["ci95"]
    narrow = metrics.with_interval(metrics.mean(values), 200, Bootstrap(resamples=200, level=0.68), SEED)["ci68"]
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_a_model_differs_from_itself_by_exactly_nothing():
    truth, predicted = sample()
    for build in (metrics.rms, metrics.median, metrics.nmad, lambda error: metrics.r2(truth, error)):
        same = paired_difference(build, predicted - truth, predicted - truth, FEW, SEED)
        assert same == {"value": 0.0, "ci95": [0.0, 0.0]}


def test_pairing_resolves_a_difference_that_separate_intervals_do_not():
    truth, predicted = sample()
    error = predicted - truth
    better = 0.97 * error
    difference = paired_difference(metrics.rms, error, better, FEW, SEED)
    one, other = (metrics.with_interval(metrics.rms(e), len(e), FEW, SEED)["ci95"] for e in (error, better))
    assert difference["ci95"][0] > 0
    assert difference["value"] == pytest.approx(0.03 * np.sqrt(np.mean(error**2)))
    assert other[1] > one[0]


def test_an_undefined_statistic_has_an_undefined_interval():
    constant = metrics.with_interval(metrics.r2(np.ones(30), np.ones(30)), 30, FEW, SEED)
    assert not np.isfinite(constant["ci95"]).any()


def test_snr_bins_hold_the_metrics_of_their_own_spectra_and_small_ones_are_left_out():
    truth, predicted = sample(600)
    snr = np.random.default_rng(6).uniform(1.6, 8, 600)
    snr[:10] = 1.0  # too few for a bin of their own
    rows = metrics.in_snr_bins(truth, predicted[None], snr, FEW, SEED)[0]
    assert [row["snr_low"] for row in rows] == list(metrics.SNR_EDGES[1:-1])
    assert rows[-1]["snr_high"] is None
    assert sum(row["n"] for row in rows) == 590
    for row in rows:
        inside = (snr >= row["snr_low"]) & (snr < (row["snr_high"] or np.inf))
        assert row["r2"]["value"] == pytest.approx(r2_score(truth[inside], predicted[inside]))
        assert row["mae"]["value"] == pytest.approx(mean_absolute_error(truth[inside], predicted[inside]))
        assert row["snr_median"] == np.median(snr[inside])


def test_evaluation_takes_low_noise_spectra_by_id_whatever_the_order():
    truth, predicted = sample(300)
    ids = np.random.default_rng(7).permutation(1000)[:300]
    low = np.random.default_rng(8).random(300) < 0.3
    members = pd.DataFrame({"snr": 3.5, "low_noise": low}, index=ids)
    table = pd.DataFrame({"id": ids, "truth": truth, "predicted": predicted})
    found = metrics.evaluate(table, members.sort_index(), FEW, SEED)
    assert found["low_noise"]["n"] == low.sum()
    assert found["low_noise"]["r2"]["value"] == pytest.approx(r2_score(truth[low], predicted[low]))
    assert found["full"]["r2"]["value"] == pytest.approx(r2_score(truth, predicted))
    none = metrics.evaluate(table, members.assign(low_noise=False), FEW, SEED)
    assert none["low_noise"] is None


SENSIBLE = st.floats(-5, 5).map(lambda x: round(x, 6))


@given(truth=hnp.arrays(float, 20, elements=SENSIBLE), error=hnp.arrays(float, 20, elements=SENSIBLE))
def test_r2_never_exceeds_one(truth, error):
    counts = np.concatenate([ones(20), next(metrics.resamples(20, FEW, SEED))])
    values = metrics.r2(truth, error)(counts)
    assert not (values > 1 + 1e-9).any()


@given(values=hnp.arrays(float, 25, elements=SENSIBLE), factor=st.floats(1e-3, 1e3))
def test_nmad_scales_with_the_errors_and_does_not_see_their_sign(values, factor):
    counts = next(metrics.resamples(25, FEW, SEED))
    nmad = metrics.nmad(values)(counts)
    np.testing.assert_allclose(metrics.nmad(-factor * values)(counts), factor * nmad, rtol=1e-9)


@given(seed=st.integers(0, 1000), scale=st.floats(0.05, 2))
def test_an_interval_holds_its_value_in_ordinary_cases(seed, scale):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(1, 5, 200)
    summary = metrics.summary(truth, truth + scale * rng.standard_normal(200), FEW, SEED)
    for name in ("r2", "mae", "rmse", "median_bias", "nmad"):
        low, high = summary[name]["ci95"]
        assert low <= summary[name]["value"] <= high, name


@pytest.mark.parametrize("level", ["ci95", "ci68", "ci"])
def test_an_interval_is_found_whatever_its_level(level):
    entry = {"value": 0.5, "n": 3, level: [0.25, 0.75]}
    assert metrics.interval_of(entry) == (0.25, 0.75)
    assert metrics.interval_key(entry) == level
    assert [metrics.is_measured(x) for x in (entry, {"value": 1}, {level: [0, 1]}, 1.0, None, [1])] == [True] + [
        False
    ] * 5
