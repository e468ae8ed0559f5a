"""A source that costs nothing: 64 pixels whose values follow from the spectrum id."""

from typing import Any

import numpy as np

from logg1m.sources import Block


class SyntheticSource:
    """Implements `logg1m.sources.Source`; remembers what was read, and can hold one NaN."""

    def __init__(self, n_spectra: int, salt: int = 0, nan_at: int | None = None) -> None:
        self.n_spectra, self.salt, self.nan_at = n_spectra, salt, nan_at
        self.wave = 7100.0 + np.arange(64.0)
        self.arrays = {"flux": "float32", "error": "float32"}
        self.labels = {"teff": "K", "logg": "dex"}
        self.blocks_read: list[int] = []

    def describe(self) -> dict[str, Any]:
        return {"kind": "synthetic", "salt": self.salt}

    def read(self, start: int, stop: int) -> Block:
        self.blocks_read.append(start)
        ids = np.arange(start, stop, dtype=np.float64)
        flux = (1.5 + np.sin(ids[:, None] * (self.salt + 1) + self.wave)).astype(np.float32)
        if self.nan_at is not None and start <= self.nan_at < stop:
            flux[self.nan_at - start, 5] = np.nan
        return Block({"flux": flux, "error": np.sqrt(flux)}, {"teff": 4000 + ids / 7, "logg": np.cos(ids)})
