"""Sanity checks of an experiment: what would make its numbers untrustworthy, looked up in its artifacts."""

from collections.abc import Iterator, Mapping
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.report.roadmap import Check
from logg1m.report.tables import matching
from logg1m.results.artifacts import Artifacts, at
from logg1m.results.words import estimate, interval_of, listed, model_name

_AGREES = (0.8, 1.25)  # median ratio of the regression's bound to the exact one
_LEAST_P = 0.001  # of uniform ranks; below, posteriors are not calibrated


def checks(experiment: Experiment, verdict: Mapping[str, Any], artifacts: Artifacts) -> Iterator[Check]:
    """Every check that the artifacts of an experiment allow."""
    own = experiment.artifact.file.removeprefix("results/") if experiment.artifact else ""
    content = artifacts.json(own) if own else None
    if content:
        yield from _OF_ARTIFACT.get(own, _nothing)(content, artifacts)
    yield from _controls(verdict)
    yield from _efficiencies(experiment, verdict, artifacts)
    seeds = {int(entry["seeds"]) for entry in verdict.get("variants", {}).values() if "seeds" in entry}
    if seeds:
        found = ", ".join(map(str, sorted(seeds)))
        if min(seeds) > 1:
            yield Check("Several seeds of every variant were trained", found, True)
        else:
            yield Check(
                "Trained with one seed" if max(seeds) == 1 else "Some variants were trained with one seed",
                "a difference counts only if it exceeds three times the assumed scatter between seeds",
                None,
                limitation=True,
            )


def _nothing(content: Mapping[str, Any], artifacts: Artifacts) -> Iterator[Check]:
    yield from ()


def _controls(verdict: Mapping[str, Any]) -> Iterator[Check]:
    """Controls whose R² was foretold."""
    for name, entry in verdict.get("variants", {}).items():
        check = entry.get("check")
        if check:
            expected = " and ".join(f"{way} {limit:g}" for way, limit in check["expected"].items())
            label = entry.get("label", name)
            found = f"{check['r2_full']:.3f}".replace("-", "−")
            yield Check(f"R² of the control “{label}” on the full test is {expected}", found, bool(check["passed"]))


def _efficiencies(experiment: Experiment, verdict: Mapping[str, Any], artifacts: Artifacts) -> Iterator[Check]:
    """No variant without privileged information may beat the Bayes-optimal estimator on the same stars."""
    best: tuple[float, float, str, Mapping[str, Any]] | None = None
    for name, entry in verdict.get("variants", {}).items():
        folder = experiment.variants[name].same_as or f"{experiment.key}/{name}" if name in experiment.variants else ""
        runs = artifacts.under(folder, "/metrics.json") if folder and not entry.get("leaky") else []
        found = at(artifacts.json(runs[0]), "efficiency/efficiency") if runs else None
        ends = interval_of(found)
        if found and ends and (best is None or ends[0] > best[0]):
            best = (ends[0], ends[1], str(entry.get("label", name)), found)
    if best:
        yield Check(
            "No honest variant beats the Bayes-optimal estimator (efficiency at most 1)",
            f"highest: {estimate(best[3])}, “{best[2]}”",
            best[0] <= 1,
        )


def _protocol(content: Mapping[str, Any], artifacts: Artifacts) -> Iterator[Check]:
    pools = content.get("pools") or {}
    n_train, n_test, n = pools.get("n_train"), pools.get("n_test"), content.get("n_spectra")
    if n_train is not None and n_test is not None and n is not None:
        shared = set(pools.get("first_train_ids") or ()) & set(pools.get("first_test_ids") or ())
        yield Check(
            "Training and test pools are disjoint",
            f"{n_train:,} and {n_test:,} of {n:,} spectra",
            n_train + n_test <= n and not shared,
        )
    again = content.get("reproduced_from_this_file")
    if again is not None:
        yield Check(
            "The protocol file alone selects the same spectra",
            "selected again from the file" if again else "other spectra are selected",
            bool(again),
        )


def _scaling(content: Mapping[str, Any], artifacts: Artifacts) -> Iterator[Check]:
    edges, tried = [], 0
    for path, (model, scale) in matching(content, "models/*/scales/*/fit/alpha_at_edge_of_grid"):
        tried += 1
        if at(content, path):
            edges.append(f"{model_name(model)} at {scale}")
    if not tried:
        ridge = artifacts.json("mvp_0_b/ridge.json") or {}
        for path, (scale, model) in matching(ridge, "scales/*/chosen/*/alpha_at_edge_of_grid"):
            tried += 1
            if at(ridge, path):
                edges.append(f"{model_name(model)} at {scale}")
    if tried:
        yield Check(
            "No penalty of Ridge lies at an edge of its grid",
            f"at an edge, so the best one may lie outside: {listed(edges)}" if edges else f"{tried} penalties inside",
            not edges,
        )
    yield from _iterations(
        [
            (scale, at(content, path))
            for path, (_, scale) in matching(content, "models/*/scales/*/fit/best_iteration_is_last")
        ]
    )


def _iterations(found: list[tuple[str, Any]]) -> Iterator[Check]:
    """Whether LightGBM stopped because it was best, or because it ran out of trees."""
    last = [scale for scale, is_last in found if is_last]
    if found:
        yield Check(
            "LightGBM was best before its last tree",
            f"still gaining at its last tree at {listed(last)}" if last else f"at {listed([s for s, _ in found])}",
            not last,
        )


def _fisher(content: Mapping[str, Any], artifacts: Artifacts) -> Iterator[Check]:
    yield from _leaks(content, artifacts.json("mvp_1_1/models.json"))
    for name, entry in (content.get("agreement_with_exact") or {}).items():
        ratio = entry.get("median_ratio")
        if ratio is None:
            continue
        kind = {"local_linear": "local linear regression", "knn": "nearest-neighbour differences"}.get(name, name)
        found = f"median ratio {ratio:.3f}, {entry['p10']:.3f} to {entry['p90']:.3f} in 80 % of {entry['n']:,} spectra"
        if name == "knn":  # mixes labels, as is known of it; shown for what it is
            yield Check("Nearest-neighbour differences against the exact bound", found, None, limitation=True)
        else:
            yield Check(f"The bound from {kind} agrees with the exact one", found, _AGREES[0] <= ratio <= _AGREES[1])
    yield from _without_bound(content)
    if content.get("exact_missing"):
        yield Check("The exact bound is not available", str(content["exact_missing"]), None, limitation=True)
    yield from _posteriors(at(content, "ceilings/bayes/low_noise") or {})
    if content.get("ceiling_is_approximate"):
        yield Check(
            "The ceiling rests on an approximate prior", "a model above it is no proof of a leak", None, limitation=True
        )
    trees = [(name, m["best_iteration_is_last"]) for name, m in (content.get("models") or {}).items()
             if "best_iteration_is_last" in m]  # fmt: skip
    yield from _iterations([(str(at(content, f"models/{name}/scale") or "its scale"), last) for name, last in trees])


def _without_bound(content: Mapping[str, Any]) -> Iterator[Check]:
    """Stars that have no bound by the estimator that models are judged against."""
    entry = at(content, f"estimators/{content.get('reference_estimator')}") or {}
    failed, n = entry.get("n_failed"), entry.get("n")
    if failed and n:
        found = f"{failed:,} of {n:,} have none" + (f"; {entry['why']}" if entry.get("why") else "")
        yield Check("Low-noise stars have a bound", found, 1 - failed / n >= content.get("min_share", 0))


def _leaks(content: Mapping[str, Any], models: Mapping[str, Any] | None) -> Iterator[Check]:
    """Every model that beats the Bayes-optimal estimator; if none does, the one that comes nearest to it."""
    leaks = {row["model"]: row for source in (content, models or {}) for row in source.get("leaks") or ()}
    for name, row in leaks.items():
        found = f"efficiency {estimate(row['efficiency'])}" if row.get("efficiency") else str(row.get("meaning", ""))
        yield Check(f"{model_name(name)} is no better than any estimator can be", f"{found}: look for a leak", False)
    everyone = (models or content).get("models") or {}
    known = {name: m["efficiency"] for name, m in everyone.items() if interval_of(m.get("efficiency"))}
    if known and not leaks:
        best = max(known, key=lambda name: known[name]["value"])
        yield Check(
            "No model beats the Bayes-optimal estimator (efficiency at most 1)",
            f"highest: {estimate(known[best])}, {model_name(best)}",
            True,
        )


def _posteriors(bayes: Mapping[str, Any]) -> Iterator[Check]:
    """Whether the posteriors behind the ceiling were sampled well and are calibrated."""
    if "n_reached" in bayes and bayes.get("n_stars"):
        needed = at(bayes, "ess/needed")
        size = f" of {needed:g}" if needed is not None else ""
        yield Check(
            f"Posteriors reach an effective sample size{size}",
            str(bayes.get("refused") or f"{bayes['n_reached']:,} of {bayes['n_stars']:,} stars"),
            not bayes.get("refused"),
        )
    p = at(bayes, "calibration/rank_p_value")
    if p is not None:
        yield Check("Ranks of the truth among posterior draws are uniform", f"p = {p:.3f}", p >= _LEAST_P)
    scaled = at(bayes, "calibration/err2_over_variance")
    ends = interval_of(scaled)
    if scaled and ends:
        holds = True if ends[0] <= 1 <= ends[1] else None if 0.5 <= scaled["value"] <= 2 else False
        yield Check("Squared errors of the posterior means equal the posterior variances", estimate(scaled), holds)


_OF_ARTIFACT = {
    "mvp_0_a/protocol.json": _protocol,
    "mvp_0_b/scaling.json": _scaling,
    "mvp_1_1/fisher.json": _fisher,
}
