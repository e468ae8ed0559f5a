"""The training loop: schedule, resuming bit for bit, early stopping, memory, and losses that are no numbers."""

import math
import time

import numpy as np
import pytest
import torch
from torch import nn

from logg1m.config.networks import Training
from logg1m.files import InputError
from logg1m.jobs import interruption
from logg1m.nn.feed import Feed
from logg1m.nn.trainer import Trainer

CPU = torch.device("cpu")
SETTINGS = Training(epochs=3, batch_size=16, learning_rate=0.05, compile="never")


class Line(nn.Module):
    """A small network with the trainer's loss."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))

    def loss(self, x: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
        return ((self.net(x[:, 0]) - labels) ** 2).mean()


def feed(n: int = 100) -> Feed:
    rng = np.random.default_rng(0)
    flux = rng.normal(size=(n, 4)).astype(np.float32)
    labels = flux @ np.array([[1.0], [-2.0], [0.5], [0.0]], dtype=np.float32)
    noise = lambda f, e, ids, draw: (f + 0.01 * draw * e)[:, None]  # noqa: E731
    return Feed(flux, np.ones_like(flux), labels, np.arange(n), noise, CPU, 5, 0, resident=True)


def validate(module: nn.Module) -> dict[str, float]:
    source = feed()
    error = module.net(torch.as_tensor(source.flux)) - source.labels
    return {"score": 1 - float((error**2).mean())}


def trainer(path, settings=SETTINGS, module=None, source=None, check=validate, identity="mine") -> Trainer:
    return Trainer(module or Line(), source or feed(), check, settings, path / "state.safetensors", identity, "test")


def test_training_learns_and_keeps_the_best_averaged_weights(tmp_path):
    trained = trainer(tmp_path, SETTINGS.model_copy(update={"epochs": 30})).train()
    scores = [row["score"] for row in trained.history]
    assert scores[-1] > 0.9 > scores[0]
    assert trained.best_epoch == int(np.argmax(scores))
    module = Line()
    module.load_state_dict(trained.weights)
    assert validate(module)["score"] == pytest.approx(max(scores), abs=1e-6)
    assert trained.steps == 30 * 6


def test_the_rate_rises_falls_as_a_cosine_and_ends_where_it_is_told(tmp_path):
    made = trainer(tmp_path, Training(epochs=10, batch_size=10, learning_rate=1.0, final_learning_rate=0.1, warmup=0.1))
    rates = [made._learning_rate(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1.0
    assert rates[55] == pytest.approx(0.55)
    assert rates[100] == pytest.approx(0.1)
    assert rates[10:] == sorted(rates[10:], reverse=True)


class Interrupting(Feed):
    """Asks to stop when a batch of an epoch is asked for."""

    def epoch(self, epoch, batch_size, first=0):
        for k, batch in enumerate(super().epoch(epoch, batch_size, first), start=first):
            if (epoch, k) == self.stop_at:
                interruption._received = interruption.signal.SIGUSR1
            yield batch


@pytest.mark.parametrize("stop_at", [(0, 0), (0, 5), (1, 2), (2, 5)])
def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(tmp_path, stop_at, monkeypatch):
    whole = trainer(tmp_path / "whole").train()
    source = feed()
    source.__class__, source.stop_at = Interrupting, stop_at
    monkeypatch.setattr(interruption, "_received", None)
    with pytest.raises(interruption.Interrupted, match="run again to resume"):
        trainer(tmp_path / "parts", source=source).train()
    monkeypatch.setattr(interruption, "_received", None)
    parts = trainer(tmp_path / "parts").train()
    assert parts.history == whole.history
    assert parts.best_epoch == whole.best_epoch
    assert all(torch.equal(parts.weights[name], value) for name, value in whole.weights.items())


def test_a_finished_training_is_not_repeated_unless_it_is_another_one(tmp_path):
    first = trainer(tmp_path).train()

    def refuse(module):
        raise AssertionError("trained again")

    again = trainer(tmp_path, check=refuse).train()
    assert again.history == first.history
    assert all(torch.equal(again.weights[name], value) for name, value in first.weights.items())
    with pytest.raises(AssertionError, match="trained again"):
        trainer(tmp_path, check=refuse, identity="other").train()


def test_training_stops_when_the_score_no_longer_improves(tmp_path):
    scores = iter([0.1, 0.5, 0.4, 0.3, 0.2, 0.9])
    settings = SETTINGS.model_copy(update={"epochs": 6, "patience": 2})
    trained = trainer(tmp_path, settings, check=lambda module: {"score": next(scores)}).train()
    assert [row["score"] for row in trained.history] == [0.1, 0.5, 0.4, 0.3]
    assert trained.best_epoch == 1


class Greedy(Line):
    """Runs out of memory for more than five spectra at once."""

    def loss(self, x, labels, share):
        if len(labels) > 5:
            raise torch.OutOfMemoryError("too many")
        return super().loss(x, labels, share)


def test_out_of_memory_halves_the_micro_batch_and_changes_the_result_by_rounding_only(tmp_path):
    plain, greedy = trainer(tmp_path / "a").train(), trainer(tmp_path / "b", module=Greedy()).train()
    assert (plain.micro_batch, greedy.micro_batch) == (16, 4)
    for name, value in plain.weights.items():
        torch.testing.assert_close(greedy.weights[name], value, rtol=1e-4, atol=1e-5)


def test_preparing_a_batch_may_run_out_of_memory_too(tmp_path):
    source = feed()
    plenty = source.prepare

    def scarce(flux, error, ids, draw):
        if len(ids) > 5:
            raise torch.OutOfMemoryError("too many")
        return plenty(flux, error, ids, draw)

    source.prepare = scarce
    assert trainer(tmp_path, source=source).train().micro_batch == 4


def test_times_by_purpose_add_up_over_lives_and_the_rate_is_that_of_the_steps(tmp_path, monkeypatch):
    source = feed()
    source.__class__, source.stop_at = Interrupting, (1, 2)
    plenty = source.prepare

    def slow(*batch):
        time.sleep(0.01)
        return plenty(*batch)

    def tedious(module):
        time.sleep(0.2)
        return validate(module)

    source.prepare = slow
    monkeypatch.setattr(interruption, "_received", None)
    with pytest.raises(interruption.Interrupted):
        trainer(tmp_path, source=source, check=tedious).train()
    monkeypatch.setattr(interruption, "_received", None)
    source.stop_at = None
    trained = trainer(tmp_path, source=source, check=tedious).train()
    times = trained.times
    assert times["waiting"] >= 18 * 0.01  # of both lives
    assert times["validating"] >= 3 * 0.2
    assert times["waiting"] + times["computing"] <= times["steps"]
    assert trained.share_waiting == times["waiting"] / times["steps"]
    assert trained.spectra_per_second == pytest.approx(18 * 16 / times["steps"])
    assert trained.seconds == pytest.approx(sum(times[k] for k in ("steps", "validating", "saving")))


def test_a_plan_makes_the_steps_it_is_asked_for_and_a_rehearsal_leaves_no_trace(tmp_path):
    planned, plain = trainer(tmp_path / "a"), trainer(tmp_path / "b")
    planned.rehearse(5)
    for made in (planned, plain):
        made.plan(20)  # four epochs of at most six batches: five each
        assert (made.epochs, made.batches, made.total_steps) == (4, 5, 20)
    first, second = planned.train(), plain.train()
    assert first.steps == 20
    assert all(torch.equal(first.weights[name], value) for name, value in second.weights.items())


def test_a_loss_that_is_no_number_stops_with_the_spectra_behind_it(tmp_path):
    source = feed()
    source._flux[42, 1] = math.nan
    with pytest.raises(InputError, match=r"loss of step \d+ is nan; spectra that are not finite: 42$"):
        trainer(tmp_path, source=source).train()


def test_a_diverging_loss_names_the_batch(tmp_path):
    class Diverging(Line):
        def loss(self, x, labels, share):
            return super().loss(x, labels, share) * math.inf

    with pytest.raises(InputError, match=r"all spectra are finite; ids of the batch: \d+"):
        trainer(tmp_path, module=Diverging()).train()
