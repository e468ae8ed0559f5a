"""How soon a training is as good as another: known curves, and what seeds make of them."""

import numpy as np
import pandas as pd
import pytest

from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Criterion
from logg1m.experiments.judging import epochs
from logg1m.experiments.judging.epochs import epochs_to, scores, time_to_best
from logg1m.experiments.judging.errors import Runs
from logg1m.experiments.judging.verdict import ACCEPTED, INCONCLUSIVE, REFUTED, decide, improvement

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
