"""The fingerprint of a rule covers the code that its script calls: a change of that code reruns the rule."""

import ast
import re
import shutil
from pathlib import Path

import pytest

from logg1m.config.experiments import Recipe
from logg1m.experiments.denoising import training as denoising
from logg1m.experiments.models import FITTED_BY, modules_behind
from logg1m.experiments.task import training_code
from logg1m.jobs import provenance

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/logg1m"
RULE = re.compile(r'\n        +code=(?P<code>.*?)\n +script:\n +"\.\./scripts/(?P<script>\w+)\.py"', re.DOTALL)
# Rules whose fingerprint depends on the recipe: what stands in for it here is the code that all of them have.
BY_RECIPE = {"run_variant": ("logg1m.experiments.run", "logg1m.protocol.members")}
# What a training is known by, and that must not count what evaluates.
TRAINING = {"network": FITTED_BY["vit"], "denoiser": "logg1m.experiments.denoising.training"}
EVALUATES = [
    "metrics", "bounds/efficiency", "nn/robustness", "nn/attention_map", "experiments/evaluate", "results/run",
    "experiments/judging/bias", "experiments/models/examination", "experiments/denoising/quality", "experiments/run",
]  # fmt: skip
TRAINS = {
    "network": [
        "nn/trainer", "nn/encoder", "nn/objectives", "nn/masks", "noise", "observe/honest", "inputs/normalise",
        "experiments/data", "experiments/task", "experiments/models/pretraining", "experiments/models/raw_spectra",
    ],
    "denoiser": ["nn/trainer", "nn/denoisers", "nn/wiener", "noise", "experiments/denoising/training"],
}  # fmt: skip
# What a script imports without its code making a result: readers, writers and checks, and what counts by the recipe alone.
UNCOUNTED = {"logg1m.files", "logg1m.blame"}  # how things are written and refused, not what is in them
UNCOUNTED_FOR = {
    # DENOISER_CODE and STREAM_CODE, where the recipe names a denoiser or simulates its stars
    "run_variant": {"logg1m.nn.denoisers", "logg1m.sources", "logg1m.sources.identity", "logg1m.sources.streamed"},
    "generate": {"logg1m.protocol.pools"},  # a check, which makes nothing of the store
}


def rules() -> list[tuple[str, tuple[str, ...]]]:
    """(script, modules named in `code=code(…)`) of every rule with a script."""
    found = []
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for match in RULE.finditer(path.read_text(encoding="utf-8")):
            named = tuple(re.findall(r'"(logg1m[\w.]*)"', match["code"]))
            found.append((match["script"], named or BY_RECIPE[match["script"]]))
    return found


def counted(modules: set[str]) -> set[str]:
    """The modules and all they import, as `code_fingerprint` follows them."""
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in reached and not provenance._left_out(name):
            reached.add(name)
            waiting.extend(provenance._parsed(name, PACKAGE)[1])
    return reached


def imported(script: str) -> set[str]:
    """The modules of logg1m that a script imports and that count."""
    tree = ast.parse((ROOT / "workflow/scripts" / f"{script}.py").read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "logg1m":
            children = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {child for child in children if provenance._file(child, PACKAGE)}
            found |= modules if modules else {str(node.module)}
    return {name for name in found if not provenance._left_out(name)}


def test_every_script_of_the_workflow_is_looked_at():
    scripts = {path.stem for path in (ROOT / "workflow/scripts").glob("*.py")}
    assert {script for script, _ in rules()} == scripts


@pytest.mark.parametrize(("script", "named"), rules(), ids=[script for script, _ in rules()])
def test_the_fingerprint_of_a_rule_covers_what_its_script_imports(script, named):
    missed = imported(script) - counted(set(named)) - UNCOUNTED - UNCOUNTED_FOR.get(script, set())
    assert not missed, f"workflow/rules: add {', '.join(sorted(missed))} to code= of the rule of {script}.py"


@pytest.fixture
def edited(tmp_path):
    """A function: fingerprint of a module of the package, with others of it edited."""

    def fingerprint(module: str, *edits: str) -> str:
        copy = tmp_path / "-".join(["copy", *edits]).replace("/", ".") / "logg1m"
        if not copy.exists():
            shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "data"))
            for edit in edits:
                with (copy / f"{edit}.py").open("a") as stream:
                    stream.write("\n_ADDED = 1\n")
        return provenance.code_fingerprint(module, package=copy)

    return fingerprint


@pytest.mark.slow
@pytest.mark.parametrize("kind", TRAINING)
def test_a_training_is_known_by_what_trains_and_by_nothing_that_evaluates(edited, kind):
    module = TRAINING[kind]
    assert edited(module, *EVALUATES) == edited(module)
    for edit in TRAINS[kind]:
        assert edited(module, edit) != edited(module), edit


@pytest.mark.slow
def test_what_evaluates_counts_for_every_run(edited):
    for edit in ("metrics", "bounds/efficiency", "experiments/evaluate", "experiments/judging/bias"):
        assert edited("logg1m.experiments.run", edit) != edited("logg1m.experiments.run"), edit
    assert "logg1m.nn.robustness" in counted(set(modules_behind("vit")))


def test_networks_are_no_matter_of_the_linear_models():
    assert not {name for name in counted({"logg1m.experiments.run", *modules_behind("ridge")}) if ".nn." in name}


def test_a_training_behind_a_denoiser_is_known_by_that_code_too():
    assert training_code(Recipe()) == provenance.code_fingerprint(TRAINING["network"])
    behind = training_code(Recipe(denoiser="pca"))
    assert behind == provenance.code_fingerprint(TRAINING["network"], "logg1m.nn.denoisers")
    assert behind != training_code(Recipe())
    assert denoising.training_code() == provenance.code_fingerprint(TRAINING["denoiser"])
