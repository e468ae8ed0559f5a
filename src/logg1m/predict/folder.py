"""The files of a model folder: what they are called and hold, written and read here alone."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from logg1m.files import (
    InputError,
    plain,
    read_json,
    read_parquet,
    read_tensors,
    write_json,
    write_parquet,
    write_tensors,
)

FORMAT = "logg1m model 1"
ABOUT, WEIGHTS, CALIBRATION, SELF_TEST, CARD = (
    "model.json", "model.safetensors", "calibration.parquet", "self_test.safetensors", "README.md",
)  # fmt: skip
FILES = [ABOUT, WEIGHTS, CALIBRATION, SELF_TEST, CARD]
_KEYS = (
    "format",
    "model_id",
    "version",
    "recipe",
    "architecture",
    "labels",
    "noise_level",
    "amplitude",
    "conditions",
    "contents",
)
_PARTS = ("weights", "preparation", "domain", "bound")
CALIBRATION_COLUMNS = ("snr", "log_g", "bias", "rms", "p2_5", "p16", "p50", "p84", "p97_5")


@dataclass(frozen=True)
class Contents:
    """All that a model folder holds, but its card.

    about : plain JSON, with the keys of `_KEYS`
    weights : what was fitted, as its run saved it
    preparation : wave (P,) vacuum Å, visible (P,), and what the recipe needs of training spectra
    domain, bound : see `domain` and `bound`; empty where a source could not give them
    calibration : see `calibration`; empty where there is none
    self_test : flux, error (8, P), mask (8, P), and the labels (8, T) that must come out
    """

    about: dict[str, Any]
    weights: dict[str, np.ndarray]
    preparation: dict[str, np.ndarray]
    domain: dict[str, np.ndarray] = field(default_factory=dict)
    bound: dict[str, np.ndarray] = field(default_factory=dict)
    calibration: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(CALIBRATION_COLUMNS)))
    self_test: dict[str, np.ndarray] = field(default_factory=dict)


def identity(weights: Mapping[str, np.ndarray], preparation: Mapping[str, np.ndarray]) -> str:
    """Hash (16 hexadecimal digits) of the weights and of what prepares spectra for them."""
    found = hashlib.sha256()
    for part in (weights, preparation):
        for name in sorted(part):
            value = np.ascontiguousarray(part[name])
            found.update(f"{name} {value.dtype.str} {value.shape}".encode())
            found.update(value.tobytes())
    return found.hexdigest()[:16]


def write(folder: Path, contents: Contents, card: str) -> None:
    """Write all files of a model folder, `model.json` last: a folder without it is no model."""
    from logg1m.files import write_text

    parts = {part: getattr(contents, part) for part in _PARTS}
    write_tensors(
        folder / WEIGHTS, {f"{part}/{name}": value for part, values in parts.items() for name, value in values.items()}
    )
    write_parquet(folder / CALIBRATION, contents.calibration.astype(np.float64))
    write_tensors(folder / SELF_TEST, contents.self_test)
    write_text(folder / CARD, card)
    write_json(folder / ABOUT, contents.about | {"contents": _digest(contents)})


def _digest(contents: Contents) -> str:
    """Hash (16 hexadecimal digits) of all that a folder holds, but its card."""
    about = {name: value for name, value in contents.about.items() if name != "contents"}
    parts = {part: getattr(contents, part) for part in (*_PARTS, "self_test")}
    tensors = {f"{part}/{name}": value for part, values in parts.items() for name, value in values.items()}
    table = {str(name): contents.calibration[name].to_numpy(np.float64) for name in contents.calibration}
    text = np.frombuffer(json.dumps(plain(about), sort_keys=True).encode(), dtype=np.uint8)
    return identity(tensors, table | {"about": text})


def read(folder: str | Path) -> Contents:
    """Read a model folder.

    Raises
    ------
    InputError
        If it is none, is of another format, is damaged, or its weights are not those that `model.json` was written for.
    """
    folder = Path(folder)
    if not (folder / ABOUT).exists():
        raise InputError(
            f"{folder} is no model folder: it has no {ABOUT}; expected the folder that the rule select_model writes, "
            "results/model of a run"
        )
    about = read_json(folder / ABOUT, ("format",))
    if about["format"] != FORMAT:
        raise InputError(
            f"{folder / ABOUT} is of the format {about['format']!r}, expected {FORMAT!r}: use the version of logg1m that "
            f"wrote it ({about.get('version', 'unknown')}), or write the model anew"
        )
    about = read_json(folder / ABOUT, _KEYS)
    tensors = read_tensors(folder / WEIGHTS)
    parts: dict[str, dict[str, np.ndarray]] = {part: {} for part in _PARTS}
    for key, value in tensors.items():
        part, _, name = key.partition("/")
        if part not in parts:
            raise InputError(f"{folder / WEIGHTS} holds {key!r}; expected tensors of {', '.join(_PARTS)}")
        parts[part][name] = value
    found = identity(parts["weights"], parts["preparation"])
    if found != about["model_id"]:
        raise InputError(
            f"{folder / WEIGHTS} holds the model {found}, {ABOUT} is about {about['model_id']}: the files are of two "
            "models; copy the whole folder anew"
        )
    calibration = read_parquet(folder / CALIBRATION, CALIBRATION_COLUMNS).select_dtypes("number")
    contents = Contents(about, **parts, calibration=calibration, self_test=read_tensors(folder / SELF_TEST))
    if _digest(contents) != about["contents"]:
        raise InputError(
            f"{folder}: {ABOUT}, {WEIGHTS}, {CALIBRATION} and {SELF_TEST} are not those that were written together; copy "
            "the whole folder anew"
        )
    return contents
