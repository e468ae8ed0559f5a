"""The kanban in the terminal: from what lies on the disk, with what is live."""

import fcntl

from logg1m.report import status


def shown(results, experiments, **how) -> dict[str, str]:
    """Column → its lines."""
    artifacts = status.on_disk(results, experiments)
    board = status.board(status.cards(artifacts, experiments, **how), artifacts, experiments)
    columns: dict[str, str] = {}
    for line in board.splitlines():
        if line.startswith(" "):
            columns[name] += line + "\n"  # noqa: F821
        else:
            name = line.split(" (")[0]
            columns[name] = ""
    return columns


def test_every_experiment_stands_in_one_column_and_decisions_follow(results, experiments):
    columns = shown(results, experiments, paused=("3.4",), running=frozenset({"mvp_3_1"}))
    assert list(columns) == ["RUNNING", "DONE", "PAUSED", "DECISIONS"]
    lines = [line.split()[0] for name, text in columns.items() for line in text.splitlines()]
    assert sorted(lines) == sorted([f"MVP-{e.id}" for e in experiments.values()] + ["D1", "D2", "D3", "D4"])
    assert "✓ better: “C: flux and log error, honest”: MAE " in columns["DONE"]
    assert "continue (by its rule)" in columns["DECISIONS"]


def test_what_is_gone_or_not_there_yet_is_told_apart(results, experiments):
    (results / "mvp_1_2/flux/seed_0/metrics.json").unlink()
    (results / "mvp_1_3/verdict.json").unlink()
    (results / "mvp_0_a/members.parquet").write_bytes(b"there")
    columns = shown(results, experiments)
    assert "MVP-1.2" not in columns["DONE"]
    assert "flux/seed_0/metrics.json is gone" in columns["MISSING"]
    assert "MVP-1.3" in columns["READY"], "without a verdict it is to be done"


def test_running_is_live_a_held_log_counts_and_a_left_one_does_not(experiments, tmp_path):
    log = tmp_path / "mvp_1_2/flux/seed_0.log"
    log.parent.mkdir(parents=True)
    (tmp_path / "mvp_1_3").mkdir()
    (tmp_path / "mvp_1_3/verdict.log").write_text("of a job that has ended")
    with log.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert status.running(tmp_path, experiments) == {"mvp_1_2"}
        label = experiments["mvp_1_2"].variants["flux"].label
        assert status.time_left(tmp_path, experiments) == {"mvp_1_2": f"{label}, seed 0"}
    assert status.running(tmp_path, experiments) == frozenset()
