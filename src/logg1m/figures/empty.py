"""A figure with nothing to show: a panel that says why."""

from pathlib import Path
from typing import Any

import pandas as pd

from logg1m.figures import style


class Nothing(Exception):
    """Why a figure has nothing to show."""


def is_empty(table: str | Path) -> bool:
    """Whether the CSV of a figure holds the reason why there is nothing to show."""
    try:
        with Path(table).open(encoding="utf-8") as stream:
            return stream.readline().strip() == "mvp,reason"
    except OSError:
        return False


def draw(verdict: dict[str, Any], reason: str, path: Path) -> None:
    """The reason, as a picture and as CSV."""
    figure, axis = style.subplots(figsize=(6, 1.6))
    mvp = verdict.get("id", "")
    axis.text(0.5, 0.5, f"MVP-{mvp}: {reason}" if mvp else reason, ha="center", va="center", wrap=True)
    axis.axis("off")
    style.save(figure, path, pd.DataFrame({"mvp": [mvp], "reason": [reason]}))
