"""A page of what there is so far, and where a run stands."""

import fcntl
from pathlib import Path

import pytest
from cli.made_run import made

from logg1m.cli import main, status
from logg1m.cli.importing import in_words
from logg1m.report.ending import ending, headline

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return made(tmp_path_factory.mktemp("run"))


def test_a_page_of_what_there_is(run, capsys):
    assert main(["page", str(run)]) == 0
    said, where = capsys.readouterr().out.splitlines()
    assert said.startswith("The best model is ")
    assert said.endswith(" dex.")
    page = Path(where.removeprefix("The page: "))
    assert page == run / "results/report/so_far.html"
    assert headline(page) == said


def test_without_a_page_a_run_ends_without_a_word(tmp_path):
    assert ending(tmp_path / "index.html") == ""


def test_where_nothing_has_run_the_refusal_says_what_to_run(tmp_path, capsys):
    for command in ("page", "status"):
        assert main([command, str(tmp_path)]) == 1
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "snakemake --cores all --directory" in said


def test_lines_fit_the_terminal(run):
    experiments = PROJECT / "config/experiments"
    board = status.show(run / "results", experiments, [], run / "logs", width=72)
    assert max(map(len, board.splitlines())) <= 72
    assert sum(line.startswith("  MVP-") for line in board.splitlines()) == 17
    assert "✓ better" in board


def test_watching_ends_when_all_is_done_or_with_control_c(run, capsys):
    places = run / "results", PROJECT / "config/experiments", [], run / "logs"
    status.watch(*places, seconds=1, sleep=pytest.fail)
    assert "MVP-3.6" in capsys.readouterr().out
    log = run / "logs/mvp_1_2/flux/seed_0.log"
    log.parent.mkdir(parents=True)
    log.write_text('{"progress": "training", "done": 30, "total": 100, "seconds_left": 300, "loss": 0.5}\n')

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with log.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(KeyboardInterrupt):
            status.watch(*places, seconds=1, sleep=interrupted)
    said = capsys.readouterr().out
    assert "A: flux, seed 0, 30%, 5 min left" in said
    assert "RUNNING (1)" in said


def test_the_version_is_said(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("logg1m ")


def test_what_an_import_found_is_said_without_python():
    said = in_words({"duplicates": {"between_roles": 0, "examples": []}, "n_spectra": 2048, "masked": True})
    assert said == "duplicates: between roles 0; examples none\nn spectra: 2,048\nmasked: yes"
