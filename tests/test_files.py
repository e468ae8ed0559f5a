"""Atomic writes, and readers that name the file and what was wrong with it."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logg1m.files import (
    InputError,
    atomic_path,
    read_json,
    read_parquet,
    save_with,
    write_csv,
    write_json,
    write_parquet,
    write_text,
)


def only_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "figure.svg"
    write_text(path, "old")

    def fail_halfway(temporary: Path) -> None:
        temporary.write_text("half of the new")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        save_with(path, fail_halfway)
    assert path.read_text() == "old"
    assert only_files(tmp_path) == ["figure.svg"]


def test_an_interrupt_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    write_csv(path, pd.DataFrame({"a": [1]}))
    with pytest.raises(KeyboardInterrupt):
        save_with(path, lambda temporary: (_ for _ in ()).throw(KeyboardInterrupt))
    assert path.read_text() == "a\n1\n"
    assert only_files(tmp_path) == ["table.csv"]


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with path.open() as reader:
        with atomic_path(path) as temporary:
            temporary.write_text("new")
            assert path.read_text() == "old"
        assert reader.read() == "old"  # the new file took the place of the old one, which was never written to
    assert path.read_text() == "new"
    assert only_files(tmp_path) == ["a.txt"]


def test_the_temporary_file_keeps_the_suffix_so_that_writers_recognise_the_format(tmp_path):
    with atomic_path(tmp_path / "model.safetensors") as temporary:
        assert temporary.suffix == ".safetensors"
        assert temporary.parent == tmp_path


def test_missing_folders_are_made(tmp_path):
    write_text(tmp_path / "a" / "b" / "c.txt", "text")
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "text"


def test_permissions_follow_the_umask_and_writing_never_touches_it(tmp_path, monkeypatch):
    usual = tmp_path / "usual.txt"
    usual.write_text("")

    def forbidden(_: int) -> int:
        raise AssertionError("os.umask is process-wide: two threads that write at once would leave it at 0")

    monkeypatch.setattr(os, "umask", forbidden)
    write_text(tmp_path / "ours.txt", "")
    assert stat.S_IMODE((tmp_path / "ours.txt").stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)


def test_many_threads_may_write_the_same_file(tmp_path):
    texts = [str(k) * 10_000 for k in range(10)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write_text(tmp_path / "a.txt", text), texts * 5))
    assert (tmp_path / "a.txt").read_text() in texts
    assert only_files(tmp_path) == ["a.txt"]


def test_a_read_only_folder_is_one_clear_error_and_keeps_its_files(tmp_path, make_read_only):
    folder = tmp_path / "results"
    write_json(folder / "verdict.json", {"a": 1})
    make_read_only(folder)
    for path in (folder / "verdict.json", folder / "new.json", folder / "deeper" / "new.json"):
        with pytest.raises(InputError, match=rf"cannot write .*{path.name}: "):
            write_json(path, {"a": 2})
    assert read_json(folder / "verdict.json") == {"a": 1}
    assert only_files(folder) == ["verdict.json"]


def test_a_full_disk_is_one_clear_error_and_keeps_the_old_file(small_disk):
    path = small_disk / "table.parquet"
    write_parquet(path, pd.DataFrame({"a": [1.0]}))
    before = path.read_bytes()
    big = np.random.default_rng(0).normal(size=10**6)
    for write in (
        lambda: write_parquet(path, pd.DataFrame({"a": big})),
        lambda: write_text(path, "x" * 10**7),
        lambda: save_with(path, lambda temporary: np.save(temporary.open("wb"), big)),
    ):
        with pytest.raises(InputError, match=r"cannot write .*table\.parquet: "):
            write()
        assert path.read_bytes() == before
        assert only_files(small_disk) == ["table.parquet"]


def test_a_folder_in_the_way_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_text(tmp_path / "file" / "below.txt", "")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"cannot write .*folder: Is a directory"):
        write_text(tmp_path / "folder", "")


def test_json_takes_numpy_and_paths_and_writes_what_is_not_finite_as_null(tmp_path):
    path = tmp_path / "a.json"
    value = {
        "nan": float("nan"), "inf": [np.inf, -np.inf], "array": np.array([[1.5, np.nan]]), "int": np.int64(3),
        "float32": np.float32(0.5), "bool": np.bool_(True), "path": Path("a/b"), 5: (1, 2), "none": None, "text": "α",
    }  # fmt: skip
    write_json(path, value)
    strict = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert strict == {
        "nan": None, "inf": [None, None], "array": [[1.5, None]], "int": 3,
        "float32": 0.5, "bool": True, "path": "a/b", "5": [1, 2], "none": None, "text": "α",
    }  # fmt: skip


def test_what_cannot_be_json_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"a": object()})
    assert read_json(tmp_path / "a.json") == {"a": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=st.dictionaries(st.text(), JSON, max_size=4))
def test_json_comes_back_as_it_was_but_for_values_that_are_not_finite(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "hypothesis.json"
    write_json(path, value)
    once = read_json(path)
    write_json(path, once)
    assert read_json(path) == once
    assert set(once) == set(value)


def test_damaged_json_is_refused_by_name(tmp_path):
    path = tmp_path / "protocol.json"
    write_json(path, {"threshold": 1.5, "n": [1, 2, 3]})
    whole = path.read_bytes()
    for content in (whole[:-5], b"", b"\xff\xfe\x00", b"{" * 100_000):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"protocol\.json is not a readable JSON file .*; delete it and run again"):
            read_json(path)
    path.write_text("[1]")
    with pytest.raises(InputError, match=r"protocol\.json holds a JSON list, expected an object"):
        read_json(path)
    path.write_bytes(whole)
    with pytest.raises(InputError, match=r"protocol\.json lacks split, date; it has threshold, n"):
        read_json(path, ("split", "n", "date"))
    with pytest.raises(InputError, match=r"nowhere\.json does not exist"):
        read_json(tmp_path / "nowhere.json")
    with pytest.raises(InputError, match="is not a readable JSON file"):
        read_json(tmp_path)


def test_parquet_comes_back_and_its_bytes_depend_on_the_values_alone(tmp_path):
    frame = pd.DataFrame({"id": np.arange(5), "logg": np.linspace(1, 5, 5), "name": list("abcde")})
    write_parquet(tmp_path / "a.parquet", frame)
    write_parquet(tmp_path / "b.parquet", frame.copy())
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "a.parquet", ("id", "logg")), frame)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_damaged_parquet_is_refused_by_name(tmp_path):
    path = tmp_path / "predictions.parquet"
    write_parquet(path, pd.DataFrame({"id": np.random.default_rng(0).normal(size=1000)}))
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 1  # inside a page of values that no compression shortens
    for content in (b"", whole[: len(whole) // 2], bytes(flipped), b"no table"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"predictions\.parquet is not a readable Parquet file"):
            read_parquet(path)
    path.write_bytes(whole)
    with pytest.raises(InputError, match=r"predictions\.parquet lacks columns error; it has id"):
        read_parquet(path, ("id", "error"))
    with pytest.raises(InputError, match=r"nothing\.parquet does not exist"):
        read_parquet(tmp_path / "nothing.parquet")


def test_a_column_of_words_where_numbers_belong_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    write_parquet(path, pd.DataFrame({"id": [1, 2], "model": ["a", "b"], "truth": ["x", "y"]}))
    assert list(read_parquet(path, ("id", "model"))["id"]) == [1, 2]
    with pytest.raises(InputError, match=r"a\.parquet: column truth holds \w+, expected numbers"):
        read_parquet(path, ("id", "truth"))
