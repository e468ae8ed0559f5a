"""Which model is the best one: chosen on low-noise validation stars, never on the test stars that then judge it.

The stars are the low-noise ones among the validation rows of the largest training prefix, which no model trains on.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.files import InputError

RULE = (
    "lowest RMSE on the low-noise validation stars of the largest training prefix; among models whose paired difference "
    "from it has zero in its interval the simplest"
)
_KINDS = ("ridge", "lightgbm", "projection", "vit")  # the simplest first


def simplicity(name: str, changes: Mapping[str, tuple[str, int]]) -> tuple[int, int, str]:
    """Orders models, the simplest first: by kind, then by principal components or by how much of a recipe is changed.

    Parameters
    ----------
    changes : run (mvp_1_2/flux) → kind of its model, and how many fields of the recipe differ
    """
    if name in changes:
        kind, changed = changes[name]
        return _KINDS.index(kind), changed, name
    kind, _, features = name.partition("_")
    rank = _KINDS.index(kind) if kind in _KINDS else len(_KINDS)
    components = features.rpartition("pca_")[2]
    return rank, int(components) if components.isdigit() else 10**9, name


def choose(
    tables: Mapping[str, list[pd.DataFrame]],
    low_noise: pd.Series,
    bootstrap: Bootstrap,
    seed: int,
    changes: Mapping[str, tuple[str, int]] | None = None,
    left_out: Iterable[str] = (),
) -> dict[str, Any]:
    """The best honest model, and how it was chosen.

    Parameters
    ----------
    tables : model → columns id, truth, predicted (dex) per seed, on validation stars that it was not trained on
    low_noise : whether a spectrum is a low-noise one, by id
    left_out : models that may not be chosen, such as leaks

    Returns
    -------
    model, None where there is none; n_stars, the low-noise stars that every model was asked about; trained_on_them, models
    that most of the stars are no validation stars of, which are left out; lowest, tied, and rmse of every model (dex) with
    its interval
    """
    honest = {name: seeds for name, seeds in tables.items() if name not in set(left_out)}
    eligible = set(low_noise.index[low_noise.to_numpy(dtype=bool)])
    asked = {name: eligible.intersection(*(table["id"] for table in seeds)) for name, seeds in honest.items()}
    everyone = set().union(*asked.values())
    able = {name for name, ids in asked.items() if len(ids) >= len(everyone) / 2}
    honest = {name: seeds for name, seeds in honest.items() if name in able}
    common = set.intersection(*(asked[name] for name in able)) if able else set()
    about: dict[str, Any] = {"rule": RULE, "model": None, "lowest": None, "tied": [], "n_stars": 0, "rmse": {}}
    about["trained_on_them"] = sorted(set(asked) - able)
    ids = np.array(sorted(common), dtype=np.int64)
    if len(ids) < 2:
        return about
    squared = {name: _squared(name, seeds, ids) for name, seeds in honest.items()}  # (N,), the mean over seeds
    roots = {name: metrics.rms(np.sqrt(values)) for name, values in squared.items()}
    about["n_stars"] = len(ids)
    about["rmse"] = {name: metrics.with_interval(root, len(ids), bootstrap, seed) for name, root in roots.items()}
    lowest = min(roots, key=lambda name: (about["rmse"][name]["value"], name))

    def tied(name: str) -> bool:
        difference = metrics.with_interval(
            lambda counts: roots[name](counts) - roots[lowest](counts), len(ids), bootstrap, seed
        )
        return name == lowest or metrics.interval_of(difference)[0] <= 0

    ties = sorted((name for name in roots if tied(name)), key=lambda name: simplicity(name, changes or {}))
    return about | {"model": ties[0], "lowest": lowest, "tied": ties}


def _squared(name: str, seeds: list[pd.DataFrame], ids: np.ndarray) -> np.ndarray:
    rows = [table.set_index("id").loc[ids] for table in seeds]
    found = np.mean([(row["predicted"] - row["truth"]).to_numpy(dtype=np.float64) ** 2 for row in rows], axis=0)
    if not np.isfinite(found).all():
        raise InputError(f"{name} predicts no log g for some of its validation stars: expected a number for every one")
    return np.asarray(found)
