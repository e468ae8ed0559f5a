"""Stellar grid → noise-free spectrum → PFS red-arm medium-resolution observation, and derivatives."""

from logg1m.observe.grid import LABELS, UNITS, StellarGrid
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
