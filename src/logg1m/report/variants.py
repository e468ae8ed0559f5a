"""The variants of a verdict with what their runs measured."""

from collections.abc import Mapping
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.experiments.catalogue import runs_in
from logg1m.report.roadmap import Criterion, Variant
from logg1m.results.artifacts import Artifacts, at, number
from logg1m.results.numbers import Number

METRICS = ("r2", "mae", "rmse", "median_bias", "nmad", "outlier_rate")


def run_folder(experiment: Experiment, variant: str) -> str:
    """Folder of a variant's runs inside results/, which may be those of another experiment's variant."""
    return runs_in({experiment.key: experiment}, experiment.key, variant)


def read_variants(
    experiment: Experiment, verdict: Mapping[str, Any], file: str, artifacts: Artifacts
) -> tuple[Variant, ...]:
    """Every variant of verdict.json, with recipe, SNR bins and times from its runs.

    Parameters
    ----------
    file : path of the verdict
    """
    return tuple(
        _variant(name, run_folder(experiment, name), verdict, file, artifacts) for name in verdict.get("variants", {})
    )


def _variant(name: str, folder: str, verdict: Mapping[str, Any], file: str, artifacts: Artifacts) -> Variant:
    entry, place = verdict["variants"][name], f"variants/{name}"
    runs = artifacts.under(folder, "/metrics.json")
    first = (artifacts.json(runs[0]) if runs else None) or {}
    times = [artifacts.json(run) or {} for run in artifacts.under(folder, "/provenance.json")]
    seconds = [float(t["seconds"]) for t in times if t.get("seconds") is not None]
    return Variant(
        name=name,
        label=entry.get("label", name),
        role=entry.get("role", "reference" if name == verdict.get("reference") else "candidate"),
        leaky=bool(entry.get("leaky", False)),
        outcome=entry.get("outcome", ""),
        change=entry.get("change", {}),
        runs=folder,
        recipe=first.get("recipe", {}),
        seeds=entry.get("seeds", max(len(runs), 1)),
        n_fit=first.get("n_fit"),
        n_test=at(entry, "metrics/full/n"),
        n_test_low_noise=at(entry, "metrics/low_noise/n"),
        low_noise=_metrics(verdict, f"{place}/metrics/low_noise", file),
        full=_metrics(verdict, f"{place}/metrics/full", file),
        differences={
            what: found
            for what in entry.get("differences", {})
            if (found := number(verdict, f"{place}/differences/{what}", file))
        },
        criteria=tuple(_criteria(verdict, place, file)),
        snr_bins=tuple(first.get("snr_bins", ())),
        efficiency=number(first, "efficiency/efficiency", artifacts.files[runs[0]]) if runs else None,
        seconds=sum(seconds) if seconds else None,
        files=tuple(artifacts.files[run] for run in runs),
    )


def _metrics(verdict: Mapping[str, Any], place: str, file: str) -> dict[str, Number]:
    return {name: found for name in METRICS if (found := number(verdict, f"{place}/{name}", file))}


def _criteria(verdict: Mapping[str, Any], place: str, file: str) -> list[Criterion]:
    found = []
    for k, rule in enumerate(at(verdict, f"{place}/criteria") or ()):
        improvement = number(verdict, f"{place}/criteria/{k}/improvement", file)
        if improvement:
            found.append(
                Criterion(
                    rule["metric"],
                    rule["subset"],
                    rule["margin"],
                    rule["relative"],
                    improvement,
                    rule["outcome"],
                    rule["reason"],
                    rule.get("more_in"),
                )
            )
    return found
