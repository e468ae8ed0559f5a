"""The house style of figures, and the one way to save one: the picture and its CSV, both atomically."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
from cycler import cycler
from matplotlib.figure import Figure

from logg1m.files import save_with, write_csv

# Okabe & Ito (2008): told apart by readers with any colour vision.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#222222",
)  # fmt: skip
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
    }
)


def save(figure: Figure, path: str | Path, values: pd.DataFrame) -> None:
    """Write the figure (PNG) and, beside it, the plotted values as CSV."""
    path = Path(path)
    save_with(path, lambda temporary: figure.savefig(temporary, format="png", metadata={"Software": None}))
    write_csv(path.with_suffix(".csv"), values)
    plt.close(figure)
