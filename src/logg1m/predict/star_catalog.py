"""Predictions in the columns of the survey's own catalogue of stars, pfsStarCatalog: X, XErr and XStatus per parameter."""

import numpy as np
import pandas as pd

from logg1m.files import InputError
from logg1m.predict import flags

HDU = "STARCATALOG"
# Parameter of the catalogue → our column, unit, meaning; none: nothing that a model here infers.
PARAMETERS: dict[str, tuple[str | None, str, str]] = {
    "v_los": ("v_los", "km s-1", "radial velocity that was removed, given and not measured"),
    "EBV": (None, "mag", "not inferred"),
    "T_eff": ("T_eff", "K", "effective temperature"),
    "M_H": ("M_H", "dex", "metallicity"),
    "a_M": ("a_M", "dex", "abundance of alpha elements over [M/H]"),
    "C": ("C_M", "dex", "abundance of carbon over [M/H]"),
    "log_g": ("log_g", "dex", "surface gravity (cgs)"),
}
_OF_LOG_G = ("PARAMEDGE", "UNCALIBRATED", "DISAGREE")  # flags that say nothing of other parameters
_KEPT = ("catId", "objId", "input", "row", "flag", "logg1m_flag", "model_id", "version")


def star_catalog(frame: pd.DataFrame, at_rest: bool = False) -> pd.DataFrame:
    """Rows of predictions (`predicting.MEANINGS`) → rows of the catalogue.

    A parameter that is not inferred, and the error of a velocity that was given, is NaN with an empty status. The words of
    a status are those of `logg1m_flag`: PARAMEDGE, BADERROR and NODATA are the survey's too, the others ours.

    Parameters
    ----------
    at_rest : the wavelengths were those of the stars, and no velocity was given

    Raises
    ------
    InputError
        If log g or its error is not there.
    """
    lacking = [name for name in ("log_g", "log_gErr", *_KEPT) if name not in frame]
    if lacking:
        raise InputError(f"{', '.join(lacking)} is not among the predictions; the survey's catalogue needs it")
    found = {name: frame[name] for name in _KEPT[:4]}
    nothing = pd.Series(np.full(len(frame), np.nan, dtype=np.float32), index=frame.index)
    bits, own = frame["logg1m_flag"].to_numpy(), sum(1 << flags.BITS[word] for word in _OF_LOG_G)
    for name, (column, _, _) in PARAMETERS.items():
        inferred = column in frame and name != "v_los"
        found[name] = frame.get(column, nothing)
        found[f"{name}Err"] = frame.get(f"{column}Err", nothing)
        found[f"{name}Status"] = flags.words(bits if name == "log_g" else bits & ~own) if inferred else ""
    if at_rest:
        found["v_los"] = nothing
    return pd.DataFrame(found | {name: frame[name] for name in _KEPT[4:]})


def meaning(name: str) -> tuple[str, str]:
    """Unit and meaning of a column that is the catalogue's own; two empty words of another one."""
    parameter = name.removesuffix("Status").removesuffix("Err")
    if parameter not in PARAMETERS:
        return "", ""
    _, unit, words = PARAMETERS[parameter]
    if name.endswith("Status"):
        return "", f"flags of {parameter}"
    return unit, f"{words}, 1 sigma" if name.endswith("Err") else words
