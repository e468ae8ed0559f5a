"""What is to be said against an estimate: bits of `logg1m_flag`, and which of them mean that it must not be used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from logg1m.predict.domain import Statistics
from logg1m.predict.steps import Ready

BITS = {
    "NODATA": 0, "LOWSNR": 1, "MASKED": 2, "LINEMASKED": 3, "COVERAGE": 4, "RVRANGE": 5, "OUTOFDOMAIN": 6,
    "PARAMEDGE": 7, "BADERROR": 8, "UNCALIBRATED": 9, "DISAGREE": 10,
}  # fmt: skip
DO_NOT_USE = ("NODATA", "COVERAGE", "RVRANGE", "OUTOFDOMAIN", "BADERROR", "UNCALIBRATED")
MOST_MASKED = 0.10  # of the pixels
MOST_INFORMATION_MASKED = 0.25  # of what the spectrum says of log g
MOST_UNCOVERED = 0.02  # of the pixels
MOST_VELOCITY = 500.0  # km/s
EDGE = 0.1  # dex from the prior's end
MOST_BAD_ERRORS = 0.01  # of the pixels
WITHIN = (0.25, 0.70)  # share of residuals within 0.67 σ: errors too small by two, too large by one and a half
DISAGREES = 3.0  # σ


@dataclass(frozen=True)
class Judged:
    """What flags are made from, besides the spectra themselves.

    limits : of `domain`, and snr, the lowest of the training
    prior : ends of the prior of log g, dex
    """

    limits: Mapping[str, float]
    prior: tuple[float, float]

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> "Judged":
        """From the contents of `model.json`."""
        low, high = about["labels"][0]["prior"]
        return cls(about.get("limits") or {}, (float(low), float(high)))

    def __call__(
        self,
        ready: Ready,
        statistics: Statistics | None,
        log_g: np.ndarray,
        masked_information: np.ndarray,
        calibrated: np.ndarray,
    ) -> np.ndarray:
        """Bits (N,) int32.

        Parameters
        ----------
        log_g : estimates, dex; masked_information : share of the information that is masked; calibrated : whether S/N
            and estimate are among those of the calibration
        """
        pixels = ready.flux.shape[1]
        bits = np.zeros(len(ready), dtype=np.int32)

        def raise_where(name: str, where: np.ndarray) -> None:
            bits[where] |= 1 << BITS[name]

        usable = np.full(len(ready), pixels) if ready.whole else np.isfinite(ready.flux).sum(axis=1)
        raise_where("COVERAGE", ready.n_uncovered > MOST_UNCOVERED * pixels)
        covered = np.maximum(pixels - ready.n_uncovered, 1)
        raise_where("MASKED", ready.n_masked > MOST_MASKED * covered)
        raise_where("LINEMASKED", masked_information > MOST_INFORMATION_MASKED)
        raise_where("RVRANGE", np.abs(ready.velocity) > MOST_VELOCITY)
        with np.errstate(invalid="ignore"):
            raise_where("PARAMEDGE", (log_g < self.prior[0] + EDGE) | (log_g > self.prior[1] - EDGE))
            raise_where("LOWSNR", ready.snr < self.limits.get("snr", 0.0))
        bad_error = ready.n_bad_error > MOST_BAD_ERRORS * pixels
        if statistics is not None:
            bad_error |= (statistics.within < WITHIN[0]) | (statistics.within > WITHIN[1])
            far = np.zeros(len(ready), dtype=bool)
            for name in ("chi2_red", "distance", "shift"):
                if name in self.limits:
                    far |= ~(getattr(statistics, name) <= self.limits[name])
            if self.limits:
                raise_where("OUTOFDOMAIN", far & ~bad_error)
        raise_where("BADERROR", bad_error)
        raise_where("UNCALIBRATED", ~calibrated)
        nothing = usable == 0
        bits[nothing] = 1 << BITS["NODATA"]
        elsewhere = nothing & (ready.n_uncovered == pixels)
        bits[elsewhere] = 1 << BITS["COVERAGE"]
        return bits


def disagree(bits: np.ndarray, network: np.ndarray, posterior: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """The bits with DISAGREE where the two estimates differ by more than 3 σ of the network's."""
    apart = np.abs(network - posterior) > DISAGREES * sigma
    return np.asarray(bits | (apart.astype(np.int32) << BITS["DISAGREE"]))


def do_not_use(bits: np.ndarray) -> np.ndarray:
    """Whether an estimate must not be used, (N,) bool."""
    forbidden = sum(1 << BITS[name] for name in DO_NOT_USE)
    return np.asarray((bits & forbidden) != 0)


def words(bits: np.ndarray) -> np.ndarray:
    """Names of the flags that are raised, joined by spaces, (N,) str."""
    names = {int(b): " ".join(name for name, k in BITS.items() if b >> k & 1) for b in np.unique(bits)}
    return np.array([names[int(b)] for b in bits], dtype=object)
