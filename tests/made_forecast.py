"""A forecast of few stars, as its rule writes it."""

import functools
import json
import tempfile
from pathlib import Path

import numpy as np
import torch

from logg1m.config.bounds import Bootstrap
from logg1m.config.data import Data
from logg1m.config.forecast import Forecast
from logg1m.files import write_json
from logg1m.forecast.make import exposure_part, levers_part
from logg1m.observe import Observer
from logg1m.sources.embedded import EmbeddedSource

CONFIG = Forecast(stars=6, magnitudes=(20.0, 21.0, 22.0), hours=(1.0, 3.0, 12.0), lever_stars=5, window=400.0)


@functools.cache
def _made() -> str:
    data = Data(n_spectra=100)
    source, bootstrap = EmbeddedSource(data, 1), Bootstrap(resamples=200)
    found = exposure_part(Observer(source.grid, data.observation, dtype=torch.float64), data, CONFIG, 1.0, 1e8, 1)
    subsets = {"low_noise": np.arange(5), "full": np.arange(5, 10)}
    found["levers"] = levers_part(source, subsets, CONFIG, bootstrap, 1.0, 1e8)
    found["posteriors"] = {}
    with tempfile.TemporaryDirectory() as folder:
        write_json(Path(folder) / "forecast.json", found)
        return (Path(folder) / "forecast.json").read_text()


def forecast() -> dict:
    """A fresh copy."""
    return json.loads(_made())
