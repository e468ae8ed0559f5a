"""Tables of predictions that are compared are of one set of spectra."""

import pandas as pd
import pytest

from logg1m.files import InputError
from logg1m.protocol.truths import require_one_truth


def table(truths: dict[int, float]) -> pd.DataFrame:
    return pd.DataFrame({"id": list(truths), "truth": list(truths.values())})


def test_tables_of_one_run_may_hold_other_spectra_twice_and_in_single_precision():
    one, two = table({3: 2.1, 1: 4.4}), table({1: 4.4, 2: 1.7})
    two["truth"] = two["truth"].astype("float32")
    require_one_truth({"a": one, "b": pd.concat([two, two]), "c": table({2: 1.7, 9: 3.3}), "d": table({})})


def test_a_table_of_another_run_is_named_with_what_differs():
    tables = {"a": table({3: 2.1, 1: 4.4}), "b": table({7: 1.0}), "c": table({3: 2.1, 7: 1.5})}
    with pytest.raises(
        InputError, match=r"^c says that spectrum 7 has log g = 1\.5000, where the others say 1\.0000: .* another run"
    ):
        require_one_truth(tables)
