"""The variants of a verdict with what their runs measured."""

from collections.abc import Iterator

from logg1m.config.experiments import Experiment
from logg1m.experiments.catalogue import runs_in
from logg1m.report.roadmap import CriterionResult, VariantResult
from logg1m.report.verdict_words import word_of, word_of_criterion
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor
from logg1m.results.run import PROVENANCE

METRICS = ("r2", "mae", "rmse", "median_bias", "nmad", "outlier_rate")


def run_folder(experiment: Experiment, variant: str) -> str:
    """Folder of a variant's runs inside results/, which may be those of another experiment's variant."""
    return runs_in({experiment.key: experiment}, experiment.key, variant)


def read_variants(experiment: Experiment, verdict: Cursor, artifacts: Artifacts) -> tuple[VariantResult, ...]:
    """Every variant of verdict.json, with recipe, SNR bins and times from its runs."""
    return tuple(
        _variant(entry, name, run_folder(experiment, name), verdict, artifacts)
        for entry, (name,) in verdict.matching("variants/*")
    )


def _variant(entry: Cursor, name: str, folder: str, verdict: Cursor, artifacts: Artifacts) -> VariantResult:
    said = entry.raw
    runs = artifacts.of_runs(folder, seeds=said.get("seeds"))
    first = runs[0] if runs else Cursor(None, "")
    times = [run.get("seconds") for run in artifacts.of_runs(folder, PROVENANCE, said.get("seeds"))]
    seconds = [float(time) for time in times if time is not None]
    return VariantResult(
        name=name,
        label=said.get("label", name),
        role=said.get("role", "reference" if name == verdict.get("reference") else "candidate"),
        leaky=bool(said.get("leaky", False)),
        outcome=said.get("outcome", ""),
        word=word_of(said),
        change=said.get("change", {}),
        runs=folder,
        recipe=first.get("recipe") or {},
        seeds=said.get("seeds", max(len(runs), 1)),
        n_fit=first.get("n_fit"),
        n_test=entry.get("metrics", "full", "n"),
        n_test_low_noise=entry.get("metrics", "low_noise", "n"),
        low_noise=_metrics(entry, "low_noise"),
        full=_metrics(entry, "full"),
        differences={
            what: found for what in said.get("differences", {}) if (found := entry.number("differences", what))
        },
        criteria=tuple(_criteria(entry)),
        snr_bins=first.at("snr_bins") if first.get("snr_bins") else None,
        efficiency=first.number("efficiency", "efficiency"),
        excess=first.number("efficiency", "excess"),
        seconds=sum(seconds) if seconds else None,
        files=tuple(run.file for run in runs),
    )


def _metrics(entry: Cursor, subset: str) -> dict[str, Cursor]:
    return {name: found for name in METRICS if (found := entry.number("metrics", subset, name))}


def _criteria(entry: Cursor) -> Iterator[CriterionResult]:
    for place, _ in entry.matching("criteria/*"):
        rule, improvement = place.raw, place.number("improvement")
        if improvement:
            yield CriterionResult(
                rule["metric"],
                rule["subset"],
                place["margin"],
                rule["relative"],
                improvement,
                rule["outcome"],
                rule["reason"],
                word_of_criterion(rule),
                rule.get("more_in"),
            )
