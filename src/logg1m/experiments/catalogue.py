"""The experiment files, and what of them runs at a scale. Imports no heavy library: the Snakefile uses it."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from logg1m.config import load_yaml
from logg1m.config.base import explain
from logg1m.config.experiments import SUPPORTED, Experiment, Experiments, Recipe
from logg1m.files import InputError


def load(folder: str | Path) -> dict[str, Experiment]:
    """Every experiment file of a folder, key (mvp_1_2) → experiment, in the order of the roadmap.

    Raises
    ------
    InputError
        If a file is not valid, is misnamed, or two files describe one experiment.
    """
    found: dict[str, Experiment] = {}
    for path in sorted(Path(folder).glob("*.yaml")):
        try:
            experiment = Experiment.model_validate(load_yaml(path))
        except ValidationError as error:
            raise explain(error, Experiment, str(path)) from None
        if path.stem != experiment.key:
            raise InputError(f"{path} describes {experiment.key}; name it {experiment.key}.yaml")
        found[experiment.key] = experiment
    if not found:
        raise InputError(f"no experiment files (*.yaml) in {folder}")
    return found


def variants(experiment: Experiment, settings: Experiments) -> list[str]:
    """Names of the variants that run: those that exist for the model of the recipe and are wanted at this scale."""
    chosen = [
        name
        for name, variant in experiment.variants.items()
        if (settings.all_variants or variant.laptop) and applicable(variant.change, settings.recipe.model)
    ]
    if experiment.acceptance and experiment.acceptance.reference not in chosen:
        return []
    return chosen


def applicable(change: dict[str, Any], model: str) -> bool:
    """Whether a kind of model can be changed in these fields of the recipe."""
    kind = change.get("model", model)
    return set(change) - {"model"} <= SUPPORTED[kind]


def recipe(base: Recipe, change: dict[str, Any]) -> Recipe:
    """The full recipe of a variant."""
    return Recipe(**{**base.model_dump(), **change})
