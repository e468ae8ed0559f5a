"""Other ways to log g on the same spectra: accuracy against seconds of training and seconds per spectrum.

    python benchmarks/peers.py RUN [--scale N] [--stars N] [--figure FILE]

RUN is a folder with a store (`results/data/manifest.json`). Everybody trains on the same stars and is asked about the same
low-noise test spectra, one draw of noise each; what was chosen, was chosen on validation stars. The Payne's way (Ting et al.
2019, ApJ 879, 69): a network from labels to noise-free flux, then χ² per spectrum. Neural posterior estimation
(Papamakarios & Murray 2016) by `sbi` with its default embedding, where that is installed: never in the project's environment.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import lightgbm as lgb
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.optimize import least_squares
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from threadpoolctl import threadpool_limits
from torch import nn

from logg1m.bounds.compute import collect
from logg1m.config.compute import Compute
from logg1m.config.projection import Projection
from logg1m.config.protocol import Protocol
from logg1m.experiments import scales
from logg1m.experiments.models import projection as model
from logg1m.observe import LABELS
from logg1m.protocol.pools import Pools, noisy_rows
from logg1m.spectra.store import Store

SEED = 20251222
ONE = Compute(threads=1, device="cpu")
LOGG = LABELS.index("logg")


@dataclass(frozen=True)
class Stars:
    """ids; noise-free flux, error and one noisy draw (N, P); labels (N, 5)."""

    ids: np.ndarray
    flux: np.ndarray
    error: np.ndarray
    noisy: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Answer:
    """log g (dex) of the test spectra, and seconds: of training altogether, and per spectrum asked."""

    name: str
    log_g: np.ndarray
    training: float
    asking: float


def read(store: Store, ids: np.ndarray) -> Stars:
    library = collect(store, ids, ONE)
    noisy = noisy_rows(library.flux, library.error, library.ids, SEED, 1.0, draw=0)
    return Stars(library.ids, library.flux, library.error, noisy, library.labels)


def timed(work: Callable[[], object]) -> tuple[object, float]:
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def ridge(train: Stars, held: Stars, test: Stars) -> Answer:
    """Standardised pixels; the best of five penalties on validation."""
    mean, spread = train.noisy.mean(axis=0), train.noisy.std(axis=0)

    def fit() -> Ridge:
        x, y = (train.noisy - mean) / spread, train.labels[:, LOGG]
        tried = [Ridge(alpha=alpha).fit(x, y) for alpha in (1e2, 1e3, 1e4, 1e5, 1e6)]
        given = (held.noisy - mean) / spread
        return min(tried, key=lambda model: float(np.mean((model.predict(given) - held.labels[:, LOGG]) ** 2)))

    model, training = timed(fit)
    found, asking = timed(lambda: model.predict((test.noisy - mean) / spread))
    return Answer("Ridge", found, training, asking / len(test.ids))


def boosted(train: Stars, held: Stars, test: Stars) -> Answer:
    """LightGBM: at most 1,200 trees, stopped early on validation."""
    options = {
        "learning_rate": 0.05,
        "num_leaves": 31,
        "num_threads": 1,
        "verbose": -1,
        "seed": 1,
        "feature_fraction": 0.2,
    }

    def fit() -> lgb.Booster:
        data = lgb.Dataset(train.noisy, train.labels[:, LOGG], free_raw_data=False)
        watched = data.create_valid(held.noisy, held.labels[:, LOGG])
        return lgb.train(options, data, 1_200, valid_sets=[watched], callbacks=[lgb.early_stopping(50, verbose=False)])

    model, training = timed(fit)
    found, asking = timed(lambda: model.predict(test.noisy))
    return Answer("LightGBM", found, training, asking / len(test.ids))


def templates(train: Stars, test: Stars) -> Iterator[Answer]:
    """χ² of every training star's noise-free spectrum: log g of the nearest, and the mean weighted by exp(−χ²/2)."""
    square = train.flux**2

    def chi2(rows: slice) -> np.ndarray:
        weight = 1 / test.error[rows] ** 2
        return weight @ square.T - 2 * (weight * test.noisy[rows]) @ train.flux.T

    found, seconds = timed(lambda: np.concatenate([chi2(slice(k, k + 64)) for k in range(0, len(test.ids), 64)]))
    log_g = train.labels[:, LOGG]
    yield Answer("template grid, nearest", log_g[found.argmin(axis=1)], 0.0, seconds / len(test.ids))
    weight = np.exp(-0.5 * (found - found.min(axis=1, keepdims=True)).astype(np.float64))
    yield Answer("template grid, weighted mean", weight @ log_g / weight.sum(axis=1), 0.0, seconds / len(test.ids))


def payne(train: Stars, held: Stars, test: Stars, seconds: float) -> Answer:
    """An emulator of noise-free flux trained for so many seconds, then least squares over the five labels within the prior."""
    low, high = train.labels.min(axis=0), train.labels.max(axis=0)

    def scaled(labels: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(2 * (labels - low) / (high - low) - 1, dtype=torch.float32)

    torch.manual_seed(SEED)
    mean = torch.as_tensor(train.flux.mean(axis=0))
    network = nn.Sequential(
        nn.Linear(5, 300), nn.SiLU(), nn.Linear(300, 300), nn.SiLU(), nn.Linear(300, train.flux.shape[1])
    )
    x, y = scaled(train.labels), torch.as_tensor(train.flux) - mean
    start, generator = time.perf_counter(), torch.Generator().manual_seed(SEED)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    while (spent := time.perf_counter() - start) < seconds:
        optimiser.param_groups[0]["lr"] = 1e-3 * (1 - spent / seconds) + 1e-5
        rows = torch.randint(len(x), (256,), generator=generator)
        loss = (network(x[rows]) - y[rows]).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.eval()
    with torch.no_grad():
        off = (network(scaled(held.labels)) + mean - torch.as_tensor(held.flux)).square().mean().sqrt()
    print(f"  emulator: RMS of noise-free flux {float(off):.4f} of 0.5, median error {np.median(test.error):.3f}")

    def one(row: int) -> float:
        noisy, error = test.noisy[row].astype(np.float64), test.error[row].astype(np.float64)

        def model(labels: np.ndarray) -> torch.Tensor:
            return network(torch.as_tensor(labels, dtype=torch.float32)) + mean

        def residual(labels: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                return (model(labels).numpy() - noisy) / error

        def slope(labels: np.ndarray) -> np.ndarray:
            given = torch.as_tensor(labels, dtype=torch.float32)
            return torch.func.jacfwd(network)(given).detach().numpy() / error[:, None]

        fitted = least_squares(residual, np.zeros(5), jac=slope, bounds=(-1, 1), max_nfev=50)
        return float(low[LOGG] + (fitted.x[LOGG] + 1) / 2 * (high[LOGG] - low[LOGG]))

    found, asking = timed(lambda: np.array([one(row) for row in range(len(test.ids))]))
    return Answer("The Payne's way (emulator, χ²)", found, seconds, asking / len(test.ids))


def npe(train: Stars, held: Stars, test: Stars, seconds: float) -> Answer:
    """sbi's neural posterior estimation of the five labels with its default flow and embedding, for so many seconds or until it stops
    by itself; the mean of 200 samples."""
    from sbi.inference import NPE
    from sbi.neural_nets import posterior_nn
    from sbi.neural_nets.embedding_nets import FCEmbedding
    from sbi.utils import BoxUniform

    labels = torch.as_tensor(train.labels, dtype=torch.float32)
    prior = BoxUniform(labels.min(dim=0).values - 1e-3, labels.max(dim=0).values + 1e-3)
    estimator = posterior_nn("maf", embedding_net=FCEmbedding(input_dim=train.noisy.shape[1]))
    torch.manual_seed(SEED)
    inference = NPE(prior, density_estimator=estimator, show_progress_bars=False)
    inference.append_simulations(labels, torch.as_tensor(train.noisy))
    start, epochs = time.perf_counter(), 0
    while time.perf_counter() - start < seconds and epochs < 500:
        epochs += 5
        network = inference.train(max_num_epochs=epochs, resume_training=epochs > 5, training_batch_size=256)
    training = time.perf_counter() - start
    posterior = inference.build_posterior(network)
    ask = torch.as_tensor(test.noisy)
    found, asking = timed(
        lambda: posterior.sample_batched((200,), x=ask, show_progress_bars=False).mean(dim=0)[:, LOGG].numpy()
    )
    return Answer("NPE (sbi, default embedding)", found, training, asking / len(test.ids))


def projection(store: Store, size: int, protocol: Protocol, test: Stars) -> Answer:
    """Ours, trained on the same stored spectra."""
    with tempfile.TemporaryDirectory() as state:
        task = scales.task_at(store, size, protocol, Projection(), SEED, ONE, Path(state))
        fitted, training = timed(lambda: model.fit(task))
    chunk = test.ids // store.chunk_rows
    given = np.concatenate([task.prepare.rows(int(c), test.ids[chunk == c], 0) for c in np.unique(chunk)])
    found, asking = timed(lambda: fitted.predict(given.reshape(len(given), 1, -1))[0][:, 0])
    return Answer("projection", found, training, asking / len(test.ids))


def draw(rows: list[tuple[Answer, float, float]], path: Path) -> None:
    """RMSE against seconds of training (none: at one second) and seconds per spectrum."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True)
    for axis, what in zip(axes, ("training", "asking")):
        seconds = np.array([getattr(answer, what) for answer, _, _ in rows])
        seconds = np.maximum(seconds, 1.0 if what == "training" else 0.0)
        middle = np.sqrt(seconds.min() * seconds.max())
        for x, (answer, _, rmse) in zip(seconds, rows):
            (dot,) = axis.plot(x, rmse, "o")
            side = {"xytext": (6, 4), "ha": "left"} if x < middle else {"xytext": (-6, 4), "ha": "right"}
            axis.annotate(answer.name, (x, rmse), textcoords="offset points", fontsize=7, color=dot.get_color(), **side)
        axis.set(xscale="log", xlabel=f"{'training' if what == 'training' else 'per spectrum'}, s")
    axes[0].set_ylabel("RMSE of log g, dex")
    figure.savefig(path, dpi=150, bbox_inches="tight")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder with results/data and results/mvp_0_a")
    parser.add_argument("--scale", type=int, default=10_000, help="spectra of which four fifths train")
    parser.add_argument("--stars", type=int, default=300, help="low-noise test spectra")
    parser.add_argument("--seconds", type=float, default=120, help="that the Payne's network and NPE train")
    parser.add_argument("--figure", type=Path, help="also draw a picture")
    args = parser.parse_args()
    store = Store(args.run / "results/data/manifest.json")
    protocol = Protocol(scales=(args.scale,))
    pools = Pools.of(store, SEED, protocol)
    split = pools.split(args.scale)
    train, held = read(store, split.fit), read(store, split.validation)
    every = read(store, pools.common_test)
    snr = np.linalg.norm(every.flux, axis=1) / np.linalg.norm(every.error, axis=1)
    chosen = np.flatnonzero(snr >= np.quantile(snr, 0.8))[: args.stars]
    test = Stars(every.ids[chosen], *(a[chosen] for a in (every.flux, every.error, every.noisy, every.labels)))
    rows = []
    with threadpool_limits(1):
        torch.set_num_threads(1)
        answers = [ridge(train, held, test), boosted(train, held, test), *templates(train, test)]
        answers.append(payne(train, held, test, args.seconds))
        if find_spec("sbi"):
            answers.append(npe(train, held, test, args.seconds))
        answers.append(projection(store, args.scale, protocol, test))
    truth = test.labels[:, LOGG]
    print(f"{len(train.ids):,} training spectra, {len(truth)} low-noise test spectra, one thread")
    print(f"{'':32}{'R²':>7}{'MAE, dex':>10}{'RMSE, dex':>11}{'training, s':>13}{'per spectrum, ms':>18}")
    for answer in answers:
        off = answer.log_g - truth
        mae, rmse = float(np.abs(off).mean()), float(np.sqrt(np.mean(off**2)))
        rows.append((answer, mae, rmse))
        print(
            f"{answer.name:32}{r2_score(truth, answer.log_g):7.3f}{mae:10.3f}{rmse:11.3f}"
            f"{answer.training:13.1f}{1e3 * answer.asking:18.2f}"
        )
    if args.figure:
        draw(rows, args.figure)


if __name__ == "__main__":
    main()
