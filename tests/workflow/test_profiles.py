"""The profiles agree where one takes the other's place."""

import yaml
from harness import PROJECT


def read(name: str) -> dict[str, object]:
    return yaml.safe_load((PROJECT / f"profiles/{name}/config.yaml").read_text())


def test_slurm_profile_repeats_the_choices_of_the_default_one():
    default, slurm = read("default"), read("slurm")
    assert {key: slurm.get(key) for key in default} == default
