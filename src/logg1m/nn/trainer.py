"""The one training loop: supervised runs, pretraining and denoisers differ in the loss that their module computes."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from logg1m.config.networks import Training
from logg1m.files import InputError
from logg1m.jobs import device as devices
from logg1m.jobs import interruption
from logg1m.jobs.progress import Progress, log
from logg1m.nn import checkpoint
from logg1m.nn.checkpoint import Counters
from logg1m.nn.clock import Clock, Returning, Stopwatch
from logg1m.nn.feed import Batch, Feed

Loss = Callable[..., torch.Tensor]
Compiler = Callable[[Any], Any]  # a function → the same function, faster
Validate = Callable[[nn.Module], dict[str, Any]]

_WITHIN_STEPS = ("waiting", "computing")  # times that are parts of another


class Trainable(Protocol):
    """What the trainer needs of a module, besides being one.

    Where a device gains from compiling, `loss` is compiled as a whole; a module of which only a part can be has a
    method compiled_loss(compiler) that returns the same function with that part compiled.
    """

    def loss(self, x: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
        """Mean loss of a batch; `share` of the training is behind."""


@dataclass
class Trained:
    """The averaged weights at the best epoch, one history row per epoch, and how the time went.

    seconds : wall-clock time by purpose (steps, compiling, validating, saving); beside these, as parts of the steps,
        waiting (from asking for spectra to having them, noise included) and computing (what is done with them)
    spectra_per_second : in the steps alone
    """

    weights: dict[str, torch.Tensor]
    history: list[dict[str, Any]]
    best_epoch: int
    steps: int
    times: dict[str, float]
    spectra_per_second: float
    micro_batch: int

    @property
    def seconds(self) -> float:
        """Of the whole training."""
        return sum(value for name, value in self.times.items() if name not in _WITHIN_STEPS)

    @property
    def share_waiting(self) -> float:
        """Of the time of the steps, the part spent waiting for data."""
        return self.times.get("waiting", 0.0) / max(self.times.get("steps", 0.0), 1e-9)


class Trainer:
    """Trains a module on a feed; killed and started again with the same `state` it goes on where it was saved.

    The host never asks a GPU for a number that it needs at once: losses come back some steps later, times are events.

    Parameters
    ----------
    module : has loss(x, labels, share), see `Trainable`
    validate : module with averaged weights → numbers (or lists of them) for the history; 'score' is better when larger
    state : file of the resumable state; after the last epoch it keeps the best weights, so that an evaluation that has
        to be repeated trains nothing again
    identity : what the training is; a state of another training is not used
    compiler : in place of the one that settings and device ask for
    """

    def __init__(
        self,
        module: nn.Module,
        feed: Feed,
        validate: Validate,
        settings: Training,
        state: Path,
        identity: str,
        title: str,
        compiler: Compiler | None = None,
    ) -> None:
        self.module, self.feed, self.validate, self.settings = module, feed, validate, settings
        self.path, self.identity, self.title = state, identity, title
        self.device = feed.device
        self.batch_size = min(settings.batch_size, len(feed))
        self.epochs, self.batches = settings.epochs, len(feed) // self.batch_size
        self.averaged = deepcopy(module).requires_grad_(False)
        self._weights, self._averages = ([p.data for p in m.parameters()] for m in (module, self.averaged))
        matrices = [p for p in module.parameters() if p.ndim > 1]
        others = [p for p in module.parameters() if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
        self.counters = Counters(micro_batch=self.batch_size)
        self.best: dict[str, torch.Tensor] = {}
        if compiler is None and settings.compile == "auto" and self.device.type == "cuda":
            compiler = devices.compiled
        self.compiled = compiler is not None
        self.loss: Loss = _compiled(module, compiler) if compiler else module.loss  # type: ignore[assignment]
        self.waiting, self.computing = Stopwatch(self.device), Stopwatch(self.device)
        self.returning = Returning(self.device)

    @property
    def total_steps(self) -> int:
        """Of the whole training; what the schedule of the learning rate is laid out for."""
        return self.epochs * self.batches

    def plan(self, steps: int) -> None:
        """Train for a number of steps (rounded down to whole epochs) in place of the settings' epochs.

        Epochs become shorter where it takes that; every epoch has an order of its own, so that no row is left out.
        """
        full = len(self.feed) // self.batch_size
        self.epochs = max(1, -(-steps // full))
        self.batches = max(1, min(full, steps // self.epochs))

    def train(self) -> Trained:
        """Run to the last epoch or until the validation score has not improved for `patience` epochs."""
        interruption.listen()
        self._resume()
        counters = self.counters
        clock, saved, started_at = Clock(counters.seconds), time.monotonic(), counters.step
        progress = Progress(self.title, self.total_steps * self.batch_size)
        progress.skip(counters.step * self.batch_size)
        while not counters.finished:
            self.module.train()
            with closing(self.feed.epoch(counters.epoch, self.batch_size, counters.batch)) as batches:
                while counters.batch < self.batches:
                    with self.waiting.running():
                        batch = next(batches)
                    self._step(batch)
                    if self.compiled and counters.step == started_at + 1:
                        self._wait()
                        self._forget_times()
                        progress.exclude(clock.charge("compiling"), self.batch_size)
                    else:
                        counters.timed_steps += 1
                        clock.charge("steps")
                        progress.add(self.batch_size, **self._facts())
                    stop = interruption.requested()
                    if stop or time.monotonic() - saved > self.settings.checkpoint_seconds:
                        self._wait()
                        clock.charge("steps")
                        self._save()
                        progress.exclude(clock.charge("saving"))
                        saved = time.monotonic()
                    if stop:
                        raise interruption.Interrupted(
                            f"in {self.title} after step {counters.step:,} of {self.total_steps:,}"
                        )
            self._wait()
            self._timed()
            clock.charge("steps")
            self._close_epoch()
            progress.exclude(clock.charge("validating"))
        if counters.step > started_at:
            progress.finish()
            self._save()
            clock.charge("saving")
        return self.trained()

    def trained(self) -> Trained:
        """What there is so far; before the first validation the weights are the average until now."""
        counters = self.counters
        if not self.best:
            self._copy_buffers()
        rate = counters.timed_steps * self.batch_size / max(counters.seconds.get("steps", 0.0), 1e-9)
        weights, c = self.best or self.averaged.state_dict(), counters
        return Trained(weights, c.history, c.best_epoch, c.step, c.seconds, rate, c.micro_batch)

    def rehearse(self, steps: int, most_seconds: float = math.inf) -> tuple[float, float]:
        """(seconds of the first step, seconds per step after it), leaving no trace in weights, optimiser or counters.

        Never more than `steps` or, after the third, `most_seconds`.
        """
        weights = {name: value.clone() for name, value in self.module.state_dict().items()}
        averages = {name: value.clone() for name, value in self.averaged.state_dict().items()}
        counters, self.counters = self.counters, Counters(micro_batch=self.batch_size)
        self.module.train()
        begun = started = time.monotonic()
        first, done = 0.0, 0
        with closing(self.feed.epoch(0, self.batch_size)) as batches:
            for batch in batches:
                self._step(batch)
                done += 1
                if done == 1:
                    self._wait()
                    started = time.monotonic()
                    first = started - begun
                if done >= steps or (done > 3 and time.monotonic() - started > most_seconds):
                    break
        self._wait()
        each = (time.monotonic() - started) / max(done - 1, 1)
        self._forget_times()
        counters.micro_batch, self.counters = self.counters.micro_batch, counters
        self.module.load_state_dict(weights)
        self.averaged.load_state_dict(averages)
        self.optimiser.state.clear()
        return first, each if done > 1 else first

    def _close_epoch(self) -> None:
        counters = self.counters
        self._copy_buffers()
        self.averaged.eval()
        with torch.no_grad():
            scores = self.validate(self.averaged)
        row = {
            "epoch": counters.epoch + 1,
            "step": counters.step,
            "learning_rate": self._learning_rate(counters.step),
            "train_loss": counters.losses / max(counters.batch, 1),
            **scores,
        }
        counters.history.append(row)
        if not math.isfinite(row["score"]):
            raise InputError(f"{self.title}: the validation score of epoch {counters.epoch + 1} is {row['score']}")
        if row["score"] > counters.best_score:
            counters.best_score, counters.best_epoch = row["score"], counters.epoch
            self.best = {name: value.detach().clone() for name, value in self.averaged.state_dict().items()}
        shown = {name: value for name, value in row.items() if isinstance(value, int | float)}
        log.info(f"{self.title}: " + ", ".join(f"{name} {value:.4g}" for name, value in shown.items()))
        counters.epoch, counters.batch, counters.losses = counters.epoch + 1, 0, 0.0
        stale = counters.epoch - 1 - counters.best_epoch
        counters.finished = counters.epoch == self.epochs or stale >= self.settings.patience

    def _step(self, batch: Batch) -> None:
        """One update from a whole batch, in micro-batches that fit; running out of memory halves them."""
        counters = self.counters
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate(counters.step)
        loss = self._try(batch)
        while loss is None:  # outside the handler: until it has ended, its traceback holds the tensors
            if counters.micro_batch == 1:
                raise InputError(f"{self.title}: the device has no memory for a single spectrum")
            counters.micro_batch = -(-counters.micro_batch // 2)
            self.optimiser.zero_grad(set_to_none=True)
            if not counters.step:
                self.optimiser.state.clear()  # it may be half made
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            log.warning(f"{self.title}: out of memory, going on with micro-batches of {counters.micro_batch}")
            loss = self._try(batch)
        counters.batch += 1
        counters.step += 1
        self.returning.send(loss, counters.step, batch)
        self._read()

    def _try(self, batch: Batch) -> torch.Tensor | None:
        """Gradients and update; the mean loss of the batch on the device, None if there was not enough memory."""
        try:
            total = self._gradients(batch, self.counters.micro_batch)
            with self.computing.running():
                nn.utils.clip_grad_norm_(self.module.parameters(), self.settings.clip)
                self.optimiser.step()
                self._average()
            return total
        except torch.cuda.OutOfMemoryError:  # on a CPU too
            return None

    def _gradients(self, batch: Batch, micro_batch: int) -> torch.Tensor:
        self.optimiser.zero_grad(set_to_none=True)
        share = self.counters.step / self.total_steps
        total = torch.zeros((), device=self.device)
        for low in range(0, len(batch), micro_batch):
            labels = batch.labels[low : low + micro_batch]
            with self.waiting.running():
                x = batch.spectra(low, low + micro_batch)
            with self.computing.running():
                with self.precision():
                    loss = self.loss(x, labels, share) * (len(labels) / len(batch))
                loss.backward()
                total += loss.detach()
        return total

    def _read(self, wait: bool = False) -> None:
        """Count the losses that have come back, or stop with the spectra behind one that is not a number."""
        for value, step, batch in self.returning.arrived(wait):
            if math.isfinite(value):
                self.counters.losses += value
                continue
            bad = ~torch.isfinite(batch.spectra()).flatten(1).all(dim=1).cpu().numpy()
            ids = batch.ids[bad] if bad.any() else batch.ids
            shown = ", ".join(map(str, ids[:20])) + (f" … ({len(ids)} in all)" if len(ids) > 20 else "")
            what = "spectra that are not finite" if bad.any() else "all spectra are finite; ids of the batch"
            raise InputError(f"{self.title}: the loss of step {step:,} is {value}; {what}: {shown}")

    def _wait(self) -> None:
        """Until the device has done what was asked of it."""
        self._read(wait=True)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def _facts(self) -> dict[str, float]:
        """Mean loss of the epoch as far as it is known, and shares of the time, for the progress line."""
        counters = self.counters
        seconds = self._timed()
        whole = sum(value for name, value in seconds.items() if name not in _WITHIN_STEPS)
        return {
            "loss": counters.losses / max(counters.batch - len(self.returning), 1),
            "utilisation": seconds["computing"] / max(whole, 1e-9),
            "waiting": seconds["waiting"] / max(seconds["steps"], 1e-9),
        }

    def _forget_times(self) -> None:
        """Leave out of the seconds by purpose what the stopwatches hold."""
        for watch in (self.waiting, self.computing):
            watch.collect()

    def _timed(self) -> dict[str, float]:
        """The seconds by purpose, with what the stopwatches have found since the last call."""
        seconds = self.counters.seconds
        for name, watch in (("waiting", self.waiting), ("computing", self.computing)):
            seconds[name] = seconds.get(name, 0.0) + watch.collect()
        return seconds

    def _learning_rate(self, step: int) -> float:
        """Linear warm-up, then a cosine to the final rate over the true number of steps."""
        settings = self.settings
        warm = max(1, round(settings.warmup * self.total_steps))
        if step < warm:
            return settings.learning_rate * (step + 1) / warm
        share = min(1.0, (step - warm) / max(self.total_steps - warm, 1))
        low = min(settings.final_learning_rate, settings.learning_rate)
        return low + (settings.learning_rate - low) * (1 + math.cos(math.pi * share)) / 2

    def _average(self) -> None:
        """Exponential average whose memory is short at first, so that early weights are forgotten."""
        number = self.counters.step
        decay = min(self.settings.ema, (1 + number) / (10 + number)) if number else 0.0
        torch._foreach_lerp_(self._averages, self._weights, 1 - decay)

    def _copy_buffers(self) -> None:
        for average, current in zip(self.averaged.buffers(), self.module.buffers()):
            average.copy_(current)

    def precision(self) -> AbstractContextManager[object]:
        """Autocast to bfloat16 where the settings or the device ask for it."""
        wanted = self.settings.precision
        low = wanted == "bfloat16" or (wanted == "auto" and self.device.type == "cuda")
        return torch.autocast(self.device.type, dtype=torch.bfloat16) if low else nullcontext()

    def _save(self) -> None:
        parts = {"best": self.best}
        if not self.counters.finished:
            parts |= {
                "module": self.module.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimiser": checkpoint.optimiser_tensors(self.optimiser),
            }
        checkpoint.save(self.path, self.identity, self.counters, checkpoint.pack(parts))

    def _resume(self) -> None:
        found = checkpoint.load(self.path, self.identity, self.device)
        if found is None:
            return
        self.counters, tensors = found
        self.best = checkpoint.unpack(tensors, "best")
        if self.counters.finished:
            log.info(f"{self.title}: trained already, in {self.path}")
            return
        self.module.load_state_dict(checkpoint.unpack(tensors, "module"))
        self.averaged.load_state_dict(checkpoint.unpack(tensors, "averaged"))
        checkpoint.restore_optimiser(self.optimiser, checkpoint.unpack(tensors, "optimiser"))
        log.info(f"{self.title}: resuming after step {self.counters.step:,} of {self.total_steps:,}")


def _compiled(module: nn.Module, compiler: Compiler) -> Loss:
    by_part: Callable[[Compiler], Loss] | None = getattr(module, "compiled_loss", None)
    whole: Loss = compiler(module.loss) if by_part is None else by_part(compiler)
    return whole


def in_batches(
    compute: Callable[[torch.Tensor], torch.Tensor], x: np.ndarray, device: torch.device, size: int
) -> Iterator[torch.Tensor]:
    """compute(x) for consecutive rows of an array, on the device, results on the CPU."""
    with torch.no_grad():
        for low in range(0, len(x), size):
            yield compute(torch.as_tensor(x[low : low + size]).to(device)).float().cpu()
