"""Sanity checks of an experiment: what would make its numbers untrustworthy, looked up in its artifacts."""

from collections.abc import Iterator

from logg1m.config.experiments import Experiment
from logg1m.report.foundations import OF_ARTIFACT
from logg1m.report.roadmap import Check
from logg1m.report.variants import run_folder
from logg1m.results.artifacts import Artifacts, own_artifact
from logg1m.results.numbers import Cursor, fixed
from logg1m.results.words import estimate


def checks(experiment: Experiment, verdict: Cursor, artifacts: Artifacts) -> Iterator[Check]:
    """Every check that the artifacts of an experiment allow."""
    own = own_artifact(experiment)
    if own in OF_ARTIFACT and artifacts[own].raw:
        yield from OF_ARTIFACT[own].checks(artifacts[own], artifacts)
    yield from _controls(verdict)
    yield from _efficiencies(experiment, verdict, artifacts)
    seeds = {int(n.raw) for n, _ in verdict.matching("variants/*/seeds")}
    if seeds:
        found = ", ".join(map(str, sorted(seeds)))
        if min(seeds) > 1:
            yield Check("Several seeds of every variant were trained", found, True)
        else:
            yield Check(
                "Trained with one seed" if max(seeds) == 1 else "Some variants were trained with one seed",
                "the scatter between seeds in the intervals is the configured one where no variant measured it",
                None,
                limitation=True,
            )


def _controls(verdict: Cursor) -> Iterator[Check]:
    """Controls whose R² was foretold."""
    for check, (name,) in verdict.matching("variants/*/check"):
        expected = " and ".join(f"{way} {limit:g}" for way, limit in check.raw["expected"].items())
        label = verdict.get("variants", name, "label") or name
        what = f"R² of the control “{label}” on the full test is {expected}"
        yield Check(what, fixed(check.raw["r2_full"]), bool(check.raw["passed"]))


def _efficiencies(experiment: Experiment, verdict: Cursor, artifacts: Artifacts) -> Iterator[Check]:
    """No variant without privileged information may beat the Bayes-optimal estimator on the same stars."""
    best: tuple[float, str, Cursor] | None = None
    for name, entry in (verdict.get("variants") or {}).items():
        if entry.get("leaky") or name not in experiment.variants:
            continue
        for run in artifacts.of_runs(run_folder(experiment, name))[:1]:
            found = run.at("efficiency", "efficiency")
            if found and found.low is not None and (best is None or found.low > best[0]):
                best = (found.low, str(entry.get("label", name)), found)
    if best:
        yield Check(
            "No honest variant beats the Bayes-optimal estimator (efficiency at most 1)",
            f"highest: {estimate(best[2].raw)}, “{best[1]}”",
            best[0] <= 1,
        )
