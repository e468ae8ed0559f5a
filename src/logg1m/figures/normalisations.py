"""One spectrum under every normalisation of an experiment."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import style
from logg1m.inputs.normalise import normalise
from logg1m.protocol.pools import noisy_rows


def draw(kind: str, verdict: dict[str, Any], evidence: Evidence, path: Path) -> None:
    """The first spectrum of the store with its frozen noise under every normalisation of the experiment."""
    store = evidence.store
    flux, error = store.read(0, "flux")[:1], store.read(0, "error")[:1]
    noisy = torch.from_numpy(noisy_rows(flux, error, np.array([0]), evidence.seed, 1.0, draw=0))
    figure, axes = plt.subplots(
        len(verdict["variants"]), 1, figsize=(10, 1.3 * len(verdict["variants"])), sharex=True, squeeze=False
    )
    columns: dict[str, Any] = {"wave": store.wave}
    for axis, (name, variant) in zip(axes[:, 0], verdict["variants"].items()):
        setting = variant["change"].get("normalisation", "stored")
        clean = normalise(setting, torch.from_numpy(flux))[0].numpy()
        seen = normalise(setting, noisy)[0].numpy()
        columns[name], columns[f"{name}_noise_free"] = seen, clean
        axis.plot(store.wave, seen, color=style.SKY, linewidth=0.3)
        axis.plot(store.wave, clean, color=style.BLACK, linewidth=0.5)
        axis.set_ylim(*np.percentile(seen, [0.5, 99.5]))
        axis.set_title(variant["label"], fontsize=8, pad=2)
    axes[-1, 0].set_xlabel("vacuum wavelength, Å (spectrum 0; blue: with noise, black: noise-free)")
    axes[-1, 0].set_xlim(store.wave[0], store.wave[-1])
    style.save(figure, path, pd.DataFrame(columns))
