"""Train a transformer on spectra simulated on the spot: no store, no workflow, one GPU, ten minutes.

    python benchmarks/train_reference.py [--preset reference] [--n 200000] [--samples 12000000] [--out FOLDER]

Needs torch, numpy, scipy, pandas, matplotlib and the wheels that `make wheels` packs. Simulates the embedded source on the
device, holds it there, trains with fresh noise, and scores 20,000 test spectra with their frozen noise: R² and MAE of log g on the
full and on the low-noise test (the 20 % of largest ‖flux‖₂/‖error‖₂). Writes result.json, history.csv and curve.png; killed
and started again, it goes on.
"""

import argparse
import logging
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from logg1m import device as devices
from logg1m import noise
from logg1m.config.bounds import Bootstrap
from logg1m.config.data import Data
from logg1m.config.experiments import Recipe
from logg1m.config.networks import PRESETS, Training
from logg1m.files import write_csv, write_json
from logg1m.metrics import evaluate
from logg1m.nn.feed import Feed
from logg1m.nn.learner import Learner, Material
from logg1m.nn.trainer import Trainer, in_batches
from logg1m.progress import Progress
from logg1m.provenance import versions
from logg1m.sources.embedded import EmbeddedSource

SEED = 20251222
BLOCK = 4096


def simulate(n: int, device: torch.device) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise-free flux, error (N, P) and log g (N,) of the first n spectra of the embedded source."""
    source = EmbeddedSource(Data(n_spectra=n), SEED, device.type)
    flux, error = (np.empty((n, len(source.wave)), dtype=np.float32) for _ in range(2))
    logg = np.empty(n)
    progress = Progress("spectra", n)
    for low in range(0, n, BLOCK):
        high = min(low + BLOCK, n)
        block = source.read(low, high)
        flux[low:high], error[low:high] = block.arrays["flux"], block.arrays["error"]
        logg[low:high] = block.labels["logg"]
        progress.add(high - low)
    progress.finish()
    return flux, error, logg


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="reference", choices=sorted(PRESETS))
    parser.add_argument("--n", type=int, default=200_000, help="training spectra")
    parser.add_argument("--test", type=int, default=20_000, help="test spectra")
    parser.add_argument("--samples", type=int, default=12_000_000, help="spectra seen in all epochs together")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--out", type=Path, default=Path("results/reference"))
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    started, device = time.monotonic(), devices.resolve(args.device)
    flux, error, logg = simulate(args.n + args.test, device)
    simulated = time.monotonic() - started
    order = noise.permutation(SEED, len(logg))
    test, train = order[: args.test], order[args.test :]
    held = max(2, min(10_000, len(train) // 20))
    fit, validation = train[:-held], train[-held:]

    def noisy(f: torch.Tensor, e: torch.Tensor, ids: np.ndarray, draw: int) -> torch.Tensor:
        normal = noise.normal(SEED, torch.as_tensor(ids, device=f.device), f.shape[1], draw)
        return normal.mul_(e).add_(f)[:, None]

    def frozen(ids: np.ndarray) -> np.ndarray:
        parts = [ids[k : k + BLOCK] for k in range(0, len(ids), BLOCK)]
        return np.concatenate(
            [noisy(torch.from_numpy(flux[p]), torch.from_numpy(error[p]), p, 0).numpy() for p in parts]
        )

    some = noisy(torch.from_numpy(flux[fit[:8192]]), torch.from_numpy(error[fit[:8192]]), fit[:8192], 1)
    labels = logg[:, None].astype(np.float32)
    wave = torch.as_tensor(EmbeddedSource(Data(n_spectra=1024), SEED).wave)
    torch.manual_seed(SEED)
    material = Material(some.mean(dim=0), some.std(dim=0), torch.from_numpy(labels[fit]), wave)
    learner = Learner(Recipe(model="vit"), PRESETS[args.preset], material).to(device)
    feed = Feed(flux[fit], error[fit], labels[fit], fit, noisy, device, SEED, 0, resident=True)
    x_validation = frozen(validation)

    def validate(module: torch.nn.Module) -> dict[str, float]:
        predicted = torch.cat(list(in_batches(module.predict, x_validation, device, 512)))[:, 0].numpy()
        truth = logg[validation]
        return {
            "score": float(1 - ((predicted - truth) ** 2).mean() / truth.var()),
            "seconds": time.monotonic() - started,
        }

    epochs = max(1, round(args.samples / len(fit)))
    settings = Training(epochs=epochs, batch_size=args.batch, learning_rate=args.learning_rate, patience=epochs)
    identity = f"{args.preset} {args.n} {args.samples} {args.batch} {args.learning_rate} {device.type}"
    trained = Trainer(
        learner, feed, validate, settings, args.out / "training.safetensors", identity, args.preset
    ).train()
    learner.load_state_dict(trained.weights)
    predicted = torch.cat(list(in_batches(learner.predict, frozen(test), device, 512)))[:, 0].numpy()
    snr = np.linalg.norm(flux[test], axis=1) / np.linalg.norm(error[test], axis=1)
    members = pd.DataFrame({"snr": snr, "low_noise": snr >= np.quantile(snr, 0.8)}, index=test)
    table = pd.DataFrame({"id": test, "truth": logg[test], "predicted": predicted})
    result = evaluate(table, members, Bootstrap(), SEED)
    history = pd.DataFrame(trained.history)
    write_csv(args.out / "history.csv", history)
    facts = {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "seconds": time.monotonic() - started,
        "seconds_simulating": simulated,
        "seconds_training": trained.seconds,
        "spectra_per_second": trained.steps * min(args.batch, len(fit)) / max(trained.seconds, 1e-9),
        "share_waiting_for_data": trained.seconds_waiting / max(trained.seconds, 1e-9),
    }
    write_json(
        args.out / "result.json",
        {"arguments": vars(args) | {"out": str(args.out)}, **facts, "versions": versions(), **result},
    )
    draw(history, result, args.out / "curve.png")
    for name in ("low_noise", "full"):
        r2, mae = result[name]["r2"], result[name]["mae"]
        print(f"{name}: R² {r2['value']:.4f} {r2['ci95']}, MAE {mae['value']:.4f} dex, n = {result[name]['n']:,}")
    print(
        ", ".join(
            f"{name} {value:,.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in facts.items()
        )
    )


def draw(history: pd.DataFrame, result: dict, path: Path) -> None:
    """R² on the validation spectra against seconds, and where the tests end."""
    import matplotlib.pyplot as plt

    from logg1m.report import style

    figure, axis = plt.subplots(figsize=(6.4, 3.6))
    axis.plot(history["seconds"], history["score"], color=style.BLUE, label="validation (all noise levels)")
    for name, colour in (("low_noise", style.GREEN), ("full", style.ORANGE)):
        axis.axhline(
            result[name]["r2"]["value"],
            color=colour,
            linestyle="--",
            linewidth=1,
            label=f"{name.replace('_', '-')} test at the end",
        )
    axis.set_xlabel("seconds since the start, simulation included")
    axis.set_ylabel("R² of log g")
    axis.set_ylim(0, 1)
    axis.legend(fontsize=8)
    style.save(figure, path, history)


if __name__ == "__main__":
    main()
