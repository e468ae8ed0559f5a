"""How soon a training is as good as another: known curves, and what seeds make of them."""

import numpy as np
import pandas as pd
import pytest

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Criterion
from logg1m.experiments.judging import epochs
from logg1m.experiments.judging.epochs import epochs_to, scores, time_to_best
from logg1m.experiments.judging.errors import Runs
from logg1m.experiments.judging.verdict import ACCEPTED, INCONCLUSIVE, REFUTED, decide, improvement
from logg1m.experiments.models.groups import Groups

BOOTSTRAP = Bootstrap(resamples=400)
RISING = np.linspace(0.1, 0.8, 8)
FAST = np.minimum(2 * RISING, 0.9)
CRITERION = Criterion(metric="convergence")


def measured(ours: list[np.ndarray], theirs: list[np.ndarray], seed_scatter: float = 0.0) -> dict:
    return epochs.improvement({"new": ours, "old": theirs}, "new", "old", BOOTSTRAP, seed_scatter)


def test_epochs_are_counted_from_one_and_equality_is_enough():
    assert epochs_to(np.array([0.1, 0.5, 0.4, 0.6]), 0.5) == 2
    assert epochs_to(np.array([0.1, 0.5]), 0.6) is None


def test_a_training_twice_as_fast_saves_half_of_the_epochs():
    assert time_to_best(FAST, RISING) == 0.5
    assert measured([FAST], [RISING])["value"] == 0.5


def test_time_of_the_reference_is_that_of_its_best_epoch_not_of_its_last():
    best_in_the_middle = np.array([0.2, 0.6, 0.5, 0.4])
    assert time_to_best(np.array([0.1, 0.2, 0.3, 0.6]), best_in_the_middle) == 2


def test_a_training_that_never_gets_there_counts_as_the_epoch_after_its_last():
    assert time_to_best(RISING / 2, RISING) == 9 / 8
    assert measured([RISING / 2], [RISING])["value"] == pytest.approx(-1 / 8)


def test_a_training_that_stopped_early_and_never_got_there_was_not_fast():
    late = np.concatenate([np.linspace(0.1, 0.7, 150), np.full(50, 0.69)])  # best at epoch 150 of 200
    early = np.concatenate([np.linspace(0.1, 0.69, 30), np.full(20, 0.68)])  # stops after 50 epochs, a little below
    assert time_to_best(early, late) == 201 / 150
    found = measured([early] * 3, [late] * 3, seed_scatter=0.1)
    assert decide(found, CRITERION)[0] == REFUTED


def test_a_training_saves_nothing_against_itself():
    found = measured([RISING], [RISING])
    assert (found["value"], found["ci95"]) == (0, [0, 0])


def test_passes_count_what_came_before_the_first_epoch_and_how_long_one_is():
    assert time_to_best(FAST, RISING, (100.0, 400.0), (100.0, 0.0)) == (4 * 100 + 400) / 800
    work = {"new": (100.0, 600.0), "old": (100.0, 0.0)}
    found = epochs.improvement({"new": [FAST], "old": [RISING]}, "new", "old", BOOTSTRAP, 0.0, work)
    assert found["value"] == pytest.approx(1 - 1000 / 800)
    assert measured([FAST], [RISING])["value"] == 0.5


def test_interval_covers_the_scatter_between_the_seeds_of_both():
    curves = [RISING, np.minimum(1.3 * RISING, 0.82), np.minimum(0.7 * RISING, 0.79)]
    found = measured(curves, curves)
    assert found["ci95"][0] < 0 < found["ci95"][1]
    low, high = measured([FAST, FAST, FAST], [RISING, RISING, RISING])["ci95"]
    assert (low, high) == (0.5, 0.5)


def test_one_seed_decides_beyond_the_assumed_scatter_of_both():
    """Half of the epochs is more than 1.96 · √2 · 0.1, and less than that of 0.2."""
    assert decide(measured([FAST], [RISING], 0.1), CRITERION)[0] == ACCEPTED
    assert decide(measured([FAST], [RISING], 0.2), CRITERION)[0] == INCONCLUSIVE
    assert decide(measured([RISING / 2], [RISING], 0.1), CRITERION)[0] == INCONCLUSIVE
    assert decide(measured([RISING / 2] * 9, [RISING] * 9, 0.1), CRITERION)[0] == REFUTED


def table(errors: np.ndarray, truth: np.ndarray) -> pd.DataFrame:
    """What a training keeps of its validation stars; errors (E, N)."""
    groups = Groups(truth)
    return groups.table([{"epoch": k + 1, Groups.KEY: groups.sums(e**2).tolist()} for k, e in enumerate(errors)])


def test_scores_of_resampled_stars_scatter_about_the_score_as_independent_samples_of_stars_do():
    rng = np.random.default_rng(1)

    def sample(n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.uniform(1, 5, n), rng.normal(0, [[1.0], [0.5]], (2, n))

    truth, errors = sample(1_000)
    drawn = epochs.resampled({"new": [table(errors, truth)]}, Bootstrap(resamples=2_000), 7)["new"][0]
    assert drawn.shape == (2_000, 2)
    expected = 1 - (errors**2).mean(axis=1) / truth.var()
    np.testing.assert_allclose(drawn.mean(axis=0), expected, atol=0.004)
    again = [1 - (e**2).mean(axis=1) / t.var() for t, e in (sample(1_000) for _ in range(2_000))]
    np.testing.assert_allclose(drawn.std(axis=0), np.std(again, axis=0), rtol=0.25)  # of 100 groups a variance has 14 %


def test_with_as_many_groups_as_stars_resampled_scores_are_those_of_the_plain_bootstrap():
    rng = np.random.default_rng(2)
    truth, errors = rng.uniform(1, 5, 60), rng.normal(0, 0.5, (3, 60))
    drawn = epochs.resampled({"new": [table(errors, truth)]}, BOOTSTRAP, 7)["new"][0]
    counts = np.concatenate(list(metrics.resamples(60, BOOTSTRAP, 7)))
    for k, error in enumerate(errors):
        np.testing.assert_allclose(drawn[:, k], metrics.r2(truth, error)(counts), rtol=1e-6)


def test_an_interval_of_convergence_widens_with_the_scatter_of_the_validation_stars():
    """Two trainings that improve alike: which is first at the other's best is a matter of the stars."""
    rng = np.random.default_rng(3)
    truth, widths = rng.uniform(1, 5, 200), np.linspace(1.0, 0.5, 20)[:, None]
    found = {name: [table(rng.normal(0, widths, (20, 200)), truth)] for name in ("new", "old")}
    curves = {
        name: [1 - t.groupby("epoch")["squared"].sum().to_numpy() / (200 * truth.var()) for t in seeds]
        for name, seeds in found.items()
    }
    drawn = epochs.resampled(found, BOOTSTRAP, 7)
    without = epochs.improvement(curves, "new", "old", BOOTSTRAP, 0.01)
    measured = epochs.improvement(curves, "new", "old", BOOTSTRAP, 0.01, drawn=drawn)
    assert measured["value"] == without["value"]
    assert measured["standard_error"] > 2 * without["standard_error"]
    np.testing.assert_allclose(
        measured["standard_error"] ** 2 - without["standard_error"] ** 2,
        np.var([1 - time_to_best(a, b) for a, b in zip(drawn["new"][0], drawn["old"][0])], ddof=1),
    )
    assert epochs.resampled({"new": found["new"], "trees": [pd.DataFrame()]}, BOOTSTRAP, 7).keys() == {"new"}


def test_models_without_epochs_are_undecided():
    tables = {"new": [pd.DataFrame({"alpha": [1.0], "validation_r2": [0.5]})], "old": [pd.DataFrame({"score": RISING})]}
    found = epochs.improvement(scores(tables), "new", "old", BOOTSTRAP, 0.1)
    assert decide(found, CRITERION)[0] == INCONCLUSIVE


def test_the_criterion_reads_the_learning_curves_of_the_runs():
    runs = Runs(
        np.zeros(4), np.ones(4, dtype=bool), {}, {"new": np.zeros((1, 4)), "old": np.zeros((1, 4))},
        scores={"new": [FAST], "old": [RISING]},
    )  # fmt: skip
    assert improvement(runs, "new", "old", CRITERION, BOOTSTRAP, 7)["value"] == 0.5
