"""Objectives against closed forms: what minimises them is what they promise."""

import math

import pytest
import torch

from logg1m.nn import objectives

LABELS = torch.stack([torch.linspace(0.0, 5.0, 201), torch.linspace(4000, 6000, 201)], dim=1)


def minimised(objective, outputs, labels, share=1.0, steps=400):
    """The free outputs that minimise the mean loss of some labels."""
    outputs = outputs.clone().requires_grad_()
    optimiser = torch.optim.Adam([outputs], lr=0.05)
    for _ in range(steps):
        optimiser.zero_grad()
        objective.losses(outputs.expand(len(labels), -1), labels, share).mean().backward()
        optimiser.step()
    return outputs.detach()


def test_predictions_are_in_label_units():
    objective = objectives.build("mse", LABELS)
    outputs = objective.targets(LABELS)
    torch.testing.assert_close(objective.predict(outputs), LABELS)
    assert objective.losses(outputs, LABELS, 0.0).abs().max() == 0
    assert objective.sigma(outputs) is None


def test_squared_error_is_minimised_by_the_mean():
    objective = objectives.build("mse", LABELS)
    best = minimised(objective, torch.zeros(1, 2), LABELS[:50])
    torch.testing.assert_close(objective.predict(best)[0], LABELS[:50].mean(dim=0), rtol=1e-2, atol=1e-2)


def test_gaussian_likelihood_finds_mean_and_scatter_and_is_the_density():
    objective = objectives.build("gaussian_nll", LABELS)
    generator = torch.Generator().manual_seed(0)
    labels = torch.stack([3 + 0.4 * torch.randn(500, generator=generator), torch.full((500,), 5000.0)], dim=1)
    best = minimised(objective, torch.zeros(1, 4), labels)
    assert objective.predict(best)[0, 0] == pytest.approx(float(labels[:, 0].mean()), abs=0.02)
    assert objective.sigma(best)[0, 0] == pytest.approx(float(labels[:, 0].std(correction=0)), rel=0.05)
    density = torch.distributions.Normal(objective.predict(best)[:, 0], objective.sigma(best)[:, 0])
    constant = math.log(math.sqrt(2 * math.pi) * float(objective.scale[0]))
    torch.testing.assert_close(
        objective.losses(best.expand(500, -1), labels, 0.0)[:, 0], -density.log_prob(labels[:, 0]) - constant
    )


@pytest.mark.parametrize("name", ["ordinal", "ordinal_soft"])
def test_ordinal_learns_the_distribution_over_levels_first_and_the_mean_later(name):
    objective = objectives.build(name, LABELS[:, :1])
    assert len(objective.centres) == 20
    assert torch.allclose(objective.centres.diff(), torch.tensor(0.25))
    labels = torch.tensor([[1.1]] * 30 + [[3.4]] * 70)
    first = minimised(objective, torch.zeros(1, objective.n_outputs), labels, share=0.0)
    share = first[:, 1:].softmax(dim=1)[0]
    if name == "ordinal":
        assert share[int(1.1 / 0.25)] == pytest.approx(0.3, abs=0.02)
        assert share[int(3.4 / 0.25)] == pytest.approx(0.7, abs=0.02)
    assert float((share * objective.centres).sum()) == pytest.approx(0.3 * 1.1 + 0.7 * 3.4, abs=0.1)
    late = minimised(objective, first, labels, share=0.9)
    assert float(objective.predict(late)) == pytest.approx(0.3 * 1.1 + 0.7 * 3.4, abs=0.02)


def test_labels_beyond_the_levels_count_for_the_last_one():
    objective = objectives.build("ordinal", LABELS[:, :1])
    outputs = torch.zeros(1, objective.n_outputs)
    assert torch.isfinite(objective.losses(outputs, torch.tensor([[7.0]]), 0.0)).all()


def test_what_is_known_beside_the_prediction_is_of_log_g_and_in_dex():
    assert objectives.build("mse", LABELS).columns(torch.zeros(3, 2)) == {}
    gaussian = objectives.build("gaussian_nll", LABELS)
    outputs = torch.tensor([[0.0, 0.0, 0.0, 1.0]])
    torch.testing.assert_close(gaussian.columns(outputs)["sigma"], LABELS[:, 0].std()[None])
    ordinal = objectives.build("ordinal", LABELS)
    outputs = torch.zeros(1, ordinal.n_outputs)
    outputs[0, 2 + 4] = 20.0  # the fifth level, 1.00 to 1.25 dex
    known = ordinal.columns(outputs)
    assert known["level"].item() == pytest.approx(1.125)
    assert known["level_probability"].item() == pytest.approx(1, abs=1e-6)
    assert known["level_expected"].item() == pytest.approx(1.125, abs=1e-4)
    even = ordinal.columns(torch.zeros(1, ordinal.n_outputs))
    assert even["level_expected"].item() == pytest.approx(ordinal.centres.mean().item(), abs=1e-5)
