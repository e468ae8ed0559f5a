"""Which ids of spectra are for what. The ranges are fixed, whatever the size of the store, and never overlap.

An id is a 32-bit counter of the random numbers (`noise`), from which a simulated star has its labels, its conditions and
its noise: two purposes with one id in common would share a star. What chooses nothing may be judged by; so spectra that
confirm, and those that judge a calibration, are reserved for that alone.
"""

import numpy as np

from logg1m.config.protocol import MOST_SPECTRA
from logg1m.files import InputError

STORED = range(MOST_SPECTRA)  # of the store, from 0 on
STREAMED = range(STORED.stop, STORED.stop + 2**30)  # training on stars that are simulated when they are needed
CONFIRMATION = range(STREAMED.stop, STREAMED.stop + 2**28)  # confirm what was accepted; choose nothing
CALIBRATION_FIT = range(CONFIRMATION.stop, CONFIRMATION.stop + 2**28)  # a calibration is fitted to them
CALIBRATION_JUDGE = range(CALIBRATION_FIT.stop, CALIBRATION_FIT.stop + 2**28)  # and judged by these
FORECAST = range(2**32 - 2**20, 2**32)  # stars of a population that a forecast looks at
RESERVED = {
    "stored": STORED,
    "streamed": STREAMED,
    "confirmation": CONFIRMATION,
    "calibration_fit": CALIBRATION_FIT,
    "calibration_judge": CALIBRATION_JUDGE,
    "forecast": FORECAST,
}


def first(count: int, reserved: range) -> np.ndarray:
    """The first ids of a range, (count,) int64.

    Raises
    ------
    InputError
        If the range does not hold so many.
    """
    if not 0 <= count <= len(reserved):
        raise InputError(
            f"{count:,} spectra do not fit the ids {reserved.start:,} … {reserved.stop - 1:,} kept for them"
        )
    return np.arange(reserved.start, reserved.start + count, dtype=np.int64)
