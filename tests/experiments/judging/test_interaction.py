"""A difference of differences with gains that are known."""

import numpy as np
import pytest

from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Criterion, Experiment
from logg1m.experiments.judging.errors import Runs
from logg1m.experiments.judging.verdict import INCONCLUSIVE, decide, improvement

FEW = Bootstrap(resamples=300)
N = 4_000
MORE = Criterion(metric="mae", subset="full", more_in=("sky", "between"))


def runs(seeds: int = 1, **scale: float) -> Runs:
    """Errors of ± the scale of a variant, so that its MAE is exactly that, up to a shared scatter among spectra."""
    rng = np.random.default_rng(0)
    shared, sign = rng.uniform(0.8, 1.2, N), rng.choice([-1.0, 1.0], N)
    errors = {name: np.stack([value * shared / shared.mean() * sign] * seeds) for name, value in scale.items()}
    return Runs(rng.uniform(1, 5, N), rng.random(N) < 0.2, {}, errors)


def measured(found: Runs, criterion: Criterion = MORE) -> dict:
    return improvement(found, "net", "raw", criterion, FEW, 1)


def test_value_is_the_difference_of_both_gains():
    found = measured(runs(raw_sky=0.6, net_sky=0.3, raw_between=0.25, net_between=0.2, raw=0.2, net=0.1))
    assert found["value"] == pytest.approx(0.25)
    assert found["inside"]["value"] == pytest.approx(0.3)
    assert found["outside"]["value"] == pytest.approx(0.05)
    low, high = found["ci95"]
    assert 0.24 < low < 0.25 < high < 0.26
    assert decide(found, MORE)[0] == "accepted"


def test_relative_gains_are_shares_of_their_own_reference():
    relative = Criterion(metric="mae", subset="full", more_in=("sky", "between"), relative=True)
    found = measured(runs(raw_sky=0.6, net_sky=0.3, raw_between=0.2, net_between=0.1), relative)
    assert found["value"] == pytest.approx(0.0, abs=1e-9)
    assert found["inside"]["value"] == pytest.approx(0.5)


def test_a_gain_in_the_other_part_is_refuted():
    found = measured(runs(raw_sky=0.6, net_sky=0.6, raw_between=0.3, net_between=0.2))
    assert found["value"] == pytest.approx(-0.1)
    assert decide(found, MORE)[0] == "refuted"


def test_no_difference_is_inconclusive():
    found = measured(runs(raw_sky=0.6, net_sky=0.5, raw_between=0.3, net_between=0.2))
    assert decide(found, MORE)[0] == INCONCLUSIVE


def test_seeds_are_averaged():
    found = runs(seeds=3, raw_sky=0.6, net_sky=0.3, raw_between=0.25, net_between=0.2)
    found.errors["net_sky"] *= np.array([0.9, 1.0, 1.1])[:, None]
    result = measured(found)
    assert result["value"] == pytest.approx(0.25)
    np.testing.assert_allclose(result["per_seed"], [0.28, 0.25, 0.22])
    assert result["ci95"][1] - result["ci95"][0] > 0.02  # the scatter between seeds counts


def test_without_the_four_models_nothing_is_decided():
    found = measured(runs(raw_sky=0.6, raw_between=0.3, raw=0.2, net=0.1))
    outcome, reason = decide(found, MORE)
    assert outcome == INCONCLUSIVE
    assert "not measured" in reason


def test_an_experiment_without_the_reference_models_is_refused():
    described = {
        "id": "2.9", "name": "x", "title": "x", "phase": 2, "question": "x", "hypothesis": {"text": "x"},
        "variants": {"raw": {"label": "raw"}, "raw_sky": {"label": "raw", "change": {"windows": "sky"}}},
        "acceptance": {"text": "x", "reference": "raw", "criteria": [{"metric": "mae", "more_in": ["sky", "between"]}]},
    }  # fmt: skip
    with pytest.raises(ValueError, match="needs a variant raw_between"):
        Experiment.model_validate(described)
