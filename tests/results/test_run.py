"""The files of a run: written and read back, and what a reader is told of a bad one."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from logg1m.files import InputError, read_tensors
from logg1m.results import run


def made() -> run.Run:
    """A run of a model that has no attention and stood no conditions."""
    return run.Run(
        metrics={"low_noise": None, "full": {"n": 2}},
        predictions=pd.DataFrame({"id": [3, 5], "truth": [2.5, 4.0], "predicted": np.float32([2.25, 4.5])}),
        selection=pd.DataFrame({"id": [9], "truth": [1.5], "predicted": np.float32([1.25])}),
        history=pd.DataFrame({"alpha": [0.1, 10.0], "validation_r2": [0.5, 0.25]}),
        validation=run.empty("validation"),
        gradient=pd.DataFrame({"wave": [7100.0, 7101.0], "visible": [1, 0], "gradient": [0.5, 0.0]}),
        robustness=run.empty("robustness"),
        attention=run.empty("attention"),
        reconstruction=run.empty("reconstruction"),
    )


def test_what_is_written_is_read_back(tmp_path):
    run.write(made(), {"weights": np.arange(6.0).reshape(2, 3).T}, {"seconds": 1.5}, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(run.RUN_FILES)
    found = run.read(tmp_path)
    assert found.metrics == made().metrics
    for field in fields(run.Run)[1:]:
        table, written = getattr(found, field.name), getattr(made(), field.name)
        assert list(table) == list(written), field.name
        assert np.array_equal(table.to_numpy(float), written.to_numpy(float)), field.name
    assert run.read_provenance(tmp_path) == {"seconds": 1.5}
    assert load_file(tmp_path / run.MODEL)["weights"].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_the_model_is_read_back_and_a_damaged_one_is_refused_by_name(tmp_path):
    run.write(
        made(), {"weights": np.arange(6.0), "text": np.frombuffer(b"trees", np.uint8)}, {"seconds": 1.5}, tmp_path
    )
    found = read_tensors(tmp_path / run.MODEL)
    assert (found["weights"].tolist(), found["text"].tobytes()) == ([0, 1, 2, 3, 4, 5], b"trees")
    (tmp_path / run.MODEL).write_bytes((tmp_path / run.MODEL).read_bytes()[:40])
    for name in (run.MODEL, "gone.safetensors"):
        with pytest.raises(InputError, match=rf"cannot read the model .*{name}"):
            read_tensors(tmp_path / name)


def test_every_table_of_a_run_has_a_file_of_its_own():
    assert {field.name for field in fields(run.Run)} == {"metrics", *(Path(name).stem for name in run.TABLE_FILES)}
    assert len(set(run.RUN_FILES)) == len(run.RUN_FILES)
    assert set(run.RUN_FILES) - set(run.TABLE_FILES) == {run.METRICS, run.MODEL, run.PROVENANCE}


@pytest.mark.parametrize("table", ["predictions", "selection", "gradient", "attention", "reconstruction", "robustness"])
def test_a_table_without_a_column_that_readers_count_on_is_refused_by_name(tmp_path, table):
    lacking = getattr(made(), table).drop(columns=run.columns(table)[-1])
    run.write(replace(made(), **{table: lacking}), {}, {}, tmp_path)
    with pytest.raises(InputError, match=rf"{table}\.(csv|parquet).*{run.columns(table)[-1]}"):
        run.read(tmp_path)


def test_metrics_are_written_last_so_that_a_run_with_them_is_whole(tmp_path, monkeypatch):
    written: list[str] = []
    for name in ("write_json", "write_csv", "write_parquet", "write_tensors"):
        monkeypatch.setattr(run, name, lambda path, *_: written.append(path.name))
    run.write(made(), {}, {}, tmp_path)
    assert sorted(written) == sorted(run.RUN_FILES)
    assert written[-1] == run.METRICS
