"""MVP-0.B, classical models at growing numbers of spectra: its scope, checks, verdict in words, and tables."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from logg1m.report.roadmap import Check
from logg1m.report.tables import View
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor
from logg1m.results.words import METRIC, estimate, listed, model_name

SCALING, NETWORKS = "mvp_0_b/scaling.json", "mvp_0_b/networks.json"
KEY_NUMBER = ("models/*/saturation/relative_gain", "relative gain of R² over the scales, {}")

_N = {"n train": "n_train"}
_ROBUST = ("nmad", "median_bias", "outlier_rate")


def _six(place: str) -> dict[str, str]:
    """Columns of a block of metrics."""
    return {METRIC.get(name, name): f"{place}/{name}" for name in ("n", "r2", "mae", "rmse", *_ROBUST)}


def _at_every_scale(title: str, columns: Mapping[str, str]) -> View:
    return View(f"{title}; errors in dex", "models/*/scales/*", ("model", "scale"), columns)


def _of_networks(test: str, columns: Mapping[str, str]) -> View:
    about = {"network": "label", "model": "model", "fit": "n_fit"}
    return View(f"Networks on the experiments' test, {test}; errors in dex", "rows/*", (), {**about, **columns})


VIEWS: Mapping[str, tuple[View, ...]] = {
    SCALING: (
        _at_every_scale("Common test at every scale, low-noise", _N | _six("common_test/low_noise")),
        _at_every_scale("Common test at every scale, full", _N | _six("common_test/full")),
        _at_every_scale("Own test of every scale, low-noise", _six("own_test/low_noise")),
        _at_every_scale("Own test of every scale, full", _six("own_test/full")),
        View(
            "Signal-to-noise bins of the common test at the largest scale; MAE in dex",
            "models/*/scales/$/common_test/snr_bins/*",
            ("model", "scale"),
            {"SNR from": "snr_low", "SNR to": "snr_high", "n": "n", "R²": "r2", "MAE": "mae"},
            note="SNR is ‖flux‖/‖error‖; the last bin has no upper end.",
        ),
        View(
            "Saturation",
            "models/*/saturation",
            ("model",),
            {"from": "from", "to": "to", "relative gain of R²": "relative_gain", "verdict": "verdict"},
        ),
    ),
    NETWORKS: (
        _of_networks("low-noise", _six("low_noise") | {"efficiency": "efficiency/efficiency"}),
        _of_networks("full", _six("full")),
    ),
}


def scope(content: Cursor, artifacts: Artifacts) -> Iterator[tuple[str, str]]:
    networks = [row.raw for row, _ in artifacts[NETWORKS].matching("rows/*/label")]
    yield "models", listed([*map(model_name, content.get("models") or ()), *networks])
    sizes = {scale: n.raw for n, (_, scale) in content.matching("models/*/scales/*/n_train")}
    yield "scales", ", ".join(f"{scale} ({n:,} for training)" for scale, n in sizes.items())
    noise = content.get("noise_level")
    yield "noise level", f"{1 if noise is None else noise:g}"


def tested(content: Cursor) -> tuple[int | None, int | None]:
    largest = next((place for place, _ in content.matching("models/*/scales/$/common_test")), Cursor(None, ""))
    return largest.get("full", "n"), largest.get("low_noise", "n")


def checks(content: Cursor, artifacts: Artifacts) -> Iterator[Check]:
    penalties = [
        (model, scale, at.raw) for at, (model, scale) in content.matching("models/*/scales/*/fit/alpha_at_edge_of_grid")
    ]
    if not penalties:
        chosen = artifacts["mvp_0_b/ridge.json"].matching("scales/*/chosen/*/alpha_at_edge_of_grid")
        penalties = [(model, scale, at.raw) for at, (scale, model) in chosen]
    edges = [f"{model_name(model)} at {scale}" for model, scale, at_edge in penalties if at_edge]
    if penalties:
        found = (
            f"at an edge, so the best one may lie outside: {listed(edges)}"
            if edges
            else f"{len(penalties)} penalties inside"
        )
        yield Check("No penalty of Ridge lies at an edge of its grid", found, not edges)
    last = content.matching("models/*/scales/*/fit/best_iteration_is_last")
    yield from stopped_by_itself([(scale, at.raw) for at, (_, scale) in last])


def stopped_by_itself(found: list[tuple[str, Any]]) -> Iterator[Check]:
    """Whether LightGBM stopped because it was best, or because it ran out of trees; (scale, whether it ran out)."""
    last = [scale for scale, is_last in found if is_last]
    if found:
        said = f"still gaining at its last tree at {listed(last)}" if last else f"at {listed([s for s, _ in found])}"
        yield Check("LightGBM was best before its last tree", said, not last)


def why(content: Cursor) -> str:
    """The best model of each kind decides whether classical models have a ceiling."""
    models = content.get("models") or {}
    leading = content.get("verdict", "leading") or list(models)
    found = {name: models[name].get("saturation") or {} for name in leading if name in models}
    gains = {name: s for name, s in found.items() if (s.get("relative_gain") or {}).get("value") is not None}
    if not gains:
        return "Every model was trained at one scale only, so there is no gain to measure." if found else ""
    told = [
        f"{model_name(name)} gains {estimate(s['relative_gain'], 1, True)} in R² from {s['from']} to {s['to']}"
        for name, s in gains.items()
    ]
    bound = re.search(r"less than ([\d.]+) ?%", str(next(iter(gains.values())).get("criterion", "")))
    single = [model_name(name) for name in found if name not in gains]
    return (
        listed(told)
        + (f"; a ceiling is a gain under {bound[1]} %" if bound else "")
        + (f". Trained at one scale only: {listed(single)}" if single else "")
        + "."
    )
