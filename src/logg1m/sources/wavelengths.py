"""Is a list of numbers wavelengths in Å, and if not, what does it look like?"""

import numpy as np

PFS = (3500.0, 13500.0)  # Å: all arms of PFS (3800 … 12600 Å) with room at both ends
_LIGHT = 2.99792458e18  # Å/s


def _units(values: np.ndarray) -> dict[str, np.ndarray]:
    """What the numbers would be in Å if they were in another unit."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return {
            "nm": values * 10,
            "µm": values * 1e4,
            "mm": values * 1e7,
            "m": values * 1e10,
            "log10 of wavelengths in Å": 10.0**values,
            "natural logarithms of wavelengths in Å": np.exp(values),
            "wavenumbers in cm⁻¹": 1e8 / values,
            "frequencies in Hz": _LIGHT / values,
        }


def possible(wave: np.ndarray, low: float = PFS[0], high: float = PFS[1]) -> bool:
    """Whether all numbers can be wavelengths in Å between `low` and `high`."""
    return bool(low <= np.min(wave) and np.max(wave) <= high)


def looks_like(wave: np.ndarray, low: float = PFS[0], high: float = PFS[1]) -> str:
    """Words for numbers that are no wavelengths in Å: the unit in which they would be, and what to do.

    Parameters
    ----------
    wave : (P,) numbers in an unknown unit
    low, high : where they would lie in Å
    """
    guesses = [name for name, values in _units(wave).items() if possible(values, low, high)]
    if not guesses:
        return "they look like no unit of wavelength; write them in Å"
    # Pixels of equal width stay so in every unit of length alone, and a length is what is most often meant.
    return f"they look like {guesses[0]}; convert them to Å"
