"""The store: what is written comes back, and every kind of damage is noticed, named and repaired."""

import errno
import fcntl
import json
import re
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import SyntheticSource

from logg1m.cli.verifying import verify
from logg1m.config.compute import Compute
from logg1m.files import InputError, read_json, write_json
from logg1m.sources import Block
from logg1m.spectra.generation import generate
from logg1m.spectra.store import CHUNK_ROWS, Layout, Store, Writer, crc32c

N = 2 * CHUNK_ROWS + 52
ONE = Compute(threads=1)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def layout(n: int = N, salt: int = 0, compression: str = "none", code: str = "") -> Layout:
    s = SyntheticSource(n, salt)
    return Layout(n, s.wave, s.arrays, s.labels, s.describe(), compression, code)


@pytest.fixture(scope="module", params=["none", "blosc"])
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(f"store_{request.param}")
    generate(SyntheticSource(N), folder / "manifest.json", ONE, request.param)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "copy")


def compression_of(folder: Path) -> str:
    return read_json(folder / "journal" / "identity.json")["compression"]


def read_everything(folder: Path) -> None:
    store = Store(folder / "manifest.json")
    for chunk in range(store.n_chunks):
        for name in store.manifest["arrays"]:
            store.read(chunk, name)
    store.labels()


def regenerate(folder: Path) -> list[int]:
    """Run the generation again; the first spectra of the chunks that were made anew."""
    source = SyntheticSource(N)
    generate(source, folder / "manifest.json", ONE, compression_of(folder))
    return sorted(source.blocks_read)


def test_what_was_written_comes_back(folder):
    store, source = Store(folder / "manifest.json"), SyntheticSource(N)
    expected = source.read(0, N)
    for name in ("flux", "error"):
        read = [store.read(chunk, name) for chunk in range(store.n_chunks)]
        assert [len(part) for part in read] == [1024, 1024, 52]
        np.testing.assert_array_equal(np.concatenate(read), expected.arrays[name])
        assert read[0].dtype == np.float32
    np.testing.assert_array_equal(store.wave, source.wave)
    labels = store.labels()
    assert list(labels) == ["teff", "logg"]
    for name, values in expected.labels.items():
        np.testing.assert_array_equal(labels[name], values)
    assert [store.rows(k) for k in range(3)] == [(0, 1024), (1024, 2048), (2048, N)]


def test_the_store_is_plain_zarr_v3_with_the_documented_shapes_chunks_and_units(folder):
    group = zarr.open_group(folder / "spectra.zarr", mode="r")
    assert group.metadata.zarr_format == 3
    for name in ("flux", "error"):
        assert group[name].shape == (N, 64)
        assert group[name].chunks == (1024, 64)
        assert group[name].dtype == np.float32
        assert bool(group[name].compressors) == (compression_of(folder) == "blosc")
    assert group["teff"].attrs["unit"] == "K"
    assert group["wave"].attrs["unit"] == "Angstrom, vacuum"


def test_checksums_are_crc32c():
    assert crc32c(np.frombuffer(b"123456789", dtype=np.uint8)) == "e3069283"  # the check value of CRC-32C


def test_checksums_do_not_depend_on_the_compression(tmp_path):
    found = [generate(SyntheticSource(300), tmp_path / c / "m.json", ONE, c) for c in ("none", "blosc")]
    assert found[0] == found[1]


def test_the_manifest_holds_nothing_volatile(folder):
    text = (folder / "manifest.json").read_text()
    assert str(folder) not in text
    assert not re.search(r"20\d\d-\d\d|host|time", text)


def test_the_store_id_changes_with_everything_that_identifies_the_data_and_nothing_else(folder, tmp_path):
    def made(name: str, n: int = N, salt: int = 0, **options: str) -> str:
        return generate(SyntheticSource(n, salt), tmp_path / name / "manifest.json", ONE, **options)["store_id"]

    assert len({made("same"), made("longer", n=N + 1), made("other", salt=1)}) == 3
    assert (
        made("packed", compression="blosc", code="x")
        == made("again")
        == Store(folder / "manifest.json").manifest["store_id"]
    )


class Altered(SyntheticSource):
    """Other spectra under the same description, as of a file that was edited in place."""

    def read(self, start: int, stop: int) -> Block:
        block = super().read(start, stop)
        return Block({name: values + 1 for name, values in block.arrays.items()}, block.labels)


def test_other_values_under_the_same_description_are_another_store(folder, tmp_path):
    other = generate(Altered(N), tmp_path / "other" / "manifest.json", ONE)
    assert other["source"] == Store(folder / "manifest.json").source
    assert other["store_id"] != Store(folder / "manifest.json").manifest["store_id"]


# --- one writer ----------------------------------------------------------------------------------------------------


def test_a_second_writer_is_refused_and_the_first_goes_on(tmp_path):
    manifest, source = tmp_path / "manifest.json", SyntheticSource(N)
    with Writer(manifest, layout()) as first:
        for salt in (0, 1):
            with pytest.raises(InputError, match="another process is writing the store"):
                Writer(manifest, layout(salt=salt))
        for chunk in range(3):
            block = source.read(*first.layout.rows(chunk))
            first.write(chunk, block.arrays, block.labels)
        first.finish()
    read_everything(tmp_path)
    with Writer(manifest, layout()) as again:
        assert all(again.done(chunk) for chunk in range(3))


def _without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.parametrize("late", ["write", "finish"])
def test_where_there_are_no_locks_the_first_writer_stops_and_nothing_is_mixed(tmp_path, monkeypatch, late):
    _without_locks(monkeypatch)
    manifest, source, other = tmp_path / "manifest.json", SyntheticSource(N), SyntheticSource(N, 1)
    first = Writer(manifest, layout())
    blocks = [source.read(*first.layout.rows(chunk)) for chunk in range(3)]
    if late == "finish":
        for chunk, block in enumerate(blocks):
            first.write(chunk, block.arrays, block.labels)
    second = Writer(manifest, layout(salt=1))
    with pytest.raises(InputError, match="another process has begun to write other data"):
        first.finish() if late == "finish" else first.write(0, blocks[0].arrays, blocks[0].labels)
    for chunk in range(3):
        block = other.read(*second.layout.rows(chunk))
        second.write(chunk, block.arrays, block.labels)
    second.finish()
    read_everything(tmp_path)
    assert Store(manifest).source == json.loads(json.dumps(other.describe()))


def test_an_entry_of_other_data_in_the_journal_is_no_finished_chunk(tmp_path, monkeypatch):
    """What a first writer, who looked just before the second began, puts down after it."""
    _without_locks(monkeypatch)
    manifest, source, other = tmp_path / "manifest.json", SyntheticSource(N), SyntheticSource(N, 1)
    first = Writer(manifest, layout())
    second = Writer(manifest, layout(salt=1))
    monkeypatch.setattr(first, "_require_own", lambda: None)
    for chunk in range(3):
        block = other.read(*second.layout.rows(chunk))
        second.write(chunk, block.arrays, block.labels)
    block = source.read(*first.layout.rows(1))
    first.write(1, block.arrays, block.labels)
    assert [second.done(chunk) for chunk in range(3)] == [True, False, True]
    with pytest.raises(InputError, match="1 chunks were not written, the first is 1"):
        second.finish()


def test_a_finished_store_of_other_data_is_only_replaced_if_that_is_allowed(folder):
    before = contents(folder)
    with pytest.raises(InputError, match="holds another store"):
        Writer(folder / "manifest.json", layout(salt=1), replace=False)
    assert contents(folder) == before


# --- fill values ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["none", "blosc"])
def test_a_chunk_of_zeros_is_a_chunk_like_any_other(tmp_path, compression):
    manifest = tmp_path / "manifest.json"
    made = Layout(N, SyntheticSource(N).wave, {"mask": "uint8"}, {"x": ""}, {"kind": "zeros"}, compression)
    width = len(made.wave)
    with Writer(manifest, made) as writer:
        for chunk in range(3):
            rows = writer.layout.rows(chunk)[1] - writer.layout.rows(chunk)[0]
            writer.write(chunk, {"mask": np.zeros((rows, width))}, {"x": np.zeros(rows)})
        writer.finish()
    store = Store(manifest)
    assert not any(store.read(chunk, "mask").any() for chunk in range(3))
    assert verify(store)
    with Writer(manifest, made) as again:
        assert all(again.done(chunk) for chunk in range(3))
    (tmp_path / "spectra.zarr/mask/c/1/0").unlink()
    with pytest.raises(InputError, match="chunk 1 of mask is missing"):
        store.read(1, "mask")


CHUNK = "spectra.zarr/{array}/c/{chunk}/0"


@pytest.mark.parametrize("chunk", [0, 2])
@pytest.mark.parametrize("array", ["flux", "error"])
@pytest.mark.parametrize("damage", ["one bit", "the last bit", "truncated", "empty", "deleted"])
def test_a_damaged_chunk_is_one_clear_error_and_exactly_that_chunk_is_made_anew(folder, array, chunk, damage):
    before = contents(folder)
    path = folder / CHUNK.format(array=array, chunk=chunk)
    data = bytearray(path.read_bytes())
    if damage == "deleted":
        path.unlink()
    else:
        data[len(data) // 2 if damage == "one bit" else -1] ^= 1
        path.write_bytes(data if "bit" in damage else data[: len(data) // 2] if damage == "truncated" else b"")
    store = Store(folder / "manifest.json")
    with pytest.raises(InputError) as caught:
        store.read(chunk, array)
    problem = {"deleted": "missing", "truncated": "unreadable", "empty": "unreadable"}.get(damage, "altered|unreadable")
    if damage == "truncated" and compression_of(folder) == "blosc":
        problem = r"unreadable \(it was truncated"  # and not whatever lay in memory behind its end
    message = rf"{path}: chunk {chunk} of {array} (is|was) ({problem}).*delete {store.manifest_path} and run again"
    assert re.search(message, str(caught.value))
    store.read(1, array)
    assert regenerate(folder) == [chunk * CHUNK_ROWS]
    assert contents(folder) == before


@pytest.mark.slow
def test_any_damaged_file_is_refused_or_harmless_and_is_repaired_by_running_again(folder):
    before = contents(folder)
    for name, data in before.items():
        if name in ("journal/identity.json", ".writing"):
            continue
        middle = len(data) // 2
        for damaged in (None, data[:middle], data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]):
            path = folder / name
            path.unlink() if damaged is None else path.write_bytes(damaged)
            if name.startswith("journal/") or name.endswith(".json"):
                with suppress(InputError):  # what does not touch the data may go unnoticed, but must not crash
                    read_everything(folder)
            else:
                with pytest.raises(InputError, match="run again"):
                    read_everything(folder)
            regenerate(folder)
            assert contents(folder) == before, name


@settings(max_examples=40)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), chunk=st.integers(0, 2))
def test_every_single_bit_of_an_uncompressed_chunk_is_guarded(tmp_path_factory, where, bit, chunk):
    folder = tmp_path_factory.getbasetemp() / "guarded"
    if not folder.exists():
        generate(SyntheticSource(N), folder / "manifest.json", ONE)
    path = folder / CHUNK.format(array="flux", chunk=chunk)
    data = path.read_bytes()
    at = int(where * len(data))
    path.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
    with pytest.raises(InputError, match=f"chunk {chunk} of flux"):
        Store(folder / "manifest.json").read(chunk, "flux")
    path.write_bytes(data)
    Store(folder / "manifest.json").read(chunk, "flux")


def test_a_manifest_cut_at_any_place_is_one_clear_error(folder):
    path = folder / "manifest.json"
    whole = path.read_bytes()
    for length in {0, 1, *range(7, len(whole) - 2, len(whole) // 25)}:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"manifest\.json is not a readable JSON file.*delete it and run again"):
            Store(path)


@pytest.mark.parametrize(
    "change",
    [
        {"n_spectra": None},
        {"n_spectra": "many"},
        {"n_spectra": N + CHUNK_ROWS},
        {"n_spectra": N - 1},
        {"n_pixels": 65},
        {"arrays": 5},
        {"labels": None},
        {"crc32c": {}},
        {"crc32c": []},
        {"wave_crc32c": "00000000"},
        {"labels": {"teff": "K", "mass": "Msun"}},
    ],
    ids=str,
)
def test_a_manifest_that_does_not_fit_the_store_is_one_clear_error(folder, change):
    path = folder / "manifest.json"
    write_json(path, read_json(path) | change)
    with pytest.raises(InputError, match=r"manifest\.json"):
        read_everything(folder)


def test_a_manifest_without_a_key_is_refused_with_the_key(folder):
    path = folder / "manifest.json"
    manifest = read_json(path)
    del manifest["store_id"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"manifest\.json lacks store_id"):
        Store(path)


def test_the_manifest_of_another_store_is_noticed_on_the_first_read(folder, tmp_path):
    generate(SyntheticSource(N, salt=1), tmp_path / "other" / "manifest.json", ONE)
    shutil.copy(tmp_path / "other" / "manifest.json", folder / "manifest.json")
    store = Store(folder / "manifest.json")
    with pytest.raises(InputError, match="chunk 0 of flux was altered: its checksum is"):
        store.read(0, "flux")


def test_a_manifest_without_its_store_is_one_clear_error(folder):
    shutil.rmtree(folder / "spectra.zarr")
    with pytest.raises(InputError, match=r"spectra\.zarr does not exist, but .*manifest\.json describes it"):
        Store(folder / "manifest.json")


def test_reading_needs_no_right_to_write(folder, make_read_only):
    make_read_only(folder)
    read_everything(folder)


@pytest.mark.parametrize("name", ["flux", "logg"])
def test_values_that_are_not_finite_are_refused_by_array_and_spectrum(tmp_path, name):
    writer = Writer(tmp_path / "manifest.json", layout())
    block = SyntheticSource(N).read(1024, 2048)
    values = (block.arrays | block.labels)[name]
    values[3] = np.inf
    with pytest.raises(InputError, match=f"{name} of spectrum 1027 is not finite"):
        writer.write(1, block.arrays, block.labels)
    assert not writer.done(1)
    assert not (tmp_path / CHUNK.format(array="flux", chunk=1)).exists()


def test_blocks_of_the_wrong_height_and_unfinished_stores_are_refused(tmp_path):
    writer = Writer(tmp_path / "manifest.json", layout())
    block = SyntheticSource(N).read(0, 1000)
    with pytest.raises(InputError, match="flux: chunk 0 needs 1024 rows, got 1000"):
        writer.write(0, block.arrays, block.labels)
    with pytest.raises(InputError, match="3 chunks were not written, the first is 0"):
        writer.finish()
    assert not (tmp_path / "manifest.json").exists()


def test_values_of_another_type_are_stored_and_checked_as_the_type_of_the_store(tmp_path):
    writer, block = Writer(tmp_path / "manifest.json", layout(n=50)), SyntheticSource(50).read(0, 50)
    writer.write(0, {name: values.astype(np.float64) for name, values in block.arrays.items()}, block.labels)
    assert writer.done(0)
    writer.finish()
    np.testing.assert_array_equal(Store(tmp_path / "manifest.json").read(0, "flux"), block.arrays["flux"])
