"""Speed of the Bayes ceiling: exact spectra per second beside `observe`, library products, and posteriors of stars.

    python benchmarks/bench_bayes.py [stars] [threads]        (default 100 low-noise stars, all cores)

Needed: 1,000 low-noise spectra in at most 10 minutes on 2 cores.
"""

import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from logg1m.bounds.bayes import ceiling, posterior
from logg1m.bounds.bayes import model as bayes_model
from logg1m.config.bayes import BayesConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.jobs.machine import usable_cores
from logg1m.sources.embedded import EmbeddedSource
from logg1m.spectra import generation
from logg1m.spectra.store import Store

SEED = 20251222


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def low_noise(store: Store, count: int) -> posterior.Stars:
    """The noisy spectra of `count` stars in the top 20 % of ‖flux‖/‖error‖, drawn at random."""
    arrays = [(store.read(k, "flux"), store.read(k, "error")) for k in range(store.n_chunks)]
    snr = np.concatenate([np.linalg.norm(f, axis=1) / np.linalg.norm(e, axis=1) for f, e in arrays])
    pool = np.flatnonzero(snr >= np.quantile(snr, 0.8))
    ids = np.sort(np.random.default_rng(SEED).choice(pool, min(count, len(pool)), replace=False))
    flux, error = (
        np.stack([arrays[i // store.chunk_rows][part][i % store.chunk_rows] for i in ids]) for part in (0, 1)
    )
    return posterior.Stars.observed(ids, store.labels()["logg"].to_numpy()[ids], flux, error, 1.0, SEED)


def main(count: int, threads: int) -> None:
    compute, config = Compute(threads=threads, device="cpu"), BayesConfig()
    source = EmbeddedSource(Data(), SEED, "cpu")
    model = bayes_model.model_of(source)
    assert model is not None
    labels, conditions = source.draw(np.arange(1024))
    torch.set_num_threads(1)
    source.observer.flux(labels, conditions.redshift)
    lean = seconds(lambda: source.observer.flux(labels, conditions.redshift))
    whole = seconds(lambda: source.observer.observe(labels, conditions))
    print(f"one thread: exact flux {1024 / lean:,.0f}/s, observe {1024 / whole:,.0f}/s, ratio {whole / lean:.2f}")
    with tempfile.TemporaryDirectory() as folder:
        generation.generate(source, Path(folder) / "manifest.json", compute)
        store = Store(Path(folder) / "manifest.json")
        stars = low_noise(store, count)
        library = bayes_model.library_of(source.data, store, model, config, SEED)
        alone = seconds(lambda: posterior.library_log_likelihood(stars, library, compute))
        print(f"library: {len(stars)} stars × {len(library.ids):,} spectra in {alone:.1f} s")
        start = time.perf_counter()
        table = posterior.posterior(stars, model, library, config, SEED, compute)
        spent = time.perf_counter() - start
    per_star = (spent - alone) / len(stars)
    result = ceiling.ceiling(table, config, Bootstrap(), SEED, bayes_model.prior_text(source.data))
    print(f"posteriors: {len(stars)} stars in {spent:.1f} s on {threads} threads, {1e3 * per_star:.0f} ms a star")
    print(f"1,000 stars would take {alone + 1000 * per_star:.0f} s; ratio to the 600 s needed: ", end="")
    print(f"{(alone + 1000 * per_star) / 600:.2f}")
    print(f"iterations (mean, max): {table['iterations'].mean():.2f}, {table['iterations'].max()}; ESS {result['ess']}")
    print(f"reached {result['n_reached']} of {result['n_stars']}; R² {result['bayes_r2']}; RMSE {result['bayes_rmse']}")
    print(f"calibration {result.get('calibration')}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    arguments = [int(a) for a in sys.argv[1:3]]
    main(*(arguments + [100, usable_cores()][len(arguments) :]))
