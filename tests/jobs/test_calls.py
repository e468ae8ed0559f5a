"""How often a job has failed, from one call to the next, and which of two calls a job belongs to."""

import os
from types import SimpleNamespace

import pytest

from logg1m.files import InputError
from logg1m.jobs import calls


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of its own, in which no call has begun."""
    monkeypatch.chdir(tmp_path)
    for name in ("LOGG1M_FAILURES", "LOGG1M_CALL"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    return tmp_path


def failures(**wildcards: str) -> str:
    """What the parameter of a rule is for a new call of Snakemake."""
    return calls.counted(main=True)("train")(wildcards)


def test_a_job_that_ends_well_has_never_failed():
    assert failures(seed="0") == "failures: 0"
    mark = calls.Mark("train.0")
    mark.failed()
    mark.done()
    assert failures(seed="0") == "failures: 0"
    assert not list((calls.FOLDER / "failures").iterdir())


def test_a_job_that_ends_early_counts_once_a_call_whatever_its_attempts():
    failures(seed="0")
    for _ in range(3):
        calls.Mark("train.0").failed()
    assert failures(seed="0") == "failures: 1"
    assert failures(seed="1") == "failures: 0"
    calls.Mark("train.0").failed()
    assert failures(seed="0") == "failures: 2"


def test_a_second_attempt_that_ends_well_gives_the_count_that_the_call_recorded():
    calls.Mark("train.0").failed()
    recorded = failures(seed="0")
    calls.Mark("train.0").failed()
    assert calls.counted(main=False)("train")({"seed": "0"}) == recorded, "a job's own Snakemake sees the call's count"
    calls.Mark("train.0").done()
    assert failures(seed="0") == recorded == "failures: 1"


def test_a_call_counts_the_jobs_that_it_gave_up_those_of_groups_too():
    def job(**wildcards):
        return SimpleNamespace(rule=SimpleNamespace(name="train"), wildcards_dict=wildcards, is_group=lambda: False)

    group = SimpleNamespace(is_group=lambda: True, jobs=[job(seed="1"), job(seed="2")])
    failures()
    calls.note_failed([job(seed="0"), group])
    assert [failures(seed=seed) for seed in "0123"] == [f"failures: {n}" for n in (1, 1, 1, 0)]


def test_names_of_jobs_are_file_names_and_differ():
    names = {calls.name_of("a", {"x": x, "y": y}) for x in ("1", "a/b", "..") for y in ("1", "a.b")}
    assert len(names) == 6
    assert not any("/" in name for name in names)
    assert calls.name_of("a", {"x": "1", "y": "2"}) == calls.name_of("a", {"y": "2", "x": "1"})


def test_a_damaged_count_is_one_error():
    calls.Mark("train.0").failed()
    (calls.FOLDER / "failures/train.0").write_text("x")
    with pytest.raises(InputError, match=r"train\.0 holds no number .*; delete it and run again"):
        failures(seed="0")


def test_a_job_of_an_earlier_call_gives_way_to_one_of_a_later_call(monkeypatch):
    calls.begin()
    earlier = os.environ["LOGG1M_CALL"]
    calls.begin()
    later = os.environ["LOGG1M_CALL"]
    assert int(later) == int(earlier) + 1
    assert not calls.Mark("train.0").superseded()
    assert not calls.Mark("train.0").superseded(), "nor is its second attempt"
    monkeypatch.setenv("LOGG1M_CALL", earlier)
    assert calls.Mark("train.0").superseded()
    assert not calls.Mark("train.1").superseded(), "other files"
    monkeypatch.setenv("LOGG1M_CALL", later)
    assert not calls.Mark("train.1").superseded()
