"""Training steps per second: ours (noise on the device, fused optimiser) beside a stack of the common kind.

    python benchmarks/bench_vit.py [--preset laptop] [--steps 30] [--batch 256] [--device auto]

The peer is what most people would write: torch.nn.TransformerEncoder of the same shape, a DataLoader whose workers add the
noise with numpy, fp16 autocast with loss scaling on a GPU, AdamW. Prints spectra/s of each, the share of time ours waits
for data, and the ratio. On a GPU take --preset reference.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from logg1m import device as devices
from logg1m import noise
from logg1m.config.experiments import Recipe
from logg1m.config.networks import PRESETS, Architecture, Training
from logg1m.machine import usable_cores
from logg1m.nn.feed import Feed
from logg1m.nn.learner import Learner, Material
from logg1m.nn.trainer import Trainer
from logg1m.observe import N_PIXELS, WAVE


class Spectra(Dataset):
    """The peer's data set: one spectrum at a time, fresh noise by numpy."""

    def __init__(self, flux: np.ndarray, error: np.ndarray, labels: np.ndarray) -> None:
        self.flux, self.error, self.labels = flux, error, labels

    def __len__(self) -> int:
        return len(self.flux)

    def __getitem__(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        normal = np.random.default_rng().standard_normal(N_PIXELS, dtype=np.float32)
        return self.flux[k] + self.error[k] * normal, self.labels[k]


class Peer(nn.Module):
    """The same transformer from torch's own blocks."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.patch = shape.patch
        self.embed = nn.Linear(shape.patch, shape.width)
        self.position = nn.Parameter(torch.zeros(N_PIXELS // shape.patch, shape.width))
        hidden = int(shape.width * shape.mlp_ratio)
        layer = nn.TransformerEncoderLayer(
            shape.width, shape.heads, hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, shape.depth, nn.LayerNorm(shape.width), enable_nested_tensor=False)
        self.flatten = shape.pooling == "flatten"
        self.head = nn.Linear(shape.width * (N_PIXELS // shape.patch if self.flatten else 1), 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.layers(self.embed(x.unflatten(1, (-1, self.patch))) + self.position)
        return self.head(tokens.flatten(1) if self.flatten else tokens.mean(dim=1))


def ours(
    shape: Architecture, flux: np.ndarray, error: np.ndarray, labels: np.ndarray, args: argparse.Namespace
) -> tuple[float, float]:
    """(spectra/s, share of time waiting for data)."""
    device = devices.resolve(args.device)

    def noisy(f: torch.Tensor, e: torch.Tensor, ids: np.ndarray, draw: int) -> torch.Tensor:
        return noise.normal(1, torch.as_tensor(ids, device=device), N_PIXELS, draw).mul_(e).add_(f)[:, None]

    material = Material(
        torch.zeros(1, N_PIXELS), torch.ones(1, N_PIXELS), torch.from_numpy(labels), torch.as_tensor(WAVE)
    )
    learner = Learner(Recipe(model="vit"), shape, material).to(device)
    feed = Feed(flux, error, labels, np.arange(len(flux)), noisy, device, 1, 0, resident=True)
    settings = Training(epochs=10**6, batch_size=args.batch)
    with TemporaryDirectory() as folder:
        trainer = Trainer(learner, feed, lambda module: {"score": 0.0}, settings, Path(folder) / "s", "bench", "bench")
        batches = (batch for epoch in range(10**6) for batch in feed.epoch(epoch, args.batch))
        return timed(lambda: trainer._step(next(batches)), args, device), feed.waited


def peer(
    shape: Architecture, flux: np.ndarray, error: np.ndarray, labels: np.ndarray, args: argparse.Namespace
) -> float:
    """Spectra/s of the common stack."""
    device = devices.resolve(args.device)
    cuda = device.type == "cuda"
    workers = min(12, usable_cores())
    loader = DataLoader(Spectra(flux, error, labels), args.batch, shuffle=True, num_workers=workers, drop_last=True,
                        pin_memory=cuda, persistent_workers=True)  # fmt: skip
    model = Peer(shape).to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-4)
    scaler = torch.amp.GradScaler(device.type, enabled=cuda)
    batches = (batch for _ in range(10**6) for batch in loader)

    def step() -> None:
        x, y = (values.to(device, non_blocking=True) for values in next(batches))
        optimiser.zero_grad()
        with torch.autocast(device.type, dtype=torch.float16, enabled=cuda):
            loss = ((model(x) - y) ** 2).mean()
        scaler.scale(loss).backward()
        scaler.step(optimiser)
        scaler.update()

    return timed(step, args, device)


def timed(step, args: argparse.Namespace, device: torch.device) -> float:
    """Spectra per second over some steps, after a few that are not counted."""
    for _ in range(args.warm):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(args.steps):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return args.steps * args.batch / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="laptop", choices=sorted(PRESETS))
    parser.add_argument("--n", type=int, default=4096, help="spectra in memory")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warm", type=int, default=4)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(0)
    flux = rng.normal(0.5, 0.1, (args.n, N_PIXELS)).astype(np.float32)
    error, labels = np.full_like(flux, 0.1), rng.normal(3, 1, (args.n, 1)).astype(np.float32)
    shape = PRESETS[args.preset]
    rate, waited = ours(shape, flux, error, labels, args)
    other = peer(shape, flux, error, labels, args)
    where = (
        torch.cuda.get_device_name() if devices.resolve(args.device).type == "cuda" else f"CPU, {args.threads} threads"
    )
    print(f"{args.preset} transformer, batch {args.batch}, {where}")
    print(f"logg1m                       {rate:10,.0f} spectra/s, {waited:.3f} s waiting for data")
    print(f"DataLoader + torch blocks    {other:10,.0f} spectra/s")
    print(f"ratio                        {rate / other:10.2f}")


if __name__ == "__main__":
    main()
