"""Stellar grid → noise-free spectrum → PFS red-arm medium-resolution observation, and derivatives.

All but the names of labels is imported when it is asked for: whoever only reads results needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from logg1m.observe.labels import LABELS, UNITS

if TYPE_CHECKING:
    from logg1m.observe.grid import StellarGrid
    from logg1m.observe.pfs import N_PIXELS, WAVE, Conditions, snr_per_pixel
    from logg1m.observe.simulate import Jacobian, Observed, Observer

__all__ = [
    "LABELS",
    "N_PIXELS",
    "UNITS",
    "WAVE",
    "Conditions",
    "Jacobian",
    "Observed",
    "Observer",
    "StellarGrid",
    "snr_per_pixel",
]
_HOMES = {"StellarGrid": "grid"} | dict.fromkeys(("Jacobian", "Observed", "Observer"), "simulate")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'logg1m.observe' has no attribute {name!r}")
    return getattr(import_module(f"logg1m.observe.{_HOMES.get(name, 'pfs')}"), name)
