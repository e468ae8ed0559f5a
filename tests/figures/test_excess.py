from dataclasses import replace

import pandas as pd
import pytest
from made_evidence import evidence, judged

EXCESS = {"value": 0.2, "ci95": [0.1, 0.3]}


def test_a_training_stands_at_what_it_saw_and_took(draw):
    made = evidence()
    told = {name: [runs[0] | {"efficiency": {"excess": EXCESS}}] for name, runs in made.metrics.items()}
    del told["at_random"][0]["efficiency"]  # compared with no posterior
    told["sure"][0]["recipe"] = told["plain"][0]["recipe"] | {"supervised_epochs_factor": 5}
    stored, fresh = pd.DataFrame({"epoch": [1, 2]}), pd.DataFrame({"epoch": [1, 2, 3], "stars": [30, 60, 90]})
    histories = {"plain": [stored], "sure": [fresh], "masked": [pd.DataFrame({"alpha": [1.0]})], "at_random": [stored]}
    times = {name: [{"training_seconds": 7.0}] for name in told}
    found = replace(made, metrics=told, histories=histories, times=times)
    values = draw("excess", verdict=judged(made), evidence=found).set_index("variant")
    assert list(values.index) == ["plain", "sure"]
    assert values.loc["plain", ["stars", "draws", "seconds"]].tolist() == [100, 200, 7]
    assert values.loc["sure", ["stars", "draws", "excess", "low"]].tolist() == [90, 300, 0.2, 0.1]
    assert values["alike"].nunique() == 1, "they differ in their length alone"


def test_models_without_posteriors_are_said_to_be(draw):
    made = evidence()
    assert "posteriors" in draw("excess", verdict=judged(made), evidence=made)["reason"][0]


@pytest.mark.parametrize("columns", [["epoch"], ["epoch", "stars"]])
def test_the_stars_of_a_stored_training_are_its_training_set(draw, columns):
    made = evidence()
    told = {"plain": [made.metrics["plain"][0] | {"efficiency": {"excess": EXCESS}}]}
    found = replace(made, metrics=told, histories={"plain": [pd.DataFrame([dict.fromkeys(columns, 5)])]})
    values = draw("excess", verdict=judged(made), evidence=found)
    assert values["stars"].tolist() == [5 if "stars" in columns else 100]
