"""Train a transformer on spectra simulated on the spot: no store, no workflow, one GPU, one command of ten minutes.

    python benchmarks/train_reference.py [--preset reference] [--minutes 9] [--n 900000] [--pooling mean] [--out FOLDER]

Needs torch, numpy, scipy, pandas, matplotlib and the wheels that `make wheels` packs. Simulates the embedded source on the
device and leaves it there, times fifty steps, lays the schedule out so that it ends in time, trains with fresh noise, and
scores the test spectra with their frozen noise: R² and MAE of log g on the full and on the low-noise test (the 20 % of
largest ‖flux‖₂/‖error‖₂ among all spectra). Writes result.json, history.csv and curve.png, the first two at every
validation. SIGTERM: scores the best weights so far; killed and started again with the same arguments, it goes on.
"""

import argparse
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from logg1m import noise
from logg1m.config.bounds import Bootstrap
from logg1m.config.data import Data
from logg1m.config.experiments import Recipe
from logg1m.config.networks import PRESETS, Training
from logg1m.files import read_json, write_csv, write_json
from logg1m.jobs import device as devices
from logg1m.jobs import interruption
from logg1m.jobs.progress import Progress
from logg1m.jobs.provenance import code_fingerprint, versions
from logg1m.metrics import evaluate
from logg1m.nn.feed import Feed
from logg1m.nn.learner import Learner, Material
from logg1m.nn.trainer import Trained, Trainer
from logg1m.sources.embedded import EmbeddedSource

SEED = 20251222
BLOCK = 4096  # spectra simulated or evaluated at once
STATISTICS = 8192  # training spectra behind the mean and scale of the inputs
LARGEST_VALIDATION = 10_000
SIMULATING_SHARE = 0.3  # of the time; then the spectra that are there have to do
MEMORY_SHARE = 0.75  # of the free device memory that spectra may fill
BETWEEN_VALIDATIONS = 20.0  # s, at least
REHEARSAL_STEPS, REHEARSAL_SECONDS = 50, 20.0
SCORING_SECONDS = 40.0  # kept for the test, its bootstrap and the files
SAFETY = 0.97

log = logging.getLogger("logg1m")


@dataclass(frozen=True)
class Spectra:
    """Noise-free flux and error (N, P) and ‖flux‖₂/‖error‖₂ (N,) on the device, log g (N,); row = spectrum id.

    Every spectrum is an independent draw, so the first are the test, the next the validation, the rest is trained on.
    """

    flux: torch.Tensor
    error: torch.Tensor
    snr: torch.Tensor
    logg: np.ndarray
    wave: np.ndarray

    def noisy(self, flux: torch.Tensor, error: torch.Tensor, ids: torch.Tensor, draw: int) -> torch.Tensor:
        """(B, P) with the noise of a draw, (B, 1, P)."""
        return noise.normal(SEED, ids, flux.shape[1], draw).mul_(error).add_(flux)[:, None]

    def frozen(self, low: int, high: int, draw: int = 0) -> torch.Tensor:
        """Spectra low … high − 1 with a draw, (·, 1, P)."""
        ids = torch.arange(low, high, device=self.flux.device)
        return self.noisy(self.flux[low:high], self.error[low:high], ids, draw)


def simulate(n: int, device: torch.device, seconds: float) -> Spectra:
    """The first n spectra of the embedded source, fewer if time or device memory end."""
    source = EmbeddedSource(Data(n_spectra=n), SEED, device.type)
    pixels = len(source.wave)
    if device.type == "cuda":
        most = int(MEMORY_SHARE * torch.cuda.mem_get_info(device)[0] / (2 * 4 * pixels))
        if most < n:
            log.warning(f"the device has memory for {most:,} spectra, not {n:,}")
            n = most
    flux, error = (torch.empty((n, pixels), device=device) for _ in range(2))
    snr, logg = torch.empty(n, device=device), np.empty(n)
    started, progress, high = time.monotonic(), Progress("spectra", n), 0
    for low in range(0, n, BLOCK):
        if time.monotonic() - started > seconds:
            log.warning(f"simulating stops after {seconds:.0f} s with {low:,} of {n:,} spectra")
            break
        high = min(low + BLOCK, n)
        labels, conditions = source.draw(np.arange(low, high))
        observed = source.observer.observe(labels, conditions)
        flux[low:high], error[low:high] = observed.flux, observed.error
        snr[low:high] = observed.flux.norm(dim=1) / observed.error.norm(dim=1)
        logg[low:high] = labels[:, 1]
        progress.add(high - low)
    progress.finish()
    return Spectra(flux[:high], error[:high], snr[:high], logg[:high], np.asarray(source.wave))


class Run:
    """One training with its files."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.started = args, time.monotonic()
        self.device = devices.resolve(args.device)
        chosen = {"position": args.position, "pooling": args.pooling or PRESETS[args.preset].pooling}
        self.architecture = PRESETS[args.preset].model_copy(update={"pooling": chosen["pooling"]})
        self.recipe = Recipe(model="vit", position=chosen["position"])
        code = code_fingerprint("logg1m.nn.trainer", "logg1m.nn.learner", "logg1m.sources.embedded")
        what = {
            "arguments": {k: v for k, v in vars(args).items() if k not in ("out", "minutes", "device")},
            "architecture": self.architecture.model_dump(),
            "code": code,
            "device": self.device.type,
        }
        self.what = json.dumps(what, sort_keys=True)
        self.plan_file = args.out / "plan.json"
        self.evaluated = -np.inf
        self.earlier: float | None = None

    def seconds(self) -> float:
        """Since this process began."""
        return time.monotonic() - self.started

    def go(self) -> None:
        """Simulate, plan or go on with a plan, train, score."""
        args, plan = self.args, self._plan_found()
        limit = SIMULATING_SHARE * 60 * args.minutes if plan is None and args.samples is None else np.inf
        self.spectra = simulate(plan["n"] if plan else args.n + args.test, self.device, limit)
        self.simulated = self.seconds()
        total = len(self.spectra.logg)
        self.test = min(args.test, total // 2)
        self.first = self.test + max(2, min(LARGEST_VALIDATION, (total - self.test) // 20))
        self.trainer = self._trainer()
        if plan is None:
            plan = {"what": self.what, "n": total, "steps": self._steps()}
            write_json(self.plan_file, plan)
        self.trainer.plan(plan["steps"])
        self.trainer.identity = json.dumps(plan, sort_keys=True)
        log.info(
            f"{total - self.first:,} training spectra, {self.trainer.total_steps:,} steps of {self.trainer.batch_size}, "
            f"{self.trainer.epochs} epochs"
        )
        try:
            trained = self.trainer.train()
        except interruption.Interrupted:
            self.score(self.trainer.trained(), "interrupted")
            raise
        self.score(trained, "finished")

    def _plan_found(self) -> dict | None:
        """The plan of an earlier life of the same training."""
        plan = read_json(self.plan_file) if self.plan_file.exists() else None
        state = self.args.out / "training.safetensors"
        return plan if plan and plan.get("what") == self.what and state.exists() else None

    def _trainer(self) -> Trainer:
        spectra, args, low = self.spectra, self.args, self.first
        some = spectra.frozen(low, min(low + STATISTICS, len(spectra.logg)), draw=1)
        labels = torch.from_numpy(spectra.logg[low:, None].astype(np.float32))
        material = Material(some.mean(dim=0).cpu(), some.std(dim=0).cpu(), labels, torch.as_tensor(spectra.wave))
        torch.manual_seed(SEED)
        learner = Learner(self.recipe, self.architecture, material).to(self.device)
        ids = np.arange(low, len(spectra.logg))
        feed = Feed(
            spectra.flux[low:], spectra.error[low:], labels.numpy(), ids, spectra.noisy, self.device, SEED, 0,
            resident=True,
        )  # fmt: skip
        settings = Training(
            epochs=1, batch_size=args.batch, learning_rate=args.learning_rate, patience=100_000,
            checkpoint_seconds=args.checkpoint_seconds,
        )  # fmt: skip
        state = args.out / "training.safetensors"
        return Trainer(learner, feed, self.validate, settings, state, self.what, args.preset)

    def _steps(self) -> int:
        """As many as fit into the time that is left, or as the wanted number of samples takes."""
        args, trainer = self.args, self.trainer
        if args.samples is not None:
            return max(1, args.samples // trainer.batch_size)
        first, each = trainer.rehearse(REHEARSAL_STEPS, REHEARSAL_SECONDS)
        begun = time.monotonic()
        trainer.averaged.eval()
        self._predict(trainer.averaged, self.test, self.first)
        validating = time.monotonic() - begun
        left = 60 * args.minutes - self.seconds() - SCORING_SECONDS
        log.info(f"first step {first:.1f} s, then {trainer.batch_size / each:,.0f} spectra/s; {left:.0f} s left")
        epoch = each * (len(trainer.feed) // trainer.batch_size)
        share = validating / (validating + max(BETWEEN_VALIDATIONS, epoch))
        return max(1, int(SAFETY * (1 - share) * left / each))

    def _predict(self, module: torch.nn.Module, low: int, high: int) -> np.ndarray:
        """log g of spectra low … high − 1 with their frozen noise, dex."""
        made = []
        with torch.no_grad(), self.trainer.precision():
            for start in range(low, high, BLOCK):
                x = self.spectra.frozen(start, min(start + BLOCK, high))
                made.append(module.predict(x)[:, 0].float())
        return torch.cat(made).cpu().numpy().astype(np.float64)

    def validate(self, module: torch.nn.Module) -> dict[str, float]:
        """R² on the validation spectra; of the last validation if that was only seconds ago."""
        history = self.trainer.counters.history
        if self.earlier is None:
            self.earlier = history[-1]["seconds"] if history else 0.0
        last = self.trainer.counters.epoch + 1 == self.trainer.epochs
        row = {"evaluated": 0.0, "score": 0.0, "seconds": self.earlier + self.seconds()}
        if history and not last and time.monotonic() - self.evaluated < self.args.between:
            return row | {"score": history[-1]["score"]}
        self.evaluated = time.monotonic()
        truth = self.spectra.logg[self.test : self.first]
        predicted = self._predict(module, self.test, self.first)
        row |= {"evaluated": 1.0, "score": float(1 - ((predicted - truth) ** 2).mean() / truth.var())}
        print(f"R² {row['score']:.4f} on validation after {row['seconds']:.0f} s", flush=True)
        self.write([*history, row], {"state": "training", "validation_r2": row["score"]})
        return row

    def score(self, trained: Trained, state: str) -> None:
        """Test the best weights and write everything."""
        learner = self.trainer.averaged
        learner.load_state_dict(trained.weights)
        learner.eval()
        truth, predicted = self.spectra.logg[: self.test], self._predict(learner, 0, self.test)
        snr = self.spectra.snr.cpu().numpy()
        threshold = float(np.quantile(snr, 0.8))
        ids = np.arange(self.test)
        members = pd.DataFrame({"snr": snr[: self.test], "low_noise": snr[: self.test] >= threshold}, index=ids)
        table = pd.DataFrame({"id": ids, "truth": truth, "predicted": predicted})
        result = evaluate(table, members, Bootstrap(resamples=self.args.resamples), SEED)
        facts = {"state": state, "low_noise_threshold": threshold, **self._facts(trained)}
        history = self.write(trained.history, {**facts, **result})
        if len(history):
            draw(history, result, self.args.out / "curve.png")
        for name in ("low_noise", "full"):
            r2, mae = result[name]["r2"], result[name]["mae"]
            print(f"{name}: R² {r2['value']:.4f} {r2['ci95']}, MAE {mae['value']:.4f} dex, n = {result[name]['n']:,}")
        print(json.dumps(facts, default=str))

    def _facts(self, trained: Trained) -> dict:
        cuda = self.device.type == "cuda"
        times = trained.times
        return {
            "device": torch.cuda.get_device_name() if cuda else "cpu",
            "torch": torch.__version__,
            "seconds": self.seconds(),
            "seconds_simulating": self.simulated,
            "seconds_training": trained.seconds,
            "seconds_by_purpose": times,
            "steps": trained.steps,
            "spectra_per_second": trained.spectra_per_second,
            "share_waiting_for_data": trained.share_waiting,
            "utilisation": times.get("computing", 0.0) / max(trained.seconds, 1e-9),
            "peak_memory_gb": torch.cuda.max_memory_allocated() / 2**30 if cuda else None,
            "training_spectra": len(self.spectra.logg) - self.first,
        }

    def write(self, rows: list[dict[str, float]], facts: dict) -> pd.DataFrame:
        """history.csv and result.json as far as they are known; the rows in which something was evaluated."""
        history = pd.DataFrame(rows)
        history = history[history["evaluated"] > 0] if len(history) else history
        write_csv(self.args.out / "history.csv", history)
        about = {"arguments": vars(self.args) | {"out": str(self.args.out)}, "what": json.loads(self.what)}
        write_json(self.args.out / "result.json", {**about, "versions": versions(), **facts})
        return history


def draw(history: pd.DataFrame, result: dict, path: Path) -> None:
    """R² on the validation spectra against seconds, and where the tests end."""
    import matplotlib.pyplot as plt

    from logg1m.figures import style

    figure, axis = plt.subplots(figsize=(6.4, 3.6))
    axis.plot(history["seconds"], history["score"], ".-", color=style.BLUE, label="validation (all noise levels)")
    for name, colour in (("low_noise", style.GREEN), ("full", style.ORANGE)):
        label = f"{name.replace('_', '-')} test at the end"
        axis.axhline(result[name]["r2"]["value"], color=colour, linestyle="--", linewidth=1, label=label)
    axis.set_xlabel("seconds since the start, simulation included")
    axis.set_ylabel("R² of log g")
    axis.set_ylim(0, 1)
    axis.legend(fontsize=8)
    style.save(figure, path, history)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="reference", choices=sorted(PRESETS))
    parser.add_argument("--pooling", choices=["mean", "cls", "flatten"], help="in place of the preset's")
    parser.add_argument("--position", default="learned", choices=["learned", "sinusoidal", "rotary"])
    parser.add_argument("--n", type=int, help="training and validation spectra; on a GPU 900,000, else 20,000")
    parser.add_argument("--test", type=int, help="test spectra; on a GPU 100,000, else 5,000")
    parser.add_argument("--minutes", type=float, default=9.0, help="for everything")
    parser.add_argument("--samples", type=int, help="spectra seen in all epochs together, in place of --minutes")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--resamples", type=int, default=Bootstrap().resamples, help="of the bootstrap")
    parser.add_argument("--between", type=float, default=BETWEEN_VALIDATIONS, help="least seconds between validations")
    parser.add_argument("--checkpoint-seconds", type=float, default=60.0)
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--out", type=Path, default=Path("results/reference"))
    args = parser.parse_args(argv)
    cuda = devices.resolve(args.device).type == "cuda"
    args.n = args.n or (900_000 if cuda else 20_000)
    args.test = args.test or (100_000 if cuda else 5_000)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    interruption.listen()  # until the training does, a signal is noted and obeyed at its first step
    Run(args).go()


if __name__ == "__main__":
    main()
