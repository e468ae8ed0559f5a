"""The headline: the best honest model beside what the data allow, on the low-noise test, and what decided it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from logg1m.report.artifacts import Artifacts, at, is_measured, number, step
from logg1m.report.roadmap import DONE, Answer, Decision, Mvp, Number
from logg1m.report.tables import matching


@dataclass(frozen=True)
class Candidate:
    """One honest model with its R² on the low-noise test; `runs` tells runs apart that several experiments use."""

    r2: Number
    name: str
    mvp: str | None
    n_test: int | None
    runs: str


def answer(mvps: Sequence[Mvp], decisions: Sequence[Decision], artifacts: Artifacts) -> Answer:
    """The best R² of log g over every honest model: baselines of every scale, variants that are not leaky, combinations."""
    compared = {c.runs: c for c in reversed([*candidates(mvps, artifacts)]) if c.r2.value is not None}
    best = max(compared.values(), key=lambda c: c.r2.value or 0.0, default=None)
    fisher, file = artifacts.json("mvp_1_1/fisher.json"), artifacts.files.get("mvp_1_1/fisher.json", "")
    ceiling = number(fisher, "ceilings/bayes_r2", file)
    gap = difference(ceiling, best.r2) if ceiling and best else None
    leak = ["The best model is better than any estimator can be: look for a leak."]
    return Answer(
        best=best.r2 if best else None,
        model=best.name if best else "",
        mvp=best.mvp if best else None,
        n_test=best.n_test if best else None,
        n_models=len(compared),
        ceiling=ceiling,
        gap=gap,
        decided=(*(leak if gap and gap.high is not None and gap.high < 0 else []), *decided(mvps, decisions)),
    )


def candidates(mvps: Sequence[Mvp], artifacts: Artifacts) -> Iterator[Candidate]:
    """Every honest model; one that several experiments use comes more than once, with the same runs."""
    for mvp in mvps:
        if mvp.state == DONE:
            for v in mvp.variants:
                if not v.leaky and "r2" in v.low_noise:
                    name = f"{v.recipe.get('model', mvp.model)}, {v.label}"
                    yield Candidate(v.low_noise["r2"], name, mvp.id, v.n_test_low_noise, v.runs)
    scaling = "mvp_0_b/scaling.json"
    for path, (model, scale) in matching(artifacts.json(scaling) or {}, "models/*/scales/*"):
        found = _at(artifacts, scaling, f"{path}/common_test/low_noise")
        if found:
            yield Candidate(found[0], f"{model}, {scale} spectra", "0.B", found[1], f"{model}/{scale}")
    for name in artifacts.under("combination", "/metrics.json"):
        found = _at(artifacts, name, "low_noise")
        if found:
            model = at(artifacts.json(name), "recipe/model")
            yield Candidate(found[0], f"{model}, combination of D4", None, found[1], "combination")


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


def decided(mvps: Sequence[Mvp], decisions: Sequence[Decision]) -> Iterator[str]:
    """What decided the answer, in sentences: the directions that were accepted, and the decisions."""
    accepted = [m for m in mvps if m.state == DONE and m.outcome == "accepted" and m.best]
    for mvp in accepted:
        variant = next(v for v in mvp.variants if v.name == mvp.best)
        gain = variant.differences.get("r2_low_noise")
        by = f": R² rises by {gain.text()}" if gain else ""
        yield f"MVP-{mvp.id} {mvp.title}: {variant.label} is accepted{by}."
    if not accepted:
        yield "No direction has been accepted over its reference."
    for decision in decisions:
        if decision.outcome is not None:
            yield f"{decision.name.upper()}: {decision.outcome}{_grounds(decision)}."


def _grounds(decision: Decision) -> str:
    measured = at(decision.evidence, "measured")
    parts = []
    if isinstance(measured, Mapping):
        shown = next((n for _, n in decision.numbers if n.path.endswith("evidence/measured")), None)
        statistic, threshold = decision.evidence.get("statistic"), decision.evidence.get("threshold")
        if shown:
            parts.append(f"{statistic} of {decision.evidence.get('model')} is {shown.text()}, threshold {threshold:g}")
    if decision.override:
        parts.append(f"by override; the rule itself says {decision.rule_outcome}")
    elif decision.rule_verdict == "inconclusive":
        parts.append("by default, since the evidence is inconclusive")
    return f" ({'; '.join(parts)})" if parts else ""


def numbers_in(content: Any, path: str, file: str) -> Iterator[tuple[str, Number]]:
    """Every number with an interval below a path of a JSON value, with its name."""
    value = at(content, path)
    if is_measured(value):
        found = number(content, path, file)
        if found:
            yield path.removeprefix("evidence/").replace("/", " ").replace("_", " "), found
    elif isinstance(value, Mapping):
        for key in value:
            yield from numbers_in(content, f"{path}/{step(str(key))}", file)
