"""Stars without end: spectra of ids beyond the store's, simulated when a training needs them, never seen twice."""

from dataclasses import dataclass, field

import numpy as np

from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.ids import STREAMED
from logg1m.sources import Simulator, build


@dataclass
class Stream:
    """Blocks of stars by number, each a function of the configuration alone; it can be sent to another process.

    labels : which labels are wanted, in this order
    block : stars of one block
    """

    data: Data
    seed: int
    labels: tuple[str, ...]
    block: int = 1024
    device: str = "cpu"
    _source: Simulator | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.data.source == "pfs_hdf5":
            raise InputError(
                "training_spectra = 'simulated' needs a source that simulates (data.source embedded or bosz), got "
                f"{self.data.source}"
            )

    def ids(self, number: int) -> np.ndarray:
        """Spectrum ids of a block, (B,)."""
        start = number * self.block
        if start + self.block > len(STREAMED):
            raise InputError(f"a training may see {len(STREAMED):,} simulated stars at most; ask for fewer epochs")
        return STREAMED.start + np.arange(start, start + self.block, dtype=np.int64)

    def __call__(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Noise-free flux and error (B, P), and labels (B, T), of a block."""
        if self._source is None:
            source = build(self.data, self.seed, Compute(threads=1, device=self.device))
            assert isinstance(source, Simulator)
            self._source = source
        ids = self.ids(number)
        found = self._source.simulate(int(ids[0]), int(ids[-1]) + 1)
        labels = np.stack([found.labels[name] for name in self.labels], axis=1)
        return *found.measured(), labels.astype(np.float32)
