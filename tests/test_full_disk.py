"""Every way in which the package writes a file, on a disk that is full: one InputError, and nothing is left behind."""

import ast
from pathlib import Path
from types import SimpleNamespace

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from safetensors.numpy import save_file

from logg1m import files
from logg1m.baselines import boosting
from logg1m.experiments import reading
from logg1m.figures import style
from logg1m.files import InputError
from logg1m.nn import checkpoint
from logg1m.nn.checkpoint import Counters

SRC = Path(__file__).parents[1] / "src/logg1m"
NOISE = np.random.default_rng(0).normal(size=600_000)  # 4.8 MB, on a disk of 2 MB


def binned_data(folder: Path) -> None:
    """As `boosting` saves it; LightGBM has an exception of its own."""
    options = {"verbosity": -1, "max_bin": 255, "feature_pre_filter": False}
    data = lgb.Dataset(NOISE.reshape(300, 2000), NOISE[:300], params={**options, "min_data_in_leaf": 1}).construct()
    with files.atomic_path(folder / "binned.bin") as temporary:
        temporary.unlink()
        for _ in range(20):  # 0.6 MB each: the last ones do not fit
            data.save_binary(temporary)
            temporary.rename(folder / f".binned.{_}.tmp.bin")


def figure(folder: Path) -> None:
    drawn = Figure(figsize=(20, 20), dpi=100)
    drawn.figimage(np.random.default_rng(0).random((2000, 2000, 3)))
    style.save(drawn, folder / "figure.png", pd.DataFrame({"a": [1.0]}))


WRITERS = {
    "model": lambda folder: files.save_with(folder / "model.safetensors", lambda path: save_file({"a": NOISE}, path)),
    "training state": lambda folder: checkpoint.save(
        folder / "training.safetensors", "mine", Counters(), {"a": torch.from_numpy(NOISE)}
    ),
    "trees": lambda folder: boosting._save(folder, [SimpleNamespace(model_to_string=lambda: "x" * 10**7)], [0.1]),
    "spilled spectra": lambda folder: reading._memmap(folder / "fit_0.npy", (600, 2000)),
    "page, documents": lambda folder: files.write_text(folder / "index.html", "x" * 10**7),
    "results": lambda folder: files.write_json(folder / "verdict.json", NOISE),
    "table": lambda folder: files.write_parquet(folder / "snr.parquet", pd.DataFrame({"a": NOISE})),
    "text table": lambda folder: files.write_csv(folder / "scaling.csv", pd.DataFrame({"a": NOISE})),
    "figure": figure,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_is_one_clear_error_for_every_writer(small_disk, kind):
    with pytest.raises(InputError, match=rf"cannot write {small_disk}/\S+: No space left on device"):
        WRITERS[kind](small_disk)
    assert not list(small_disk.iterdir())


def test_a_full_disk_is_one_clear_error_when_lightgbm_writes(small_disk):
    with pytest.raises(InputError, match=r"cannot write \S+/binned\.bin: No space left on device"):
        binned_data(small_disk)


def test_another_fault_of_a_writer_stays_what_it_is(tmp_path):
    def fault(path: Path) -> None:
        raise KeyError("a")

    with pytest.raises(KeyError):
        files.save_with(tmp_path / "a.json", fault)


WRITING = {"write_text", "write_bytes", "to_parquet", "to_csv", "to_json", "savefig", "save_file", "save_binary", "savez",
           "open_memmap", "tofile", "save_model"}  # fmt: skip
# Where files are written: the last column of writers above, and the store, whose chunks zarr writes.
ALLOWED = {"files.py", "spectra/store.py", "figures/style.py", "nn/checkpoint.py", "nn/denoisers.py", "results/run.py",
           "experiments/reading.py", "baselines/boosting.py", "sources/bosz/source.py"}  # fmt: skip


def test_nothing_else_in_the_package_writes_files():
    """A new writer goes through `logg1m.files`, or is added above with a test."""
    found = set()
    for path in SRC.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in WRITING and not (name == "write_text" and isinstance(node.func, ast.Name)):
                    found.add(str(path.relative_to(SRC)))
    assert found <= ALLOWED
