"""Predictions as FITS, ECSV, Parquet or HDF5, with units, meanings and every step in the header; all or nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from logg1m.files import InputError, atomic_path
from logg1m.predict import label_table, star_catalog
from logg1m.predict.model import COLUMNS
from logg1m.predict.predicting import MEANINGS

SUFFIXES = (".fits", ".ecsv", ".parquet", ".h5", ".hdf5")
_SHORT = {"row", "n_masked", "logg1m_flag"}
_EXACT = {"catId", "objId"}
_FURTHER = {
    column + suffix: (unit, f"{name}, {words}")
    for name, (column, unit) in COLUMNS.items()
    if name != "logg"
    for suffix, words in (("", "the model's estimate"), ("Err", "predictive standard deviation"))
}
_POSTERIOR = {
    "log_g_posterior": ("dex", "mean of the posterior"),
    "log_g_posteriorErr": ("dex", "standard deviation of the posterior"),
    "ess": ("", "effective sample size of the posterior"),
    "iterations": ("", "of the sampler"),
    "chi2": ("", "chi square per pixel at the best sample of the posterior"),
}


def meaning(name: str) -> tuple[str, str]:
    """Unit and meaning of a column."""
    return {**MEANINGS, **_FURTHER, **_POSTERIOR}.get(name, ("", ""))


def require_writable(out: Path, overwrite: bool, inputs: Sequence[Path] = (), layout: str = "logg1m") -> None:
    """Refuse what cannot become the output, before anything is computed.

    Raises
    ------
    InputError
        If the suffix is none of FITS, ECSV, Parquet, HDF5, or not the layout's, or the file is there and must not be replaced,
        or is an input.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise InputError(f"{out}: the suffix says the format, expected one of {', '.join(SUFFIXES)}")
    if layout == "pfsStarCatalog" and out.suffix.lower() != ".fits":
        raise InputError(f"{out}: pfsStarCatalog is a FITS file; name one that ends in .fits")
    if out.suffix.lower() != ".fits" and not str(out).isprintable():
        raise InputError(f"{str(out)!r}: a name that is no text can be that of a FITS file alone; name another file")
    if out.is_dir():
        raise InputError(f"{out} is a folder; name a file")
    if out.exists() and any(path.exists() and out.samefile(path) for path in inputs):
        raise InputError(f"{out} is one of the inputs; name another file")
    if out.exists() and not overwrite:
        raise InputError(f"{out} is there already; name another file, or say --overwrite")
    if out.suffix.lower() in (".fits", ".ecsv"):
        from logg1m.predict.astropy_tools import require_astropy

        require_astropy(f"{out}: {out.suffix} is written by astropy")


def compact(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns in the types that they are written in: numbers as float32 but identifiers, texts as categories."""
    found: dict[str, Any] = {}
    for name in frame:
        values = frame[name]
        if name in _EXACT:
            found[name] = values.astype(np.int64)
        elif name in _SHORT:
            found[name] = values.astype(np.int32)
        elif values.dtype.kind == "b":
            found[name] = values
        elif pd.api.types.is_numeric_dtype(values):
            found[name] = values.astype(np.float32)
        else:
            found[name] = values.astype("category")
    return pd.DataFrame(found)


def joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Parts one after the other; texts stay categories."""
    texts = [name for name in parts[0] if isinstance(parts[0][name].dtype, pd.CategoricalDtype)]
    for name in texts:
        every = sorted({value for part in parts for value in part[name].cat.categories})
        parts = [part.assign(**{name: part[name].cat.set_categories(every)}) for part in parts]
    return pd.concat(parts, ignore_index=True)


def write(
    out: Path, frame: pd.DataFrame, steps: Sequence[str], about: Mapping[str, Any], layout: str = "logg1m"
) -> None:
    """Write the table.

    Parameters
    ----------
    steps : what was done with the spectra, words
    about : keys and values for the header: model, version, files, frame
    layout : logg1m, or pfsStarCatalog, which has the columns of `star_catalog`
    """
    kind = out.suffix.lower()
    if kind == ".parquet":
        _parquet(out, frame, steps, about)
        return
    if kind in (".h5", ".hdf5"):
        with atomic_path(out) as temporary:
            label_table.write(temporary, frame, steps, about)
        return
    from logg1m.predict.astropy_tools import write_table

    units = {str(name): meaning(str(name)) for name in frame}
    hdu = "PREDICTIONS"
    if layout == "pfsStarCatalog":
        frame, hdu = star_catalog.star_catalog(frame, about.get("frame") == "rest"), star_catalog.HDU
        own = {str(name): star_catalog.meaning(str(name)) for name in frame}
        units = {name: own[name] if any(own[name]) else meaning(name) for name in own}
    with atomic_path(out) as temporary:
        write_table(temporary, frame, units, steps, about, kind, hdu)


def _parquet(out: Path, frame: pd.DataFrame, steps: Sequence[str], about: Mapping[str, Any]) -> None:
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    units = {str(name): meaning(str(name))[0] for name in frame}
    header = {"logg1m": json.dumps({"steps": list(steps), "units": units, **about}, default=str)}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **header})
    with atomic_path(out) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def read_predictions(path: Path) -> pd.DataFrame:
    """Predictions from a file that `write` wrote."""
    if path.suffix.lower() == ".parquet":
        return pd.read_parquet(path)
    from logg1m.predict.astropy_tools import read_table

    return read_table(path)
