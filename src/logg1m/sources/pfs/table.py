"""The label table of a shard: a pandas *table* in HDF5, read without pandas and without unpickling anything.

PyTables stores the column names of a pandas table as pickled lists in attributes, and pandas unpickles them on
reading: a shard from elsewhere could run code that way. Here the numbers are read with h5py alone, and the names
are taken out of the pickled bytes by looking at their opcodes, none of which is ever executed.
"""

import codecs
import pickletools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from logg1m.files import InputError

KEY = "dataset/params"
_EXACT = 2**53  # whole numbers beyond it are rounded in float64
_IDENTIFIER = re.compile(r"^id|id$|id_|ident", re.IGNORECASE)  # names of columns that tell spectra apart
_LARGEST_IDENTIFIER = 2.0**64
# The only opcodes in a pickled flat list of strings, whatever the protocol.
_STRINGS = {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"}
_FRAME = {"PROTO", "FRAME", "MARK", "LIST", "EMPTY_LIST", "APPEND", "APPENDS", "STOP", "MEMOIZE", "PUT", "BINPUT"}


class ShardError(InputError):
    """Something in a shard that the importer must not pass over."""


@dataclass(frozen=True)
class Table:
    """The label table of one shard, (N,) per column.

    numbers : float64, of all numeric columns but whole numbers that float64 would round
    exact : whole numbers, booleans and text as they are written
    index : the index of the pandas table, as it is written
    left_out : names of the columns that are not read (dates, categories, complex numbers)
    rounded : names of the floating-point columns of identifiers that are rounded, whatever they were before
    """

    numbers: dict[str, np.ndarray]
    exact: dict[str, np.ndarray]
    index: np.ndarray
    left_out: tuple[str, ...]
    rounded: tuple[str, ...] = ()

    @property
    def identifiers(self) -> np.ndarray:
        """The column `id`; the index where there is none."""
        return self.exact.get("id", self.numbers.get("id", self.index))


def read_table(file: h5py.File, path: Path) -> Table:
    """All columns of numbers, booleans and text.

    Raises
    ------
    ShardError
        If there is no table, it is a pandas 'fixed' store, or its column names are not plain strings.
    """
    group = file.get(KEY)
    if not isinstance(group, h5py.Group):
        raise ShardError(f"{path}: no group {KEY}, expected the label table that pandas writes with to_hdf")
    table = group.get("table")
    if not isinstance(table, h5py.Dataset) or table.dtype.names is None:
        found = "a pandas 'fixed' store (it may hold pickled objects)" if "axis0" in group else f"{sorted(group)}"
        raise ShardError(f"{path}: {KEY} holds {found}, expected a pandas table; write it with to_hdf(format='table')")
    numbers: dict[str, np.ndarray] = {}
    exact: dict[str, np.ndarray] = {}
    left_out: list[str] = []
    rounded: list[str] = []
    index, encoding = np.arange(len(table)), _encoding(group)
    for field in table.dtype.names:
        dtype = table.dtype[field]
        if field == "index":
            index = _plain(np.asarray(table.fields(field)[()]), encoding)
            continue
        names = _names(table.attrs.get(f"{field}_kind"), f"{path}: {KEY}/{field}_kind") if dtype.shape else [field]
        if dtype.base.kind not in "fiubS" or _is_date_or_category(table, field):
            left_out += names
            continue
        values = np.asarray(table.fields(field)[()]).reshape(len(table), -1)
        if len(names) != values.shape[1]:
            raise ShardError(f"{path}: {KEY}/{field} has {values.shape[1]} columns but {len(names)} names")
        if _bytes(table.attrs.get(f"{field}_dtype")) == b"bool":  # PyTables has bits, which h5py gives as integers
            values = values != 0
        for k, name in enumerate(names):
            column = _plain(values[:, k], encoding)
            if column.dtype.kind != "f":
                exact[name] = column
            if column.dtype.kind in "fiub" and not _rounded(column):
                numbers[name] = column.astype(np.float64)
            if column.dtype.kind == "f" and _rounded_before(name, column):
                rounded.append(name)
    return Table(numbers, exact, index, tuple(left_out), tuple(rounded))


def _rounded(column: np.ndarray) -> bool:
    """Whether float64 holds only some of these whole numbers."""
    if column.dtype.kind not in "iu" or not len(column):
        return False
    return int(column.max()) > _EXACT or int(column.min()) < -_EXACT


def _rounded_before(name: str, column: np.ndarray) -> bool:
    """Whether floating-point numbers are whole ones that their type cannot hold exactly, and look like identifiers.

    Those of float64 need no telling name: between 2^53 and 2^64 there is hardly a physical quantity.
    """
    exact = 2.0 ** (np.finfo(column.dtype).nmant + 1)
    size = np.abs(column[np.isfinite(column)].astype(np.float64))
    large = size >= exact
    named = _IDENTIFIER.search(name) is not None
    return bool(large.any()) and (named or (exact >= _EXACT and bool((size[large] <= _LARGEST_IDENTIFIER).all())))


def _encoding(group: h5py.Group) -> str:
    """How pandas wrote texts."""
    try:
        return codecs.lookup(_bytes(group.attrs.get("encoding", b"utf-8")).decode("ascii")).name
    except (LookupError, UnicodeDecodeError):
        return "utf-8"


def _plain(column: np.ndarray, encoding: str) -> np.ndarray:
    """Native byte order; bytes become text."""
    if column.dtype.kind == "S":
        return np.array([value.decode(encoding, "replace") for value in column.tolist()], dtype=object)
    return column.astype(column.dtype.newbyteorder("="), copy=False)


def _is_date_or_category(table: h5py.Dataset, field: str) -> bool:
    """Both are stored as integers, which would be mistaken for numbers."""
    dtype, meta = (_bytes(table.attrs.get(f"{field}_{what}")) for what in ("dtype", "meta"))
    return dtype.startswith((b"datetime", b"timedelta")) or meta == b"category"


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("latin-1", "replace")


def _names(stored: Any, where: str) -> list[str]:
    """Strings of a pickled list of strings, from its opcodes; anything but strings in a list is refused."""
    if not isinstance(stored, bytes):
        raise ShardError(f"{where}: expected the column names that pandas writes, found {stored!r}")
    names = []
    try:
        for opcode, argument, _ in pickletools.genops(stored):
            if opcode.name in _STRINGS:
                names.append(str(argument))
            elif opcode.name not in _FRAME:
                raise ShardError(
                    f"{where}: expected a list of column names, found a pickled object (opcode {opcode.name}); "
                    "it was not loaded. Write the table anew with to_hdf(format='table')"
                )
    except ValueError as error:
        raise ShardError(f"{where}: the column names are unreadable ({error})") from error
    return names
