"""Every number of the configuration and of the experiments' files has a finite range, and nothing outside it gets in."""

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from logg1m.config import Config
from logg1m.config.base import explain
from logg1m.config.experiments import Experiment, Variant

Path = tuple[str | int, ...]
WORDS = {"minimum": -1, "exclusiveMinimum": 0, "maximum": 1, "exclusiveMaximum": 0}


@cache
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def leaves(schema: dict[str, Any], model: type[BaseModel]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """(path to a value, its schema) of everything below a schema; items of lists and mappings by one example each."""
    if "$ref" in schema:
        schema = schema_of(model)["$defs"][schema["$ref"].rsplit("/", maxsplit=1)[-1]]
    yield (), schema
    below: list[tuple[str | int, dict[str, Any]]] = list(schema.get("properties", {}).items())
    below += list(enumerate(schema.get("prefixItems", ())))
    below += [(0, schema["items"])] if isinstance(schema.get("items"), dict) else []
    if isinstance(schema.get("additionalProperties"), dict):
        below.append((schema.get("propertyNames", {}).get("enum", ["a_name"])[0], schema["additionalProperties"]))
    for key, part in below:
        yield from (((key, *path), leaf) for path, leaf in leaves(part, model))
    for part in schema.get("anyOf", ()):
        yield from leaves(part, model)


def of_type(model: type[BaseModel], *types: str) -> dict[str, tuple[Path, dict[str, Any]]]:
    found = [(path, leaf) for path, leaf in leaves(schema_of(model), model) if leaf.get("type") in types]
    return {".".join(map(str, path)): (path, leaf) for path, leaf in found}


MODELS = (Config, Experiment)
NUMBERS = [(model, *entry) for model in MODELS for entry in of_type(model, "number", "integer").values()
           if "enum" not in entry[1]]  # fmt: skip
NAMES = [f"{model.__name__}.{'.'.join(map(str, path))}" for model, path, _ in NUMBERS]


def test_the_search_finds_numbers_in_lists_ranges_mappings_and_optional_sections():
    found = of_type(Config, "number", "integer")
    for key in (
        "seed", "data.n_spectra", "data.priors.teff.1", "data.pfs_hdf5.n_pixels", "baselines.ridge.alphas.0",
        "baselines.lightgbm_largest", "bounds.bayes.min_ess", "experiments.train_size.ridge", "network.architecture.heads",
        "experiments.seed_scatter.r2", "denoisers.training.ema", "decisions.d1_continue_above",
    ):  # fmt: skip
        assert key in found
    assert len(found) > 100
    assert {"variants.a_name.check_r2.above", "acceptance.criteria.0.margin"} <= set(of_type(Experiment, "number"))


def limits(leaf: dict[str, Any]) -> list[float]:
    """Values just outside the range of a number."""
    step = 1 if leaf["type"] == "integer" else 0
    outside = []
    for word, sign in WORDS.items():
        if word in leaf:
            off = sign * (step or max(abs(leaf[word]) * 1e-6, 1e-300))
            outside.append(leaf[word] + off)
    return outside


@pytest.mark.parametrize(("model", "path", "leaf"), NUMBERS, ids=NAMES)
def test_a_number_outside_its_range_is_refused_by_name(model, path, leaf):
    assert len(limits(leaf)) == 2, "say the finite range of this number in its type"
    for value in (*limits(leaf), math.nan, math.inf, -math.inf, 1e300, -1e300, 10**400, -(10**400), "many", None):
        if value is None and path[-1] in ("n_spectra", "lightgbm_largest", "lightgbm_draws_largest", "v_los"):
            continue  # null has a meaning
        raw: Any = value
        for key in reversed(path):
            raw = [raw] * (key + 1) if isinstance(key, int) else {key: raw}
        with pytest.raises(ValidationError) as caught:
            model.model_validate(raw)
        named = ".".join(map(str, path))
        assert f"  {named}" in str(explain(caught.value, model, "x")), value


@pytest.mark.parametrize("model", MODELS)
def test_lists_mappings_and_texts_end(model):
    """A recipe's change is checked by the recipe; mappings by a fixed set of keys end by themselves."""
    for name, (_, leaf) in of_type(model, "array", "object", "string").items():
        fixed = {"enum", "const", "properties"} & set(leaf) or "enum" in leaf.get("propertyNames", {})
        assert fixed or {"maxItems", "maxLength", "maxProperties"} & set(leaf), f"{name} may be endless"


def test_a_change_of_the_recipe_is_checked_like_the_recipe():
    with pytest.raises(ValidationError, match="mask_share"):
        Variant(label="x", change={"mask_share": math.nan})
