"""A scale larger than what the users' shards hold is one error, before anything else is computed."""

import pytest
import yaml
from harness import Flow
from made_shard import miniature

pytestmark = pytest.mark.slow

MANIFEST, SNR = "results/data/manifest.json", "results/mvp_0_a/snr.parquet"


def configured(flow: Flow, *scales: int) -> None:
    shards = {"train": str(flow.path("train.h5")), "test": str(flow.path("test.h5"))}
    data = {"source": "pfs_hdf5", "n_spectra": None, "pfs_hdf5": shards}
    settings = {"data": data, "protocol": {"scales": list(scales)}, "compute": {"threads": 1}}
    flow.path("run.yaml").write_text(yaml.safe_dump(settings))


def test_a_scale_larger_than_the_shards_is_refused_before_they_are_imported_or_surveyed(bare: Flow):
    miniature(bare.path("train.h5"), 100, seed=1)
    miniature(bare.path("test.h5"), 30, seed=2)
    words = "scale 200 needs 160 training and 27 test spectra; the pools hold 100 and 27; lower protocol.scales, or add spectra"
    configured(bare, 100, 200)
    assert words in bare.snakemake(MANIFEST, ok=False)
    assert not bare.path("results/data/spectra.zarr").exists()
    configured(bare, 100)
    bare.snakemake(MANIFEST)
    configured(bare, 100, 200)
    printed = bare.snakemake(SNR, ok=False)
    assert words in printed
    assert "rule generate:" not in printed
    assert not bare.path(SNR).exists()
