"""Figures of the page: arrays come back bit for bit, values say where they stand."""

import base64

import numpy as np
import pytest

from logg1m.figures.interactive import packed, pluck
from logg1m.results.numbers import Cursor


def unpacked(value: dict[str, str]) -> np.ndarray:
    return np.frombuffer(
        base64.b64decode(value["bdata"]), dtype={"f4": "<f4", "f8": "<f8", "i2": "<i2"}[value["dtype"]]
    )


@pytest.mark.parametrize("kind", ["float32", "float64", "int16"])
def test_packed_arrays_come_back_bit_for_bit(kind):
    values = (np.arange(7) - 3).astype(kind)
    assert np.array_equal(unpacked(packed(values)), values)


def test_a_column_says_where_every_value_stands():
    rows = Cursor({"a": {"b": [{"r2": {"value": 0.5}}, {}]}}, "f.json").at("a", "b")
    column = pluck(rows, "r2", "value")
    assert column.values == (0.5, None)
    assert column.cells[0].path == ("a", "b", 0, "r2", "value")
    assert column.source == "f.json#/a/b/*/r2/value"
    assert column.at([1]).values == (None,)
