"""Results that are well-formed and wrong: whoever shows them says which file it is, in one line, or shows what there is."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli.made_run import made

from logg1m.cli import main
from logg1m.experiments import catalogue
from logg1m.files import InputError
from logg1m.report.collect import Context, collect
from logg1m.report.markdown import documents

PROJECT = Path(__file__).parents[2]
WHOLE = ("{}", "[]", "null", '"text"', "3")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return made(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def run(whole, tmp_path) -> Path:
    return shutil.copytree(whole, tmp_path / "run")


def one_error(run: Path, capsys, *command: str) -> bool:
    """Whether a command refuses; then it says so in one line that names an artifact."""
    capsys.readouterr()
    if main(list(command)) == 0:
        return False
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert ".json" in said
    assert "results/" in said
    return True


def commands(run: Path, other: Path) -> Iterator[tuple[str, ...]]:
    yield "status", str(run)
    yield "page", str(run)
    yield "compare", str(run), str(other)
    for d in ("d1", "d2", "d3", "d4"):
        yield "decide", str(run), "--explain", d


@pytest.mark.slow
@pytest.mark.parametrize("content", WHOLE)
def test_when_all_artifacts_are_wrong_at_once_each_command_names_one(run, whole, capsys, content):
    for path in run.rglob("*.json"):
        path.write_text(content)
    refused = {command[0] for command in commands(run, whole) if one_error(run, capsys, *command)}
    assert refused == {"status", "page", "compare", "decide"}


def damaged(content: Any, place: tuple[str | int, ...], instead: Any) -> Any:
    """A copy with something else at a place; `...`: with nothing there."""
    copy = here = json.loads(json.dumps(content))
    for key in place[:-1]:
        here = here[key]
    if instead is ...:
        del here[place[-1]]
    else:
        here[place[-1]] = instead
    return copy


@pytest.mark.slow
def test_documents_of_a_wrong_verdict_name_it(run, monkeypatch):
    monkeypatch.chdir(run)
    found = catalogue.load(PROJECT / "config/experiments")
    path = Path("results/mvp_1_2/verdict.json")
    content = json.loads(path.read_text())
    _write(found)
    path.write_text(json.dumps(damaged(content, ("variants", "flux", "label"), [1])))
    with pytest.raises(InputError, match=r"results/mvp_1_2/verdict\.json: label is \[1\], expected str"):
        _write(found)


def _write(found: Any) -> None:
    roadmap = collect(sorted(Path("results").rglob("*.json")), found, Context())
    with roadmap.artifacts.understood():
        documents.write(roadmap, Path("results/report"), "VIT", Path("results/.history"))
