"""Lines and bands of cool stars between 7100 and 8850 Å; the literature gives air wavelengths, the data are vacuum."""

from dataclasses import dataclass

import numpy as np

from logg1m.observe.pfs import PIXEL_SIZE, WAVE


def air_to_vacuum(air: float | np.ndarray) -> np.ndarray:
    """Vacuum wavelength in Å of an air wavelength in Å.

    The inverse by N. Piskunov (VALD) of Morton (2000, ApJS 130, 403, eq. 8), after Birch & Downs (1994, Metrologia 31,
    315): the two agree to 3·10⁻⁹ Å between 6500 and 9000 Å, and with Ciddor (1996, Appl. Opt. 35, 1566) to 3·10⁻⁵ Å.
    """
    s2 = (1e4 / np.asarray(air, dtype=np.float64)) ** 2
    index = (
        1 + 8.336624212083e-5 + 2.408926869968e-2 / (130.1065924522 - s2) + 1.599740894897e-4 / (38.92568793293 - s2)
    )
    return np.asarray(air * index)


@dataclass(frozen=True)
class Feature:
    """A line or band: its air wavelength (Å) and the half-width (Å) of a window that holds it with its wings."""

    name: str
    air: float
    half_width: float

    @property
    def vacuum(self) -> float:
        return float(air_to_vacuum(self.air))

    @property
    def in_range(self) -> bool:
        return bool(WAVE[0] - PIXEL_SIZE / 2 <= self.vacuum <= WAVE[-1] + PIXEL_SIZE / 2)


# Atomic lines: NIST Atomic Spectra Database. TiO band heads: Valenti, Piskunov & Johns-Krull (1998), ApJ 498, 851.
FEATURES = (
    Feature("Hα", 6562.80, 15.0),
    Feature("TiO 7126", 7125.6, 20.0),
    Feature("TiO 7589", 7589.5, 20.0),
    Feature("K I 7699", 7698.96, 10.0),
    Feature("Na I 8183", 8183.26, 8.0),
    Feature("Na I 8195", 8194.82, 8.0),
    Feature("TiO 8432", 8432.0, 20.0),
    Feature("Ca II 8498", 8498.02, 15.0),
    Feature("Ca II 8542", 8542.09, 20.0),
    Feature("Ca II 8662", 8662.14, 20.0),
    Feature("Mg I 8807", 8806.76, 10.0),
)
