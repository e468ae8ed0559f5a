"""Names, units and possible values of the labels in a shard."""

from pathlib import Path

import numpy as np

from logg1m.sources.pfs.table import ShardError, Table

# Column of the label table → (label, unit); other numeric columns keep their name and have no unit.
STELLAR = {
    "T_eff": ("teff", "K"), "log_g": ("logg", "dex"), "M_H": ("m_h", "dex"), "a_M": ("a_m", "dex"),
    "C_M": ("c_m", "dex"),
}  # fmt: skip
REQUIRED = ("T_eff", "log_g", "M_H")  # an abundance ratio may be absent: it then counts as one that does not vary
OTHER = {
    "O_M": ("o_m", "dex"), "mag": ("mag", "mag"), "redshift": ("redshift", ""), "snr": ("simulator_snr", ""),
    "seeing": ("seeing", "arcsec"), "target_zenith_angle": ("zenith_angle", "deg"),
    "target_field_angle": ("field_angle", "deg"), "exp_count": ("exp_count", ""), "exp_time": ("exp_time", "s"),
    "flux_scale": ("flux_scale", "erg/s/cm2/A"),
}  # fmt: skip
# Column → lowest and highest value that a star can have, and what values beyond usually are.
_POSSIBLE = {
    "T_eff": (500.0, 500_000.0, "K; is it in kK, a logarithm, or was the row never filled?"),
    "log_g": (-3.0, 10.0, "dex (cgs); is it g itself, or was the row never filled?"),
    "M_H": (-10.0, 3.0, "dex"),
    "a_M": (-5.0, 5.0, "dex"),
    "C_M": (-5.0, 5.0, "dex"),
    "mag": (-5.0, 40.0, "mag; is it a flux, or a mark for no value? Write NaN for that"),
    "redshift": (-0.1, 0.1, "(v/c); is it a velocity in km/s, or a mark for no value? Write NaN for that"),
}


def require_possible(table: Table, path: Path) -> None:
    """Refuse labels that no star has: another unit, or rows that were never filled.

    Raises
    ------
    ShardError
        The column, the row, its value, and the range expected.
    """
    for name, (low, high, hint) in _POSSIBLE.items():
        values = table.numbers.get(name, np.empty(0))
        bad = np.isfinite(values) & ((values < low) | (values > high))
        if bad.any():
            row = int(np.argmax(bad))
            raise ShardError(
                f"{path}: {name} of row {row} is {values[row]:g} ({int(bad.sum())} such rows), expected {low:g} … "
                f"{high:g} {hint}"
            )


def notices(table: Table) -> list[str]:
    """What a label table loses or leaves open: rounded identifiers, repeated or unsorted ones, columns not read."""
    said = []
    for name in table.rounded:
        values = table.numbers[name][np.isfinite(table.numbers[name])]
        said.append(
            f"the identifiers {name} are floating-point numbers beyond 2^53 (of float32: 2^24), where whole numbers are "
            f"rounded: {len(np.unique(values))} different ones in {len(values)} rows. Write them as int64 or text"
        )
    ids = table.identifiers
    if (repeated := len(ids) - len(np.unique(ids))) > 0:
        said.append(f"{repeated} rows repeat an identifier of an earlier row of the same shard")
    if ids.dtype.kind in "iu" and (np.diff(ids.astype(object)) < 0).any():
        said.append(
            "the identifiers are not in rising order: row k of the label table is taken to belong to row k of the "
            "arrays"
        )
    if table.left_out:
        said.append(
            f"the label columns {', '.join(table.left_out)} are dates, categories or complex numbers, which are not read"
        )
    return said
