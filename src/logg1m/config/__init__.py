"""The whole configuration as typed, validated models; defaults are the laptop run."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from logg1m.config.base import Section, explain
from logg1m.config.baselines import Baselines
from logg1m.config.bounds import Bootstrap, Bounds
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.config.denoisers import Denoisers
from logg1m.config.experiments import Decisions, Experiments
from logg1m.config.networks import Network
from logg1m.config.protocol import Protocol
from logg1m.config.report import Report
from logg1m.files import InputError

__all__ = ["Config", "load", "load_yaml", "refuse_code", "validate"]


class Config(Section):
    """A run of logg1m."""

    seed: int = Field(20251222, ge=0, lt=2**63, description="the one seed that everything random derives from")
    data: Data = Data()
    protocol: Protocol = Protocol()
    baselines: Baselines = Baselines()
    bounds: Bounds = Bounds()
    bootstrap: Bootstrap = Bootstrap()
    experiments: Experiments = Experiments()
    network: Network = Network()
    denoisers: Denoisers = Denoisers()
    decisions: Decisions = Decisions()
    report: Report = Report()
    compute: Compute = Compute()

    @model_validator(mode="after")
    def _scales_fit(self) -> "Config":
        largest = self.protocol.scales[-1]
        if largest > self.data.n_spectra:
            raise ValueError(f"protocol.scales: {largest} exceeds data.n_spectra = {self.data.n_spectra}")
        return self


def validate(raw: dict[str, Any], source: str = "the configuration") -> Config:
    """Check a merged configuration dictionary.

    Raises
    ------
    InputError
        Names every wrong key, the value found and what was expected.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise explain(error, Config, source) from None


def load_yaml(path: str | Path) -> dict[str, Any]:
    """Read one YAML mapping safely.

    Raises
    ------
    InputError
        If the file is missing, malformed or no mapping.
    """
    try:
        value = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: 2025-13-01, or an endless integer
        raise InputError(f"{path} is not valid YAML: {error}") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(f"{path} holds a {type(value).__name__}, expected a mapping of keys to values")
    return value


def refuse_code(path: str | Path) -> None:
    """Stop at an overlay in which Snakemake evaluates Python; it does so before anybody can look at the file.

    Raises
    ------
    InputError
        If the file says `__use_yte__`, Snakemake's word for it.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    if "__use_yte__" in text:
        raise InputError(
            f"{path} says __use_yte__, by which Snakemake runs Python in it; a configuration holds values only"
        )


def load(*paths: str | Path) -> Config:
    """Merge YAML files from left to right (later ones win) and validate the result."""
    merged: dict[str, Any] = {}
    for path in paths:
        merged = _merge(merged, load_yaml(path))
    return validate(merged, " + ".join(map(str, paths)))


def _merge(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in overlay.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged
