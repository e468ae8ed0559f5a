"""The house style of figures, and the one way to begin and to save one: picture, drawing and CSV, all atomically."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from logg1m.files import save_with, write_csv
from logg1m.results.words import model_name

# Okabe & Ito (2008): told apart by readers with any colour vision.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, BLACK = "#CC79A7", "#56B4E9", "#F0E442", "#222222"
KEPT_BLACK = "#010101"  # on a colour that is the same by day and by night
subplots, subplot_mosaic = plt.subplots, plt.subplot_mosaic
CYCLE = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK, YELLOW)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

plt.rcParams.update(
    {
        "figure.dpi": 130,
        "figure.constrained_layout.use": True,
        "font.size": 10,
        "axes.prop_cycle": cycler(color=CYCLE),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "legend.frameon": False,
        "grid.alpha": 0.25,
        "savefig.bbox": "tight",
        "svg.fonttype": "none",
        "svg.hashsalt": "logg1m",
    }
)


def look(k: int) -> dict[str, Any]:
    """Colour and marker of the k-th line."""
    return {"color": CYCLE[k % 8], "marker": MARKERS[k % 8], "markersize": 4, "linewidth": 1}


def bars(of: Any, value: str = "value") -> list[Any]:
    """How far the interval of a value (columns low, high, of a table or of a row) reaches down and up."""
    return [of[value] - of["low"], of["high"] - of[value]]


def shade(axis: Axes, wave: Any, inside: np.ndarray, **more: Any) -> None:
    """Shade the parts of a spectrum that a mask (P,) holds."""
    how: dict[str, Any] = {"color": YELLOW, "alpha": 0.45, "linewidth": 0} | more
    axis.fill_between(wave, 0, 1, where=inside, transform=axis.get_xaxis_transform(), **how)


def along(axis: Axes, wave: np.ndarray, note: str = "") -> None:
    """An axis of wavelength (Å), from end to end."""
    axis.set_xlabel("vacuum wavelength, Å" + (f" ({note})" if note else ""))
    axis.set_xlim(wave[0], wave[-1])


def experiment(verdict: dict[str, Any], more: str = "") -> str:
    """What an experiment is called above its figures: 'MVP-1.2 (ViT)'; more stands behind the model."""
    return f"MVP-{verdict['id']} ({model_name(str(verdict['model']))}{more})"


def titled(figure: Figure, verdict: dict[str, Any], what: str) -> None:
    """Experiment, model, and what is shown, above the figure."""
    figure.suptitle(f"{experiment(verdict)}: {what}", fontsize=10)


def legend_below(figure: Figure, axis: Axes, columns: int) -> None:
    """One legend for all panels, below them."""
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=columns, fontsize=8)


def short(value: float, _: int) -> str:
    """A tick that leaves room for its neighbours: 40000 as 40k."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * size or (abs(value) >= size and letter == "M"):
            return f"{value / size:g}{letter}"
    return f"{value:g}"


class _Plain(LogFormatter):
    """Labels where matplotlib has them on a logarithmic axis, as plain numbers."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def plain_log(axis: Axes, along: str = "y") -> None:
    """A logarithmic axis with plain numbers: 20 in place of 2 × 10¹, 0.02 in place of 2e−02."""
    axis.set(**{f"{along}scale": "log"})
    ticks = axis.yaxis if along == "y" else axis.xaxis
    ticks.set_major_formatter(_Plain())
    ticks.set_minor_formatter(_Plain(labelOnlyBase=False, minor_thresholds=(2, 0.4)))


def per_pixel(axis: Axes, at: list[float], snr_pixel: list[float]) -> None:
    """A second axis above, of the median S/N per pixel of the spectra at some places of the first."""
    top = axis.secondary_xaxis("top")
    top.minorticks_off()
    top.set_xticks(at, [f"{snr:.1f}" for snr in snr_pixel], fontsize=7)
    top.set_xlabel("median S/N per pixel", fontsize=8)


def save(figure: Figure, path: str | Path, values: pd.DataFrame) -> None:
    """Write the figure (PNG, and SVG for the page) and, beside it, the plotted values as CSV."""
    path = Path(path)
    save_picture(figure, path)
    vector: dict[str, Any] = {"format": "svg", "metadata": {"Date": None, "Creator": None}}
    save_with(path.with_suffix(".svg"), lambda temporary: figure.savefig(temporary, **vector))
    write_csv(path.with_suffix(".csv"), values)
    plt.close(figure)


def save_picture(figure: Figure, path: Path) -> None:
    """Write the figure as PNG alone."""
    save_with(path, lambda temporary: figure.savefig(temporary, format="png", metadata={"Software": None}))
