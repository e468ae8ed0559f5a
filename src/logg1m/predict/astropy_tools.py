"""Everything that needs astropy, which is an optional extra of the package: tables with units, FITS, spectra of specutils."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from logg1m.files import InputError

_INSTALL = "pip install 'logg1m[fits]'"


def require_astropy(what: str) -> None:
    """Stop with what to install, if astropy is missing.

    Raises
    ------
    InputError
        Says what needs it.
    """
    try:
        import astropy  # noqa: F401
    except ImportError as error:
        raise InputError(f"{what}, which is not installed: {_INSTALL}") from error


def table_of_pixels(path: Path) -> dict[str, Any]:
    """One spectrum from an ECSV table with a row per pixel: columns wave, flux, error, and mask where it is known.

    Units as the table says; meta may hold v_los (km/s), objId and catId.
    """
    require_astropy(f"{path}: ECSV is read by astropy")
    from astropy.table import Table

    try:
        table = Table.read(path, format="ascii.ecsv")
    except Exception as error:  # many kinds for a damaged file
        raise InputError(f"{path} is not a readable ECSV table ({error})") from error
    found: dict[str, Any] = {name: np.asarray(table[name].filled(np.nan) if hasattr(table[name], "filled") else table[name])
                             for name in ("wave", "flux", "error") if name in table.colnames}  # fmt: skip
    if "mask" in table.colnames:
        found["mask"] = np.asarray(table["mask"])[None]
    if "wave" in found:
        found["wave_unit"] = str(table["wave"].unit or "angstrom")
    if "flux" in found:
        found["flux_unit"] = str(table["flux"].unit or "f_lambda")
        if "error" in found and str(table["error"].unit or "f_lambda") != found["flux_unit"]:
            raise InputError(
                f"{path}: flux in {table['flux'].unit}, error in {table['error'].unit}: expected one unit for both"
            )
    for name in ("v_los", "objId", "catId"):
        if name in table.meta:
            found[name] = table.meta[name]
    return found


def as_qtable(frame: pd.DataFrame, units: Mapping[str, tuple[str, str]], meta: Mapping[str, Any]) -> Any:
    """A `QTable` with units and descriptions."""
    require_astropy("a table with units is one of astropy")
    from astropy.table import Column, QTable

    table = QTable(meta=dict(meta))
    for name in map(str, frame):
        unit, words = units[name]
        values = frame[name]
        if isinstance(values.dtype, pd.CategoricalDtype) or values.dtype == object or values.dtype.kind not in "fiub":
            table[name] = Column(values.astype(str).to_numpy().astype(np.str_), description=words)
        else:
            table[name] = Column(values.to_numpy(), description=words)
            if unit:
                table[name].unit = unit
                table[name].info.description = words
    return QTable(table)


def write_table(
    path: Path,
    frame: pd.DataFrame,
    units: Mapping[str, tuple[str, str]],
    steps: Sequence[str],
    about: Mapping[str, Any],
    kind: str,
    extension: str = "PREDICTIONS",
) -> None:
    """Write FITS (steps as HISTORY of the extension) or ECSV."""
    if kind == ".ecsv":
        as_qtable(frame, units, {**about, "steps": list(steps)}).write(path, format="ascii.ecsv", overwrite=True)
        return
    from astropy.io import fits
    from astropy.table import Table

    texts = {name: frame[name].astype(str).map(_ascii) for name in frame if frame[name].dtype.kind not in "fiub"}
    frame = frame.assign(**texts)  # the standard of FITS has ASCII alone
    hdu = fits.table_to_hdu(Table(as_qtable(frame, {name: ("", words) for name, (_, words) in units.items()}, {})))
    for name, (unit, _) in units.items():
        if unit:
            hdu.columns[name].unit = unit  # TUNIT; astropy itself would not write dex
    for k, (_, words) in enumerate(units.values(), start=1):
        hdu.header[f"TCOMM{k}"] = _ascii(words)
    hdu.name = extension
    hdu.header["MODEL_ID"] = str(about.get("model_id", ""))
    hdu.header["L1MVERS"] = (str(about.get("version", "")), "version of logg1m")
    hdu.header["ESTIMATE"] = str(about.get("estimator", "network"))
    for name in about.get("inputs", []):
        hdu.header.add_history(_ascii(f"input: {name}"))
    for step in steps:
        hdu.header.add_history(_ascii(step))
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)


def _ascii(text: str) -> str:
    """What a header or a column of FITS can hold."""
    return "".join(c if c.isascii() and c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def read_table(path: Path) -> pd.DataFrame:
    """A FITS or ECSV table."""
    require_astropy(f"{path}: {path.suffix} is read by astropy")
    from astropy.table import Table
    from astropy.units import UnitsWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnitsWarning)  # the standard of FITS does not have dex
            table = Table.read(path, format="fits" if path.suffix.lower() == ".fits" else "ascii.ecsv")
    except Exception as error:
        raise InputError(f"{path} is not a readable table ({error})") from error
    found: pd.DataFrame = table.to_pandas()
    if "v_los" in table.colnames and table["v_los"].unit is not None:
        found["v_los"] = _in_km_s(table["v_los"].unit, path) * found["v_los"]
    for name in found:
        if found[name].dtype == object and len(found) and isinstance(found[name].iloc[0], bytes):
            found[name] = found[name].str.decode("ascii")
    return found


def _in_km_s(unit: Any, path: Path) -> float:
    from astropy.units import Unit, UnitConversionError

    try:
        return float(Unit(unit).to("km/s"))
    except (UnitConversionError, ValueError, TypeError) as error:
        raise InputError(f"{path}: v_los is in {unit}, expected km/s") from error


def arrays_of(given: Any) -> dict[str, Any]:
    """Named plain arrays of a mapping of arrays or quantities, of a `specutils.Spectrum`, or of a list of these.

    Raises
    ------
    InputError
        If a spectrum has no uncertainty, or a unit is none that is known.
    """
    if isinstance(given, list | tuple):
        parts = [arrays_of(each) for each in given]
        if len({len(part["wave"]) for part in parts}) > 1:
            raise InputError("spectra with different numbers of pixels; predict them one by one")
        if len({part.get("flux_unit", "f_lambda") for part in parts}) > 1:
            raise InputError("spectra in different units of flux; predict them one by one")
        if not parts:
            raise InputError("there is no spectrum in the list")
        if any("mask" in part for part in parts):
            parts = [{"mask": np.zeros(np.shape(part["flux"]), dtype=bool)} | part for part in parts]
        return {
            name: np.stack([np.ravel(_filled(part[name])) for part in parts])
            if name in ("wave", "flux", "error", "mask")
            else parts[0][name]
            for name in parts[0]
        }
    if not isinstance(given, Mapping):
        given = _of_specutils(given)
    units = {name: str(getattr(given[name], "unit", "")) for name in ("flux", "error") if name in given}
    if len(set(units.values())) > 1:
        raise InputError(
            "; ".join(f"{name} in {unit or 'no unit'}" for name, unit in units.items()) + ": expected one unit for both"
        )
    found: dict[str, Any] = {}
    for name, value in given.items():
        if not hasattr(value, "unit"):
            found[name] = value
        elif name == "wave":
            found[name] = value.to_value("Angstrom")
        elif name in ("flux", "error"):
            found[name], unit = _density(value)
            found["flux_unit"] = unit
        else:
            found[name] = value.value
    return found


def _filled(values: Any) -> Any:
    """A masked array with NaN where it is masked."""
    masked = np.ma.isMaskedArray(values) and values.dtype.kind in "fiu"
    return np.ma.filled(values.astype(float), np.nan) if masked else values


def _density(value: Any) -> tuple[np.ndarray, str]:
    """Flux per Å on any scale, or nJy."""
    from astropy import units as u

    if value.unit.is_equivalent("nJy"):
        return value.to_value("nJy"), "njy"
    if value.unit.is_equivalent("erg / (s cm2 Angstrom)"):
        return value.to_value("erg / (s cm2 Angstrom)"), "f_lambda"
    if value.unit == u.dimensionless_unscaled:
        return np.asarray(value.value), "f_lambda"
    raise InputError(
        f"flux in {value.unit}: expected a flux density (nJy, erg/s/cm2/Angstrom) or no unit; counts are not calibrated"
    )


def _of_specutils(spectrum: Any) -> dict[str, Any]:
    if not hasattr(spectrum, "spectral_axis") or not hasattr(spectrum, "flux"):
        raise InputError(
            f"{type(spectrum).__name__} is nothing that can be predicted: expected what read() or simulate() gives, a "
            "specutils Spectrum, or wave, flux and error"
        )
    if spectrum.uncertainty is None:
        raise InputError("the spectrum has no uncertainty: expected its 1σ error")
    from astropy.nddata import StdDevUncertainty

    error = spectrum.uncertainty.represent_as(StdDevUncertainty).quantity
    found = {"wave": spectrum.spectral_axis.to("Angstrom"), "flux": spectrum.flux, "error": error}
    if spectrum.mask is not None:
        found["mask"] = np.asarray(spectrum.mask)
    return found
