"""MVP-1.1, what the data allow: its scope, checks, verdict in words, and tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from logg1m.report.foundations.scaling import stopped_by_itself
from logg1m.report.roadmap import Check
from logg1m.report.tables import View
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor
from logg1m.results.words import ESTIMATOR, STATISTIC, estimate, limit, listed, model_name

FISHER, MODELS, ERRORS = "mvp_1_1/fisher.json", "mvp_1_1/models.json", "mvp_1_1/errors.json"
REQUIREMENTS = "mvp_1_1/requirements.json"
KEY_NUMBER = ("verdict/ratio", "error over bound of the best model")
_AGREES = (0.8, 1.25)  # median ratio of the regression's bound to the exact one
_LEAST_P = 0.001  # of uniform ranks; below, posteriors are not calibrated


def _beside_the_bounds(title: str) -> View:
    ratios = {"median ratio": "ratio_median", "RMS ratio": "ratio_rms"}
    ratios |= {"RMSE over Bayes": "rmse_over_bayes", "RMSE over prior-aware": "rmse_over_prior_aware"}
    columns = {"n": "n", "of": "n_test", "R²": "r2", "RMSE": "rmse", "MAE": "mae"}
    return View(title, "models/*", ("model",), columns | ratios | {"efficiency": "efficiency", "excess": "excess"})


def _on_same_stars(title: str) -> View:
    columns = {"stars": "n"}
    for name, key in (("R²", "r2"), ("RMSE", "rmse")):
        columns |= {name: f"model/{key}", f"ceiling {name}": f"expected/{key}", f"gap in {name}": f"gap/{key}"}
    columns |= {"observed R²": "model_observed/r2", "observed ceiling R²": "observed/r2"}
    note = "As the posteriors expect them, without the luck that both share; the gap is paired: one bootstrap over the stars."
    return View(title, "models/*/same_stars", ("model",), columns, note)


_CELLS = {
    "Teff from, K": "teff_low",
    "to": "teff_high",
    "[M/H] from": "m_h_low",
    "to ": "m_h_high",
    "stars": "n_model",
    "share of stars": "share_of_stars_model",
    "share of squared error": "share_of_squared_error_model",
    "RMSE": "rmse_model",
    "stars with a posterior": "n_bayes",
    "Bayes share of squared error": "share_of_squared_error_bayes",
    "Bayes RMSE": "rmse_bayes",
}
VIEWS: Mapping[str, tuple[View, ...]] = {
    FISHER: (
        View(
            "Bayes-optimal ceiling and CRLB, low-noise; errors in dex",
            "ceilings",
            (),
            {"ceiling R²": "expected_r2", "ceiling RMSE": "expected_rmse"}
            | {f"observed {name}": f"bayes_{key}" for name, key in (("R²", "r2"), ("RMSE", "rmse"), ("MAE", "mae"))}
            | {f"{kind} CRLB R²": f"crlb_{kind}_r2" for kind in ("median", "mean")},
            note="The ceiling is what the posteriors expect of themselves; observed are their means on these very "
            "stars. No estimator exceeds it; a biased one may exceed the CRLB.",
        ),
        _beside_the_bounds("Models beside the bounds, low-noise test; errors in dex"),
        _on_same_stars("Models and the ceiling on the same stars, low-noise test; RMSE in dex"),
        View(
            "σ(log g) of low-noise spectra, dex",
            "estimators/*/sigma_logg/*",
            ("estimator", "labels"),
            {"10 %": "p10", "median": "median", "90 %": "p90", "mean": "mean", "n": "n", "failed": "n_failed"},
        ),
        View(
            "Estimators against the exact derivative",
            "agreement_with_exact/*",
            ("estimator",),
            {"median ratio": "median_ratio", "10 %": "p10", "90 %": "p90", "n": "n"},
        ),
        View(
            "Bayes-optimal R² by signal-to-noise",
            "ceilings/bayes_bins/*",
            (),
            {"SNR": "snr_median", "n": "n", "R²": "r2"},
        ),
    ),
    MODELS: (
        _beside_the_bounds("Every honest model beside the bounds, as D1 sees them; errors in dex"),
        _on_same_stars("Every honest model and the ceiling on the same stars; RMSE in dex"),
    ),
    ERRORS: (
        View(
            "Where the error lies: [M/H] below the limit; RMSE in dex",
            "*/metal_poor/*",
            ("test", "estimator"),
            {"[M/H] below": "limit", "stars": "n", "share of stars": "share_of_stars"}
            | {"share of squared error": "share_of_squared_error", "RMSE": "rmse_poor"}
            | {"RMSE of the others": "rmse_rich"},
        ),
        View("Where the error lies, by Teff and [M/H], low-noise test; RMSE in dex", "low_noise/cells/*", (), _CELLS),
        View("Where the error lies, by Teff and [M/H], full test; RMSE in dex", "full/cells/*", (), _CELLS),
        View(
            "Bias of log g in bins of every label, dex",
            "*/bias/*/*/*",
            ("test", "estimator", "label"),
            {"from": "low", "to": "high", "n": "n", "mean residual": "mean", "standard error": "standard_error"},
            note="The posterior mean (Bayes-optimal) shrinks towards the middle of the prior too: it is the line to "
            "compare with.",
        ),
        View(
            "Slope of the residual on log g",
            "*/shrinkage/*",
            ("test", "estimator"),
            {"slope": "slope"},
            note="0 without shrinkage; R² − 1 of an optimal estimator.",
        ),
        View(
            "Dwarfs and giants, told apart at log g 3.5",
            "*/classes/*",
            ("test", "class"),
            {"stars": "n", "called so": "n_said", "purity": "purity", "completeness": "completeness"},
        ),
    ),
    REQUIREMENTS: (
        View(
            "What an unknown costs, one at a time, low-noise test",
            "rows/*",
            (),
            {"unknown": "unknown", "1σ error": "error", "stars": "n", "σ(log g), median": "sigma_median"}
            | {"σ over the known": "sigma_factor", "ceiling R²": "ceiling/r2", "ceiling MAE": "ceiling/mae"}
            | {"R² if ignored": "ignored/r2", "excess if ignored": "ignored/excess"}
            | {"R² if allowed for but absent": "needless/r2"},
            note="Errors are fractions of the flux in every Legendre order, mag of E(B−V), or km/s; the amplitude is "
            "unknown in every row. Estimators are posterior means: the right one, one that ignores the unknown, and one "
            "that allows for it where it is absent.",
        ),
    ),
    "mvp_1_1/magnitude_sweep.json": (
        View(
            "Bounds against magnitude",
            "rows/*",
            (),
            {"mag": "mag", "SNR per pixel": "snr_pixel", "labels": "set", "n": "n"}
            | {"R² by the median CRLB": "r2_max_median", "σ(log g), median": "sigma_median"},
        ),
    ),
}


def scope(content: Cursor, artifacts: Artifacts) -> Iterator[tuple[str, str]]:
    models = (artifacts.json(MODELS) or content.raw).get("models", {})
    yield "models", listed([model_name(name) for name in models])
    estimators = listed([ESTIMATOR.get(name, name) for name in content.get("estimators") or ()])
    yield "bounds", f"{content.get('n_spectra') or 0:,} low-noise spectra; estimators: {estimators}"
    needed = (artifacts.json(REQUIREMENTS) or {}).get("says")
    if needed:
        yield "what a survey has to deliver", " ".join(needed)
    named = content.get("label_sets", "5d", "named")
    if named:
        yield "marginalised over", named
    stars = content.get("ceilings", "bayes", "low_noise", "n_stars")
    if stars:
        prior = content.get("ceilings", "bayes", "low_noise", "prior")
        yield "Bayes-optimal ceiling", f"posteriors of {stars:,} low-noise test stars; prior: {prior}"


def tested(content: Cursor) -> tuple[int | None, int | None]:
    return None, content.get("n_test")


def checks(content: Cursor, artifacts: Artifacts) -> Iterator[Check]:
    yield from _leaks(content, artifacts[MODELS])
    for name, entry in (content.get("agreement_with_exact") or {}).items():
        ratio = entry.get("median_ratio")
        if ratio is None:
            continue
        found = f"median ratio {ratio:.3f}, {entry['p10']:.3f} to {entry['p90']:.3f} in 80 % of {entry['n']:,} spectra"
        if name == "knn":  # mixes labels, as is known of it; shown for what it is
            yield Check("Nearest-neighbour differences against the exact bound", found, None, limitation=True)
        else:
            agrees = _AGREES[0] <= ratio <= _AGREES[1]
            yield Check(f"The bound from {ESTIMATOR.get(name, name)} agrees with the exact one", found, agrees)
    yield from _without_bound(content)
    if content.get("exact_missing"):
        yield Check("The exact bound is not available", str(content.get("exact_missing")), None, limitation=True)
    yield from _posteriors(content.at("ceilings", "bayes", "low_noise"))
    if content.get("ceiling_is_approximate"):
        found = "a model above it is no proof of a leak"
        yield Check("The ceiling rests on an approximate prior", found, None, limitation=True)
    trees = [m for m, _ in content.matching("models/*") if "best_iteration_is_last" in m.raw]
    yield from stopped_by_itself([(str(m.get("scale") or "its scale"), m.raw["best_iteration_is_last"]) for m in trees])


def _without_bound(content: Cursor) -> Iterator[Check]:
    """Stars that have no bound by the estimator that models are judged against."""
    entry = content.get("estimators", str(content.get("reference_estimator"))) or {}
    failed, n = entry.get("n_failed"), entry.get("n")
    if failed and n:
        found = f"{failed:,} of {n:,} have none" + (f"; {entry['why']}" if entry.get("why") else "")
        yield Check("Low-noise stars have a bound", found, 1 - failed / n >= (content.get("min_share") or 0))


def _leaks(content: Cursor, models: Cursor) -> Iterator[Check]:
    """Every model that beats the Bayes-optimal estimator; if none does, the one that comes nearest to it."""
    leaks = {row["model"]: row for source in (content, models) for row in source.get("leaks") or ()}
    for name, row in leaks.items():
        found = f"efficiency {estimate(row['efficiency'])}" if row.get("efficiency") else str(row.get("meaning", ""))
        yield Check(f"{model_name(name)} is no better than any estimator can be", f"{found}: look for a leak", False)
    everyone = models if models.raw else content
    known = [(place, name) for place, (name,) in everyone.matching("models/*/efficiency") if place.interval]
    if known and not leaks:
        best, name = max(known, key=lambda pair: pair[0].value or 0.0)
        found = f"highest: {estimate(best.raw)}, {model_name(name)}"
        yield Check("No model beats the Bayes-optimal estimator (efficiency at most 1)", found, True)


def _posteriors(bayes: Cursor | None) -> Iterator[Check]:
    """Whether the posteriors behind the ceiling were sampled well and are calibrated."""
    if bayes is None:
        return
    if "n_reached" in bayes.raw and bayes.get("n_stars"):
        needed, refused = bayes.get("ess", "needed"), bayes.get("refused")
        size = f" of {needed:g}" if needed is not None else ""
        found = str(refused or f"{bayes.raw['n_reached']:,} of {bayes.raw['n_stars']:,} stars")
        yield Check(f"Posteriors reach an effective sample size{size}", found, not refused)
    p = bayes.get("calibration", "rank_p_value")
    if p is not None:
        yield Check("Ranks of the truth among posterior draws are uniform", f"p = {p:.3f}", p >= _LEAST_P)
    scaled = bayes.at("calibration", "err2_over_variance")
    if scaled and scaled.interval:
        low, high = scaled.interval
        holds = True if low <= 1 <= high else None if 0.5 <= scaled.raw["value"] <= 2 else False
        found = estimate(scaled.raw)
        yield Check("Squared errors of the posterior means equal the posterior variances", found, holds)


def why(content: Cursor) -> str:
    v = content.get("verdict") or {}
    left = [model_name(name) for name in v.get("excluded_as_leaks") or ()]
    out = f" Left out as leaks: {listed(left)}." if left else ""
    if v.get("reason"):
        return f"{str(v['reason']).capitalize()}.{out}"
    if not v.get("ratio") or v["ratio"].get("value") is None:
        statistic = STATISTIC.get(v.get("statistic", ""), "The statistic")
        return f"{statistic} is not available for {model_name(v.get('model', 'any model'))}.{out}"
    over, _, what = STATISTIC[v["statistic"]].partition(" over ")
    limits = [limit(end, False) for end in (v.get("thresholds") or {}).values()]
    return (
        f"The {over} of {model_name(v['model'])} is {estimate(v['ratio'])} times {what}"
        + (f"; above {limits[0]} is headroom, below {limits[1]} near the bound" if limits else "")
        + f".{_tied(content.get('choice') or {})}{_left_without_bound(v)}{out}"
    )


def _tied(choice: Mapping[str, Any]) -> str:
    """Which models are as good on the validation stars as the simplest of them, which is judged."""
    ties = [model_name(name) for name in choice.get("tied", ()) if name != choice.get("model")]
    verb = "is" if len(ties) == 1 else "are"
    return f" On validation stars {listed(ties)} {verb} as good within the interval, and not as simple." if ties else ""


def _left_without_bound(verdict: Mapping[str, Any]) -> str:
    """How many of the stars that the verdict is about have no bound, if any."""
    n, n_test = verdict.get("n"), verdict.get("n_test")
    if n is None or n_test is None or n == n_test or verdict["statistic"] == "rmse_over_bayes":
        return ""  # the Bayes-optimal RMSE needs no bound
    return f" {n_test - n:,} of its {n_test:,} low-noise test stars have no bound and are left out."
