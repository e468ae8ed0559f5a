"""The tables of roadmap.md, kanban.md and index.csv, with the columns that the roadmap names."""

import os
from typing import Any

from logg1m.decisions.points import POINTS
from logg1m.report.markdown.text import Markdown, code, link, table
from logg1m.report.roadmap import DONE, STATES, Mvp, Roadmap, VariantResult
from logg1m.results.numbers import Cursor
from logg1m.results.words import duration, model_name

PHASES = {0: "Foundation", 1: "Quick wins", 2: "Structural breakthrough", 3: "Long-term directions"}
FOLDER = "results/report"


def beside(path: str) -> str:
    """A path from the project's folder, as a document in results/report/ refers to it."""
    return os.path.relpath(path, FOLDER)


def phases(roadmap: Roadmap) -> Markdown:
    """Phase list."""
    rows = []
    for phase in sorted({m.phase for m in roadmap.mvps}):
        own = [m for m in roadmap.mvps if m.phase == phase]
        counts = [f"{n} {s}" for s in STATES if (n := sum(m.state == s for m in own))]
        rows.append((phase, PHASES.get(phase, ""), ", ".join(f"MVP-{m.id}" for m in own), ", ".join(counts)))
    return table(("phase", "name", "experiments", "status"), rows)


def experiments(roadmap: Roadmap) -> Markdown:
    """MVP table."""
    rows = [(m.id, m.title, m.phase, m.state, code(m.experiment_id), link(m.report, m.report)) for m in roadmap.mvps]
    return table(("MVP", "name", "phase", "status", "experiment id", "report"), rows)


def verdicts(roadmap: Roadmap) -> Markdown:
    """Why every experiment stands where it does."""
    rows = [
        (m.id, f"{m.state}: {m.word}" if m.outcome else m.state, m.hypothesis_id, m.hypothesis_outcome, m.why)
        for m in roadmap.mvps
    ]
    return table(("MVP", "state", "hypothesis", "is", "why"), rows)


def decisions(roadmap: Roadmap) -> Markdown:
    """Decision points: the rule's own verdict and an override stand side by side."""
    rows = [
        (
            d.name.upper(),
            d.title,
            d.trigger,
            f"inconclusive, so the default {d.default}" if d.rule_verdict == "inconclusive" else d.rule_verdict,
            "–" if d.name == "d4" else d.override or "none",
            d.outcome or "not made yet",
            ", ".join(f"MVP-{mvp}" for mvp in d.cancels),
        )
        for d in roadmap.decisions
    ]
    return table(("point", "question", "trigger", "rule says", "override", "outcome", "cancels"), rows)


def evidence(roadmap: Roadmap) -> Markdown:
    """The numbers that decisions were made from."""
    rows = [(d.name.upper(), name, number) for d in roadmap.decisions for name, number in d.numbers]
    return table(("point", "number", "value"), rows)


def forecast(roadmap: Roadmap) -> Markdown:
    """What every lever would bring on low-noise test stars; the other tables of the forecast are on the page."""
    found = roadmap.forecast[0] if roadmap.forecast else None
    return table(found.columns, found.rows) if found else Markdown("No forecast has been made.")


def conclusions(roadmap: Roadmap) -> Markdown:
    """Key conclusions with their flag for the knowledge base."""
    found = [(c, f"{c.key_metric}: {c.number.text()}" if c.number else None) for c in roadmap.conclusions]
    rows = [(c.mvp, c.text, number, "yes" if c.synced else "no", code(c.mark)) for c, number in found]
    return table(("MVP", "conclusion", "key metric", "synced", "mark"), rows)


def timeline(roadmap: Roadmap) -> Markdown:
    """When the experiments ran, the earliest first; those without a record stand last."""
    done = [(m, m.reproduction) for m in roadmap.mvps if m.state == DONE]
    done.sort(key=lambda pair: (pair[1].started or "9", pair[0].phase, pair[0].id))
    times = [None if made.seconds is None else duration(made.seconds) for _, made in done]
    rows = [(made.started, made.finished, m.id, m.title, time) for (m, made), time in zip(done, times)]
    return table(("started (UTC)", "finished (UTC)", "MVP", "name", "job time"), rows)


def run_paths(roadmap: Roadmap) -> Markdown:
    """Where every experiment's code, configuration and output lie."""
    places = [(m.reproduction.script, f"config/experiments/{m.key}.yaml", f"results/{m.key}/") for m in roadmap.mvps]
    rows = [(m.id, "logg1m", *map(code, place)) for m, place in zip(roadmap.mvps, places)]
    return table(("MVP", "repo", "script", "config", "output"), rows)


def files(roadmap: Roadmap) -> Markdown:
    """File index: the documents and what every experiment left."""
    rows: list[tuple[Any, ...]] = [
        ("document", code(f"{FOLDER}/{name}"), description)
        for name, description in (
            ("roadmap.md", "phases, experiments, decisions, conclusions, results"),
            ("kanban.md", "experiments by state"),
            ("index.csv", "experiment index"),
            ("changelog.md", "what changed when"),
        )
    ]
    rows += [("report", code(f"{FOLDER}/{m.report}"), f"MVP-{m.id} {m.title}") for m in roadmap.mvps]
    for m in roadmap.mvps:
        if m.state == DONE:
            rows.append(("verdict", code(m.verdict), f"MVP-{m.id}: every variant with intervals, and the outcome"))
            rows += [("figure", code(f.image), f"MVP-{m.id}: {f.title}") for f in m.figures]
            rows += [("table", code(f.table), f"MVP-{m.id}: numbers of {f.title}") for f in m.figures if f.table]
    parts = (*POINTS, "recipe_phase2", "recipe_phase3")
    named = {d: roadmap.artifacts.files.get(f"decisions/{d}.json") for d in parts}
    rows += [("decision", code(path), name.upper().replace("_", " ")) for name, path in named.items() if path]
    return table(("type", "path", "description"), rows)


def results(roadmap: Roadmap) -> Markdown:
    """Results summary: every variant, classical model, network and combination on the low-noise test, each with its own
    model; ΔR² is the paired difference from the experiment's reference."""
    rows: list[tuple[Any, ...]] = []
    for m in roadmap.mvps:
        if m.state == DONE:
            rows += [(m.id, s.config, s.r2, s.mae, s.rmse, None) for s in roadmap.scored if s.mvp == m.id]
        rows += [
            (m.id, _config(m, v), *(v.low_noise.get(k) for k in ("r2", "mae", "rmse")), _delta(v)) for v in m.variants
        ]
    rows += [("D4", s.config, s.r2, s.mae, s.rmse, None) for s in roadmap.scored if s.mvp is None]
    return table(("MVP", "config", "R²", "MAE", "RMSE", "ΔR² vs baseline"), rows)


# What roadmap.md is filled with, by the names of its template.
PARTS = (phases, experiments, verdicts, decisions, evidence, forecast, conclusions, timeline, results, run_paths, files)


def _config(mvp: Mvp, variant: VariantResult) -> str:
    marks = [variant.role] if variant.role != "candidate" else []
    marks += ["leaky"] if variant.leaky else []
    noted = f" ({', '.join(marks)})" if marks else ""
    return f"{variant.label}{noted}, {model_name(str(variant.recipe.get('model', mvp.model)))}"


def _delta(variant: VariantResult) -> Cursor | str | None:
    return "baseline" if variant.role == "reference" else variant.differences.get("r2_low_noise")


def index_rows(roadmap: Roadmap, project: str) -> list[dict[str, str]]:
    """Rows of the experiment index."""
    return [
        {
            "experiment_id": m.experiment_id,
            "project": project,
            "topic": m.topic,
            "status": m.state,
            "start_time": m.reproduction.started or "",
            "end_time": m.reproduction.finished or "",
            "entry_point": m.reproduction.command,
            "config_path": f"config/experiments/{m.key}.yaml",
            "output_path": f"results/{m.key}/",
            "log_path": m.reproduction.logs[-1] if m.reproduction.logs else f"logs/{m.key}/verdict.log",
            "metrics_summary": summary(m),
            "priority": m.priority,
            "next_action": m.next_action,
            "notes": m.why,
        }
        for m in roadmap.mvps
    ]


def summary(mvp: Mvp) -> str:
    """One line of numbers: the best accepted variant or the reference on the low-noise test; else the key metric."""
    shown = next((v for v in mvp.variants if v.name == (mvp.best or mvp.reference)), None)
    if shown and shown.low_noise:
        r2, mae, rmse = (shown.low_noise[k].text() for k in ("r2", "mae", "rmse"))
        return f"{shown.label}: low-noise R² {r2}, MAE {mae} dex, RMSE {rmse} dex"
    if mvp.conclusion and mvp.conclusion.number:
        return f"{mvp.conclusion.key_metric}: {mvp.conclusion.number.text()}"
    return ""
