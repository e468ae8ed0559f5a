"""Tables of an experiment: those of the artifacts that have rules of their own, and any further numbers of a verdict."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.report.roadmap import Cell, Number, Table
from logg1m.results.artifacts import at, is_measured, number, step
from logg1m.results.words import model_name


@dataclass(frozen=True)
class View:
    """A table as a path with stars (one row per match, the matched keys first) and columns as paths below it.

    A dollar sign in the path stands for the last key alone: the largest of the scales.
    """

    title: str
    rows: str
    keys: tuple[str, ...]
    columns: Mapping[str, str]
    note: str = ""


_SIX = {
    "R²": "r2",
    "MAE": "mae",
    "RMSE": "rmse",
    "NMAD": "nmad",
    "median bias": "median_bias",
    "outlier rate": "outlier_rate",
}


def _six(place: str) -> dict[str, str]:
    return {"n": f"{place}/n"} | {name: f"{place}/{metric}" for name, metric in _SIX.items()}


_SIGMA = {"10 %": "p10", "median": "median", "90 %": "p90", "mean": "mean", "n": "n", "failed": "n_failed"}

# What people read of the artifacts that no variants belong to; by file.
VIEWS: dict[str, tuple[View, ...]] = {
    "mvp_0_a/protocol.json": (
        View(
            "Signal-to-noise thresholds",
            "snr_definitions/*",
            ("definition",),
            {"formula": "formula", "top 10 %": "thresholds/top_0.1", "top 20 %": "thresholds/top_0.2",
             "top 50 %": "thresholds/top_0.5"},
        ),
        View(
            "Scales, in spectra",
            "scales/*",
            ("scale",),
            {"training pool": "n_train", "fit": "n_fit", "validation": "n_validation", "test": "n_test",
             "low-noise test": "n_test_low_noise"},
        ),
    ),
    "mvp_0_b/scaling.json": (
        View("Common test at every scale, low-noise; errors in dex", "models/*/scales/*", ("model", "scale"),
             {"n train": "n_train", **_six("common_test/low_noise")}),
        View("Common test at every scale, full; errors in dex", "models/*/scales/*", ("model", "scale"),
             {"n train": "n_train", **_six("common_test/full")}),
        View("Own test of every scale, low-noise; errors in dex", "models/*/scales/*", ("model", "scale"),
             _six("own_test/low_noise")),
        View("Own test of every scale, full; errors in dex", "models/*/scales/*", ("model", "scale"), _six("own_test/full")),
        View("Signal-to-noise bins of the common test at the largest scale; MAE in dex",
             "models/*/scales/$/common_test/snr_bins/*", ("model", "scale"),
             {"SNR from": "snr_low", "SNR to": "snr_high", "n": "n", "R²": "r2", "MAE": "mae"},
             note="SNR is ‖flux‖/‖error‖; the last bin has no upper end."),
        View("Saturation", "models/*", ("model",), {
            "from": "saturation/from", "to": "saturation/to", "relative gain of R²": "saturation/relative_gain",
            "verdict": "saturation/verdict"}),
    ),
    "mvp_1_1/fisher.json": (
        View(
            "Ceilings on R², low-noise",
            "ceilings",
            (),
            {"Bayes-optimal": "bayes_r2", "from the unbiased bound, median": "crlb_median_r2",
             "from the unbiased bound, mean": "crlb_mean_r2", "Bayes-optimal MAE, dex": "bayes_mae"},
            note="No estimator exceeds the Bayes-optimal ceiling; a biased one may exceed the unbiased bound's.",
        ),
        View("Models beside the bounds, low-noise test; MAE in dex", "models/*", ("model",), {
            "n": "n", "of": "n_test", "R²": "r2", "MAE": "mae", "median ratio": "ratio_median", "RMS ratio": "ratio_rms",
            "RMSE over Bayes": "rmse_over_bayes", "efficiency": "efficiency"}),
        View("σ(log g) of low-noise spectra, dex", "estimators/*/sigma_logg/*", ("estimator", "labels"), _SIGMA),
        View("Estimators against the exact derivative", "agreement_with_exact/*", ("estimator",),
             {"median ratio": "median_ratio", "10 %": "p10", "90 %": "p90", "n": "n"}),
        View("Bayes-optimal R² by signal-to-noise", "ceilings/bayes_bins/*", (),
             {"SNR": "snr_median", "n": "n", "R²": "r2"}),
    ),
    "mvp_0_b/networks.json": (
        View("Networks on the experiments' test, low-noise; errors in dex", "rows/*", (), {
            "network": "label", "model": "model", "fit": "n_fit", **_six("low_noise"), "efficiency": "efficiency/efficiency"}),
        View("Networks on the experiments' test, full; errors in dex", "rows/*", (), {
            "network": "label", "model": "model", "fit": "n_fit", **_six("full")}),
    ),
    "mvp_1_1/models.json": (
        View("Every honest model beside the bounds, as D1 sees them; MAE in dex", "models/*", ("model",), {
            "n": "n", "of": "n_test", "R²": "r2", "MAE": "mae", "median ratio": "ratio_median", "RMS ratio": "ratio_rms",
            "RMSE over Bayes": "rmse_over_bayes", "efficiency": "efficiency"}),
    ),
    "mvp_1_1/magnitude_sweep.json": (
        View("Bounds against magnitude", "rows/*", (), {
            "mag": "mag", "SNR per pixel": "snr_pixel", "labels": "set", "n": "n", "R² ceiling, median": "r2_max_median",
            "σ(log g), median": "sigma_median"}),
    ),
}  # fmt: skip

_WORDS = {
    "exact": "exact derivatives", "local_linear": "local linear regression", "knn": "nearest-neighbour differences",
    "1d": "log g alone", "3d": "Teff, log g, [M/H]", "5d": "all labels that vary", "snr": "‖flux‖/‖error‖",
    "snr_observer": "the same from noisy flux", "snr_median": "median per pixel", "snr_p95": "95th percentile per pixel",
    "simulator_snr": "the simulator's own",
}  # fmt: skip
_LONGEST = 12  # values of a list that a cell shows

# The number that an experiment without variants is remembered by: where it stands, and what it is.
_KEY_NUMBERS = {
    "mvp_0_a/protocol.json": ("low_noise/threshold", "low-noise threshold on ‖flux‖/‖error‖"),
    "mvp_0_b/scaling.json": ("models/*/saturation/relative_gain", "relative gain of R² over the scales, {}"),
    "mvp_1_1/fisher.json": ("verdict/ratio", "error over bound of the best model"),
}


def key_number(name: str, content: Mapping[str, Any], file: str) -> tuple[str, Number | None]:
    """(what it is, the number) of an artifact; where several match, the largest, which decides about a ceiling."""
    if name not in _KEY_NUMBERS:
        return "", None
    pattern, what = _KEY_NUMBERS[name]
    found = [(n, keys) for path, keys in matching(content, pattern) if (n := number(content, path, file))]
    best = max(found, key=lambda pair: pair[0].value or 0.0, default=None)
    return (what.format(*map(model_name, best[1])), best[0]) if best else ("", None)


def of(name: str, content: Mapping[str, Any], file: str, named: Mapping[str, Experiment] | None = None) -> list[Table]:
    """The tables of an artifact, by its name inside results/; none for a file that no view is of.

    named : experiments by key, whose variants are called by their labels
    """
    tables = []
    for view in VIEWS.get(name, ()):
        matches = list(matching(content, view.rows))
        rows = tuple(
            (
                *(_label(what, _key(key), named) for what, key in zip(view.keys, keys)),
                *(cell(content, f"{path}/{column}", file) for column in view.columns.values()),
            )
            for path, keys in matches
        )
        if rows:
            tables.append(Table(view.title, (*view.keys, *view.columns), rows, file, view.note))
    return tables


def _label(what: str, key: str, named: Mapping[str, Experiment] | None) -> str:
    """Words for a key of a row."""
    if what == "model":
        return model_name(key, named)
    return _WORDS.get(key, key.replace("_", " ") if what in ("estimator", "definition") else key)


def matching(content: Mapping[str, Any], pattern: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(path, keys that stars and dollar signs matched) for every place that a pattern leads to."""
    found: list[tuple[str, tuple[str, ...]]] = [("", ())]
    for part in pattern.split("/"):
        following = []
        for path, keys in found:
            here = at(content, path)
            free = part in ("*", "$")
            names = _names(here)[-1 if part == "$" else 0 :] if free else [part]
            for name in names:
                if free or at(here, name) is not None:
                    following.append((f"{path}/{name}".lstrip("/"), (*keys, name) if free else keys))
        found = following
    yield from found


def _names(value: Any) -> list[str]:
    """Steps from a JSON value to what it holds."""
    if isinstance(value, Mapping):
        return [step(str(key)) for key in value]
    return [str(k) for k in range(len(value))] if isinstance(value, list) else []


def cell(content: Mapping[str, Any], path: str, file: str) -> Cell:
    """A value for a table: a number with its interval where it has one, whole counts and text as they are."""
    found = at(content, path)
    if isinstance(found, bool):
        return "yes" if found else "no"
    if is_measured(found) or isinstance(found, int | float):
        return number(content, path, file)
    if isinstance(found, str):
        return found
    if isinstance(found, list) and found and not _nested(found):
        shown = ["–" if v is None else f"{v:.4g}" if isinstance(v, float) else str(v) for v in found[:_LONGEST]]
        return ", ".join(shown) + (f" … ({len(found)} values)" if len(found) > _LONGEST else "")
    return None


def further(content: Mapping[str, Any], path: str, file: str, title: str = "Further numbers") -> list[Table]:
    """Tables of whatever a part of a verdict holds: records become rows, single values a list, the rest goes deeper."""
    value = at(content, path)
    single: list[tuple[Cell, ...]] = []
    tables: list[Table] = []
    for name in _names(value):
        here = f"{path}/{name}"
        item = at(content, here)
        if _is_leaf(item):
            single.append((_key(name), cell(content, here, file)))
            continue
        records = [r for r in _names(item) if isinstance(at(item, r), Mapping) and not _is_leaf(at(item, r))]
        heading = f"{title}: {_words(name)}"
        if records and records == _names(item) and all(_is_flat(at(item, r)) for r in records):
            columns = tuple(dict.fromkeys(c for r in records for c in _names(at(item, r))))
            key = () if isinstance(item, list) else ("name",)
            rows = tuple(
                (*((_key(r),) if key else ()), *(cell(content, f"{here}/{r}/{c}", file) for c in columns))
                for r in records
            )
            tables.append(Table(heading, (*key, *map(_words, columns)), rows, file))
        else:
            tables += further(content, here, file, heading)
    if single:
        tables.insert(0, Table(title, ("name", "value"), tuple(single), file))
    return tables


def _is_leaf(value: Any) -> bool:
    return (
        is_measured(value) or not isinstance(value, Mapping | list) or (isinstance(value, list) and not _nested(value))
    )


def _nested(value: list[Any]) -> bool:
    return any(isinstance(item, Mapping | list) for item in value)


def _is_flat(value: Any) -> bool:
    return isinstance(value, Mapping) and all(_is_leaf(item) for item in value.values())


def _key(name: str) -> str:
    """The key that a step of a path stands for."""
    return name.replace("~1", "/").replace("~0", "~")


def _words(name: str) -> str:
    return _key(name).replace("_", " ")
