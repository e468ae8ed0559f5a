"""What knowing the error could gain is said in shares of σ, and as a conclusion where it is below the margin."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_evidence import evidence

from logg1m.config.experiments import Acceptance, Criterion
from logg1m.experiments.extras import error_gain
from logg1m.experiments.judging import verdict


def with_bounds(saved: float, margin: float):
    made = evidence()
    made = replace(
        made, members=made.members.assign(pool=np.where(np.arange(len(made.members)) % 4 < 2, "test", "train"))
    )
    ids = made.members.index.to_numpy()
    stars = pd.DataFrame({"id": ids, "exact_sigma_5d": 0.2, "exact_sigma_common_weights": 0.2 / (1 - saved)})
    stars.loc[0, "exact_sigma_common_weights"] = np.nan  # not among the stars that were fitted twice
    criterion = Criterion(metric="mae", subset="low_noise", margin=margin, relative=True)
    acceptance = Acceptance(text="", reference="sure", criteria=(criterion,))
    return replace(made, stars=stars, experiment=made.experiment.model_copy(update={"acceptance": acceptance}))


def test_a_gain_below_the_margin_is_a_conclusion_and_stands_in_the_reason():
    made = with_bounds(0.01, 0.05)
    found = error_gain.extra(made)
    chosen = made.members[(made.members["pool"] == "test") & made.members["low_noise"]]
    assert found["stars"] == len(chosen) - 1
    assert found["median share of σ"] == pytest.approx(0.01)
    told = verdict.with_extras({"outcome": "refuted", "reason": "no"}, {"error_gain": found, "rows": []})
    assert told["reason"].startswith("no; not under these conditions: ")
    assert "1.00% of σ(log g)" in told["reason"]
    assert told["extra"]["error_gain"] == found
    accepted = verdict.with_extras({"outcome": "accepted", "reason": "yes"}, {"error_gain": found})
    assert accepted["reason"] == "yes"


def test_a_gain_above_the_margin_concludes_nothing():
    assert "conclusion" not in error_gain.extra(with_bounds(0.2, 0.05))


def test_without_bounds_nothing_is_said():
    made = with_bounds(0.2, 0.05)
    assert error_gain.extra(replace(made, stars=made.stars[["id"]])) == {"stars": 0}
