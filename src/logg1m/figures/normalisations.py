"""One spectrum under every normalisation of an experiment."""

from typing import Any

import numpy as np
import pandas as pd
import torch

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import style
from logg1m.inputs.masked import fill
from logg1m.inputs.normalise import normalise
from logg1m.protocol.pools import noisy_rows
from logg1m.spectra.masks import has_masked, measured

TITLE = "One spectrum under every normalisation"
CAPTION = "What a model sees of the same spectrum under each normalisation."

_CLEAN = "_noise_free"


def values(verdict: dict[str, Any], evidence: Evidence) -> pd.DataFrame:
    """The first spectrum of the store, with its frozen noise and without, under every variant's normalisation."""
    store = evidence.store
    flux, error = measured(store, 0, slice(1))
    noisy = torch.from_numpy(noisy_rows(flux, error, np.array([0]), evidence.seed, 1.0, draw=0))
    good = ~noisy.isnan() if has_masked(store, 0) else None
    noisy, clean = (x if good is None else fill(x, good) for x in (noisy, torch.from_numpy(flux)))
    columns: dict[str, Any] = {"wave": store.wave}
    for name, variant in verdict["variants"].items():
        setting = variant["change"].get("normalisation", "stored")
        columns[name] = normalise(setting, noisy, good)[0].numpy()
        columns[f"{name}{_CLEAN}"] = normalise(setting, clean, good)[0].numpy()
    return pd.DataFrame(columns)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """One panel per variant."""
    wave, variants = table["wave"].to_numpy(), verdict["variants"]
    figure, axes = style.subplots(len(variants), 1, figsize=(10, 1.3 * len(variants)), sharex=True, squeeze=False)
    for axis, (name, variant) in zip(axes[:, 0], variants.items()):
        seen, clean = table[name].to_numpy(), table[f"{name}{_CLEAN}"].to_numpy()
        axis.plot(wave, seen, color=style.SKY, linewidth=0.3)
        axis.plot(wave, clean, color=style.BLACK, linewidth=0.5)
        axis.set_ylim(*np.percentile(seen, [0.5, 99.5]))
        axis.set_title(variant["label"], fontsize=8, pad=2)
    style.along(axes[-1, 0], wave, "spectrum 0; blue: with noise, black: noise-free")
    figure.supylabel("flux as each normalisation leaves it", fontsize=8)
    return figure
