"""BOSZ model spectra on disk: what their names say, and how their columns are read.

2024 release (Mészáros et al. 2024): bosz2024_mp_t5000_g+4.5_m+0.00_a+0.00_c+0.00_v2_r10000_resam.txt.gz, Eddington
flux and continuum, with the wavelengths in bosz2024_wave_r10000.txt; the original resolution carries its own.
2017 release (Bohlin et al. 2017): amm13cp00op00t3500g45v20modrt0b50000rs.asc.bz2, wavelength, flux, continuum.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from logg1m.config.files_sources import BoszConfig
from logg1m.files import InputError
from logg1m.sources.paths import place

FIRST, LAST = 7078.0, 8876.0  # Å that every spectrum has to cover: arm m, with room for the smoothing kernel
_SIGNED = r"([+-]\d+\.\d+)"
_NAME_2024 = re.compile(
    rf"bosz2024_(?P<atm>ms|mp|ap)_t(?P<t>\d+)_g{_SIGNED}_m{_SIGNED}_a{_SIGNED}_c{_SIGNED}_v(?P<v>\d+)"
    r"_(?P<res>r\d+|rorig)_(?:resam|noresam)\.txt(?:\.gz)?"
)
_CODE = r"([mp]\d\d)"
_NAME_2017 = re.compile(
    rf"am{_CODE}c{_CODE}o{_CODE}t(?P<t>\d+)g(?P<g>\d\d)v(?P<v>\d)\dmodrt0b(?P<res>\d+)rs\.asc(?:\.bz2|\.gz)?"
)
_LEAST = 400.0  # Å: the published grids begin at 500 and 1000 Å; what begins before is in a larger unit
_SPHERICAL_BELOW = 3.5  # log g


@dataclass(frozen=True)
class Model:
    """One file: its labels (teff K, logg, m_h, a_m, c_m dex), atmosphere and release."""

    path: Path
    labels: tuple[float, float, float, float, float]
    atmosphere: str
    release: str


def find_models(config: BoszConfig) -> list[Model]:
    """Models of one release in the folder that have the configured resolution, atmosphere and microturbulence.

    Raises
    ------
    InputError
        If the folder cannot be read, holds no such files (the message says what it holds instead), or both releases.
    """
    folder = Path(place(config.folder, "data.bosz.folder"))
    if folder.is_file():
        raise InputError(f"data.bosz.folder = '{config.folder}' is a file; name the folder that holds the BOSZ spectra")
    if not folder.is_dir():
        raise InputError(f"data.bosz.folder = '{config.folder}' is not a folder; expected one with BOSZ spectra")
    found: list[Model] = []
    others: set[str] = set()
    for path in sorted(folder.rglob("*")):
        parsed = _parse(path)
        if parsed is None:
            continue
        model, resolution, turbulence = parsed
        if (resolution, turbulence) == (config.resolution, config.microturbulence) and _wanted(model, config):
            found.append(model)
        else:
            others.add(f"{model.release} {model.atmosphere} {resolution} v{turbulence}")
    if not found:
        raise InputError(
            f"{folder} holds no BOSZ spectra of {config.resolution}, atmosphere {config.atmosphere}, "
            f"v{config.microturbulence}; it holds {', '.join(sorted(others)) or 'none at all'}"
        )
    releases = {model.release for model in found}
    if len(releases) > 1:
        raise InputError(f"{folder} holds the BOSZ releases {' and '.join(sorted(releases))}; keep one in the folder")
    return found


def _parse(path: Path) -> tuple[Model, str, int] | None:
    match = _NAME_2024.fullmatch(path.name)
    if match:
        logg, m_h, a_m, c_m = (float(text) for text in match.group(3, 4, 5, 6))
        labels = (float(match["t"]), logg, m_h, a_m, c_m)
        return Model(path, labels, match["atm"], "2024"), match["res"], int(match["v"])
    match = _NAME_2017.fullmatch(path.name)
    if match:
        m_h, c_m, a_m = (_code(text) for text in match.group(1, 2, 3))
        labels = (float(match["t"]), int(match["g"]) / 10, m_h, a_m, c_m)
        return Model(path, labels, "ap", "2017"), f"r{match['res']}", int(match["v"])
    return None


def _code(text: str) -> float:
    """m13 → −1.25: the 2017 names round to a decimal what are multiples of 0.25."""
    value = round(int(text[1:]) / 10 * 4) / 4
    return -value if text[0] == "m" and value else value


def _wanted(model: Model, config: BoszConfig) -> bool:
    if model.release == "2017":  # ATLAS9 throughout
        return True
    if config.atmosphere == "marcs":
        return model.atmosphere == ("ms" if model.labels[1] < _SPHERICAL_BELOW else "mp")
    return model.atmosphere == config.atmosphere


def find_wavelengths(config: BoszConfig) -> np.ndarray | None:
    """All wavelengths (vacuum Å) of the 2024 files at the configured resolution; None where files carry their own.

    Raises
    ------
    InputError
        If the wavelength file is not in the folder, beside it or above it, or cannot be read.
    """
    if config.resolution == "rorig":
        return None
    folder, name = Path(place(config.folder, "data.bosz.folder")).resolve(), f"bosz2024_wave_{config.resolution}.txt"
    above = [place / part / name for place in list(folder.parents)[:2] for part in (".", "wavelength_grids")]
    for path in (*sorted(folder.rglob(name)), *above):
        if path.is_file():
            wave = _table(path, 1)[:, 0]
            if len(wave) < 2 or not (np.diff(wave) > 0).all():
                raise InputError(f"{path}: the wavelengths must increase")
            _require_angstrom(wave, path)
            return wave
    raise InputError(
        f"the wavelengths {name} of the BOSZ spectra in {config.folder} are missing; they are published in the folder "
        "wavelength_grids: put the file beside the spectra or above them"
    )


def _require_angstrom(wave: np.ndarray, path: Path) -> None:
    """Refuse wavelengths (n,) that are not Å; a whole grid in nm covers the same numbers, but begins too early."""
    if np.isfinite(wave).all() and _covers(wave):
        return
    # A cut file may hold more than this range, so each unit is judged by whether it covers it.
    unit = next((name for name, factor in (("nm", 10), ("µm", 1e4), ("m", 1e10)) if _covers(wave * factor)), None)
    seen = f"they look like {unit}; convert them to Å" if unit else "expected vacuum wavelengths in Å"
    raise InputError(
        f"{path}: the wavelengths, {wave[0]:.6g} … {wave[-1]:.6g}, do not cover {FIRST:g} … {LAST:g} Å, or begin where "
        f"no BOSZ spectrum does; {seen}"
    )


def _covers(wave: np.ndarray) -> bool:
    return bool(_LEAST <= wave[0] <= FIRST + 4 and wave[-1] >= LAST - 4)


def ends(model: Model, wave: np.ndarray | None) -> tuple[float, float]:
    """First and last wavelength (Å) of a model: of those that all share, or else of its own.

    Raises
    ------
    InputError
        As `read_flux`.
    """
    if wave is None:
        wave = _table(model.path, 1)[:, 0]
        _require_angstrom(wave, model.path)
    return float(wave[0]), float(wave[-1])


def read_flux(
    model: Model, wave: np.ndarray | None, span: tuple[float, float] = (FIRST, LAST)
) -> tuple[np.ndarray, np.ndarray]:
    """Wavelengths (Å) and Eddington flux H (erg/s/cm²/Å) of one model inside a span (Å).

    Raises
    ------
    InputError
        If the file is damaged, has another number of rows than there are wavelengths, or a flux is not positive.
    """
    own = wave is None
    table = _table(model.path, 2 if own else 1)
    if wave is None:
        wave, flux = table[:, 0], table[:, 1]
        _require_angstrom(wave, model.path)
    else:
        flux = table[:, 0]
        if len(flux) != len(wave):
            raise InputError(f"{model.path}: {len(flux)} rows for {len(wave)} wavelengths; fetch it again")
    first, last = span
    inside = (wave >= first) & (wave <= last)
    wave, flux = wave[inside], flux[inside]
    if len(wave) < 100 or wave[0] > first + 4 or wave[-1] < last - 4:
        raise InputError(f"{model.path}: the spectrum does not cover {first:g} … {last:g} Å")
    if not (np.isfinite(flux).all() and (flux > 0).all()):
        raise InputError(f"{model.path}: the flux between {first:g} and {last:g} Å must be positive; fetch it again")
    return wave, flux


def _table(path: Path, columns: int) -> np.ndarray:
    """The first columns of a text table, compressed or not, (rows, columns) float64."""
    try:
        frame = pd.read_csv(path, sep=r"\s+", header=None, usecols=range(columns), dtype=np.float64, comment="#")
    except (OSError, ValueError, EOFError) as error:  # parser errors are ValueErrors, a cut .gz an EOFError
        raise InputError(f"{path} is unreadable or damaged ({error}); fetch it again") from error
    return np.asarray(frame.to_numpy())
