"""Two runs side by side: what differs is in it, what is the same is not."""

import shutil
from pathlib import Path

import made_roadmap
import pytest

from logg1m.cli import main
from logg1m.experiments import catalogue
from logg1m.files import read_json, write_json

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[str]:
    """Two runs with the same results but for one verdict and one setting."""
    folder = tmp_path_factory.mktemp("runs")
    made_roadmap.make(folder / "a/results", catalogue.load(PROJECT / "config/experiments"))
    write_json(folder / "a/results/configuration.json", {"seed": 1, "network": {"preset": "laptop"}})
    shutil.copytree(folder / "a", folder / "b")
    write_json(folder / "b/results/configuration.json", {"seed": 1, "network": {"preset": "smoke"}})
    path = folder / "b/results/mvp_1_3/verdict.json"
    verdict = read_json(path) | {"outcome": "inconclusive", "best_accepted": None}
    for variant in verdict["variants"].values():
        if variant["role"] == "candidate":
            variant["outcome"] = "inconclusive"
    write_json(path, verdict)
    return [str(folder / name) for name in "ab"]


def section(text: str, title: str) -> str:
    return text.split(title)[1].split("\n\n")[0]


def test_what_differs_is_named_and_what_is_the_same_is_not(runs, capsys, tmp_path):
    assert main(["compare", *runs, "--page", str(tmp_path / "ab.html")]) == 0
    said = capsys.readouterr().out
    assert "error, RMSE, dex" in section(said, "Answer")
    verdicts = section(said, "Verdicts that differ")
    assert "MVP-1.3" in verdicts
    assert "better" in verdicts
    assert "cannot tell" in verdicts
    assert "MVP-1.2" not in verdicts
    settings = section(said, "Settings that differ")
    assert [line.split() for line in settings.splitlines()[2:]] == [["network.preset", "laptop", "smoke"]]
    page = (tmp_path / "ab.html").read_text()
    assert "network.preset" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_what_is_no_run_is_refused_in_one_line(runs, capsys, tmp_path):
    assert main(["compare", runs[0], str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "is not the folder of a run" in said
    assert main(["compare", runs[0]]) == 1
    assert "two runs or more" in capsys.readouterr().err
