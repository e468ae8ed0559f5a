"""Maps of residuals are recomputed on their own; whose they are: classical models, the reference, what was accepted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from logg1m.files import InputError, write_parquet
from logg1m.report.collect import Context, collect
from logg1m.report.page import residuals


def test_residual_maps_are_the_means_of_their_cells():
    rng = np.random.default_rng(2)
    n = 3_000
    labels = pd.DataFrame(
        {"teff": rng.uniform(3750, 6000, n), "logg": rng.uniform(1, 5, n), "m_h": rng.uniform(-2.5, 0.5, n)}
    )
    table = pd.DataFrame({"id": np.arange(n), "truth": labels["logg"]})
    table["predicted"] = table["truth"] + 0.3 * (labels["teff"] > 5000) + rng.normal(0, 0.01, n)
    members = pd.DataFrame({"low_noise": np.arange(n) % 3 == 0})
    made = residuals.maps({"m": table}, labels, members)["cells"]["m"]["full"]["teff-logg"]
    error = table["predicted"] - table["truth"]
    for i in range(len(made["y"]) - 1):
        for j in range(len(made["x"]) - 1):
            inside = labels["teff"].between(made["x"][j], made["x"][j + 1], inclusive="left") & labels["logg"].between(
                made["y"][i], made["y"][i + 1], inclusive="left"
            )
            assert made["n"][i][j] == inside.sum()
            if inside.sum() >= 5:
                assert made["mean"][i][j] == pytest.approx(error[inside].mean())
                assert made["mae"][i][j] == pytest.approx(error[inside].abs().mean())
            else:
                assert made["mean"][i][j] is None
    assert made["x"][1] - made["x"][0] == 250.0


def test_residual_maps_of_few_spectra_have_wider_cells_and_of_none_are_empty():
    labels = pd.DataFrame({"teff": [4000.0, 4400.0], "logg": [1.0, 2.0], "m_h": [0.0, 0.0]})
    table = pd.DataFrame({"id": [0, 1], "truth": [1.0, 2.0], "predicted": [1.0, 2.0]})
    made = residuals.maps({"m": table}, labels, pd.DataFrame({"low_noise": [False, False]}))["cells"]["m"]
    assert made["full"]["teff-logg"]["x"] == [4000.0, 4500.0]
    assert made["low_noise"]["teff-logg"]["n"] == []


def given(results: Path, *names: str) -> None:
    """Predictions of classical models at two scales, and of the first seed of some variants."""
    for k, name in enumerate(names):
        table = pd.DataFrame({"id": [0, 1], "truth": [1.0, 2.0], "predicted": [1.0, 2.0 + k]})
        classical = [table.assign(model=m, scale=s) for m in ("ridge_full", "ridge_pca_20") for s in (1000, 2000)]
        write_parquet(results / name, pd.concat(classical) if name.startswith("mvp_0_b") else table)


def test_the_reference_what_was_accepted_and_the_best_classical_models_are_mapped(results, experiments):
    runs = [f"mvp_1_2/{name}/seed_0/predictions.parquet" for name in experiments["mvp_1_2"].variants]
    given(results, "mvp_0_b/ridge.parquet", *runs)
    paths = sorted(path for path in results.rglob("*") if path.is_file())
    roadmap = collect(paths, experiments, Context())
    found = residuals.predictions(roadmap, 2000)
    mvp = roadmap.mvp("mvp_1_2")
    shown = [v for v in mvp.variants if v.role == "reference" or v.name == mvp.best or v.runs == roadmap.answer.runs]
    assert sorted(found) == sorted(["Ridge, MVP-0.B", *(f"{v.label}, MVP-1.2" for v in shown)])
    table, file = found["Ridge, MVP-0.B"]
    assert (len(table), set(table["scale"]), set(table["model"]), file) == (
        2,
        {2000},
        {"ridge_full"},
        "results/mvp_0_b/ridge.parquet",
    )
    reference = next(v for v in mvp.variants if v.role == "reference")
    assert found[f"{reference.label}, MVP-1.2"][1] == f"results/{reference.runs}/seed_0/predictions.parquet"


def test_predictions_without_a_column_are_refused_by_name(results, experiments):
    write_parquet(results / "mvp_0_b/ridge.parquet", pd.DataFrame({"model": ["ridge_full"], "scale": [1]}))
    roadmap = collect(sorted(results.rglob("*.parquet")), experiments, Context())
    with pytest.raises(InputError, match=r"ridge\.parquet"):
        residuals.predictions(roadmap, 1)
