"""What can be asked of a forecast: magnitudes that the noise model carries, conditions of the instrument, stars of the run.

Brighter stars fill the detector within one exposure, which no formula here knows. Fainter ones are fainter than what sky
subtraction leaves of the sky: there the residual is no longer small, and a bound says nothing.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from logg1m.files import InputError
from logg1m.forecast.stars import Star
from logg1m.observe import LABELS, UNITS
from logg1m.observe.arms import Arm
from logg1m.observe.pfs import ALLOWED, REFERENCE_TIME, SKY_RESIDUAL

FULL = 2e5  # electrons of one extracted pixel that count as full: 65,535 in the brightest of its 5, an assumption
_UNITS = {"seeing": "arcsec", "zenith_angle": "degrees", "field_angle": "degrees"}


def magnitudes(exposure_time: float) -> tuple[float, float]:
    """The brightest and the faintest HSC-i AB magnitude, by the table of arm m and one exposure of so many seconds: from
    `FULL` electrons in its brightest pixel to 1 % of the dark sky in the median one."""
    arm = Arm.read("m")
    of_mag_0 = arm.electrons * 10 ** (-0.4 * 48.6)
    bright = 2.5 * np.log10(of_mag_0.max() * exposure_time / REFERENCE_TIME / FULL)
    faint = 2.5 * np.log10(np.median(of_mag_0 / (SKY_RESIDUAL * arm.sky)))
    return float(np.ceil(10 * bright) / 10), float(np.floor(10 * faint) / 10)


def require_magnitudes(given: Iterable[float], exposure_time: float, what: str) -> None:
    """Refuse magnitudes that the noise model does not carry; what: how messages call them.

    Raises
    ------
    InputError
        Names the first and the range.
    """
    bright, faint = magnitudes(exposure_time)
    for mag in given:
        if not bright <= mag <= faint:
            raise InputError(
                f"{what} = {mag:g} cannot be forecast: expected {bright:g} … {faint:g}; brighter stars fill the detector "
                f"in one exposure of {exposure_time:g} s, fainter ones are below the {100 * SKY_RESIDUAL:g} % of the sky "
                "that its subtraction leaves"
            )


def require_conditions(given: Mapping[str, float]) -> None:
    """Refuse seeing, zenith and field angle that the instrument's model does not cover.

    Raises
    ------
    InputError
        Names the first and the range.
    """
    for name, value in given.items():
        low, high = ALLOWED[name]
        if not low <= value <= high:
            raise InputError(
                f"{name} = {value:g} cannot be observed: the model of the instrument covers {low:g} … {high:g} {_UNITS[name]}"
            )


def within(priors: Mapping[str, tuple[float, float]], stars: Iterable[Star]) -> tuple[Star, ...]:
    """The stars whose labels lie within the priors, of which alone the run says anything."""
    return tuple(star for star in stars if not _outside(star, priors))


def require_within(priors: Mapping[str, tuple[float, float]], star: Star) -> None:
    """Refuse a star outside the priors.

    Raises
    ------
    InputError
        Names its labels that are outside, and their ranges.
    """
    outside = _outside(star, priors)
    if outside:
        said = "; ".join(
            f"{name} = {value:g} {UNITS[name]}, data.priors.{name} = [{low:g}, {high:g}]"
            for name, value, (low, high) in outside
        )
        raise InputError(f"the star {star.name} ({star.words}) lies outside the priors of the run: {said}")


def _outside(star: Star, priors: Mapping[str, tuple[float, float]]) -> list[tuple[str, float, tuple[float, float]]]:
    labels = zip(LABELS, star.labels)
    return [(name, x, priors[name]) for name, x in labels if not priors[name][0] <= x <= priors[name][1]]
