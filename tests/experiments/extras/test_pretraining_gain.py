"""What a pretrained variant is compared with, and the price of its speed; the probes beside it."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Recipe
from logg1m.experiments.catalogue import load
from logg1m.experiments.extras import linear_probe, pretraining_gain
from logg1m.experiments.extras.pretraining_gain import SAME_BUDGET, SAME_COMPUTE
from logg1m.experiments.judging.errors import Runs

RISING = np.linspace(0.1, 0.8, 8)
PROBE = {"r2_low_noise": 0.1, "r2_full": 0.2, "layer": 0}
BETTER = {"r2_low_noise": 0.5, "r2_full": 0.6, "layer": 1}
REPORT = {
    "equivalent_spectra": 400.0, "spectra": 300, "explained": 0.05, "explained_noise_free": 0.7,
    "probe": {"spectra": 100, "pixels": PROBE, "pixels_over_rms": PROBE, "random": PROBE, "pretrained": BETTER},
}  # fmt: skip
CHANGES = {
    "scratch": {},
    "longer": {"supervised_epochs_factor": 1.5},
    "masked": {"pretraining": "masked_token"},
    "masked_l1": {"pretraining": "masked_span", "reconstruction": "l1", "mask_share": 0.15},
    "few": {"label_share": 0.2},
    "few_masked": {"label_share": 0.2, "pretraining": "masked_token"},
    "other": {"position": "rotary"},
}


@pytest.fixture
def evidence():
    """Seven variants; the pretrained ones have half the errors and reach everything twice as fast."""
    rng = np.random.default_rng(0)
    truth, base = rng.uniform(1, 5, 500), rng.normal(0, 0.4, (1, 500))
    metrics, errors, curves = {}, {}, {}
    for name, change in CHANGES.items():
        pretrained = "pretraining" in change
        recipe = Recipe(**change).model_dump(mode="json")
        metrics[name] = [{"recipe": recipe, "n_fit": 100, "pretraining": REPORT if pretrained else None}]
        metrics[name][0]["chosen_on_validation"] = {"epochs_run": 8}
        errors[name] = base * (0.5 if pretrained else 1.0)
        curves[name] = [np.minimum(RISING * (2 if pretrained else 1), 0.9)]
    runs = Runs(truth, np.arange(500) < 200, {}, errors, scores=curves)
    return SimpleNamespace(metrics=metrics, runs=runs, bootstrap=Bootstrap(resamples=100), seed=7)


def test_each_is_compared_with_the_same_budget_and_with_the_same_compute(evidence):
    assert list(pretraining_gain.pairs(evidence)) == [
        ("masked", "scratch", SAME_BUDGET),
        ("masked", "longer", SAME_COMPUTE),
        ("masked_l1", "scratch", SAME_BUDGET),
        ("masked_l1", "longer", SAME_COMPUTE),
        ("few_masked", "few", SAME_BUDGET),
    ]


def test_speed_is_given_with_and_without_the_price_of_the_pretraining(evidence):
    row = pretraining_gain.extra(evidence)[0]
    assert row["low low_noise"] > 0
    assert row["ΔR² full"] == pytest.approx(
        0.75 * (evidence.runs.errors["scratch"] ** 2).mean() / evidence.runs.truth.var(), rel=1e-4
    )
    assert (row["epochs to its best"], row["epochs to the same"]) == (8, 4)
    assert (row["passes to its best"], row["passes to the same, pretraining included"]) == (800, 4 * 100 + 400)
    assert (row["passes run"], row["passes run by the other"]) == (800 + 400, 800)


def test_what_is_never_reached_is_none(evidence):
    evidence.runs.scores["masked"][0] = RISING / 2
    row = pretraining_gain.extra(evidence)[0]
    assert row["epochs to the same"] is None
    assert row["passes to the same, pretraining included"] is None


def test_probes_stand_side_by_side(evidence):
    rows = linear_probe.extra(evidence)
    assert [row["variant"] for row in rows] == ["masked", "masked_l1", "few_masked"]
    assert rows[0]["R² full, random"] == 0.2
    assert rows[0]["R² full, pretrained"] == 0.6
    assert (rows[0]["layer, random"], rows[0]["layer, pretrained"]) == ("0", "1")
    assert rows[0]["explained_noise_free"] == 0.7


def test_every_pretrained_variant_of_the_roadmap_has_both_comparisons():
    variants = load(Path(__file__).parents[3] / "config" / "experiments")["mvp_2_1"].variants
    metrics = {
        name: [{"recipe": Recipe(**variant.change).model_dump(mode="json")}] for name, variant in variants.items()
    }
    found = list(pretraining_gain.pairs(SimpleNamespace(metrics=metrics)))
    pretrained = [name for name, variant in variants.items() if "pretraining" in variant.change]
    assert {pretraining for pretraining, _, basis in found if basis == SAME_BUDGET} == set(pretrained)
    assert {pretraining for pretraining, _, basis in found if basis == SAME_COMPUTE} == set(pretrained)
    assert sum(variants[name].laptop and not variants[name].control for name in pretrained) == 2
