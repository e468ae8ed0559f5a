"""The state on disk: what goes in comes out, another training's or a damaged one is not used."""

import pytest
import torch

from logg1m.nn import checkpoint
from logg1m.nn.checkpoint import Counters

CPU = torch.device("cpu")
TENSORS = {"module/a": torch.arange(3.0), "best/b": torch.ones(2, 2)}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "deep" / "training.safetensors"
    checkpoint.save(path, "mine", Counters(epoch=3, step=70, history=[{"epoch": 1.0, "score": 0.5}]), TENSORS)
    return path


def test_counters_and_tensors_come_back(path):
    counters, tensors = checkpoint.load(path, "mine", CPU)
    assert counters == Counters(epoch=3, step=70, history=[{"epoch": 1.0, "score": 0.5}])
    assert torch.equal(checkpoint.unpack(tensors, "module")["a"], TENSORS["module/a"])
    assert list(checkpoint.unpack(tensors, "best")) == ["b"]


def test_a_missing_state_or_that_of_another_training_is_none(path, tmp_path):
    assert checkpoint.load(tmp_path / "none", "mine", CPU) is None
    assert checkpoint.load(path, "other", CPU) is None


@pytest.mark.parametrize(
    "damage", [lambda b: b[:50], lambda b: b"", lambda b: b"x" * len(b), lambda b: b[:-1] + bytes([b[-1] ^ 1])]
)
def test_a_damaged_state_is_reported_and_not_used(path, damage, caplog):
    path.write_bytes(damage(path.read_bytes()))
    assert checkpoint.load(path, "mine", CPU) is None
    assert "is damaged and not used" in caplog.text


def test_an_optimiser_goes_on_as_if_nothing_had_happened():
    def steps(optimiser, parameter, count):
        for k in range(count):
            parameter.grad = torch.full_like(parameter, 0.1 * (k + 1))
            optimiser.step()

    whole, halves = (torch.nn.Parameter(torch.ones(4)) for _ in range(2))
    first, second = (torch.optim.AdamW([p], lr=0.1, fused=True) for p in (whole, halves))
    steps(first, whole, 3)
    steps(second, halves, 3)
    renewed = torch.optim.AdamW([halves], lr=0.1, fused=True)
    checkpoint.restore_optimiser(renewed, checkpoint.optimiser_tensors(second))
    steps(first, whole, 2)
    steps(renewed, halves, 2)
    assert torch.equal(whole, halves)
