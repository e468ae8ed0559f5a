"""Predictions at growing scales that are made to order, for the tests of the scaling."""

import numpy as np
import pandas as pd

from logg1m.config.bounds import Bootstrap
from logg1m.config.protocol import Protocol

SEED = 3
BOOTSTRAP = Bootstrap(resamples=300)
PROTOCOL = Protocol(scales=(1_000, 2_000, 4_000, 8_000, 16_000))
N_TEST = 3_200
CURVE = {1_000: 0.30, 2_000: 0.38, 4_000: 0.44, 8_000: 0.47, 16_000: 0.48}


def predictions(r2_by_scale: dict[int, float], model: str = "ridge_full", seed: int = 1, shared: float = 1.0):
    """A table on the common test set with exactly these R²; `shared` is the errors' correlation between scales."""
    rng = np.random.default_rng(seed)
    ids = rng.permutation(50_000)[:N_TEST]
    truth = rng.uniform(1, 5, N_TEST)
    common = rng.standard_normal(N_TEST)
    parts = []
    for scale, r2 in r2_by_scale.items():
        shape = shared * common + np.sqrt(1 - shared**2) * rng.standard_normal(N_TEST)
        error = shape * np.sqrt((1 - r2) * truth.var() / np.mean(shape**2))
        parts.append(
            pd.DataFrame({"model": model, "scale": scale, "id": ids, "truth": truth, "predicted": truth + error})
        )
    return pd.concat(parts, ignore_index=True)


def members_of(table: pd.DataFrame) -> pd.DataFrame:
    """Ranks in the order in which the ids stand in the table; every fifth spectrum is low-noise."""
    ids = table["id"].unique()
    return pd.DataFrame(
        {"snr": np.linspace(1, 8, len(ids)), "low_noise": np.arange(len(ids)) % 5 == 0, "rank": np.arange(len(ids))},
        index=pd.Index(ids, name="id"),
    )
