"""`logg1m run`: what is ours, what is Snakemake's, and what it says when it cannot."""

import sys

import pytest

from logg1m import cli
from logg1m.cli import running
from logg1m.config import places
from logg1m.files import InputError


def words(scale: str | None, conditions: str | None, *passed: str) -> list[str]:
    """What Snakemake is given after the Snakefile."""
    command = running.command_of(scale, conditions, list(passed))
    assert command[:5] == [sys.executable, "-m", "snakemake", "--snakefile", str(places.SNAKEFILE)]
    return command[5:]


def overlay(name: str) -> str:
    return str(places.WORKFLOW / "config" / f"{name}.yaml")


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        (["run", "--scale", "smoke", "--cores", "2", "x"], 3),
        (["run", "--conditions=survey", "--scale", "full", "-n"], 4),
        (["run", "results/x.json", "--scale", "smoke"], 1),  # after Snakemake's first word nothing is ours
        (["run"], 1),
        (["status", "--results", "x"], 3),
    ],
)
def test_our_options_stand_before_those_of_snakemake(given, ours):
    assert running.split(given) == (given[:ours], given[ours:])


def test_all_cores_unless_told_otherwise():
    assert words(None, None, "-n") == ["--cores", "all", "-n"]
    for told in (["--cores", "1"], ["-c2"], ["-j", "4"], ["--workflow-profile", "slurm"], ["--cores=3"]):
        assert words(None, None, *told) == told


def test_overlays_never_swallow_targets_and_a_file_of_the_users_goes_on_top(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").touch()
    smoke, survey = overlay("scale/smoke"), overlay("conditions/survey")
    assert words("smoke", None, "-c1", "x.json") == ["-c1", "x.json", "--configfile", smoke]
    assert words("smoke", "survey", "-c1", "--config", "seed=1", "--", "x") == [
        *["-c1", "--config", "seed=1", "--configfile", smoke, survey, "--", "x"]
    ]
    assert words("smoke", None, "-c1", "--configfile", "mine.yaml", "-n") == [
        *["-c1", "--configfile", smoke, "mine.yaml", "-n"]
    ]
    assert words("smoke", None, "-c1", "--configfile=mine.yaml") == ["-c1", "--configfile", smoke, "mine.yaml"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--configfile", "missing.yaml", "-n"], "missing.yaml: there is no such configuration file"),
        (["--configfile=missing.yaml"], "missing.yaml: there is no such configuration file"),
        (["--configfile", "mine.yaml", "results/x.json"], "results/x.json: .* a target after it needs -- before it"),
    ],
)
def test_a_configuration_that_does_not_exist_is_one_clear_error(given, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").touch()
    with pytest.raises(InputError, match=said):
        words(None, None, *given)
    assert words(None, None, "--configfile", "mine.yaml", "--", "results/x.json")


def test_a_scale_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(InputError, match="--scale tiny: expected full, laptop, smoke"):
        words("tiny", None)


def test_the_help_names_every_overlay(capsys):
    with pytest.raises(SystemExit):
        cli.main(["run", "--help"])
    told = capsys.readouterr().out
    for folder in ("scale", "conditions"):
        for path in (places.WORKFLOW / "config" / folder).glob("*.yaml"):
            assert path.stem in told, path


def test_without_snakemake_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "snakemake", None)
    monkeypatch.delitem(sys.modules, "snakemake", raising=False)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(InputError, match=r"pip install 'logg1m\[workflow\]'"):
        words(None, None)


def test_where_prints_the_folder_of_the_snakefile(capsys):
    assert cli.main(["run", "--where"]) == 0
    assert capsys.readouterr().out.strip() == str(places.WORKFLOW)
