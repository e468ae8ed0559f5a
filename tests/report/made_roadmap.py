"""A finished roadmap in a folder: small predictions, judged, decided and written by the code of the workflow itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.baselines import scaling
from logg1m.config.baselines import Baselines
from logg1m.config.bounds import Bootstrap
from logg1m.config.decisions import Decisions
from logg1m.config.experiments import Experiment, Experiments, Recipe
from logg1m.config.protocol import Protocol
from logg1m.decisions import gates, recipes
from logg1m.experiments import catalogue
from logg1m.experiments.anatomy import anatomy
from logg1m.experiments.judging import verdict
from logg1m.files import write_json
from logg1m.protocol.pools import define
from logg1m.report.variants import run_folder

N, SEED = 260, 5
BOOTSTRAP = Bootstrap(resamples=100)
SETTINGS = Experiments(all_variants=True)
HONEST, LEAKY = 0.5, 0.05  # scatter of predictions, dex


def population() -> tuple[pd.DataFrame, pd.DataFrame]:
    """(members, labels) of N test spectra, indexed by id; a fifth of them low-noise."""
    rng = np.random.default_rng(SEED)
    snr = np.exp(rng.normal(1, 0.4, N))
    members = pd.DataFrame(
        {"snr": snr, "low_noise": snr >= np.quantile(snr, 0.8), "rank": np.arange(N), "pool": "test"}
    )
    labels = pd.DataFrame(
        {"logg": rng.uniform(1, 5, N), "teff": rng.uniform(3750, 6000, N), "m_h": rng.uniform(-2, 0, N)}
    )
    return members, labels


def predictions(labels: pd.DataFrame, scatter: float, seed: int) -> pd.DataFrame:
    error = np.random.default_rng(seed).normal(0, scatter, len(labels))
    return pd.DataFrame({"id": labels.index, "truth": labels["logg"], "predicted": labels["logg"] + error})


def make(root: Path, experiments: Mapping[str, Experiment], decisions: Decisions | None = None) -> list[Path]:
    """Write every artifact of a finished roadmap into `root` (named results), and return their paths."""
    members, labels = population()
    write_json(root / "data/manifest.json", {"format": "logg1m store 1", "n_spectra": N})
    own = {"mvp_0_a": {"protocol": _protocol()}, "mvp_0_b": {"scaling": _scaling(members, labels), "networks": {"rows": [_network()]}},
           "mvp_1_1": {"fisher": fisher(), "models": fisher(), "magnitude_sweep": {"rows": _sweep()},
                       "requirements": requirements(),
                       "errors": _errors(members, labels)}}  # fmt: skip
    verdicts = {}
    for key, experiment in experiments.items():
        for name, content in own.get(key, {}).items():
            write_json(root / key / f"{name}.json", content)
            _figure(root / key / f"{name}.png")
        if experiment.artifact:
            artifact = own[key][Path(experiment.artifact.file).stem]
            verdicts[key] = verdict.from_artifact(experiment, artifact)
        elif catalogue.variants(experiment, SETTINGS):
            verdicts[key] = _judged(root, experiment, members, labels)
        else:
            verdicts[key] = verdict.without_variants(experiment, "ridge")
        if experiment.phase == 2:
            verdicts[key]["extra"] = EXTRA
        write_json(root / key / "verdict.json", verdicts[key])
        for name in experiment.figures:
            _figure(root / key / f"{name}.png")
    _decide(root, experiments, verdicts, decisions or Decisions())
    _confirm(root, experiments, verdicts, own["mvp_0_b"]["scaling"])
    return sorted(path for path in root.rglob("*") if path.is_file())


def _confirm(
    root: Path, experiments: Mapping[str, Experiment], verdicts: dict[str, dict[str, Any]], scaling: dict[str, Any]
) -> None:
    """The best honest model, as if validation stars said what the test says, and what fresh stars made of it."""
    rmse = {
        name: [*model["scales"].values()][-1]["common_test"]["low_noise"] for name, model in scaling["models"].items()
    }
    for key, found in verdicts.items():
        for name, variant in found["variants"].items():
            if not variant["leaky"] and variant["role"] != "control":
                rmse[run_folder(experiments[key], name)] = variant["metrics"]["low_noise"]
    rmse = {name: block["rmse"] for name, block in rmse.items()}
    ordered = sorted(rmse, key=lambda name: rmse[name]["value"])
    about = {"rule": "lowest RMSE on validation stars", "lowest": ordered[0], "tied": ordered[:2], "n_stars": 16}
    write_json(root / "confirmation/winner.json", {**about, "model": ordered[0], "rmse": rmse})
    criterion = {"metric": "mae", "subset": "low_noise", "margin": 0.05, "relative": True, "outcome": "accepted"}
    criterion |= {"improvement": {"value": 0.25, "ci95": [0.125, 0.375]}}
    accepted = {
        key: {found["best_accepted"]: {"label": "new", "criteria": [criterion], "left_out": [], "state": "confirmed"}}
        for key, found in verdicts.items()
        if found["best_accepted"]
    }
    new = {"n": 80, "r2": measured(0.75), "rmse": measured(0.375), "mae": measured(0.25)}
    of_winner = {"fresh": new, "test": new, "difference": measured(0.015625), "state": "confirmed"}
    stars = {"from": "fresh simulated stars", "n": 400, "n_low_noise": 80, "first_id": 3 * 2**30}
    winner = {"model": ordered[0], "low_noise": of_winner, "full": of_winner}
    looks = {"now": 3, "ever": 7}
    content = {"stars": stars, "looks": looks, "experiments": accepted, "winner": winner}
    write_json(root / "confirmation/confirmation.json", content)


EXTRA: dict[str, Any] = {
    "epochs_to_best": 7,
    "speed_up": {"value": 1.75, "ci95": [1.25, 2.25]},
    "gain_in_regions": {"sky": {"mae": 0.125, "n": 10}, "rest": {"mae": 0.0625, "n": 12}},
    "curve": [{"epoch": 1, "r2": 0.25}, {"epoch": 2, "r2": 0.375}],
    "deeper": {"by_crop": {"red": {"loss": 0.03125}, "blue": {"loss": 0.015625}}},
}


def _judged(root: Path, experiment: Experiment, members: pd.DataFrame, labels: pd.DataFrame) -> dict[str, Any]:
    tables: dict[str, list[pd.DataFrame]] = {}
    evaluations: dict[str, list[dict[str, Any]]] = {}
    for k, name in enumerate(catalogue.variants(experiment, SETTINGS)):
        variant = experiment.variants[name]
        scatter = LEAKY if variant.leaky else HONEST / (1 + 0.5 * k)
        runs = run_folder(experiment, name)
        tables[name] = [predictions(labels, scatter, crc32(runs.encode()))]
        folder = root / runs / "seed_0"
        recipe = catalogue.recipe(Recipe(), variant.change).model_dump(mode="json")
        result = {"recipe": recipe, "n_fit": 100, "n_validation": 5, "n_test": N, "bias": {}, "efficiency": None}
        if not variant.leaky:
            result["efficiency"] = beside_the_optimum(0.5)
        result |= metrics.evaluate(tables[name][0], members, BOOTSTRAP, SEED)
        write_json(folder / "metrics.json", result)
        write_json(folder / "provenance.json", {"seconds": 1.5 + k, "threads": 1, "versions": {"numpy": "2.0"}})
        evaluations[name] = [result]
    found = verdict.Runs.of(tables, members, labels)
    return verdict.judge(experiment, found, evaluations, SETTINGS.seed_scatter, BOOTSTRAP, SEED)


def _protocol() -> dict[str, Any]:
    rng = np.random.default_rng(SEED)
    snr = pd.DataFrame({"id": np.arange(N)} | {name: np.exp(rng.normal(1, 0.4, N)) for name in
                        ("snr", "snr_observer", "snr_median", "snr_p95")} | {"role": 0})  # fmt: skip
    return define(snr, SEED, Protocol(scales=(100, N)))[0] | {"reproduced_from_this_file": True}


def _scaling(members: pd.DataFrame, labels: pd.DataFrame) -> dict[str, Any]:
    rows = [
        predictions(labels, scatter, k).assign(model=model, scale=scale)
        for k, (model, scale, scatter) in enumerate([("ridge", 1000, 0.8), ("ridge", 2000, 0.7), ("trees", 2000, 0.6)])
    ]
    return scaling.table(pd.concat(rows), members, Protocol(scales=(1000, 2000)), Baselines(), BOOTSTRAP, SEED)


def measured(value: float, half: float = 0.0625) -> dict[str, Any]:
    return {"value": value, "ci95": [value - half, value + half]}


def fisher(ratio: float = 2.5) -> dict[str, Any]:
    """fisher.json with its shape and round numbers."""
    spread = {"p10": 0.0625, "median": 0.1875, "p90": 0.5, "mean": 0.25, "n_failed": 0}
    estimator = {"sigma_logg": dict.fromkeys(("1d", "3d", "5d"), spread)}
    model = {"n": 52, "mae": measured(0.25), "rmse": measured(0.375), "r2": measured(0.75),
             "ratio_median": measured(ratio), "ratio_rms": measured(ratio), "rmse_over_bayes": measured(ratio),
             **beside_the_optimum(0.5)}  # fmt: skip
    bins = [{"snr_low": 0.0, "snr_high": 1.5, "snr_median": 1.25, "n": 20, "r2": measured(0.5)}]
    return {
        "reference_estimator": "exact",
        "estimators": {"exact": estimator, "knn": estimator},
        "agreement_with_exact": {"knn": {"median_ratio": 1.25, "p10": 0.875, "p90": 1.5, "n": 52}},
        "ceilings": {"crlb_median_r2": 0.96875, "crlb_mean_r2": 0.875, "expected_r2": measured(0.9375),
                     "expected_rmse": measured(0.1875), "bayes_r2": measured(0.953125), "bayes_mae": measured(0.25), "bayes_bins": bins,
                     "bayes": {"low_noise": {"n_stars": 51}}},
        "models": {"ridge": model},
        "leaks": [],
        "choice": {"rule": "lowest RMSE on validation stars", "model": "ridge", "lowest": "ridge", "tied": ["ridge"],
                   "n_stars": 16, "rmse": {"ridge": measured(0.375)}},
        "verdict": {"criterion": "rmse_over_bayes > 2: headroom, keep optimising; < 1.25: near the bound",
                    "statistic": "rmse_over_bayes", "thresholds": {"headroom_above": 2.0, "near_bound_below": 1.25},
                    "model": "ridge", "ratio": measured(ratio), "outcome": "headroom"},
    }  # fmt: skip


def _errors(members: pd.DataFrame, labels: pd.DataFrame) -> dict[str, Any]:
    table, optimal = (predictions(labels, scatter, k) for k, scatter in enumerate((0.5, 0.3)))
    posteriors = optimal.rename(columns={"predicted": "mean"}).assign(var=0.09)
    given = {"low_noise": posteriors[members["low_noise"].to_numpy()], "full": None}
    return {"model": "ridge", **anatomy(table, given, labels, members["low_noise"], BOOTSTRAP, SEED)}


def requirements() -> dict[str, Any]:
    scores = {"r2": measured(0.875), "mae": measured(0.25), "excess": measured(0.125)}
    about = {"n": 8, "sigma_median": 0.25, "sigma_factor": 1.25, "prior_aware_r2": 0.875, "ceiling": scores}
    known = {"unknown": "amplitude", "error": 0.0, **about}
    tried = [("calibration", 0.01), ("calibration", 0.05), ("ebv", 0.03), ("velocity_km_s", 3.0)]
    others = [
        {"unknown": name, "error": error, **about, "ignored": scores, "needless": scores} for name, error in tried
    ]
    return {"rows": [known, *others], "orders": 3, "says": ["An error of up to 1 % costs nothing."]}


def _sweep() -> list[dict[str, Any]]:
    row = {"mag": 20.5, "snr_pixel": 12.5, "set": "5d", "n": 20, "r2_max_median": 0.96875, "sigma_median": 0.21875}
    return [row, row | {"mag": 22.5, "snr_pixel": 2.5, "r2_max_median": 0.25}]


def beside_the_optimum(efficiency: float) -> dict[str, Any]:
    """A model and the ceiling on the same 50 stars, with round numbers."""
    pairs = {
        "model": (0.75, 0.375),
        "model_observed": (0.71875, 0.40625),
        "expected": (0.9375, 0.1875),
        "observed": (0.953125, 0.171875),
        "gap": (0.1875, 0.1875),
    }
    same = {name: {"r2": measured(r2), "rmse": measured(rmse)} for name, (r2, rmse) in pairs.items()}
    return {
        "efficiency": measured(efficiency),
        "excess": measured(0.125),
        "n_bayes": 50,
        "same_stars": {"n": 50} | same,
    }


def _network() -> dict[str, Any]:
    block = {"n": 52, "r2": measured(0.5), "mae": measured(0.375)}
    return {"name": "vit", "label": "network", "runs": "mvp_1_2/flux", "model": "vit", "n_fit": 100, "n_test": N,
            "low_noise": block, "full": block, "snr_bins": [], "efficiency": {"efficiency": measured(0.25)}}  # fmt: skip


def _figure(path: Path) -> None:
    path.write_bytes(b"\x89PNG")
    path.with_suffix(".csv").write_text("a\n1\n")


def _decide(
    root: Path, experiments: Mapping[str, Experiment], verdicts: dict[str, dict[str, Any]], settings: Decisions
) -> None:
    evidence = {
        "d1": gates.d1(fisher(), settings),
        "d2": gates.d2(verdicts["mvp_1_4"], settings),
        "d3": gates.d3(verdicts["mvp_1_5"], settings),
    }
    for d, content in evidence.items():
        write_json(root / f"decisions/{d}.evidence.json", content)
        write_json(root / f"decisions/{d}.json", gates.outcome(content))
    first = [verdicts[key] for key, e in experiments.items() if e.phase == 1 and e.acceptance]
    proposal = recipes.compose(first, Recipe(), "single", settings.d4_members)
    trial = {"mae_improvement_over_best_member": measured(0.03125, 0.015625), "kept": True}
    settled = recipes.settle(proposal, Recipe(), "single", trial if proposal["combination"] else None)
    write_json(root / "decisions/d4.json", settled)
    write_json(root / "decisions/d4.evidence.json", {
        "decision": "d4", "proposal": proposal, "trial": trial if proposal["combination"] else None, "settled": settled,
    })  # fmt: skip
    for phase in (2, 3):
        write_json(root / f"decisions/recipe_phase{phase}.json", {"recipe": settled["recipe"]})
