"""Efficiencies side by side, as the runs have them."""

from dataclasses import replace

from made_evidence import evidence

from logg1m.experiments.extras import efficiency


def test_every_variant_has_a_row_and_what_its_run_says():
    made = evidence()
    measured = {"n_bayes": 40, "efficiency": {"value": 0.9}, "rmse_over_bayes": {"value": 1.05}}
    metrics = {name: [seeds[0] | {"efficiency": None}] for name, seeds in made.metrics.items()}
    metrics["sure"][0] |= {"efficiency": measured, "chosen_on_validation": {"epoch": 3, "steps": 70}}
    rows = {row["variant"]: row for row in efficiency.extra(replace(made, metrics=metrics))}
    assert rows["plain"] == {"variant": "plain", "training spectra": 100}
    assert rows["sure"] == {
        "variant": "sure", "training spectra": 100, "stars": 40, "efficiency": {"value": 0.9},
        "rmse over bayes": {"value": 1.05}, "best epoch": 3, "steps": 70,
    }  # fmt: skip
