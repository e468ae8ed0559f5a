"""What a finished job records beside its log."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from logg1m.files import read_json
from logg1m.jobs import record
from logg1m.jobs.frame import job


def finished(tmp_path: Path, **params: object) -> SimpleNamespace:
    return SimpleNamespace(rule="bounds", threads=1, params=params, log=[tmp_path / "logs/d1.evidence.log"], output=[])


def written(snakemake: SimpleNamespace) -> dict:
    record.write(snakemake, datetime.now(UTC) - timedelta(seconds=90))
    return read_json(snakemake.log[0].parent / "d1.evidence.job.json")


def test_a_record_says_when_how_long_on_what_and_with_which_code(tmp_path):
    found = written(finished(tmp_path, code="abc", seed=1))
    assert 90 <= found["seconds"] < 95
    start, end = (datetime.fromisoformat(found[key]) for key in ("started", "finished"))
    assert 89 <= (end - start).total_seconds() <= 96
    assert start.utcoffset() == timedelta(0)
    assert (found["rule"], found["threads"], found["code"]) == ("bounds", 1, "abc")
    assert "usable cores" in found["hardware"]
    assert found["versions"]["numpy"]


def test_the_configuration_fingerprint_follows_the_parameters_alone(tmp_path):
    prints = [
        written(finished(tmp_path, **params))["configuration"]
        for params in (
            {"a": 1, "b": {"c": [1, 2]}},
            {"b": {"c": [1, 2]}, "a": 1, "code": "x"},
            {"a": 1, "b": {"c": [2, 1]}},
        )
    ]
    assert prints[0] == prints[1] != prints[2]


def test_a_job_leaves_a_record_only_if_it_ends_well(tmp_path):
    failed, ended = (finished(tmp_path / name, code="abc") for name in ("failed", "ended"))
    with pytest.raises(SystemExit), job(failed):
        raise ValueError("a fault")
    assert [path.suffix for path in failed.log[0].parent.glob("[!.]*")] == [".log"]
    with job(ended):
        pass
    assert read_json(record.path(str(ended.log[0])))["code"] == "abc"
    assert sorted(path.name for path in ended.log[0].parent.glob("[!.]*")) == [
        "d1.evidence.job.json",
        "d1.evidence.log",
    ]
