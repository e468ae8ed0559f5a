"""The changelog: a snapshot per change, dated when it was first taken."""

import copy
from datetime import UTC, datetime

import pytest

from logg1m.files import InputError, read_json
from logg1m.report import history
from logg1m.report.collect import Context, collect

FIRST, LATER = datetime(2026, 1, 1, 23, tzinfo=UTC), datetime(2026, 2, 3, tzinfo=UTC)


@pytest.fixture
def state(finished, experiments) -> dict:
    root = next(path for path in finished[0].parents if path.name == "results")
    return history.snapshot(collect(finished, experiments, Context(), root))


def test_the_first_snapshot_is_one_line(state, tmp_path):
    changes = history.update(tmp_path / ".history", state, FIRST)
    assert changes == [("2026-01-01", "first documents: 17 of 17 experiments are done", "all")]
    assert read_json(tmp_path / ".history/0001.json") == {"date": "2026-01-01", "state": state}


def test_an_unchanged_state_adds_nothing_and_keeps_its_date(state, tmp_path):
    first = history.update(tmp_path, state, FIRST)
    assert history.update(tmp_path, copy.deepcopy(state), LATER) == first
    assert [path.name for path in tmp_path.iterdir()] == ["0001.json"]


def test_changes_are_named_with_old_and_new_value_the_newest_first(state, tmp_path):
    history.update(tmp_path, state, FIRST)
    after = copy.deepcopy(state)
    after["experiments"]["1.5"] |= {"outcome": "refuted", "hypothesis": "refuted"}
    after["decisions"]["D1"]["outcome"] = "stop"
    after["experiments"]["3.1"] |= {"state": "cancelled", "outcome": ""}
    changes = history.update(tmp_path, after, LATER)
    assert {c.date for c in changes[:-1]} == {"2026-02-03"}
    assert changes[-1].date == "2026-01-01"
    words = [c.change for c in changes]
    assert "MVP-1.5: outcome inconclusive → refuted; hypothesis open → refuted" in words
    assert "D1: outcome continue → stop" in words
    assert any(w.startswith("MVP-3.1: state done → cancelled; outcome accepted → none") for w in words)
    assert len(words) == 4


def test_going_back_is_a_change_of_its_own(state, tmp_path):
    other = copy.deepcopy(state)
    other["answer"]["best R²"] = "0.5"
    for content in (state, other, state):
        changes = history.update(tmp_path, content, FIRST)
    assert len(changes) == 3
    assert changes[0].change.endswith(f"→ {state['answer']['best R²']}")


def test_new_and_vanished_experiments_are_named(state, tmp_path):
    history.update(tmp_path, state, FIRST)
    after = copy.deepcopy(state)
    after["experiments"]["3.7"] = after["experiments"].pop("3.6")
    words = [c.change for c in history.update(tmp_path, after, LATER)]
    assert words[:2] == ["MVP-3.7 is new: done", "MVP-3.6 is gone"]


def test_a_damaged_snapshot_is_one_error_that_names_it(state, tmp_path):
    (tmp_path / "0001.json").write_text("{")
    with pytest.raises(InputError, match=r"0001\.json"):
        history.update(tmp_path, state)
