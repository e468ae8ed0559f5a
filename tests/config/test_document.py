"""The generated configuration documents do not drift from the models."""

from pathlib import Path

import yaml

from logg1m.config import Config, document, load, validate

ROOT = Path(__file__).parents[2]


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
