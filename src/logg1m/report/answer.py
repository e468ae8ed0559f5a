"""The headline: the best honest model beside what the data allow, on the low-noise test, and what decided it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.report.roadmap import DONE, Answer, Decision, Ground, Mvp
from logg1m.report.tables import matching
from logg1m.results.artifacts import Artifacts, at, number, step
from logg1m.results.numbers import Number
from logg1m.results.words import estimate, model_name

FISHER, MODELS, SCALING = "mvp_1_1/fisher.json", "mvp_1_1/models.json", "mvp_0_b/scaling.json"
_ROLES = {"reference": "the reference of its experiment", "candidate": ""}


@dataclass(frozen=True)
class Candidate:
    """One honest model with its R² on the low-noise test.

    runs : tells runs apart that several experiments use
    known_as : its name in models.json
    """

    r2: Number
    name: str
    mvp: str | None
    n_test: int | None
    runs: str
    known_as: str
    verdict: str = ""


def answer(
    mvps: Sequence[Mvp],
    decisions: Sequence[Decision],
    artifacts: Artifacts,
    experiments: Mapping[str, Experiment],
) -> Answer:
    """The best R² of log g over every honest model: baselines of every scale, variants, combinations."""
    flagged = leaking(artifacts)
    compared = {
        c.runs: c
        for c in reversed([*candidates(mvps, artifacts)])
        if c.r2.value is not None and c.known_as not in flagged
    }
    best = max(compared.values(), key=lambda c: c.r2.value or 0.0, default=None)
    fisher, file = artifacts.json(FISHER), artifacts.files.get(FISHER, "")
    ceiling = number(fisher, "ceilings/bayes_r2", file)
    gap = difference(ceiling, best.r2) if ceiling and best else None
    approximate = bool((fisher or {}).get("ceiling_is_approximate"))
    paired, n_paired = efficiency(best, artifacts) if best else (None, None)
    return Answer(
        best=best.r2 if best else None,
        model=best.name if best else "",
        mvp=best.mvp if best else None,
        n_test=best.n_test if best else None,
        n_models=len(compared),
        n_alike=sum(_alike(c.r2, best.r2) for c in compared.values() if c is not best) if best else 0,
        n_tests=tuple(sorted({c.n_test for c in compared.values() if c.n_test})),
        verdict=best.verdict if best else "",
        ceiling=ceiling,
        no_ceiling="" if ceiling else why_no_ceiling(fisher),
        approximate=approximate,
        gap=gap,
        efficiency=paired,
        n_paired=n_paired,
        leak=tuple(_leaks(flagged, experiments, gap, best.name if best else "", approximate)),
        decided=tuple(decided(mvps, decisions)),
        runs=best.runs if best else "",
    )


def why_no_ceiling(fisher: Mapping[str, Any] | None) -> str:
    """Why there is no Bayes-optimal ceiling: MVP-1.1 refused it, or has not computed it."""
    return str(at(fisher, "ceilings/bayes/low_noise/refused") or "MVP-1.1 has not computed it")


def leaking(artifacts: Artifacts) -> dict[str, Mapping[str, Any]]:
    """Models that MVP-1.1 and D1 found better than any estimator can be, by their names there."""
    rows = [row for name in (FISHER, MODELS) for row in (artifacts.json(name) or {}).get("leaks") or ()]
    return {row["model"]: row for row in rows}


def _leaks(
    flagged: Mapping[str, Mapping[str, Any]],
    experiments: Mapping[str, Experiment],
    gap: Number | None,
    best: str,
    approximate: bool,
) -> Iterator[str]:
    for name, row in flagged.items():
        by = f": its efficiency is {estimate(row['efficiency'])}, and 1 is optimal" if row.get("efficiency") else ""
        yield (
            f"{model_name(name, experiments)} is better than any estimator can be{by}. It has seen what it must not; "
            "it is left out of the answer and of D1."
        )
    if gap and gap.high is not None and gap.high < 0:
        yield (
            f"{best} lies above the ceiling by more than both intervals allow. "
            + ("The ceiling is an approximation here: it is too low." if approximate else "Look for a leak.")
        )


def _alike(other: Number, best: Number) -> bool:
    return best.low is not None and (other.value or 0.0) >= best.low


def efficiency(best: Candidate, artifacts: Artifacts) -> tuple[Number | None, int | None]:
    """Bayes-optimal squared error over a model's on the same stars, which pairs them, and how many stars."""
    for name in (MODELS, FISHER):
        content, place = artifacts.json(name), f"models/{step(best.known_as)}"
        found = number(content, f"{place}/efficiency", artifacts.files.get(name, ""))
        if found:
            return found, at(content, f"{place}/n_bayes")
    for run in artifacts.under(best.runs, "/metrics.json"):
        found = number(artifacts.json(run), "efficiency/efficiency", artifacts.files[run])
        if found:
            return found, at(artifacts.json(run), "efficiency/n_bayes")
    return None, None


def candidates(mvps: Sequence[Mvp], artifacts: Artifacts) -> Iterator[Candidate]:
    """Every honest model; one that several experiments use comes more than once, with the same runs."""
    for mvp in mvps:
        if mvp.state == DONE:
            for v in mvp.variants:
                if not v.leaky and v.role != "control" and "r2" in v.low_noise:
                    name = f"{model_name(str(v.recipe.get('model', mvp.model)))}, {v.label}"
                    said = _ROLES.get(v.role, "") or (f"{v.outcome} over its reference" if v.outcome else "")
                    yield Candidate(v.low_noise["r2"], name, mvp.id, v.n_test_low_noise, v.runs, v.runs, said)
    models = artifacts.json(SCALING) or {}
    for path, (model, scale) in matching(models, "models/*/scales/*"):
        found = _at(artifacts, SCALING, f"{path}/common_test/low_noise")
        if found:
            largest = scale == [*at(models, f"models/{model}/scales")][-1]
            known_as = model if largest else f"{model}/{scale}"
            name = f"{model_name(model)}, {scale} spectra"
            yield Candidate(found[0], name, "0.B", found[1], f"{model}/{scale}", known_as)
    for name in artifacts.under("combination", "/metrics.json"):
        found = _at(artifacts, name, "low_noise")
        if found:
            model = model_name(str(at(artifacts.json(name), "recipe/model")))
            yield Candidate(found[0], f"{model}, combination of D4", None, found[1], "combination", "combination")


def _at(artifacts: Artifacts, name: str, path: str) -> tuple[Number, int | None] | None:
    """R² and number of spectra of a block of metrics, or None if it is not there."""
    content = artifacts.json(name)
    r2 = number(content, f"{path}/r2", artifacts.files[name])
    return (r2, at(content, f"{path}/n")) if r2 else None


def difference(above: Number, below: Number) -> Number | None:
    """above − below with the widest interval that the ends of both allow; the two may rest on different spectra."""
    if above.value is None or below.value is None:
        return None
    ends = (above.low, above.high, below.low, below.high)
    low, high = (None, None) if None in ends else (above.low - below.high, above.high - below.low)  # type: ignore[operator]
    return Number(above.value - below.value, low, high, f"{above.file}, {below.file}", f"{above.path} − {below.path}")


def decided(mvps: Sequence[Mvp], decisions: Sequence[Decision]) -> Iterator[Ground]:
    """What decided the answer: the directions that were accepted, each by its own criterion, and the decisions."""
    accepted = [m for m in mvps if m.state == DONE and m.outcome == "accepted" and m.best]
    for mvp in accepted:
        yield Ground(mvp.key, f"MVP-{mvp.id} {mvp.title}", f"accepted, {mvp.why}")
    if not accepted:
        yield Ground("experiments", "Experiments", "no direction has been accepted over its reference.")
    for decision in decisions:
        if decision.outcome is not None:
            grounds = f" ({decision.grounds})" if decision.grounds else ""
            yield Ground(decision.name, decision.name.upper(), f"{decision.outcome}{grounds}.")
