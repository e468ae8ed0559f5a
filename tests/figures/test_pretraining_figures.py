"""Learning curves, reconstructions and probes: what is drawn stands in the CSV beside it."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from logg1m.figures import learning_curves, linear_probe, reconstructions
from logg1m.results import run

SCRATCH, MASKED = np.array([0.2, 0.4, 0.5]), np.array([0.4, 0.5, 0.6])
METRICS = {subset: {"r2": {"value": value}} for subset, value in (("low_noise", 0.8), ("full", 0.6))}
VERDICT = {
    "id": "2.1", "title": "Masked", "model": "vit", "outcome": "open", "reason": "", "reference": "scratch",
    "variants": {
        "scratch": {"label": "from scratch", "metrics": METRICS}, "masked": {"label": "masked", "metrics": METRICS},
    },
}  # fmt: skip


@pytest.fixture
def evidence():
    probe = {
        "spectra": 90,
        "pixels": {"r2_low_noise": 0.1, "r2_full": 0.2},
        "random": {"r2_low_noise": 0.1, "r2_full": 0.2},
    }
    probe["pretrained"] = {"r2_low_noise": None, "r2_full": 0.4}
    report = {
        "equivalent_spectra": 250.0,
        "spectra": 300,
        "explained": 0.05,
        "explained_noise_free": 0.7,
        "probe": probe,
    }
    wave, examples = np.linspace(7100, 8850, 64), []
    for number in range(2):
        columns = (number, 40 + number, wave, np.ones(64), np.ones(64), np.full(64, 0.9), (wave > 8000).astype(int))
        examples.append(pd.DataFrame(dict(zip(run.columns("reconstruction"), columns))))
    return SimpleNamespace(
        runs=SimpleNamespace(scores={"scratch": [SCRATCH], "masked": [MASKED]}),
        metrics={
            "scratch": [{"n_fit": 100, "pretraining": None}], "masked": [{"n_fit": 100, "pretraining": report}]
        },
        times={"scratch": [{"training_seconds": 30.0}], "masked": [{"training_seconds": 30.0, "pretraining_seconds": 25.0}]},
        reconstructions={"scratch": [run.empty("reconstruction")], "masked": [pd.concat(examples)]},
    )  # fmt: skip


def drawn(module, evidence, folder) -> pd.DataFrame:
    module.draw("", VERDICT, evidence, folder / "figure.png")
    assert (folder / "figure.png").stat().st_size > 5_000
    return pd.read_csv(folder / "figure.csv")


def test_learning_curves_count_the_pretraining_in_passes_and_seconds_but_not_in_epochs(evidence, tmp_path):
    table = drawn(learning_curves, evidence, tmp_path).set_index(["variant", "epochs"])
    assert table.loc[("scratch", 2), ["passes", "seconds", "r2"]].tolist() == [200, 20, 0.4]
    assert table.loc[("masked", 2), ["passes", "seconds", "r2"]].tolist() == [450, 45, 0.5]


def test_reconstructions_are_drawn_with_what_was_hidden(evidence, tmp_path):
    table = drawn(reconstructions, evidence, tmp_path)
    assert set(table["variant"]) == {"masked"}
    assert table.groupby("example")["hidden"].sum().tolist() == [31, 31]


def test_probes_stand_beside_the_fine_tuned_model(evidence, tmp_path):
    row = drawn(linear_probe, evidence, tmp_path).iloc[0]
    assert row[["R² full, random", "R² full, pretrained", "R² full, fine-tuned"]].tolist() == [0.2, 0.4, 0.6]
    assert np.isnan(row["R² low_noise, pretrained"])


@pytest.mark.parametrize("module", [learning_curves, reconstructions, linear_probe])
def test_models_that_are_not_trained_in_epochs_have_an_empty_figure_that_says_why(module, tmp_path):
    nothing = SimpleNamespace(
        runs=SimpleNamespace(scores={"scratch": [np.empty(0)]}), metrics={"scratch": [{"n_fit": 9, "pretraining": None}]},
        times={"scratch": [{"seconds": 1.0}]}, reconstructions={"scratch": [run.empty("reconstruction")]},
    )  # fmt: skip
    module.draw("", VERDICT, nothing, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").exists()
