"""Faithful miniatures of the survey's FITS files, with what the data model says is in them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table

PLANES = {
    "BAD": 0,
    "SAT": 1,
    "CR": 3,
    "NO_DATA": 8,
    "UNMASKEDNAN": 12,
    "SUSPECT": 7,
    "BAD_SKY": 18,
    "BAD_FLUXCAL": 20,
    "IPC": 21,
}
LIGHT = 2.99792458e18


def in_njy(wave: np.ndarray, f_lambda: np.ndarray) -> np.ndarray:
    """erg/s/cm²/Å at Å → nJy."""
    return f_lambda * wave**2 / LIGHT / 1e-32


def _blue(wave: np.ndarray) -> np.ndarray:
    """Pixels of another arm in front, at 0.8 Å: the array as a whole is not uniform."""
    return np.arange(3_800.0, wave[0] - 0.8, 0.8)


def pfs_single(
    path: Path, wave: np.ndarray, flux: np.ndarray, error: np.ndarray, mask: np.ndarray,
    cat_id: int = 10, obj_id: int = 0x1234567890, covariance: bool = True, arms: Sequence[str] = ("b", "m"), wcs: bool = False,
    cards: bool = True,
) -> None:  # fmt: skip
    """One target: wave Å, flux and error erg/s/cm²/Å (P,), mask bits; `wcs`: no HDU WAVELENGTH, uniform pixels."""
    njy, sigma = in_njy(wave, flux), in_njy(wave, error)
    if not wcs:
        front = _blue(wave)
        wave = np.concatenate([front, wave])
        njy, sigma = (np.concatenate([np.full(len(front), np.nan), v]) for v in (njy, sigma))
        mask = np.concatenate([np.full(len(front), 1 << PLANES["NO_DATA"]), mask])
    header = fits.Header()
    header["BUNIT"] = "nJy"
    if wcs:
        header["CTYPE1"], header["CUNIT1"], header["CRPIX1"] = "WAVE", "nm", 1.0
        header["CRVAL1"], header["CDELT1"] = wave[0] / 10, (wave[1] - wave[0]) / 10
    flux_hdu = fits.ImageHDU(njy.astype(np.float32), header, name="FLUX")
    mask_hdu = fits.ImageHDU(mask.astype(np.int32), name="MASK")
    if cards:
        for name, bit in PLANES.items():
            mask_hdu.header[f"HIERARCH MP_{name}"] = bit
    target = fits.BinTableHDU(Table({"filterName": ["i_hsc"], "fiberFlux": [float(np.nanmedian(njy))]}), name="TARGET")
    for name, value in {"catId": cat_id, "tract": 1, "patch": "1,1", "objId": obj_id, "ra": 1.0, "dec": 2.0}.items():
        target.header[name] = value
    covar = np.zeros((3, len(njy)))
    if covariance:
        covar[0] = sigma**2
    observations = fits.BinTableHDU(Table({"visit": np.arange(len(arms)), "arm": list(arms)}), name="OBSERVATIONS")
    hdus = [fits.PrimaryHDU(), flux_hdu, mask_hdu, target, fits.ImageHDU(np.zeros_like(njy), name="SKY"),
            fits.ImageHDU(covar.astype(np.float32), name="COVAR"), observations]  # fmt: skip
    if not wcs:
        hdus.append(fits.ImageHDU(wave / 10, name="WAVELENGTH"))
    if not covariance:
        table = Table(
            {"wavelength": wave / 10, "flux": njy.astype(np.float32), "error": sigma.astype(np.float32), "mask": mask}
        )
        hdus.append(fits.BinTableHDU(table, name="FLUX_TABLE"))
    fits.HDUList(hdus).writeto(path, overwrite=True)


def pfs_coadd(
    path: Path, wave: np.ndarray, flux: np.ndarray, error: np.ndarray, mask: np.ndarray, images: bool = True,
    obj_ids: Sequence[int] | None = None, arms: str = "m",
) -> None:  # fmt: skip
    """Many targets (N, P): as images, or as variable-length tables with a column `value`; the bits in METADATA."""
    n = len(flux)
    njy, sigma = in_njy(wave, flux), in_njy(wave, error)
    ids = np.asarray(obj_ids if obj_ids is not None else 1_000 + np.arange(n))
    target = Table({"targetId": np.arange(n), "catId": np.full(n, 77), "objId": ids})
    observations = Table({"targetId": np.arange(n), "visit": np.arange(n), "arm": [arms] * n})
    words = "mask:\n" + "\n".join(f"  MP_{name}: {bit}" for name, bit in PLANES.items()) + "\n"
    metadata = Table({"targetId": np.arange(n), "yaml": [words] * n})
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU(target, name="TARGET"), fits.BinTableHDU(observations, name="OBSERVATIONS"),
            fits.BinTableHDU(metadata, name="METADATA")]  # fmt: skip
    if images:
        covar = np.zeros((n, 3, len(wave)), dtype=np.float32)
        covar[:, 0] = sigma**2
        arrays = {
            "WAVELENGTH": wave / 10,
            "FLUX": njy.astype(np.float32),
            "MASK": mask.astype(np.int32),
            "COVAR": covar,
        }
        hdus += [fits.ImageHDU(value, name=name) for name, value in arrays.items()]
    else:

        def ragged(name: str, columns: dict[str, np.ndarray], kind: str) -> fits.BinTableHDU:
            made = []
            for column, rows in columns.items():
                values = np.empty(n, dtype=object)
                for k in range(n):
                    values[k] = np.asarray(rows[k])
                made.append(fits.Column(column, f"Q{kind}()", array=values))
            return fits.BinTableHDU.from_columns(made, name=name)

        zero = np.zeros_like(sigma)
        hdus += [ragged("WAVELENGTH", {"value": np.tile(wave / 10, (n, 1))}, "D"), ragged("FLUX", {"value": njy}, "E"),
                 ragged("MASK", {"value": mask.astype(np.int32)}, "J"),
                 ragged("COVAR", {"row_0": sigma**2, "row_1": zero, "row_2": zero}, "E")]  # fmt: skip
    fits.HDUList(hdus).writeto(path, overwrite=True)
