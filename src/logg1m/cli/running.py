"""`logg1m run`: start the workflow, from a checkout or from an installed package. All else is Snakemake's."""

import argparse
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_WITH_NAME = {"--scale": "smoke, laptop or full", "--conditions": "ideal, reference or survey"}
DETAILS = """\
Results go to this folder, or to the one that Snakemake's --directory names. What follows our own options goes to
Snakemake as it is: targets, --cores, --dry-run, --configfile, --workflow-profile … Without --cores it takes all.

  logg1m run --scale smoke --directory runs/smoke       a small run, in minutes
  logg1m run results/mvp_1_1/fisher.json -n             what the main job would do
  logg1m run --scale full --workflow-profile slurm      every step a SLURM job, from the login node"""


def add(add: Any) -> None:
    """The command's place on the command line; its options stand before Snakemake's."""
    command = add("run", run, "run the workflow", DETAILS)
    for option, names in _WITH_NAME.items():
        command.add_argument(option, metavar="NAME", help=f"with this overlay of config/{option[2:]}: {names}")
    command.add_argument("--where", action="store_true", help="only print the folder of the workflow's files")
    command.usage = "logg1m run [--scale NAME] [--conditions NAME] [SNAKEMAKE'S OPTIONS AND TARGETS]"


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """(what our parser reads, what Snakemake reads) of a command line."""
    if arguments[:1] != ["run"]:
        return arguments, []
    at = 1
    while at < len(arguments) and arguments[at].split("=")[0] in {*_WITH_NAME, "--where", "-h", "--help"}:
        at += 2 if arguments[at] in _WITH_NAME else 1
    return arguments[:at], arguments[at:]


def command_of(scale: str | None, conditions: str | None, passed: list[str]) -> list[str]:
    """The call of Snakemake.

    Raises
    ------
    InputError
        If there is no such overlay or configuration file, no workflow beside the package, or no Snakemake.
    """
    from logg1m.config.places import SNAKEFILE
    from logg1m.files import InputError

    if not SNAKEFILE.exists():
        raise InputError(f"{SNAKEFILE} is missing: this logg1m came without its workflow; install it anew from a wheel")
    if find_spec("snakemake") is None:
        raise InputError("the workflow needs Snakemake and what else the extra brings: pip install 'logg1m[workflow]'")
    if missing := [file for file in _configurations(passed) if not Path(file).is_file()]:
        raise InputError(
            f"{missing[0]}: there is no such configuration file; --configfile takes every word up to the next option, so "
            "a target after it needs -- before it"
        )
    overlays = [_overlay(folder, name) for folder, name in (("scale", scale), ("conditions", conditions)) if name]
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE)]
    if not any(_says_how_many(word) for word in passed):
        command += ["--cores", "all"]
    return [*command, *_with_overlays(passed, overlays)]


def run(options: argparse.Namespace) -> int:
    """Become Snakemake: signals, exit status and terminal are its own."""
    from logg1m.config.places import WORKFLOW

    if options.where:
        print(WORKFLOW)
        return 0
    command = command_of(options.scale, options.conditions, options.passed)
    sys.stdout.flush()
    os.execv(command[0], command)


def _configurations(passed: list[str]) -> Iterator[str]:
    """Files that Snakemake would read after its --configfile."""
    reading = False
    for word in passed:
        option, _, file = word.partition("=")
        if word.startswith("-"):
            reading = option in ("--configfile", "--configfiles")
            yield from [file] if reading and file else []
        elif reading:
            yield word


def _says_how_many(word: str) -> bool:
    long = word.split("=")[0] in ("--cores", "--jobs", "--workflow-profile", "--profile", "--unlock")
    return long or (word[:2] in ("-c", "-j") and not word.startswith("--"))


def _overlay(folder: str, name: str) -> str:
    from logg1m.config.places import WORKFLOW
    from logg1m.files import InputError

    found = {path.stem: str(path) for path in sorted((WORKFLOW / "config" / folder).glob("*.yaml"))}
    if name not in found:
        raise InputError(
            f"--{folder} {name}: expected {', '.join(found)}, or --configfile FILE for an overlay of yours"
        )
    return found[name]


def _with_overlays(passed: list[str], overlays: list[str]) -> list[str]:
    """Ours first, so that a file of the user's own goes on top; Snakemake takes one --configfile only."""
    if not overlays:
        return passed
    for k, word in enumerate(passed):
        option, _, file = word.partition("=")
        if option in ("--configfile", "--configfiles"):
            return [*passed[:k], "--configfile", *overlays, *([file] if file else []), *passed[k + 1 :]]
    end = passed.index("--") if "--" in passed else len(passed)
    return [*passed[:end], "--configfile", *overlays, *passed[end:]]
