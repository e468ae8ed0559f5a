"""Whatever stands in a file, a reader gives what was written or one InputError; nothing of anybody else's comes through."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from made_shard import miniature
from pydantic import ValidationError

from logg1m.config.experiments import Experiment, Recipe
from logg1m.experiments import catalogue
from logg1m.files import InputError, read_json, read_parquet, write_parquet
from logg1m.protocol.members import read_members
from logg1m.sources.pfs.shard import Shard
from logg1m.spectra.store import Store

PROJECT = Path(__file__).parents[2]
ESCAPES = ("../outside", "/etc/passwd", "a/../../b", "..", ".", "", "a b", "a\n", "a;rm -rf b", "$(id)", "{x}", "ä")

SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=8), v, max_size=3), max_leaves=6
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


def mutate(content: bytes, cut: float, at: float, byte: int) -> bytes:
    """Cut off at a share of its length, and one byte replaced."""
    kept = bytearray(content[: max(1, int(len(content) * cut))])
    kept[int(at * (len(kept) - 1))] = byte
    return bytes(kept)


SHARES, BYTES = st.floats(0, 1), st.integers(0, 255)
WHOLE_OR_CUT = st.just(1.0) | SHARES


# ---- manifest


@pytest.mark.slow
@given(key=st.sampled_from(["n_spectra", "n_pixels", "arrays", "labels", "source", "store_id", "crc32c", "wave_crc32c",
                            "store", "chunk_rows", "format"]), value=VALUES)  # fmt: skip
@settings(max_examples=150)
def test_any_value_in_a_manifest_is_read_or_refused(small_store: Store, scratch: Path, key: str, value: Any):
    folder = scratch / "manifest"
    folder.mkdir(exist_ok=True)
    if not (folder / "spectra.zarr").exists():
        (folder / "spectra.zarr").symlink_to(small_store.path)
    path = folder / "manifest.json"
    path.write_text(json.dumps(small_store.manifest | {key: value}))
    try:
        store = Store(path)
        flux, labels = store.read(0, "flux"), store.labels()
    except InputError:
        return
    assert np.array_equal(flux, small_store.read(0, "flux"))
    pd.testing.assert_frame_equal(labels, small_store.labels())


@pytest.mark.parametrize("name", ["../secret", "/etc", "..", "a/../../secret"])
def test_a_manifest_cannot_lead_out_of_its_folder(small_store: Store, tmp_path: Path, name: str):
    secret = tmp_path / "secret"
    secret.symlink_to(small_store.path)
    path = tmp_path / "inside" / "manifest.json"
    path.parent.mkdir()
    path.write_text(json.dumps(small_store.manifest | {"store": name}))
    with pytest.raises(InputError):
        Store(path)
    (path.parent / "spectra.zarr").symlink_to(small_store.path)
    sums = small_store.manifest["crc32c"]
    path.write_text(
        json.dumps(small_store.manifest | {"arrays": {name: "float32"}, "crc32c": sums | {name: sums["flux"]}})
    )
    with pytest.raises(InputError):
        Store(path).read(0, name)


@given(
    content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | VALUES.map(lambda v: json.dumps(v).encode())
)
@settings(max_examples=150)
def test_any_bytes_in_the_place_of_a_manifest_are_refused(scratch: Path, content: bytes):
    path = scratch / "any.json"
    path.write_bytes(content)
    with pytest.raises(InputError):
        Store(path)


# ---- HDF5


@pytest.fixture(scope="module")
def shard(scratch: Path) -> Path:
    miniature(scratch / "good.h5", 4, seed=1)
    return scratch / "good.h5"


@pytest.mark.parametrize("share", [0.02, 1.0], ids=["header", "anywhere"])
@given(cut=WHOLE_OR_CUT, at=SHARES, byte=BYTES)
@settings(max_examples=100)
def test_any_damage_to_a_shard_is_read_or_refused(
    shard: Path, scratch: Path, share: float, cut: float, at: float, byte: int
):
    path = scratch / "damaged.h5"
    path.write_bytes(mutate(shard.read_bytes(), cut, at * share, byte))
    try:
        assert Shard(path).read(0, 4).flux.shape == (4, 4096)
    except InputError:
        return


# ---- predictions and other tables


@pytest.fixture(scope="module")
def table(scratch: Path) -> bytes:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": np.arange(50), "truth": rng.normal(size=50), "predicted": rng.normal(size=50)})
    write_parquet(scratch / "predictions.parquet", frame)
    return (scratch / "predictions.parquet").read_bytes()


@pytest.mark.slow
@given(cut=WHOLE_OR_CUT, at=SHARES, byte=BYTES)
@settings(max_examples=300)
def test_any_damage_to_a_table_is_read_or_refused(table: bytes, scratch: Path, cut: float, at: float, byte: int):
    path = scratch / "damaged.parquet"
    path.write_bytes(mutate(table, cut, at, byte))
    try:
        frame = read_parquet(path, ("id", "truth", "predicted"))
    except InputError:
        return
    assert isinstance(frame, pd.DataFrame)


@given(content=st.binary(max_size=100))
@settings(max_examples=100)
def test_any_bytes_in_the_place_of_the_members_are_refused(scratch: Path, content: bytes):
    path = scratch / "members.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_members(path, path)


# ---- configuration


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("field", ["variants", "figures", "name", "id"])
def test_no_name_in_an_experiment_file_can_leave_the_results(tmp_path: Path, name: str, field: str):
    experiment = yaml.safe_load((PROJECT / "config/experiments/mvp_1_2.yaml").read_text())
    if field == "variants":
        experiment["variants"][name] = {"label": "x", "change": {}}
    elif field == "figures":
        experiment["figures"] = {name: "comparison"}
    else:
        experiment[field] = name
    path = tmp_path / "mvp_1_2.yaml"
    path.write_text(yaml.safe_dump(experiment))
    with pytest.raises(InputError):
        catalogue.load(tmp_path)


@pytest.mark.parametrize(
    "file", ["results/../../x.json", "results/a/../../../x.json", "/results/a.json", "results/./../x.json"]
)
def test_an_artifact_cannot_leave_the_results(file: str):
    experiment = yaml.safe_load((PROJECT / "config/experiments/mvp_1_1.yaml").read_text())
    experiment["artifact"]["file"] = file
    with pytest.raises(ValidationError):
        Experiment.model_validate(experiment)


@given(raw=st.dictionaries(st.sampled_from([*Recipe.model_fields, "other"]), VALUES, max_size=4))
@settings(max_examples=150)
def test_any_recipe_is_valid_or_refused_by_pydantic_alone(raw: dict[str, Any]):
    try:
        Recipe.model_validate(raw)
    except ValidationError:
        return


@pytest.mark.parametrize("text", [
    "!!python/object/apply:os.system ['touch made']", "seed: !!python/name:os.system", "!!python/object/new:set []",
])  # fmt: skip
def test_yaml_never_makes_an_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str):
    from logg1m.config import load

    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(InputError, match="is not valid YAML"):
        load(tmp_path / "config.yaml")
    assert not (tmp_path / "made").exists()


@given(text=st.text(max_size=80))
@settings(max_examples=100)
def test_any_text_in_the_place_of_json_is_an_object_or_refused(scratch: Path, text: str):
    path = scratch / "text.json"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        assert isinstance(read_json(path), dict)
    except InputError:
        return
