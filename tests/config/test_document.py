"""The generated configuration documents do not drift from the models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from logg1m.config import Config, document, load, validate

ROOT = Path(__file__).parents[2]


def parts(annotation: Any) -> Iterator[Any]:
    """An annotation and everything inside it."""
    yield annotation
    for part in get_args(annotation):
        yield from parts(part)


def keys(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key of the configuration that holds a value, those of optional sections included."""
    for name, field in model.model_fields.items():
        sections = [p for p in parts(field.annotation) if isinstance(p, type) and issubclass(p, BaseModel)]
        for section in sections:
            yield from keys(section, f"{path}{name}.")
        if sections != [field.annotation]:
            yield f"{path}{name}", field


KEYS = dict(keys(Config))


def test_schema_is_up_to_date():
    assert (ROOT / "config/schema.json").read_text() == document.schema(), "run `make docs`"


def test_reference_is_up_to_date():
    assert (ROOT / "config/reference.yaml").read_text() == document.reference(), "run `make docs`"


def test_reference_holds_the_defaults():
    assert validate(yaml.safe_load(document.reference())) == Config()


def test_laptop_overlay_states_the_defaults():
    assert load(ROOT / "config/scale/laptop.yaml") == Config()


def test_every_overlay_is_valid():
    for overlay in sorted((ROOT / "config/scale").glob("*.yaml")):
        load(ROOT / "config/config.yaml", overlay)


def test_the_search_finds_keys_at_every_depth_and_in_optional_sections():
    for key in ("seed", "data.priors.teff", "data.bosz.folder", "network.architecture.patch", "bootstrap.level"):
        assert key in KEYS


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_in_the_reference_with_its_meaning_and_choices(key):
    field = KEYS[key]
    assert field.description, f"{key} has no description"
    name = key.rsplit(".", maxsplit=1)[-1]
    line = next(line for line in document.reference().splitlines() if field.description in line and f"{name}:" in line)
    if get_origin(field.annotation) is not dict:
        for choices in (get_args(part) for part in parts(field.annotation) if get_origin(part) is Literal):
            assert f"[{' | '.join(map(str, choices))}" in line
