"""The parts of one experiment's report: scope, reproduction, sanity checks, tables and figures."""

from collections.abc import Iterator
from typing import Any

from logg1m.report.markdown.overview import beside
from logg1m.report.markdown.text import Markdown, code, image, link, table
from logg1m.report.roadmap import Mvp, VariantResult
from logg1m.report.variants import METRICS
from logg1m.results.words import METRIC, SUBSET, duration


def scope(mvp: Mvp, conditions: str) -> Markdown:
    """Scope card: what was asked, of what, under which conditions, and what would accept it."""
    return table(
        ("scope", "value"),
        (
            ("experiment", code(mvp.experiment_id)),
            ("conditions of the spectra", conditions),
            ("phase", mvp.phase),
            ("question", mvp.question),
            ("hypothesis", f"{mvp.hypothesis_id}: {mvp.hypothesis}" if mvp.hypothesis_id else mvp.hypothesis),
            ("accepted if", mvp.criterion),
            ("model", mvp.model),
            ("variants", ", ".join(v.label for v in mvp.variants)),
            ("reference", next((v.label for v in mvp.variants if v.name == mvp.reference), mvp.reference)),
            ("training spectra", ", ".join(map(str, sorted({v.n_fit for v in mvp.variants if v.n_fit})))),
            ("full test, spectra", mvp.n_test),
            ("low-noise test, spectra", mvp.n_test_low_noise),
            *mvp.scope,
        ),
    )


def reproduction(mvp: Mvp) -> Markdown:
    """Reproduction card: how to make it again, and what made it."""
    facts = mvp.reproduction
    known = "not recorded"
    rows: list[tuple[str, Any]] = [
        ("command", code(facts.command)),
        ("experiment file", code(f"config/experiments/{mvp.key}.yaml")),
        ("configuration fingerprint", _fingerprint(facts.configuration)),
        ("code fingerprint", _fingerprint(facts.code)),
        ("data fingerprint", _fingerprint(facts.data)),
        ("seeds", facts.seeds),
        ("job time", known if facts.seconds is None else duration(facts.seconds)),
        ("started (UTC)", facts.started or known),
        ("finished (UTC)", facts.finished or known),
        ("threads", facts.threads or known),
        ("hardware", "; ".join(facts.hardware) or known),
        ("versions", ", ".join(f"{name} {version}" for name, version in facts.versions.items()) or known),
    ]
    return table(("fact", "value"), rows)


def _fingerprint(value: str | None) -> Any:
    return code(value) if value else "not recorded"


def checks(mvp: Mvp) -> Markdown:
    """Sanity checks with what was found."""
    return table(("check", "found", "says"), [(c.what, c.found, c.says) for c in mvp.checks])


def criteria(mvp: Mvp) -> Markdown:
    """What the verdict rests on: every candidate against every criterion; intervals as they are, acceptance by Holm."""
    rows = [
        (
            v.label,
            f"{METRIC.get(c.metric, c.metric)}, {SUBSET[c.subset]}{c.manner}",
            c.improvement,
            f"{c.margin.raw:g}",
            f"{c.word}, but does not count ({_role(v)})" if v.role == "control" else c.word,
        )
        for v in mvp.variants
        for c in v.criteria
    ]
    return table(("variant", "improvement of", "value", "must exceed", "outcome"), rows)


def metrics(mvp: Mvp, subset: str) -> Markdown:
    """Every metric of every variant on one test set, in dex where it has a unit."""
    columns = ("variant", "role", *(METRIC[m] for m in METRICS))
    found = [(v, v.low_noise if subset == "low_noise" else v.full) for v in mvp.variants]
    return table(columns, [(v.label, _role(v), *(of.get(m) for m in METRICS)) for v, of in found])


def snr_bins(mvp: Mvp) -> Markdown:
    """R² of every variant in bins of signal-to-noise, from the first seed."""
    rows: list[tuple[Any, ...]] = []
    for v in mvp.variants:
        for row in v.snr_bins or ():
            high = row.get("snr_high")
            snr = f"{row.raw['snr_low']:g}–{'∞' if high is None else f'{high:g}'}"
            rows.append((v.label, snr, row.raw["n"], row["r2"], row["mae"]))
    return table(("variant", "SNR", "n", "R²", "MAE"), rows)


def efficiency(mvp: Mvp) -> Markdown | None:
    """Bayes-optimal squared error over the model's, and the model's excess over the posterior mean, where runs report it."""
    rows = [(v.label, v.efficiency, v.excess) for v in mvp.variants if v.efficiency]
    return table(("variant", "efficiency", "excess"), rows) if rows else None


def times(mvp: Mvp) -> Markdown:
    """Training and evaluation time of every variant, over its seeds."""
    rows = [(v.label, v.seeds, None if v.seconds is None else f"{v.seconds:.1f}") for v in mvp.variants]
    return table(("variant", "seeds", "seconds"), rows)


def own_tables(mvp: Mvp) -> Iterator[tuple[str, Markdown, str]]:
    """(title, table, note) of an experiment's further tables."""
    for shown in mvp.tables:
        yield shown.title, table(shown.columns, shown.rows), shown.note


def figures(mvp: Mvp) -> Iterator[tuple[str, str, Markdown, Markdown | None]]:
    """(title, what it shows, picture, link to its numbers)."""
    for figure in mvp.figures:
        numbers = link("numbers", beside(figure.table)) if figure.table else None
        yield figure.title, figure.shows, image(f"MVP-{mvp.id}: {figure.title}", beside(figure.image)), numbers


def _role(variant: VariantResult) -> str:
    return f"{variant.role}, leaky" if variant.leaky else variant.role
