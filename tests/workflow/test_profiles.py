"""What profiles and rules say to a scheduler: profiles agree where one takes the other's place, and name what is there."""

import re

import pytest
import yaml
from harness import PROJECT

RULE = re.compile(r"^ *(?:rule|checkpoint|use rule (?P<base>\w+) as) ?(?P<name>\w*)(?: with)?:\n", re.MULTILINE)


def read(name: str) -> dict[str, object]:
    return yaml.safe_load((PROJECT / f"profiles/{name}/config.yaml").read_text())


def rules() -> dict[str, str]:
    """Rule → its text; the verdicts, which a loop makes, stand under one name. What `use rule` leaves out is inherited."""
    found, bases = {}, {}
    for path in sorted((PROJECT / "workflow/rules").glob("*.smk")):
        parts = RULE.split(path.read_text())[1:]
        found |= {name or "verdicts": text for name, text in zip(parts[1::3], parts[2::3])}
        bases |= {name: base for base, name in zip(parts[::3], parts[1::3]) if base}
    return {name: text if name not in bases else found[bases[name]] + text for name, text in found.items()}


RULES = rules()
SUBMITTED = {name: text for name, text in RULES.items() if "localrule: True" not in text}


def test_the_rules_are_found():
    assert {"generate", "run_variant", "run_combination", "settle_recipe", "verdicts", "page"} <= SUBMITTED.keys()
    assert {"decide", "evidence", "documents"} <= RULES.keys() - SUBMITTED.keys()


def test_slurm_profile_repeats_the_choices_of_the_default_one():
    default, slurm = read("default"), read("slurm")
    assert {key: slurm.get(key) for key in default} == default


@pytest.mark.parametrize("profile", ["default", "slurm"])
def test_a_profile_names_rules_that_are_there_and_joins_no_groups(profile):
    """Snakemake (9.27) merges components into a group that is at work when a checkpoint ends, and then stops."""
    settings = read(profile)
    assert set(settings.get("set-resources", {})) <= RULES.keys()
    assert "group-components" not in settings


def test_what_can_save_its_state_is_warned_before_its_time_ends():
    warned = read("slurm")["set-resources"]
    assert {name for name, values in warned.items() if "--signal=USR1@" in values["slurm_extra"]} == {
        "run_variant", "run_combination", "denoiser", "lightgbm", "lightgbm_draws", "projection",
    }  # fmt: skip


@pytest.mark.parametrize("name", SUBMITTED)
def test_every_attempt_of_a_submitted_job_asks_for_more_memory_and_time(name):
    for resource in ("mem_mb", "runtime"):  # a rule that uses another one may say it anew
        assert set(re.findall(rf"^ +{resource}=(\w+)\(", SUBMITTED[name], flags=re.MULTILINE)) == {"grows"}, resource


@pytest.mark.parametrize("name", SUBMITTED)
def test_only_training_asks_for_a_gpu(name):
    assert ("gpu=" in SUBMITTED[name]) == (name in ("run_variant", "run_combination", "denoiser"))
