"""A figure for an experiment without variants: a panel that says why there is nothing to see."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

from logg1m.figures import style


def draw(verdict: dict[str, Any], path: Path) -> None:
    """The reason of the verdict, as a picture and as CSV."""
    figure, axis = plt.subplots(figsize=(6, 1.6))
    axis.text(0.5, 0.5, f"MVP-{verdict['id']}: {verdict['reason']}", ha="center", va="center", wrap=True)
    axis.axis("off")
    style.save(figure, path, pd.DataFrame({"mvp": [verdict["id"]], "reason": [verdict["reason"]]}))
