"""The headline: the best honest model, chosen on validation stars, beside what the data allow, on the low-noise test; and
what decided it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.report import confirmation
from logg1m.report.forecast import next_words
from logg1m.report.foundations.fisher import FISHER, MODELS
from logg1m.report.foundations.scaling import SCALING
from logg1m.report.roadmap import DONE, Answer, Decision, Ground, Mvp
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor
from logg1m.results.words import estimate, model_name

FEWEST = 300  # low-noise test stars of a run whose numbers mean something
_ROLES = {"reference": "the reference of its experiment", "candidate": ""}
_THAN = {"better": " than", "worse": " than", "at least as good": " as"}


@dataclass(frozen=True)
class Candidate:
    """One honest model with its R² and RMSE (dex) on the low-noise test.

    runs : tells runs apart that several experiments use
    known_as : its name in models.json
    """

    r2: Cursor
    rmse: Cursor | None
    mae: Cursor | None
    name: str
    mvp: str | None
    n_test: int | None
    runs: str
    known_as: str
    verdict: str = ""


def answer(
    mvps: Sequence[Mvp], decisions: Sequence[Decision], artifacts: Artifacts, experiments: Mapping[str, Experiment]
) -> Answer:
    """The honest model (baseline, variant or combination) that was chosen on validation stars, and its test."""
    flagged, chosen = leaking(artifacts), confirmation.choice(artifacts)
    tested = {
        c.known_as: c
        for c in reversed([*candidates(mvps, artifacts)])
        if c.r2.value is not None and c.known_as not in flagged
    }
    best = next((tested[name] for name in confirmation.ranked(chosen) if name in tested), None) if chosen else None
    fisher = artifacts[FISHER]
    approximate = bool(fisher.get("ceiling_is_approximate"))
    beside = beside_the_optimum(best, artifacts) if best else None
    same = beside.at("same_stars") if beside else None
    allowed = same or fisher.at("ceilings")

    def of_ceiling(on_same_stars: tuple[str, str], alone: str) -> Cursor | None:
        return allowed.number(*(on_same_stars if same else (alone,))) if allowed else None

    ceiling = of_ceiling(("expected", "r2"), "expected_r2")
    efficiency = beside.number("efficiency") if beside else None
    return Answer(
        best=best.r2 if best else None,
        best_rmse=best.rmse if best else None,
        model=best.name if best else "",
        mvp=best.mvp if best else None,
        n_test=best.n_test if best else None,
        n_models=len(chosen.get("rmse") or ()) if chosen else 0,
        n_alike=max(len(chosen.get("tied") or ()) - 1, 0) if chosen else 0,
        n_chosen_on=chosen.get("n_stars") if chosen else None,
        confirmed=confirmation.of_answer(best.known_as, artifacts) if best else "",
        verdict=best.verdict if best else "",
        ceiling=ceiling,
        ceiling_rmse=of_ceiling(("expected", "rmse"), "expected_rmse"),
        observed=of_ceiling(("observed", "r2"), "bayes_r2"),
        no_ceiling="" if ceiling else why_no_ceiling(fisher),
        approximate=approximate,
        paired=same.number("model", "r2") if same else None,
        paired_rmse=same.number("model", "rmse") if same else None,
        gap=same.number("gap", "r2") if same else None,
        gap_rmse=same.number("gap", "rmse") if same else None,
        efficiency=efficiency,
        n_paired=beside.get("n_bayes") if beside else None,
        leak=tuple(_leaks(flagged, experiments, efficiency, best.name if best else "", approximate)),
        decided=tuple(decided(mvps, decisions)),
        runs=best.runs if best else "",
        next=next_words(artifacts),
        best_mae=best.mae if best else None,
        optimal_mae=fisher.number("ceilings", "bayes_mae"),
        n_optimal=fisher.get("ceilings", "bayes", "low_noise", "n_stars"),
        caution=caution(best, artifacts) if best else "",
    )


def caution(best: Candidate, artifacts: Artifacts) -> str:
    """Why a run cannot carry a conclusion: too few test stars; empty where it can."""
    n = best.n_test
    if n is None or n >= FEWEST:
        return ""
    return (
        f"This run cannot carry a conclusion: it was tested on {n:,} low-noise stars, and fewer than {FEWEST} say little. "
        "Use it to see that everything runs."
    )


def why_no_ceiling(fisher: Cursor) -> str:
    """Why there is no Bayes-optimal ceiling: MVP-1.1 refused it, or has not computed it."""
    return str(fisher.get("ceilings", "bayes", "low_noise", "refused") or "MVP-1.1 has not computed it")


def leaking(artifacts: Artifacts) -> dict[str, Mapping[str, Any]]:
    """Models that MVP-1.1 and D1 found better than any estimator can be, by their names there."""
    rows = [row for name in (FISHER, MODELS) for row in artifacts[name].get("leaks") or ()]
    return {row["model"]: row for row in rows}


def _leaks(
    flagged: Mapping[str, Mapping[str, Any]],
    experiments: Mapping[str, Experiment],
    efficiency: Cursor | None,
    best: str,
    approximate: bool,
) -> Iterator[str]:
    for name, row in flagged.items():
        by = f": its efficiency is {estimate(row['efficiency'])}, and 1 is optimal" if row.get("efficiency") else ""
        yield (
            f"{model_name(name, experiments)} is better than any estimator can be{by}. It has seen what it must not; "
            "it is left out of the answer and of D1."
        )
    if efficiency and efficiency.low is not None and efficiency.low > 1:
        yield (
            f"{best} is closer to the truth than the optimum on the same stars by more than the interval allows. "
            + ("The ceiling is an approximation here: it is too low." if approximate else "Look for a leak.")
        )


def beside_the_optimum(best: Candidate, artifacts: Artifacts) -> Cursor | None:
    """What stands of a model beside the Bayes-optimal estimator on the same stars (`bounds.efficiency`)."""
    ours = [artifacts[name].at("models", best.known_as) for name in (MODELS, FISHER)]
    runs = [run.at("efficiency") for run in artifacts.of_runs(best.runs)]
    return next((place for place in (*ours, *runs) if place and place.number("efficiency")), None)


def candidates(mvps: Sequence[Mvp], artifacts: Artifacts) -> Iterator[Candidate]:
    """Every honest model; one that several experiments use comes more than once, with the same runs."""
    for mvp in mvps:
        if mvp.state == DONE:
            for v in mvp.variants:
                if not v.leaky and v.role != "control" and "r2" in v.low_noise:
                    kind = model_name(str(v.recipe.get("model", mvp.model)))
                    name = v.label if v.label.lower().startswith(kind.lower()) else f"{kind}, {v.label}"
                    said = _ROLES.get(v.role, "") or (
                        f"{v.word}{_THAN[v.word]} its reference" if v.word in _THAN else v.word
                    )
                    three = v.low_noise["r2"], v.low_noise.get("rmse"), v.low_noise.get("mae")
                    yield Candidate(*three, name, mvp.id, v.n_test_low_noise, v.runs, v.runs, said)
    for entry, (model,) in artifacts[SCALING].matching("models/*"):
        scales = entry.get("scales") or {}
        for scale in scales:
            block = entry.at("scales", scale, "common_test", "low_noise")
            if block and (r2 := block.number("r2")):
                known_as = model if scale == [*scales][-1] else f"{model}/{scale}"
                name = f"{model_name(model)}, {scale} training spectra"
                yield Candidate(
                    r2,
                    block.number("rmse"),
                    block.number("mae"),
                    name,
                    "0.B",
                    block.get("n"),
                    f"{model}/{scale}",
                    known_as,
                )
    if not artifacts[SCALING].get("models"):  # the main job alone: its models at the largest scale
        for entry, (model,) in artifacts[FISHER].matching("models/*"):
            if r2 := entry.number("r2"):
                three = r2, entry.number("rmse"), entry.number("mae")
                yield Candidate(*three, model_name(model), "1.1", entry.get("n_test"), model, model)
    for run in artifacts.of_runs("combination"):
        block = run.at("low_noise")
        if block and (r2 := block.number("r2")):
            words = f"{model_name(str(run.get('recipe', 'model')))}, combination of D4"
            three = r2, block.number("rmse"), block.number("mae")
            yield Candidate(*three, words, None, block.get("n"), "combination", "combination/recipe")


def decided(mvps: Sequence[Mvp], decisions: Sequence[Decision]) -> Iterator[Ground]:
    """What decided the answer: the directions that were accepted, each by its own criterion, and the decisions."""
    accepted = [m for m in mvps if m.state == DONE and m.outcome == "accepted" and m.best]
    for mvp in accepted:
        yield Ground(mvp.key, f"MVP-{mvp.id} {mvp.title}", f"{mvp.word}, {mvp.why}")
    if not accepted:
        judged = any(mvp.state == DONE and mvp.variants for mvp in mvps)
        said = "no direction is better than its reference." if judged else "nothing has been judged yet."
        yield Ground("experiments", "Experiments", said)
    for decision in decisions:
        if decision.outcome is not None:
            grounds = f" ({decision.grounds})" if decision.grounds else ""
            yield Ground(decision.name, decision.name.upper(), f"{decision.outcome}{grounds}.")
