"""What tables say of classical models beside their numbers, from the reports of their training."""

from typing import Any


def about_lightgbm(report: dict[str, Any]) -> dict[str, Any]:
    """What a table says of LightGBM beside its numbers: label, best iteration, and whether that is the last one."""
    return {
        "setting": report["setting"]["label"],
        "best_iteration": report["best_iteration"],
        "best_iteration_is_last": report["best_iteration_is_last"],
    }


def about_projection(report: dict[str, Any]) -> dict[str, Any]:
    """What a table says of a projection beside its numbers: components, and the epoch that validation chose."""
    return {key: report["chosen"][key] for key in ("components", "epoch", "epochs_run")}
