"""Stars without end: spectra of ids beyond the store's, simulated when a training needs them, never seen twice."""

from dataclasses import dataclass, field

import numpy as np

from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.sources import Block, Simulator, Source, build

# Ids of stars that only a training sees: beyond any store, so that none is one of test, validation or confirmation.
FIRST_ID, COUNT = 2**31, 2**30


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
    _source: Source | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.data.source == "pfs_hdf5":
            raise InputError(
                "training_spectra = 'simulated' needs a source that simulates (data.source embedded or bosz), got "
                f"{self.data.source}"
            )

    def ids(self, number: int) -> np.ndarray:
        """Spectrum ids of a block, (B,)."""
        start = number * self.block
        if start + self.block > COUNT:
            raise InputError(f"a training may see {COUNT:,} simulated stars at most; ask for fewer epochs")
        return FIRST_ID + np.arange(start, start + self.block, dtype=np.int64)

    def __call__(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Noise-free flux and error (B, P), and labels (B, T), of a block."""
        if self._source is None:
            endless = self.data.model_copy(update={"n_spectra": FIRST_ID + COUNT})
            self._source = build(endless, self.seed, Compute(threads=1, device=self.device))
            assert isinstance(self._source, Simulator)
        ids = self.ids(number)
        found: Block = self._source.read(int(ids[0]), int(ids[-1]) + 1)
        labels = np.stack([found.labels[name] for name in self.labels], axis=1)
        return found.arrays["flux"], found.arrays["error"], labels.astype(np.float32)
