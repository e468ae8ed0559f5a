"""`logg1m histories`: what is read of a run, and what TensorBoard and MLflow then hold (where they are installed)."""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from logg1m import cli
from logg1m.cli import histories
from logg1m.files import InputError, write_csv, write_json

RECIPE = {"model": "vit", "channels": ["flux"]}
SCORES = {"r2": {"value": 0.5, "ci95": [0.4, 0.6]}, "n": 20}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Three trainings: of a network, of trees, and of a denoiser that has no metrics; one without any epoch."""
    results = tmp_path / "run/results"
    tables = {
        "mvp_1_2/flux/seed_0": pd.DataFrame(
            {"epoch": [1, 2, 3], "loss": [3.0, 2.0, float("nan")], "r2": [0.1, 0.2, 0.3]}
        ),
        "mvp_1_3/trees/seed_1": pd.DataFrame({"iteration": [10, 20], "validation_mse": [0.9, 0.8]}),
        "denoisers/wiener/seed_0": pd.DataFrame({"alpha": [1.0, 10.0], "label": ["a", "b"]}),
        "mvp_1_4/empty/seed_0": pd.DataFrame({"epoch": []}),
    }
    for name, table in tables.items():
        (results / name).mkdir(parents=True)
        write_csv(results / name / "history.csv", table)
    metrics = {"recipe": RECIPE, "low_noise": SCORES, "full": {"r2": {"value": 0.25, "ci95": [0.2, 0.3]}}}
    write_json(results / "mvp_1_2/flux/seed_0/metrics.json", metrics)
    return tmp_path / "run"


def test_every_training_is_read_with_its_own_steps(run):
    trees, denoiser, flux = sorted(histories.histories(run / "results"), key=lambda h: len(h.scalars))
    if trees.name != "mvp_1_3/trees/seed_1":
        trees, denoiser = denoiser, trees
    assert trees.scalars == [(10, "validation_mse", 0.9), (20, "validation_mse", 0.8)]
    assert denoiser.name == "denoisers/wiener/seed_0"
    assert denoiser.scalars == [(0, "alpha", 1.0), (1, "alpha", 10.0)]  # words are no curve, rows are counted
    assert (denoiser.recipe, denoiser.final) == ({}, {})
    assert [s for s in flux.scalars if s[1] == "loss"] == [(1, "loss", 3.0), (2, "loss", 2.0)]  # NaN is no point
    assert flux.recipe == RECIPE
    assert flux.final == {"low_noise/r2": 0.5, "full/r2": 0.25}


@pytest.mark.parametrize("tool", histories.TOOLS)
def test_a_tool_that_is_not_installed_is_named_with_its_remedy(run, tool, monkeypatch):
    monkeypatch.setattr(histories, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=f"pip install {tool}"):
        histories.export(run, tool, "somewhere")


def test_a_folder_without_trainings_is_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(histories, "find_spec", lambda name: object())
    assert cli.main(["histories", str(tmp_path), "--to", "tensorboard", "--out", str(tmp_path / "x")]) == 1
    assert "holds no history.csv" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(find_spec("tensorboard") is None, reason="TensorBoard is not installed")
def test_tensorboard_holds_the_curves_and_is_not_mixed_with_earlier_ones(run, tmp_path, capsys):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    call = ["histories", str(run), "--to", "tensorboard", "--out", str(tmp_path / "events")]
    assert cli.main(call) == 0
    assert "3 trainings" in capsys.readouterr().out
    events = EventAccumulator(str(tmp_path / "events/mvp_1_2/flux/seed_0"))
    events.Reload()
    assert [(e.step, pytest.approx(e.value)) for e in events.Scalars("r2")] == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert [e.value for e in events.Scalars("test/low_noise/r2")] == [0.5]
    assert cli.main(call) == 1
    assert "not empty" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mlflow") is None or find_spec("alembic") is None, reason="MLflow is not installed")
def test_mlflow_holds_every_training_once(run, tmp_path, capsys):
    from mlflow.tracking import MlflowClient

    place = f"sqlite:///{tmp_path / 'mlflow.db'}"
    for _ in range(2):
        assert cli.main(["histories", str(run), "--to", "mlflow", "--out", place]) == 0
    client = MlflowClient(place)
    experiments = {e.name: e.experiment_id for e in client.search_experiments() if e.name != "Default"}
    assert set(experiments) == {"mvp_1_2", "mvp_1_3", "denoisers"}
    (flux,) = client.search_runs([experiments["mvp_1_2"]])
    assert flux.info.run_name == "flux/seed_0"
    assert flux.data.params["model"] == '"vit"'
    history = client.get_metric_history(flux.info.run_id, "r2")
    assert [(m.step, m.value) for m in history] == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert flux.data.metrics["test/full/r2"] == 0.25
