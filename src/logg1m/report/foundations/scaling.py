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
            "models/*",
            ("model",),
            {"noise": "noise", "from": "saturation/from", "to": "saturation/to"}
            | {"relative gain of R²": "saturation/relative_gain", "not trained at": "saturation/missing"}
            | {"verdict": "saturation/verdict"},
            note="Models of the published protocol, one frozen noise draw per training spectrum, decide.",
        ),
        View(
            "Gain of R² over one noise draw, common test",
            "averaging/*/scales/*",
            ("model", "scale"),
            {"full": "full", "low-noise": "low_noise"},
        ),
        View(
            "Share of the scaling that is averaging over noise",
            "averaging/*",
            ("model",),
            {"noise": "noise", "from": "from", "to": "to"}
            | {"full test": "share/full", "low-noise test": "share/low_noise"},
            note="1 − what the averaged model gains from the smallest to the largest scale over what one draw gains.",
        ),
    ),
    NETWORKS: (
        _of_networks(
            "low-noise", _six("low_noise") | {"efficiency": "efficiency/efficiency", "excess": "efficiency/excess"}
        ),
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
    several = {True: "", False: " (several draws)"}
    yield from stopped_by_itself([(f"{scale}{several[name == 'lightgbm']}", at.raw) for at, (name, scale) in last])


def stopped_by_itself(found: list[tuple[str, Any]]) -> Iterator[Check]:
    """Whether LightGBM stopped because it was best, or because it ran out of trees; (scale, whether it ran out)."""
    last = [scale for scale, is_last in found if is_last]
    if found:
        said = f"still gaining at its last tree at {listed(last)}" if last else f"at {listed([s for s, _ in found])}"
        yield Check("LightGBM was best before its last tree", said, not last)


def why(content: Cursor) -> str:
    """The best model of each kind decides whether classical models have a ceiling; and what of the scaling is noise."""
    models = content.get("models") or {}
    leading = content.get("verdict", "leading") or list(models)
    found = {name: models[name].get("saturation") or {} for name in leading if name in models}
    if not found:
        return ""
    gains = {name: s for name, s in found.items() if (s.get("relative_gain") or {}).get("value") is not None}
    told = [
        f"{model_name(name)} gains {estimate(s['relative_gain'], 1, True)} in R² from {s['from']} to {s['to']}"
        for name, s in gains.items()
    ]
    said = [listed(told)] if told else ["Every model was trained at one scale only, so there is no gain to measure"]
    criterion = str(next(iter(found.values())).get("criterion", ""))
    asked = re.search(r"less than ([\d.]+) ?% from (\S+) to (\S+)", criterion)
    if asked:
        said[0] += f"; a ceiling is a gain under {asked[1]} % from {asked[2]} to {asked[3]}"
    lacking = {name: s["missing"] for name, s in found.items() if s.get("missing")}
    if lacking:
        by_scales: dict[str, list[str]] = {}
        for name, scales in lacking.items():
            by_scales.setdefault(" and ".join(scales), []).append(model_name(name))
        rows = [f"{listed(names)} not at {scales}" for scales, names in by_scales.items()]
        said.append(f"Open, because not all of it was trained: {', '.join(rows)}")
    single = [model_name(name) for name in found if name not in gains]
    if single and told:
        said.append(f"Trained at one scale only: {listed(single)}")
    return ". ".join([*said, *_of_noise(content)]) + "."


def _of_noise(content: Cursor) -> Iterator[str]:
    """What of the scaling is averaging over the noise of the training spectra, in sentences without full stops."""
    for name, entry in (content.get("averaging") or {}).items():
        beside, scales = model_name(entry["beside"]), entry["scales"]
        gains = [f"{estimate(row['full'], 3)} in R² at {scale}" for scale, row in scales.items() if row.get("full")]
        said = f"{model_name(name)} is {listed(gains)} above {beside} on one draw, full test"
        if share := (entry.get("share") or {}).get("full"):
            between = f"from {entry['from']} to {entry['to']}"
            said += f": {estimate(share, 0, True)} of what one draw gains {between} is averaging over noise"
        yield said
