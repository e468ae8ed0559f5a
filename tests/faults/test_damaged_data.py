"""Data that are not what the manifest says: one error that names them, and deleting the manifest mends them."""

from collections import Counter

import numpy as np
import pytest
from harness import Flow, assert_named, small_project
from killing import artifacts, differences

pytestmark = [pytest.mark.slow, pytest.mark.faults]

CHUNK = "results/data/spectra.zarr/flux/c/1/0"


def flip_one_bit(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGES = {
    "one bit flipped": (flip_one_bit, "chunk 1 of flux was altered"),
    "truncated": (lambda content: content[:-4096], "chunk 1 of flux is unreadable"),
    "deleted": (None, "chunk 1 of flux is missing"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_chunk_is_one_error_and_is_made_anew(copied: Flow, undisturbed: Flow, damage: str):
    flow, chunk = copied, copied.path(CHUNK)
    change, message = DAMAGES[damage]
    if change:
        chunk.write_bytes(change(chunk.read_bytes()))
    else:
        chunk.unlink()
    printed = flow.snakemake("results/mvp_0_a/snr.parquet", "--forcerun", "survey", ok=False)
    assert printed.count(f"rule survey: {CHUNK}: {message}") >= 1
    assert "Traceback" not in flow.path("logs/mvp_0_a/snr.log").read_text()
    flow.path("results/data/manifest.json").unlink()
    assert flow.run("results/mvp_0_a/snr.parquet") == Counter(["generate", "survey"])
    assert "resuming: 2 of 3 chunks are there and intact" in flow.path("logs/data/manifest.log").read_text()
    assert not differences(artifacts(flow), artifacts(undisturbed))


# (rule, what it makes, what it reads of an artifact); no rule of a round reads what another one makes.
RUN, WINNER = "results/mvp_1_2/flux/seed_0/metrics.json", "results/confirmation/winner.json"
ROUNDS = [
    [
        ("verdict_mvp_1_2", "results/mvp_1_2/verdict.json", RUN),
        ("verdict_mvp_0_a", "results/mvp_0_a/verdict.json", "results/mvp_0_a/protocol.json"),
    ],
    [("confirmation", "results/confirmation/confirmation.json", WINNER)],
]
WRONG = {
    "metrics.json": {"low_noise": 1, "full": 2, "recipe": 3},
    "protocol.json": {"low_noise": [], "seed": "x"},
    "winner.json": {"model": ["x"]},
}


@pytest.mark.parametrize("number", range(len(ROUNDS)))
def test_a_wrong_artifact_is_one_error_that_names_it(copied: Flow, number: int):
    assert_named(copied, ROUNDS[number], WRONG)


def test_the_manifest_of_another_store_is_noticed(copied: Flow, tmp_path):
    other = small_project(tmp_path / "other", "survey")
    other.edit_yaml("run.yaml", lambda settings: settings.update(seed=1))
    other.snakemake("results/data/manifest.json")
    manifest = copied.path("results/data/manifest.json")
    manifest.write_bytes(other.path("results/data/manifest.json").read_bytes())
    printed = copied.snakemake("results/mvp_0_a/snr.parquet", ok=False)
    assert "was altered: its checksum is" in printed
    manifest.unlink()
    copied.snakemake("results/mvp_0_a/snr.parquet")


def test_a_nan_in_the_middle_of_your_spectra_is_one_error_that_names_the_spectrum(fresh: Flow):
    """As if a reader of the user's own had let it through."""
    line = "block = source.read(*layout.rows(chunk))"
    poison = f"{line}\n        block.arrays['flux'][7, 2000] = float('nan') if chunk == 1 else 1.0"
    fresh.edit("src/logg1m/spectra/generation.py", line, poison)
    printed = fresh.snakemake("results/data/manifest.json", ok=False)
    number = 1024 + 7
    assert f"rule generate: flux of spectrum {number} is not finite; nothing was written for its chunk" in printed
    assert not fresh.path("results/data/manifest.json").exists()
    chunks = {int(path.stem.split("_")[1]) for path in fresh.path("results/data/journal").glob("chunk_*")}
    assert 1 not in chunks
    assert np.all(np.array(sorted(chunks)) != 1)
