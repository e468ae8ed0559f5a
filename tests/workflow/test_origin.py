"""What spectra come from counts: the users' files, the data of the package, and whose results lie here already."""

import os
import shutil

import pytest
import yaml
from harness import Flow
from made_shard import miniature

pytestmark = pytest.mark.slow

MANIFEST = "results/data/manifest.json"
BELOW = {"generate", "survey", "ridge", "bounds", "bayes", "magnitude_sweep", "bounds_and_models"}


@pytest.fixture
def imported(bare: Flow) -> Flow:
    """The users' shards, imported."""
    miniature(bare.path("shards/train_0.h5"), 100, seed=1, mask=False)
    data = {"source": "pfs_hdf5", "n_spectra": None, "pfs_hdf5": {"train": [str(bare.path("shards/train_*.h5"))]}}
    settings = {"data": data, "protocol": {"scales": [50]}, "compute": {"threads": 1}}
    bare.path("run.yaml").write_text(yaml.safe_dump(settings))
    bare.snakemake(MANIFEST)
    assert not bare.jobs(MANIFEST)
    return bare


def test_a_replaced_shard_and_a_further_one_are_imported_anew_and_an_untouched_one_is_not(imported: Flow):
    before, shard = imported.read(MANIFEST), imported.path("shards/train_0.h5")
    times = shard.stat()
    miniature(imported.path("other.h5"), 100, seed=77, mask=False)
    os.replace(imported.path("other.h5"), shard)
    os.utime(shard, ns=(times.st_atime_ns, times.st_mtime_ns))  # an older time stamp is no excuse
    assert set(imported.run(MANIFEST)) == {"generate"}
    replaced = imported.read(MANIFEST)
    assert replaced["store_id"] != before["store_id"]
    assert replaced["crc32c"]["flux"] != before["crc32c"]["flux"]
    miniature(imported.path("shards/train_1.h5"), 50, seed=3, mask=False)
    assert set(imported.run(MANIFEST)) == {"generate"}
    assert imported.read(MANIFEST)["n_spectra"] == 150
    assert not imported.jobs(MANIFEST)


def test_a_shard_that_was_only_copied_is_read_again_and_nothing_below_it_is_made_anew(imported: Flow):
    before, shard = imported.path(MANIFEST).read_bytes(), imported.path("shards/train_0.h5")
    shutil.copy(shard, imported.path("copy.h5"))
    os.replace(imported.path("copy.h5"), shard)
    assert set(imported.run(MANIFEST)) == {"generate"}
    assert imported.path(MANIFEST).read_bytes() == before


@pytest.mark.parametrize("name", ["stellar_grid.npz", "pfs_mr_reference.csv"])
def test_other_data_in_the_package_make_everything_anew(flow: Flow, name: str):
    with flow.path(f"src/logg1m/observe/data/{name}").open("ab") as stream:
        stream.write(b"\n")
    assert set(flow.jobs("results/mvp_1_1/fisher.json")) >= BELOW - {"magnitude_sweep"}


@pytest.mark.parametrize("lost", ["records", "triggers"])
def test_results_of_another_seed_are_refused_where_snakemake_would_take_them_for_its_own(flow: Flow, lost: str):
    settings = yaml.safe_load(flow.path("run.yaml").read_text())
    flow.path("run.yaml").write_text(yaml.safe_dump(settings | {"seed": 7}))
    if lost == "records":
        shutil.rmtree(flow.path(".snakemake"))
    triggers = ["--rerun-triggers", "mtime"] if lost == "triggers" else []
    printed = flow.snakemake("--dry-run", *triggers, ok=False)
    assert "manifest.json was made with seed" in printed
    assert "Results of two configurations do not mix" in printed
    assert "Traceback (most recent call last)" not in printed
    assert "generate" in flow.jobs("--forceall")


def test_documents_refuse_numbers_of_another_seed(flow: Flow):
    protocol = flow.read("results/mvp_0_a/protocol.json")
    flow.write("results/mvp_0_a/protocol.json", protocol | {"seed": 7})
    flow.path("results/report/roadmap.md").unlink()
    printed = flow.snakemake("results/report/roadmap.md", "--allowed-rules", "documents", ok=False)
    assert "results/mvp_0_a/protocol.json was made with seed 7" in printed
    assert not flow.path("results/report/roadmap.md").exists()
