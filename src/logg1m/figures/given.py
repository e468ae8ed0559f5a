"""What figures are drawn from, by the names that their functions ask for.

verdict, evidence                    of an experiment: verdict.json, and the artifacts of its runs
snr, members, protocol               of MVP-0.A: signal-to-noise of every spectrum, who is in which pool, thresholds
ridge, scaling, predictions          of MVP-0.B: two reports; model → predictions at its largest scale
fisher, stars, sensitivity, sweep    of MVP-1.1: its numbers, bounds of low-noise spectra, the curve, magnitudes
requirements                         of MVP-1.1: what calibration, dereddening and velocities have to be good to
errors                               of MVP-1.1: where the error of the best model lies
forecast                             what exposure time, conditions and levers would bring
tested                               model → predictions (id, truth, predicted), the best honest model of Phases 0 and 1 first
labels                               of every spectrum, by id
observation                          of the configuration
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from logg1m.bounds.comparison import largest_of_each
from logg1m.config.data import Observation
from logg1m.files import read_json, read_parquet
from logg1m.protocol.members import read_members
from logg1m.results.run import PREDICTIONS
from logg1m.spectra.store import Store


def read(names: Iterable[str], files: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that figures ask for, but evidence.

    Parameters
    ----------
    names : see above
    files : name → path, or paths (predictions); members and stars are read with snr and members beside them
    settings : name → section of the configuration
    """
    return {name: _one(name, files, settings) for name in names}


def _one(name: str, files: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
    if name == "observation":
        return Observation.of(settings["observation"])
    if name == "members":
        return read_members(files["members"], files["snr"])
    if name == "stars":
        stars, members = read_parquet(files["stars"]), read_members(files["members"], files["snr"])
        return stars[members.loc[stars["id"], "low_noise"].to_numpy(dtype=bool)]
    if name == "tested":
        return _tested(files["tested"])
    if name == "labels":
        return Store(files["labels"]).labels()
    if name == "predictions":
        return _predictions(files["predictions"])
    path = str(files[name])
    return read_json(path) if path.endswith(".json") else read_parquet(path)


def _predictions(paths: Iterable[str]) -> dict[str, pd.DataFrame]:
    columns = ("model", "scale", "id", "truth", "predicted")
    found: dict[str, pd.DataFrame] = {}
    for path in paths:
        found |= largest_of_each(read_parquet(path, columns))[0]
    return found


_BESIDE = ("ridge_full", "lightgbm")  # stand beside the best model


def _tested(paths: Iterable[str]) -> dict[str, pd.DataFrame]:
    """The best honest model first, then the classical ones; the first path names it, the others hold predictions.

    A path of a run is results/<run>/seed_<k>/predictions.parquet; all others have columns model and scale.
    """
    choice, *others = map(Path, paths)
    best = read_json(choice, ("choice",))["choice"]["model"]
    runs = {"/".join(path.parts[-4:-2]): path for path in others if path.name == PREDICTIONS}
    classical = _predictions(str(path) for path in others if path.name != PREDICTIONS)
    found = {best: read_parquet(runs[best], ("id", "truth", "predicted"))} if best in runs else {}
    names = [name for name in dict.fromkeys((best, *_BESIDE)) if name in classical]
    return found | {name: classical[name] for name in names}
