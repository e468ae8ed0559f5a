"""The experiment files, and what of them runs at a scale. Imports no heavy library: the Snakefile uses it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from logg1m.config import load_yaml
from logg1m.config.base import explain
from logg1m.config.experiments import Experiment, Experiments, Recipe
from logg1m.config.places import WORKFLOW
from logg1m.config.supported import SUPPORTED
from logg1m.files import InputError


def load(folder: str | Path, needed: tuple[str, ...] = ()) -> dict[str, Experiment]:
    """Every experiment file of a folder, key (mvp_1_2) → experiment, in the order of the roadmap.

    Parameters
    ----------
    needed : keys of experiments without which they are no roadmap that can run (`decisions.points.NEEDED`)

    Raises
    ------
    InputError
        If a file is not valid, is misnamed, or two files describe one experiment; or if one that is needed is missing.
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
    if needed:
        _require(found, needed, Path(folder))
    for experiment in found.values():
        for name, variant in experiment.variants.items():
            if variant.same_as:
                _check_alias(found, experiment, name, variant.same_as)
    return found


def _require(found: dict[str, Experiment], needed: tuple[str, ...], folder: Path) -> None:
    borrowed = [v.same_as.split("/")[0] for e in found.values() for v in e.variants.values() if v.same_as]
    missing = [f"{key}.yaml" for key in dict.fromkeys((*needed, *borrowed)) if key not in found]
    if missing:
        raise InputError(
            f"{folder} lacks {', '.join(missing)}, which the workflow or other experiments there need. A run's folder of "
            f"experiments takes the place of the workflow's as a whole: copy the missing files from "
            f"{WORKFLOW / 'config/experiments'}, or remove {folder} to run the workflow's own"
        )


def check_names(found: dict[str, Experiment], names: Iterable[str], key: str, what: str = "experiment") -> None:
    """Stop if the configuration's `key` names an experiment that there is none of; raises InputError."""
    known = [experiment.id for experiment in found.values()]
    for name in names:
        if name not in known:
            raise InputError(f"{key}: there is no {what} {name!r}; expected some of {', '.join(known)}")


def check_recipes(found: dict[str, Experiment], settings: Experiments) -> None:
    """Stop if a variant would train on too few spectra or asks for what excludes itself; raises InputError."""
    for key, experiment in found.items():
        for name in variants(experiment, settings) if experiment.id not in settings.paused else ():
            where = f"config/experiments/{key}.yaml: variants.{name}"
            try:
                settings.require_stars(recipe(settings.recipe, experiment.variants[name].change), where)
            except ValidationError as error:
                what = error.errors()[0]["msg"].removeprefix("Value error, ")
                message = (
                    f"{where}, on experiments.recipe: {what}; or pause it (experiments.paused: ['{experiment.id}'])"
                )
                raise InputError(message) from None
            except ValueError as error:
                raise InputError(str(error)) from None


def _check_alias(found: dict[str, Experiment], experiment: Experiment, name: str, target: str) -> None:
    """A variant may only borrow runs that start from the same recipe: of its own phase, or of Phase 1 in Phase 0."""
    key, _, other = target.partition("/")
    where = f"config/experiments/{experiment.key}.yaml: variants.{name}.same_as = {target}"
    if key not in found or other not in found[key].variants:
        raise InputError(f"{where}: there is no such variant")
    if found[key].variants[other].same_as:
        raise InputError(f"{where}: borrows itself; name {found[key].variants[other].same_as}")
    if max(found[key].phase, 1) != max(experiment.phase, 1):
        raise InputError(f"{where}: Phase {found[key].phase} starts from another recipe than Phase {experiment.phase}")


def runs_in(experiments: dict[str, Experiment], mvp: str, variant: str) -> str:
    """Folder of a variant's runs below results/: its own, or that of the variant whose runs it uses."""
    return experiments[mvp].variants[variant].same_as or f"{mvp}/{variant}"


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


def needs_sensitivity(fields: Mapping[str, Any]) -> bool:
    """Whether a recipe, or a change of one, takes windows at the peaks of MVP-1.1's sensitivity."""
    return str(fields.get("windows")).startswith("top_") or fields.get("attention_bias", "none") != "none"


def recipe(base: Recipe, change: dict[str, Any]) -> Recipe:
    """The full recipe of a variant."""
    return Recipe(**{**base.model_dump(), **change})
