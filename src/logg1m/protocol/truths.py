"""Tables of predictions that belong together: each spectrum has one true log g in all of them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from logg1m.files import InputError

_TOLERANCE = 1e-4  # dex; single precision keeps log g to better than 1e-6


def require_one_truth(tables: Mapping[str, pd.DataFrame]) -> None:
    """Stop at a table of another run.

    tables : file → columns id, truth (log g, dex)

    Raises
    ------
    InputError
        Names the first file whose truths are not those of the files before it.
    """
    known = pd.Series(dtype=float)
    for file, table in tables.items():
        truth = table.drop_duplicates("id").set_index("id")["truth"]
        common = truth.index.intersection(known.index)
        apart = np.abs(truth[common].to_numpy() - known[common].to_numpy()) > _TOLERANCE
        if apart.any():
            worst = common[int(np.argmax(apart))]
            raise InputError(
                f"{file} says that spectrum {worst} has log g = {truth[worst]:.4f}, where the others say "
                f"{known[worst]:.4f}: it is of another run; delete it and run again"
            )
        known = known.combine_first(truth)
