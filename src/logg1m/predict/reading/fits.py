"""PFS spectra in FITS: pfsSingle and pfsObject (one target), pfsCalibrated and pfsCoadd (many); pfsMerged is refused.

Facts from the survey's public data model: flux in nJy, vacuum wavelengths in nm, the variance is the first row of the
covariance, mask bits are named by MP_ cards. The barycentric correction is applied, the star's own velocity is not.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from logg1m.files import InputError
from logg1m.predict.astropy_tools import require_astropy
from logg1m.predict.reading import Options, bit_mask, require_scale
from logg1m.predict.steps import Spectra

# Bits that the survey's own coadds reject, and those of single exposures that no model wants.
BAD_PLANES = ("NO_DATA", "SUSPECT", "BAD_SKY", "BAD_FLUXCAL", "BAD_FIBERNORMS", "BAD", "SAT", "CR", "UNMASKEDNAN")
_RANGE = 7_040.0, 8_910.0  # Å: the model's pixels at any velocity that is allowed
_LIGHT = 2.99792458e18  # Å/s
_ARM, _SAME_RANGE = "m", "r"  # the arm of the model, and the one of other resolution that covers the same wavelengths
_ROWS = 256
_MOST_COLUMNS, _MOST_HDUS = 999, 100  # of a table, by the standard; of a file
_TABLES = ("FLUX_TABLE", "FLUXTABLE")
_NEEDED = ("FLUX", "MASK", "TARGET")
_READ = (*_NEEDED, *_TABLES, "COVAR", "WAVELENGTH", "OBSERVATIONS", "METADATA")


def open_file(path: Path, options: Options) -> "PfsFits":
    """See `reading.open_spectra`."""
    require_astropy(f"{path}: FITS is read by astropy")
    return PfsFits(path, options)


class PfsFits:
    """One file, opened anew for every block."""

    def __init__(self, path: Path, options: Options) -> None:
        self.path, self.options = path, options
        with _opened(path) as hdus:
            names = {hdu.name.upper() for hdu in hdus}
            if "FIBERID" in names and "FLUX" in names:
                raise InputError(
                    f"{path} is a pfsMerged file: its flux is in electrons per nm, not calibrated, and every fibre has its "
                    "own throughput; expected pfsSingle, pfsObject, pfsCalibrated or pfsCoadd"
                )
            missing = [name for name in _NEEDED if name not in names]
            if missing:
                raise InputError(
                    f"{path} has no HDU {', '.join(missing)}; it has {', '.join(sorted(names))}: expected pfsSingle, "
                    "pfsObject, pfsCalibrated or pfsCoadd"
                )
            empty = [name for name in ("FLUX", "MASK") if hdus[name].data is None]
            if empty:
                raise InputError(f"{path}: the HDU {empty[0]} is empty; expected the pixels of every target")
            unit = str(hdus["FLUX"].header.get("BUNIT", hdus["FLUX"].header.get("TUNIT1", "nJy"))).strip()
            if unit.lower() not in ("njy", ""):
                raise InputError(
                    f"{path}: FLUX is in {unit!r}, expected nJy: flux that is not calibrated cannot be used"
                )
            self.bundle = _is_table(hdus["TARGET"]) and "targetid" in _columns(hdus["TARGET"])
            self.n_spectra = len(hdus["TARGET"].data) if self.bundle else 1
            self.bits, said = self._bits(hdus)
            self.arms = self._arms(hdus)
        self.steps = (
            "units: flux from nJy to erg/s/cm2/A, wavelengths from nm to vacuum Angstrom",
            f"mask: {said}",
            "arm: m alone" + self._merged(),
        )

    def _bits(self, hdus: Any) -> tuple[int, str]:
        """Bits of bad pixels as one number, and words for it; the names are the file's own."""
        planes = {
            str(card)[3:].upper(): int(value)
            for hdu in hdus
            for card, value in hdu.header.items()
            if str(card).upper().startswith("MP_") and isinstance(value, int)
        }
        if "METADATA" in hdus and _is_table(hdus["METADATA"]):
            planes |= _planes_in(hdus["METADATA"].data)
        if self.options.mask_bits is not None:
            return bit_mask(
                self.options.mask_bits, planes, self.path
            ), f"bits {', '.join(self.options.mask_bits)} are bad"
        used = tuple(name for name in BAD_PLANES if name in planes)
        if not used:
            raise InputError(
                f"{self.path}: no MP_ card says what the bits of the mask mean; give --mask-bits with their numbers"
            )
        return bit_mask(used, planes, self.path), f"bits {', '.join(used)} are bad"

    def _arms(self, hdus: Any) -> list[str] | None:
        """Arms of every target; None where the file does not say."""
        if "OBSERVATIONS" not in hdus or not _is_table(hdus["OBSERVATIONS"]):
            return None
        data, columns = hdus["OBSERVATIONS"].data, _columns(hdus["OBSERVATIONS"])
        if "arm" not in columns:
            return None
        arms = [str(value).strip() for value in data["arm"]]
        if not self.bundle or "targetid" not in columns:
            return ["".join(arms)] * self.n_spectra
        of_target = np.asarray(data[columns["targetid"]])
        targets = np.asarray(hdus["TARGET"].data[_columns(hdus["TARGET"])["targetid"]])
        return ["".join(arm for arm, owner in zip(arms, of_target) if owner == target) for target in targets]

    def _usable(self, row: int) -> bool:
        """Whether the pixels of a target in the model's range are those of the arm m: not if there is none, and not if arm r,
        of other resolution, was observed too, which coadds merge with it into the same pixels."""
        return self.arms is None or (_ARM in self.arms[row] and _SAME_RANGE not in self.arms[row])

    def _merged(self) -> str:
        """Words for spectra in which the arms r and m are one."""
        count = sum({_ARM, _SAME_RANGE} <= set(arms) for arms in self.arms or ())
        return f" (left out: {count:,} spectra in which it is merged with arm r, of other resolution)" if count else ""

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Spectra]:
        """See `reading.Reader`."""
        stop = self.n_spectra if stop is None else min(stop, self.n_spectra)
        with _opened(self.path) as hdus:
            for low in range(start, stop, _ROWS):
                rows = range(low, min(low + _ROWS, stop))
                yield self._stacked([self._one(hdus, row) for row in rows], hdus, rows)

    def _one(self, hdus: Any, row: int) -> dict[str, np.ndarray]:
        """wave (Å), flux, error (erg/s/cm²/Å), bad, covariance of one target."""
        wave = self._wave(hdus, row)
        flux, mask = np.asarray(self._array(hdus["FLUX"], row), dtype=np.float64), self._array(hdus["MASK"], row)
        covariance = self._covariance(hdus, row, len(flux))
        if covariance is None:
            found = self._flux_table(hdus, row)
            if found is None:
                raise InputError(
                    f"{self.path}: COVAR of target {row} is empty and there is no FLUX_TABLE: the spectrum has no errors"
                )
            wave, flux, error, mask = found
            covariance = np.zeros((1, len(flux)))
            covariance[0] = error**2
        if not wave.shape == mask.shape == flux.shape or flux.ndim != 1:
            raise InputError(
                f"{self.path}: wavelengths {wave.shape}, flux {flux.shape} and mask {mask.shape} of target {row}: expected "
                "one of each per pixel"
            )
        if mask.dtype.kind not in "biu":
            raise InputError(f"{self.path}: MASK holds {mask.dtype}, expected bits as integers")
        wave = wave * 10.0
        kept = np.isfinite(wave) & (wave > _RANGE[0]) & (wave < _RANGE[1])
        if not self._usable(row):
            kept[:] = False
        factor = 1e-32 * _LIGHT / wave[kept] ** 2
        variance = covariance[0][kept].astype(np.float64)
        with np.errstate(invalid="ignore"):
            error = np.sqrt(variance) * factor
        beside = np.zeros((len(covariance) - 1, int(kept.sum())))
        for lag in range(1, len(covariance)):  # between a pixel and the one so many further on
            pairs = factor[:-lag] * factor[lag:]
            beside[lag - 1, : len(pairs)] = covariance[lag][kept][: len(pairs)] * pairs
        bad = (mask[kept].astype(np.int64) & self.bits) != 0
        return {"wave": wave[kept], "flux": flux[kept] * factor, "error": error, "bad": bad, "covariance": beside}

    def _stacked(self, spectra: list[dict[str, np.ndarray]], hdus: Any, rows: range) -> Spectra:
        size = max(max((len(s["wave"]) for s in spectra), default=0), 1)
        n = len(spectra)
        lags = max(len(s["covariance"]) for s in spectra)
        wave, flux, error = (np.full((n, size), np.nan) for _ in range(3))
        bad, covariance = np.ones((n, size), dtype=bool), np.zeros((n, lags, size))
        for k, s in enumerate(spectra):
            part = slice(0, len(s["wave"]))
            wave[k, part], flux[k, part], error[k, part], bad[k, part] = s["wave"], s["flux"], s["error"], s["bad"]
            covariance[k, : len(s["covariance"]), part] = s["covariance"]
        require_scale(flux, error, bad, self.path, rows.start)
        identity = self._identity(hdus, rows)
        velocity = np.full(n, np.nan)
        return Spectra(wave, flux, error, bad, velocity, identity, covariance if lags else None, self.steps)

    def _identity(self, hdus: Any, rows: range) -> pd.DataFrame:
        target = hdus["TARGET"]
        if self.bundle:
            columns, data = _columns(target), target.data
            cat, obj = (
                [self._whole(data[columns[name]][row], name) for row in rows] if name in columns else [-1] * len(rows)
                for name in ("catid", "objid")
            )
        else:
            header = {str(name).lower(): value for name, value in target.header.items()}
            cat, obj = ([self._whole(header.get(name, -1), name)] for name in ("catid", "objid"))
        return pd.DataFrame(
            {
                "catId": np.asarray(cat, dtype=np.int64),
                "objId": np.asarray(obj, dtype=np.int64),
                "input": self.path.name,
                "row": list(rows),
            }
        )

    def _whole(self, value: Any, name: str) -> int:
        if isinstance(value, int | np.integer) and -(2**63) <= value < 2**63:
            return int(value)
        raise InputError(f"{self.path}: {name} is {value!r}, expected a 64-bit integer")

    def _array(self, hdu: Any, row: int) -> np.ndarray:
        """The pixels (P,) of one target: of an image, of a row of an image, or of a table's column `value`."""
        if _is_table(hdu):
            return np.asarray(hdu.data[_columns(hdu).get("value", hdu.columns.names[-1])][row])
        return np.asarray(hdu.data if hdu.data.ndim == 1 else hdu.data[row])

    def _wave(self, hdus: Any, row: int) -> np.ndarray:
        """Wavelengths (P,) in nm."""
        if "WAVELENGTH" in hdus:
            hdu = hdus["WAVELENGTH"]
            if not _is_table(hdu) and hdu.data.ndim == 1:
                return np.asarray(hdu.data, dtype=np.float64)
            return np.asarray(self._array(hdu, row), dtype=np.float64)
        from astropy.wcs import WCS

        header, flux = hdus["FLUX"].header, hdus["FLUX"].data
        if not str(header.get("CTYPE1", "")).upper().startswith("WAVE"):
            raise InputError(
                f"{self.path}: neither an HDU WAVELENGTH nor wavelengths in the header of FLUX (CTYPE1 WAVE)"
            )
        found = WCS(header, naxis=1).wcs_pix2world(np.arange(flux.shape[-1]), 0)[0]
        # The library gives metres, whatever the unit of the header.
        return np.asarray(found * 1e9 if found.max() < 1e-3 else found, dtype=np.float64)

    def _covariance(self, hdus: Any, row: int, pixels: int) -> np.ndarray | None:
        """Variance and the covariances with the next pixels (3, P) in nJy²; None where there is none."""
        if "COVAR" not in hdus or hdus["COVAR"].data is None:
            return None
        hdu = hdus["COVAR"]
        if _is_table(hdu):
            columns = _columns(hdu)
            names: list[str] = [name for name in ("row_0", "row_1", "row_2") if name in columns] or [
                n for n in ("value",) if n in columns
            ]
            lines = [np.asarray(hdu.data[columns[name]][row], dtype=np.float64) for name in names]
            if not lines or any(len(line) != pixels for line in lines):
                return None
            found = np.stack(lines)
        else:
            data = np.asarray(hdu.data, dtype=np.float64)
            found = data[row] if data.ndim == 3 else data
            if found.ndim != 2 or found.shape[1] != pixels:
                return None
        with np.errstate(invalid="ignore"):
            return found if (found[0] > 0).any() else None

    def _flux_table(self, hdus: Any, row: int) -> tuple[np.ndarray, ...] | None:
        """wavelength (nm), flux, error (nJy) and mask near native sampling."""
        name = next((each for each in _TABLES if each in hdus), None)
        if name is None:
            return None
        data, columns = hdus[name].data, _columns(hdus[name])
        if any(each not in columns for each in ("wavelength", "flux", "error", "mask")):
            return None
        values = [data[columns[each]] for each in ("wavelength", "flux", "error", "mask")]
        if self.bundle:
            values = [value[row] for value in values]
        wave, flux, error, mask = (np.asarray(value) for value in values)
        return wave.astype(np.float64), flux.astype(np.float64), error.astype(np.float64), mask


def _opened(path: Path) -> Any:
    """The HDUs of a file; astropy reads headers, data and columns late, so what is damaged is asked for here."""
    from astropy.io import fits

    with ExitStack() as stack:
        try:
            hdus = stack.enter_context(fits.open(path, memmap=True))
            for number, hdu in enumerate(hdus):
                if number == _MOST_HDUS:  # a negative size leads back to what was read
                    raise ValueError(f"more than {_MOST_HDUS} HDUs, which no survey file has")
                if int(hdu.header.get("TFIELDS", 0)) > _MOST_COLUMNS:  # astropy would make them, for minutes
                    raise ValueError(f"a table of {hdu.header['TFIELDS']} columns, more than FITS allows")
                dict(hdu.header.items())
                if hdu.name.upper() in _READ and _is_table(hdu):  # which looks at the data of an image too
                    [hdu.data[name] for name in hdu.columns.names]
        except Exception as error:  # astropy raises many kinds for a damaged file
            raise InputError(f"cannot read {path}: {error}; expected a whole FITS file") from error
        stack.pop_all()
        return hdus


def _is_table(hdu: Any) -> bool:
    return hdu.data is not None and hasattr(hdu, "columns")


def _columns(hdu: Any) -> dict[str, str]:
    """Names of a table's columns by their lower-case form."""
    return {name.lower(): name for name in hdu.columns.names} if _is_table(hdu) else {}


def _planes_in(table: Any) -> dict[str, int]:
    """MP_ names and numbers in YAML texts of a table; plain values alone are read."""
    found: dict[str, int] = {}
    for name in table.columns.names:
        if table[name].dtype.kind not in "SUO":
            continue
        for text in table[name][:1]:
            if not isinstance(text, str | bytes):
                continue
            try:
                values = yaml.safe_load(text)
            except yaml.YAMLError:
                continue
            found |= _planes_of(values)
    return found


def _planes_of(values: Any) -> dict[str, int]:
    if isinstance(values, dict):
        inner = [_planes_of(value) for value in values.values()]
        own = {
            str(k)[3:].upper(): v for k, v in values.items() if str(k).upper().startswith("MP_") and isinstance(v, int)
        }
        return {name: number for part in [*inner, own] for name, number in part.items()}
    if isinstance(values, list):
        return {name: number for part in map(_planes_of, values) for name, number in part.items()}
    return {}
