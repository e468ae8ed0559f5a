"""What a fitted ridge of the tests is made of."""

from dataclasses import dataclass

import numpy as np

from logg1m.baselines import ridge
from logg1m.baselines.gram import Moments
from logg1m.protocol.pools import Pools
from logg1m.spectra.store import Store


@dataclass
class Fitted:
    store: Store
    pools: Pools
    truth: np.ndarray
    frame: ridge.Frame
    moments: list[Moments]
    fits: dict[int, ridge.ScaleFit]
