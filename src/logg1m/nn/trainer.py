"""The one training loop: supervised runs, pretraining and denoisers differ in the loss that their module computes."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from logg1m import interruption
from logg1m.config.networks import Training
from logg1m.files import InputError
from logg1m.nn import checkpoint
from logg1m.nn.checkpoint import Counters
from logg1m.nn.feed import Batch, Feed
from logg1m.progress import Progress, log


class Trainable(Protocol):
    """What the trainer needs of a module, besides being one."""

    def loss(self, x: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
        """Mean loss of a batch; `share` of the training is behind."""


Tensors = tuple[torch.Tensor, ...] | list[torch.Tensor]
Validate = Callable[[nn.Module], dict[str, float]]


@dataclass
class Trained:
    """The averaged weights at the best epoch, one history row per epoch, and how the time went."""

    weights: dict[str, torch.Tensor]
    history: list[dict[str, float]]
    best_epoch: int
    steps: int
    seconds: float
    seconds_waiting: float
    micro_batch: int


class Trainer:
    """Trains a module on a feed; killed and started again with the same `state` it goes on where it was saved.

    Parameters
    ----------
    module : has loss(x, labels, share)
    validate : module with averaged weights → numbers for the history; 'score' is better when larger
    state : file of the resumable state; after the last epoch it keeps the best weights, so that an evaluation that has
        to be repeated trains nothing again
    identity : what the training is; a state of another training is not used
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
    ) -> None:
        self.module, self.feed, self.validate, self.settings = module, feed, validate, settings
        self.path, self.identity, self.title = state, identity, title
        self.device = feed.device
        self.batch_size = min(settings.batch_size, len(feed))
        self.batches = len(feed) // self.batch_size
        self.total_steps = settings.epochs * self.batches
        self.averaged = AveragedModel(module, multi_avg_fn=self._average)
        matrices = [p for p in module.parameters() if p.ndim > 1]
        others = [p for p in module.parameters() if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
        self.counters = Counters(micro_batch=self.batch_size)
        self.best: dict[str, torch.Tensor] = {}
        loss: Callable[..., torch.Tensor] = module.loss  # type: ignore[assignment]
        compiled = settings.compile == "auto" and self.device.type == "cuda"
        self.loss: Callable[..., torch.Tensor] = torch.compile(loss) if compiled else loss

    def train(self) -> Trained:
        """Run to the last epoch or until the validation score has not improved for `patience` epochs."""
        interruption.listen()
        self._resume()
        counters, settings = self.counters, self.settings
        started = saved = time.monotonic()
        earlier = counters.seconds
        progress = Progress(self.title, self.total_steps * self.batch_size)
        progress.skip(counters.step * self.batch_size)
        while not counters.finished:
            self.module.train()
            pending: tuple[torch.Tensor, Batch] | None = None
            for batch in self.feed.epoch(counters.epoch, self.batch_size, counters.batch):
                loss = self._step(batch)
                self._check(pending)  # one step late, so that a GPU is never waited for
                pending = loss, batch
                counters.batch += 1
                counters.step += 1
                now = time.monotonic()
                counters.seconds = earlier + now - started
                waiting = self.feed.waited / max(now - started, 1e-9)
                progress.add(self.batch_size, loss=counters.losses / counters.batch, waiting=waiting)
                if interruption.requested():
                    self._check(pending)
                    self._save()
                    raise interruption.Interrupted(
                        f"in {self.title} after step {counters.step:,} of {self.total_steps:,}"
                    )
                if now - saved > settings.checkpoint_seconds:
                    self._check(pending)
                    pending = None
                    self._save()
                    saved = time.monotonic()
            self._check(pending)
            self._close_epoch()
        if counters.step * self.batch_size > progress.skipped:
            progress.finish()
            self._save()
        return Trained(
            self.best, counters.history, counters.best_epoch, counters.step, counters.seconds, self.feed.waited,
            counters.micro_batch,
        )  # fmt: skip

    def _close_epoch(self) -> None:
        counters = self.counters
        self.averaged.eval()
        with torch.no_grad():
            scores = self.validate(self.averaged.module)
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
            self.best = {name: value.detach().clone() for name, value in self.averaged.module.state_dict().items()}
        log.info(f"{self.title}: " + ", ".join(f"{name} {value:.4g}" for name, value in row.items()))
        counters.epoch, counters.batch, counters.losses = counters.epoch + 1, 0, 0.0
        stale = counters.epoch - 1 - counters.best_epoch
        counters.finished = counters.epoch == self.settings.epochs or stale >= self.settings.patience

    def _step(self, batch: Batch) -> torch.Tensor:
        """One update from a whole batch, in micro-batches that fit; running out of memory halves them."""
        counters = self.counters
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate(counters.step)
        while True:
            try:
                total = self._gradients(batch, counters.micro_batch)
                break
            except torch.OutOfMemoryError:
                if counters.micro_batch == 1:
                    raise InputError(f"{self.title}: the device has no memory for a single spectrum") from None
                counters.micro_batch = -(-counters.micro_batch // 2)
                if self.device.type == "cuda":
                    torch.cuda.empty_cache()
                log.warning(f"{self.title}: out of memory, going on with micro-batches of {counters.micro_batch}")
        nn.utils.clip_grad_norm_(self.module.parameters(), self.settings.clip)
        self.optimiser.step()
        self.averaged.update_parameters(self.module)
        return total

    def _gradients(self, batch: Batch, micro_batch: int) -> torch.Tensor:
        self.optimiser.zero_grad(set_to_none=True)
        share = self.counters.step / self.total_steps
        total = torch.zeros((), device=self.device)
        size = len(batch.labels)
        for low in range(0, size, micro_batch):
            x, labels = batch.x[low : low + micro_batch], batch.labels[low : low + micro_batch]
            with self._precision():
                loss = self.loss(x, labels, share) * (len(labels) / size)
            loss.backward()
            total += loss.detach()
        return total

    def _check(self, pending: tuple[torch.Tensor, Batch] | None) -> None:
        """Count the loss of an earlier step, or stop with the spectra behind it if it is not a number."""
        if pending is None:
            return
        value, batch = float(pending[0]), pending[1]
        if math.isfinite(value):
            self.counters.losses += value
            return
        bad = ~torch.isfinite(batch.x).flatten(1).all(dim=1).cpu().numpy()
        ids = batch.ids[bad] if bad.any() else batch.ids
        shown = ", ".join(map(str, ids[:20])) + (f" … ({len(ids)} in all)" if len(ids) > 20 else "")
        what = "spectra that are not finite" if bad.any() else "all spectra are finite; ids of the batch"
        raise InputError(f"{self.title}: the loss of step {self.counters.step:,} is {value}; {what}: {shown}")

    def _learning_rate(self, step: int) -> float:
        """Linear warm-up, then a cosine to the final rate over the true number of steps."""
        settings = self.settings
        warm = max(1, round(settings.warmup * self.total_steps))
        if step < warm:
            return settings.learning_rate * (step + 1) / warm
        share = min(1.0, (step - warm) / max(self.total_steps - warm, 1))
        low = min(settings.final_learning_rate, settings.learning_rate)
        return low + (settings.learning_rate - low) * (1 + math.cos(math.pi * share)) / 2

    def _average(self, averaged: Tensors, current: Tensors, count: torch.Tensor | int) -> None:
        """Exponential average whose memory is short at first, so that early weights are forgotten."""
        number = self.counters.step
        decay = min(self.settings.ema, (1 + number) / (10 + number))
        torch._foreach_lerp_(averaged, current, 1 - decay)

    def _precision(self) -> AbstractContextManager[object]:
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


def in_batches(
    compute: Callable[[torch.Tensor], torch.Tensor], x: np.ndarray, device: torch.device, size: int
) -> Iterator[torch.Tensor]:
    """compute(x) for consecutive rows of an array, on the device, results on the CPU."""
    with torch.no_grad():
        for low in range(0, len(x), size):
            yield compute(torch.as_tensor(x[low : low + size]).to(device)).float().cpu()
