"""Training steps per second: ours beside a plain compiled loop with resident data, and beside a common stack.

    python benchmarks/bench_vit.py [--preset laptop] [--steps 20] [--batch 256] [--device auto]

Ours is the trainer's own loop: counter-based noise, EMA weights, schedule, clipping, checks of every loss. The peers:

- plain loop: the same transformer from torch's blocks, spectra on the device, torch.randn, fused AdamW; compiled and in
  bfloat16 on a GPU. Nothing of what makes a training resumable or watched.
- common stack: a DataLoader whose workers add the noise with numpy, fp16 with loss scaling on a GPU; Hugging Face's ViT in
  Lightning where both can be imported, else torch's blocks in a loop.

Prints spectra/s of each (without compiling), the share of time ours waits for data, peak memory and the ratios. On a GPU
take --preset reference; there are at least 300 steps then.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from logg1m import noise
from logg1m.config.experiments import Recipe
from logg1m.config.networks import PRESETS, Architecture, Training
from logg1m.jobs import device as devices
from logg1m.jobs.machine import usable_cores
from logg1m.nn.feed import Feed
from logg1m.nn.learner import Learner, Material
from logg1m.nn.trainer import Trained, Trainer
from logg1m.observe import N_PIXELS, WAVE

WORKERS = 12
Data = tuple[np.ndarray, np.ndarray, np.ndarray]  # flux, error (N, P), labels (N, 1)


class Spectra(Dataset):
    """The common stack's data set: one spectrum at a time, fresh noise by numpy."""

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


def ours(shape: Architecture, data: Data, args: argparse.Namespace, device: torch.device) -> Trained:
    """The trainer's own loop over `steps`, after a rehearsal that compiles."""
    flux, error, labels = data

    def noisy(f: torch.Tensor, e: torch.Tensor, ids: torch.Tensor, draw: int) -> torch.Tensor:
        return noise.normal(1, ids, N_PIXELS, draw).mul_(e).add_(f)[:, None]

    wave = torch.as_tensor(WAVE)
    material = Material(torch.zeros(1, N_PIXELS), torch.ones(1, N_PIXELS), torch.from_numpy(labels), wave)
    learner = Learner(Recipe(model="vit"), shape, material).to(device)
    feed = Feed(flux, error, labels, np.arange(len(flux)), noisy, device, 1, 0, resident=True)
    settings = Training(batch_size=args.batch, patience=10**5, checkpoint_seconds=1e6)
    with TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        trainer = Trainer(learner, feed, lambda module: {"score": 0.0}, settings, state, "bench", "logg1m")
        trainer.rehearse(args.warm)
        trainer.plan(args.steps)
        return trainer.train()


def plain_loop(shape: Architecture, data: Data, args: argparse.Namespace, device: torch.device) -> float:
    """Spectra/s of the least that a training can be."""
    flux, error, labels = (torch.from_numpy(values).to(device) for values in data)
    cuda = device.type == "cuda"
    model = Peer(shape).to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)
    forward = torch.compile(model) if cuda else model

    def step() -> None:
        at = torch.randint(len(flux), (args.batch,), device=device)
        x = flux[at] + error[at] * torch.randn(args.batch, N_PIXELS, device=device)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=cuda):
            loss = ((forward(x) - labels[at]) ** 2).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    return timed(step, args, device)


def loader(data: Data, args: argparse.Namespace, device: torch.device) -> DataLoader:
    workers = min(WORKERS, usable_cores())
    return DataLoader(
        Spectra(*data), args.batch, shuffle=True, num_workers=workers, drop_last=True, persistent_workers=True,
        pin_memory=device.type == "cuda",
    )  # fmt: skip


def common_stack(shape: Architecture, data: Data, args: argparse.Namespace, device: torch.device) -> tuple[str, float]:
    """(what it is, spectra/s)."""
    try:
        return "Hugging Face ViT, Lightning, fp16", lightning_stack(shape, data, args, device)
    except ImportError as error:
        print(f"({error.name} cannot be imported: the common stack is torch's own blocks)")
    cuda = device.type == "cuda"
    model = Peer(shape).to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-4)
    scaler = torch.amp.GradScaler(device.type, enabled=cuda)
    source = loader(data, args, device)
    batches = (batch for _ in range(10**6) for batch in source)

    def step() -> None:
        x, y = (values.to(device, non_blocking=True) for values in next(batches))
        optimiser.zero_grad()
        with torch.autocast(device.type, dtype=torch.float16, enabled=cuda):
            loss = ((model(x) - y) ** 2).mean()
        scaler.scale(loss).backward()
        scaler.step(optimiser)
        scaler.update()

    return f"torch's blocks, DataLoader{', fp16' if cuda else ''}", timed(step, args, device)


def lightning_stack(shape: Architecture, data: Data, args: argparse.Namespace, device: torch.device) -> float:
    """The roadmap's stack; a spectrum is a picture of 64 × 64 pixels, a patch of it as many as ours has."""
    import lightning.pytorch as lightning
    from transformers import ViTConfig, ViTModel

    side = int(shape.patch**0.5)
    if side**2 != shape.patch or 64 % side:
        raise ImportError(f"no square patch of {shape.patch} pixels", name=f"a ViT with patches of {shape.patch}")
    config = ViTConfig(
        hidden_size=shape.width, num_hidden_layers=shape.depth, num_attention_heads=shape.heads,
        intermediate_size=int(shape.width * shape.mlp_ratio), image_size=64, patch_size=side, num_channels=1,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.vit, self.head = ViTModel(config, add_pooling_layer=False), nn.Linear(shape.width, 1)
            self.begun = self.ended = 0.0

        def training_step(self, batch: list[torch.Tensor], number: int) -> torch.Tensor:
            if self.global_step == args.warm:
                self.begun = now(device)
            x, y = batch
            encoded = self.vit(x.view(-1, 1, 64, 64)).last_hidden_state
            return ((self.head(encoded.mean(dim=1)) - y) ** 2).mean()

        def on_train_end(self) -> None:
            self.ended = now(device)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), lr=3e-4)

    module = Module()
    trainer = lightning.Trainer(
        max_steps=args.warm + args.steps, precision="16-mixed" if device.type == "cuda" else "32-true", devices=1,
        accelerator="gpu" if device.type == "cuda" else "cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, loader(data, args, device))
    return args.steps * args.batch / (module.ended - module.begun)


def now(device: torch.device) -> float:
    """Time when all that was asked of the device is done, s."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def timed(step, args: argparse.Namespace, device: torch.device) -> float:
    """Spectra per second over some steps, after a few that are not counted."""
    for _ in range(args.warm):
        step()
    start = now(device)
    for _ in range(args.steps):
        step()
    return args.steps * args.batch / (now(device) - start)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="laptop", choices=sorted(PRESETS))
    parser.add_argument("--n", type=int, help="spectra in memory; on a GPU 200,000, else 4,096")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warm", type=int, default=4)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    args = parser.parse_args(argv)
    device = devices.resolve(args.device)
    cuda = device.type == "cuda"
    if cuda:
        args.steps, args.warm = max(args.steps, 300), max(args.warm, 20)
    args.n = args.n or (200_000 if cuda else 4096)
    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(0)
    flux = rng.standard_normal((args.n, N_PIXELS), dtype=np.float32) * np.float32(0.1) + np.float32(0.5)
    labels = rng.normal(3, 1, (args.n, 1)).astype(np.float32)
    data, shape = (flux, np.full_like(flux, 0.1), labels), PRESETS[args.preset]
    trained = ours(shape, data, args, device)
    rate, seconds = trained.spectra_per_second, max(trained.seconds, 1e-9)
    memory = f", {torch.cuda.max_memory_allocated() / 2**30:.1f} GB at most" if cuda else ""
    plain = plain_loop(shape, data, args, device)
    name, common = common_stack(shape, data, args, device)
    where = torch.cuda.get_device_name() if cuda else f"CPU, {args.threads} threads"
    print(f"{args.preset} transformer, batch {args.batch}, {args.steps} steps, {where}, torch {torch.__version__}")
    print(
        f"{'logg1m':36}{rate:10,.0f} spectra/s, waiting for data {trained.share_waiting:.2%}, "
        f"computing {trained.times['computing'] / seconds:.1%}{memory}"
    )
    for peer, other in (("plain loop, data resident", plain), (name, common)):
        print(f"{peer:36}{other:10,.0f} spectra/s, ratio {rate / other:.2f}")


if __name__ == "__main__":
    main()
