"""A copy of the project in a folder of its own, Snakemake on it, and the exact jobs that it runs.

`jobs` is a dry run, `run` a real one; both give a Counter of names such as `decide:d1` or
`run_variant:mvp_1_2/flux/0` (without `all`). A finished workflow is forged: the store and the protocol are real, what
is heavy is a placeholder, and `snakemake --touch` records them as if the rules had made them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from logg1m.config import load
from logg1m.config.compute import Compute
from logg1m.config.experiments import Experiment, Recipe
from logg1m.decisions import gates, recipes
from logg1m.experiments import catalogue
from logg1m.experiments.judging.verdict import HYPOTHESIS, header
from logg1m.files import write_json, write_parquet
from logg1m.protocol.pools import define, survey
from logg1m.spectra.store import Store

PROJECT = Path(__file__).parents[2]
COPIED = ("Snakefile", "workflow", "config", "profiles", "envs", "src")
ONE_MEGABYTE = 1_000_000
_DRAWS = "draws"  # a file in the project: figures of a forged workflow are drawn after all
PLACEHOLDER = "from pathlib import Path\n\nfor path in snakemake.output:\n    Path(path).write_text('drawn')\n"

# The roadmap in small: every gate and phase, one or two variants each, and the smallest sizes that run.
KEPT = {
    "mvp_0_a": (), "mvp_0_b": ("vit",), "mvp_1_1": (),
    "mvp_1_2": ("flux", "flux_over_error"), "mvp_1_3": ("median", "zscore_500"), "mvp_1_4": ("full", "top_10"),
    "mvp_1_5": ("single", "multi_equal"), "mvp_2_3": (), "mvp_3_4": ("flux", "derivative"), "mvp_3_5": (),
}  # fmt: skip
SETTINGS: dict[str, Any] = {
    "data": {"n_spectra": 2100},
    "protocol": {"scales": [1000]},
    "baselines": {
        "ridge": {"pca": [10], "alphas": [100.0, 10000.0]},
        "lightgbm": {"n_estimators": 5, "learning_rate": 0.3, "min_data_in_leaf": 10, "bin_sample": 200},
        "lightgbm_draws": 2,
    },
    "projection": {"width": 8, "depth": 1, "basis_rows": 100, "training": {"epochs": 1, "batch_size": 100}},
    "bootstrap": {"resamples": 100},
    "requirements": {"stars": 4, "library": 1024, "calibration": [0.02], "ebv": [0.03], "velocity_km_s": [3]},
    "forecast": {"stars": 4, "lever_stars": 4, "posterior_stars": 0, "magnitudes": [22], "hours": [1, 3], "window": 500},
    "bounds": {
        "max_spectra": 60, "full_sample": 20, "convergence": [20], "knn_neighbours": 3, "linear_neighbours": 32,
        "sweep_stars": 20,
        "bayes": {"n_stars": 8, "n_full": 0, "max_iterations": 2, "min_reached": 0.0, "samples_per_iteration": 32,
                  "library_max": 1024},
    },
    "experiments": {"recipe": {"model": "ridge"}, "train_size": {"ridge": 200, "lightgbm": 200, "projection": 200, "vit": 200}, "test_size": 200,
                    "confirmation_size": 64,
                    "alphas": [1000.0, 10000.0]},
    "compute": {"threads": 1},
}  # fmt: skip


def runs(mvp: str, *variants: str) -> list[str]:
    return [f"run_variant:{mvp}/{variant}/0" for variant in variants]


# The references of MVP-1.3 to 1.5 are the runs of mvp_1_2/flux.
PHASE_1_RUNS = [*runs("mvp_1_2", *KEPT["mvp_1_2"]), *(runs(f"mvp_1_{k}", KEPT[f"mvp_1_{k}"][1])[0] for k in (3, 4, 5))]
DOCUMENTS = ("documents", "page")
OF_BEST_MODEL = tuple(f"figure_{kind}" for kind in ("predicted_true", "error_snr", "error_mag", "kiel"))
# What is made from all runs and verdicts of every phase, and the documents that show it: run whenever a decision is open.
CONFIRMED = ("winner", "confirmation", *DOCUMENTS)
PHASE_2 = [*runs("mvp_2_3", "single_scale"), "verdict_mvp_2_3", "figures_mvp_2_3"]
PHASE_3 = [
    *runs("mvp_3_4", "flux", "derivative"),
    *runs("mvp_3_5", "none", "cropped"),
    "verdict_mvp_3_4",
    "verdict_mvp_3_5",
    "figures_mvp_3_4",
    "figures_mvp_3_5",
]


@dataclass
class Flow:
    """The workflow in a folder; `settings` is its configuration overlay."""

    folder: Path

    def snakemake(self, *arguments: str, ok: bool = True) -> str:
        """Run Snakemake, return what it printed; fails the test on an unexpected exit status (`ok=False`: a failure)."""
        output = self.folder / "printed.txt"
        request = {"folder": str(self.folder), "arguments": self.arguments(*arguments), "printed": str(output)}
        server = _server()
        assert server.stdin
        assert server.stdout
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        printed = output.read_text()
        assert (status == 0) == ok, f"exit status {status}:\n{printed[-6000:]}"
        return printed

    def arguments(self, *arguments: str) -> list[str]:
        """Targets and options, with one core and the overlay where there is one."""
        overlay = ["--configfile", "run.yaml"] if (self.folder / "run.yaml").exists() else []
        return ["--cores", "1", *arguments, *overlay]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Snakemake as a process of its own, to be killed; what it prints goes to `printed.txt`."""
        output = (self.folder / "printed.txt").open("w")
        command = [sys.executable, "-m", "snakemake", *self.arguments(*arguments)]
        return subprocess.Popen(command, cwd=self.folder, env=_environment(), stdout=output, stderr=output, text=True)

    def jobs(self, *targets: str) -> Counter[str]:
        """Jobs that a run would start with, as far as it can be known before the next open decision."""
        return executed(self.snakemake("--dry-run", *targets))

    def run(self, *targets: str) -> Counter[str]:
        """Jobs that a real run executes."""
        return executed(self.snakemake(*targets))

    def draws(self) -> None:
        """Let figures of a forged workflow be drawn after all: of those that will be made anew, there is evidence."""
        self.path(_DRAWS).touch()

    def path(self, name: str) -> Path:
        return self.folder / name

    def read(self, name: str) -> Any:
        return json.loads(self.path(name).read_text())

    def write(self, name: str, value: dict[str, Any]) -> None:
        write_json(self.path(name), value)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a piece of a text that occurs exactly once."""
        path = self.path(name)
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new))

    def edit_yaml(self, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Change a YAML file in place through its dictionary."""
        values = yaml.safe_load(self.path(name).read_text())
        change(values)
        self.path(name).write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))

    def configure(self, section: str, **values: Any) -> None:
        """Set keys of a section of the overlay."""
        self.edit_yaml("run.yaml", lambda settings: settings.setdefault(section, {}).update(values))


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


@cache
def _server() -> subprocess.Popen[str]:
    """Ends with the session: its input is closed then."""
    command = [sys.executable, str(Path(__file__).with_name("forking.py"))]
    return subprocess.Popen(command, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def executed(printed: str) -> Counter[str]:
    """Jobs in Snakemake's log, with the values of their wildcards; those of a group stand indented."""
    found: Counter[str] = Counter()
    for block in re.split(r"^ *(?=(?:local)?(?:rule|checkpoint) \w+:$)", printed, flags=re.MULTILINE)[1:]:
        rule = re.match(r"(?:local)?(?:rule|checkpoint) (\w+):", block)[1]  # type: ignore[index]
        wildcards = re.search(r"^ +wildcards: (.*)$", block, flags=re.MULTILINE)
        values = [pair.split("=", 1)[1] for pair in wildcards[1].split(", ")] if wildcards else []
        found[":".join([rule, "/".join(values)] if values else [rule])] += 1
    counted = re.findall(r"^total +(\d+)$", printed, flags=re.MULTILINE)
    assert "--dry-run" not in printed or not counted or int(counted[-1]) == found.total(), printed
    del found["all"]
    return found


def copy_project(folder: Path) -> Flow:
    """The project as it stands, without any result."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy2(source, folder / name)
    return Flow(folder)


def small_project(folder: Path, conditions: str = "") -> Flow:
    """The project with the small roadmap and its overlay, under the `conditions` of that file, without any result."""
    flow = copy_project(folder)
    (folder / "run.yaml").write_text(yaml.safe_dump(SETTINGS))
    for path in (folder / "config/experiments").glob("*.yaml"):
        kept = KEPT.get(path.stem)
        if kept is None:
            path.unlink()
        elif kept:
            flow.edit_yaml(
                f"config/experiments/{path.name}",
                lambda e, kept=kept: e.update(variants={k: v for k, v in e["variants"].items() if k in kept}),
            )
        if kept is not None:
            flow.edit_yaml(f"config/experiments/{path.name}", _without_strangers)
    if conditions:
        overlay = yaml.safe_load((folder / f"config/conditions/{conditions}.yaml").read_text())
        flow.configure("data", **overlay["data"])
    return flow


def _without_strangers(experiment: dict[str, Any]) -> None:
    """Let variants train themselves whose runs would come from an experiment left out, or from behind another gate."""
    for variant in experiment.get("variants", {}).values():
        mvp, _, name = variant.get("same_as", "").partition("/")
        if name and (name not in KEPT.get(mvp, ()) or not mvp.startswith("mvp_1")):
            del variant["same_as"]


def copy_flow(flow: Flow, folder: Path) -> Flow:
    """A copy with all results, time stamps and Snakemake's records; the store is shared by hard links."""
    subprocess.run(["cp", "-a", "-T", str(flow.folder), str(folder)], check=True)
    store = folder / "results/data/spectra.zarr"
    store.mkdir(parents=True)
    subprocess.run(["cp", "-al", "-T", str(flow.folder.parent / "spectra.zarr"), str(store)], check=True)
    return Flow(folder)


def assert_named(flow: Flow, readers: Sequence[tuple[str, str, str]], wrong: Mapping[str, Any]) -> None:
    """Every rule refuses an artifact that is empty, or has other contents, in one error that names it.

    readers : rule, what it makes, what it reads of an artifact
    wrong : file's name → other contents
    """
    rules, made, artifacts = (list(dict.fromkeys(each)) for each in zip(*readers, strict=True))
    for empty in (True, False):
        for artifact in artifacts:
            flow.write(artifact, {} if empty else wrong[Path(artifact).name])
        printed = flow.snakemake(*made, "--keep-going", "--allowed-rules", *rules, ok=False)
        for artifact in artifacts:
            assert re.search(rf"{re.escape(artifact)} (lacks|holds|does not hold) ", printed), (artifact, printed)
        assert "a fault in logg1m" not in printed
        assert "Traceback (most recent call last)" not in printed  # Snakemake names the rules that it came through


def forge(flow: Flow, store: Store) -> None:
    """Make the small roadmap look finished: D1 continue, D2 windows, D3 single, MVP-1.4 accepted (so its windows are the recipe)."""
    # The page and figures draw real spectra and predictions, of which a forged workflow has none; their own tests do.
    flow.path("workflow/scripts/page.py").write_text(PLACEHOLDER)
    for name in ("winner", "confirmation"):
        flow.path(f"workflow/scripts/{name}.py").write_text(PLACEHOLDER.replace("drawn", '{"model": null}'))
    flow.path("workflow/scripts/errors.py").write_text(PLACEHOLDER.replace("drawn", '{"model": null}'))
    figures = flow.path("workflow/scripts/figures.py")  # its text is the same either way: a script counts
    real, instead = (textwrap.indent(text, "    ") for text in (figures.read_text(), PLACEHOLDER))
    figures.write_text(f"from pathlib import Path\n\nif Path({_DRAWS!r}).exists():\n{real}else:\n{instead}")
    config = load(flow.path("config/config.yaml"), flow.path("run.yaml"))
    experiments = catalogue.load(flow.path("config/experiments"))
    flow.path("results/data").mkdir(parents=True)
    shutil.copy2(store.manifest_path, flow.path("results/data/manifest.json"))
    shutil.copytree(store.path, flow.folder.parent / "spectra.zarr", copy_function=os.link)
    snr, pixels = survey(store, config.seed, config.protocol, Compute(threads=1))
    protocol, members = define(snr, config.seed, config.protocol)
    tables = {"snr": snr, "pixels": pixels, "members": members}
    for name, table in tables.items():
        write_parquet(flow.path(f"results/mvp_0_a/{name}.parquet"), table)
    flow.write("results/mvp_0_a/protocol.json", protocol | {"reproduced_from_this_file": True})
    sensitivity = pd.DataFrame({"exact_marginalised": np.arange(store.n_pixels, dtype=float)})
    write_parquet(flow.path("results/mvp_1_1/sensitivity.parquet"), sensitivity)
    posteriors = pd.DataFrame({"id": [0], "mean": 2.5, "var": 0.1, "truth": 2.0, "converged": False})
    write_parquet(flow.path("results/mvp_1_1/bayes.parquet"), posteriors)
    write_parquet(flow.path("results/mvp_1_1/bounds.parquet"), pd.DataFrame({"id": [0]}))
    for name in ("bounds_and_models", "fisher", "models"):
        flow.write(f"results/mvp_1_1/{name}.json", fisher(ratio=3.0))
    flow.write("results/mvp_0_b/scaling.json", {"verdict": {"outcome": "open"}})
    outcomes = {"mvp_1_4": "accepted", "mvp_1_5": "refuted"}
    verdicts = {key: verdict(e, outcomes.get(key, "inconclusive")) for key, e in experiments.items()}
    for key, value in verdicts.items():
        flow.write(f"results/{key}/verdict.json", value)
    _decide(flow, config.decisions, config.experiments.recipe, experiments, verdicts)
    written = re.findall(r"^    output: (.*)$", flow.snakemake("--touch", "--forceall"), flags=re.MULTILINE)
    for name in re.findall(r"(results/\S+?)(?=,|$| )", "\n".join(written)):
        path = flow.path(name)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            size = ONE_MEGABYTE + 1 if path.name == "predictions.parquet" else 10
            forged = json.dumps({"forged": name}) if path.suffix == ".json" else name
            path.write_bytes(forged.encode().ljust(size, b" "))
    flow.snakemake("--touch", "--forceall")
    assert not flow.jobs(), "the forged workflow is not finished"


def _decide(
    flow: Flow, decisions: Any, base: Recipe, experiments: dict[str, Experiment], verdicts: dict[str, Any]
) -> None:
    """What the rules of the decisions make of forged verdicts."""
    evidence = {
        "d1": gates.d1(fisher(ratio=3.0), decisions),
        "d2": gates.d2(verdicts["mvp_1_4"], decisions),
        "d3": gates.d3(verdicts["mvp_1_5"], decisions),
    }
    for d, value in evidence.items():
        flow.write(f"results/decisions/{d}.evidence.json", value)
        flow.write(f"results/decisions/{d}.json", gates.outcome(value))
    first = [verdicts[key] for key, e in experiments.items() if e.phase == 1 and e.acceptance]
    proposal = recipes.compose(first, base, "single", decisions.d4_members)
    settled = recipes.settle(proposal, base, "single", None)
    flow.write("results/decisions/d4.proposal.json", proposal)
    flow.write("results/decisions/d4.json", settled)
    flow.write("results/decisions/d4.evidence.json", {"proposal": proposal, "trial": None, "settled": settled})
    for phase in (2, 3):
        flow.write(f"results/decisions/recipe_phase{phase}.json", {"recipe": settled["recipe"]})


def fisher(ratio: float) -> dict[str, Any]:
    """fisher.json as D1 reads it, with a well measured ratio of error to bound."""
    measured = {"value": ratio, "ci95": [ratio - 0.1, ratio + 0.1]}
    sigma = {"1d": {"median": 0.1}, "5d": {"median": 0.2}}
    return {
        "models": {"ridge": {"rmse_over_bayes": measured, "n": 50}},
        "choice": {"rule": "forged", "model": "ridge", "lowest": "ridge", "tied": ["ridge"], "n_stars": 10},
        "reference_estimator": "exact",
        "estimators": {"exact": {"sigma_logg": sigma}},
        "ceilings": {"crlb_median_r2": 0.9},
        "verdict": {"outcome": "headroom" if ratio > 2 else "near_bound" if ratio < 1.25 else "inconclusive"},
    }


def verdict(experiment: Experiment, outcome: str) -> dict[str, Any]:
    """verdict.json as decisions and documents read it; if accepted, its last variant is."""
    reference = experiment.acceptance.reference if experiment.acceptance else None
    difference = {"value": 0.02, "ci95": [0.01, 0.03]}
    variants = {
        name: {"change": variant.change}
        | ({} if name == reference else {"differences": dict.fromkeys(("mae_low_noise", "r2_low_noise"), difference)})
        for name, variant in experiment.variants.items()
    }
    best = list(variants)[-1] if outcome == "accepted" and variants else None
    return header(experiment) | {
        "outcome": outcome,
        "hypothesis_outcome": HYPOTHESIS[outcome],
        "best_accepted": best,
        "reason": "forged",
        "variants": variants,
    }
