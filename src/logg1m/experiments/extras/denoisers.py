"""What the denoisers behind an experiment's variants do to spectra, beside each other and the best linear filter."""

from typing import Any

from logg1m.experiments.judging.evidence import Evidence
from logg1m.files import read_json
from logg1m.results.denoiser import REPORT

_OF_REGION = ("subset", "region", "n", "snr_gain", "snr_gain_of_mean", "noise_kept", "signal_kept")


def extra(evidence: Evidence) -> dict[str, Any]:
    """Per denoiser (first seed) its gains per region, what is left of lines, and whether it fails in a known way."""
    found: dict[str, Any] = {}
    for kind, folder in evidence.denoisers.items():
        report = read_json(folder / REPORT, ("regions", "lines", "failures"))
        found[kind] = _row(report)
        if "oracle" in report:
            found["oracle"] = _row(report["oracle"])
    return found


def _row(report: dict[str, Any]) -> dict[str, Any]:
    return {
        "regions": [{name: row[name] for name in _OF_REGION} for row in report["regions"]],
        "strength_kept": {row["line"]: row["strength_kept"] for row in report["lines"]},
        "failures": report["failures"],
    }
