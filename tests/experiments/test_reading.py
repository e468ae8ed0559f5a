"""Where the spectra of a run go: into memory, or into files where that would be more than a job may fill."""

from pathlib import Path

import numpy as np
import pytest

from logg1m.experiments import reading
from logg1m.jobs import machine

SHAPE = (1000, 250)  # 1 MB of flux, 1 MB of error


@pytest.fixture
def spilled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """(free memory, MB) → names of the files that two roles of 2 MB each went to."""

    def gather(store, roles, compute, place):
        return {name: (place(f"{name}_0", SHAPE), place(f"{name}_1", SHAPE)) for name in roles}

    monkeypatch.setattr(reading, "gather", gather)
    folder = tmp_path / "state"

    def read(free: float) -> set[str]:
        monkeypatch.setattr(reading, "free_memory", lambda: int(free * 1e6))
        with reading.Room(folder) as room:
            arrays = room.read(None, {"fit": None, "held_out": None}, None)
            assert all(pair[0].shape == SHAPE for pair in arrays.values())
            spilled_to = {path.stem for path in folder.glob("*.npy")}
        assert not list(folder.glob("*.npy"))
        return spilled_to

    return read


def test_spectra_stay_in_memory_while_there_is_enough_of_it_and_go_to_files_then(spilled):
    assert spilled(100) == set()
    assert spilled(7) == {"held_out_0", "held_out_1"}, "what the first role took is gone"
    assert spilled(1) == {"fit_0", "fit_1", "held_out_0", "held_out_1"}


def test_files_of_a_killed_run_go_when_the_next_one_begins(tmp_path):
    (tmp_path / "fit_0.npy").touch()
    with reading.Room(tmp_path):
        assert not list(tmp_path.iterdir())


def test_a_job_may_fill_what_its_scheduler_granted_and_not_what_the_node_has(monkeypatch):
    whole = machine.free_memory()
    monkeypatch.setenv(machine.GRANTED_MB, "1000000000")
    assert machine.free_memory() == pytest.approx(whole, rel=0.3)
    monkeypatch.setenv(machine.GRANTED_MB, "1")
    assert machine.free_memory() == 0


def test_of_memory_that_was_granted_nearly_all_may_be_filled(spilled, monkeypatch):
    assert spilled(5.5)
    monkeypatch.setenv(machine.GRANTED_MB, "1")
    assert spilled(5.5) == set()


def test_room_on_the_disk_is_taken_at_once(tmp_path):
    values = reading._memmap(tmp_path / "fit_0.npy", SHAPE)
    taken = (tmp_path / "fit_0.npy").stat()
    assert taken.st_blocks * 512 >= values.nbytes
    values[:] = np.arange(SHAPE[1], dtype=np.float32)
    values.flush()
    assert np.array_equal(np.load(tmp_path / "fit_0.npy", allow_pickle=False)[7], np.arange(SHAPE[1]))
