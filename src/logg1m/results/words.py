"""Words for what artifacts call by keys: metrics, tests, models, statistics; and numbers as sentences print them."""

from collections.abc import Mapping
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.results.numbers import Cursor, fixed

METRIC = {
    "r2": "R²",
    "mae": "MAE",
    "rmse": "RMSE",
    "median_bias": "median bias",
    "nmad": "NMAD",
    "outlier_rate": "outlier rate",
    "bias_teff": "bias against Teff",
    "bias_m_h": "bias against [Fe/H]",
    "mae_teff": "MAE of Teff",
    "mae_m_h": "MAE of [Fe/H]",
    "cross_talk": "cross-talk with Teff and [Fe/H]",
    "crop_loss": "R² lost when the edges are cropped",
    "shift_loss": "R² lost when the start is missing",
    "convergence": "epochs to the reference's best validation score",
    "passes": "passes over spectra to the reference's best validation score, pretraining included",
}
OUTCOME = {"accepted": "better", "refuted": "no gain", "inconclusive": "cannot tell"}  # of a candidate, for people
SUBSET = {"low_noise": "low-noise test", "full": "full test"}
STATISTIC = {
    "median_ratio": "median error over the bound",
    "rms_ratio": "RMS error over the bound",
    "rmse_over_bayes": "RMSE over the Bayes-optimal RMSE",
    "rmse_over_prior_aware": "RMSE over the prior-aware bound",
}
JARGON = {
    "CRLB": "Cramér–Rao lower bound: the smallest scatter that an estimator without bias can have",
    "prior-aware": "by a bound that knows, beside the spectrum, how log g is distributed among such stars",
    "RMSE over Bayes": "RMSE over that of the Bayes-optimal estimator on the same stars; 1 is the best possible",
    "efficiency": "squared error of the Bayes-optimal estimator over the model's own, on the same stars; 1 is the best possible",
    "excess": "mean squared distance from the exact posterior mean over the posterior variance; 0 is the best possible",
    "NMAD": "scatter from the median distance to the median, which outliers hardly move; the standard deviation of a Gaussian",
    "ESS": "effective sample size: how many independent draws the weighted ones are worth",
    "Holm": "Holm's method: with several candidates each has to be clearer, so that chance alone is rarely accepted",
}  # what is not said by its name
ESTIMATOR = {
    "exact": "exact derivatives",
    "local_linear": "local linear regression",
    "knn": "nearest-neighbour differences",
}  # of the bound
_SHARE = {"outlier_rate", "cross_talk"}  # shown in percent
_CLASSICAL = {
    "lightgbm": "LightGBM",
    "vit": "ViT",
    "projection": "Projection",
    "ridge": "Ridge",
    "ridge_full": "Ridge",
    "ridge_raw_full": "Ridge, raw features",
    "ridge_marginalised": "Ridge, noise marginalised",
    "lightgbm_draws": "LightGBM, several noise draws",
}


def model_name(name: str, experiments: Mapping[str, Experiment] | None = None) -> str:
    """What people call a model: 'ridge_pca_100' → 'Ridge, 100 components', 'mvp_1_2/flux' → 'A: flux (MVP-1.2)'."""
    if name in _CLASSICAL:
        return _CLASSICAL[name]
    key, slash, variant = name.partition("/")
    if slash and experiments and key in experiments and variant in experiments[key].variants:
        return f"{experiments[key].variants[variant].label} (MVP-{experiments[key].id})"
    if slash and key.startswith("mvp_"):
        return f"{variant.replace('_', ' ')} (MVP-{mvp_id(key)})"
    kind, _, features = name.partition("_pca_")
    if features:
        return f"{_CLASSICAL.get(f'{kind}_full', kind)}, {features} components"
    return name


def condition_name(name: str) -> str:
    """Words for a condition that networks were not trained for: 'crop_blue_5' → '5 % hidden at the blue edge'."""
    kind, _, size = name.rpartition("_")
    if name.endswith("_back"):
        return f"{condition_name(name.removesuffix('_back'))}, and back"
    words = {
        "crop": "{} % hidden at both edges",
        "crop_blue": "{} % hidden at the blue edge",
        "crop_red": "{} % hidden at the red edge",
        "shift": "first {} pixels missing, the rest moved up",
        "hidden": "first {} pixels hidden",
        "step": "pixels {} times as wide",
    }
    return words[kind].format(size) if kind in words else name.replace("_", " ")


_SEEN = {"sky": "sky-line pixels", "between": "pixels between sky lines"}  # parts of the spectrum that models see


def seen(part: str) -> str:
    """What models see that see a part of the spectrum alone: 'sky' → 'sky-line pixels'."""
    return _SEEN.get(part, part.replace("_", " "))


def more_in(first: str, second: str) -> str:
    """Behind 'gain in MAE': that in one part of the spectrum is held against that in another."""
    return f"of models that see only {seen(first)}, minus that of models that see only {seen(second)}"


def mvp_id(key: str) -> str:
    """MVP id of a folder name: mvp_1_2 → 1.2."""
    return key.removeprefix("mvp_").replace("_", ".").upper()


def metric(name: str) -> str:
    return METRIC.get(name, name.replace("_", " "))


def estimate(
    entry: Mapping[str, Any], digits: int = 2, share: bool = False, unit: str = "", turned: bool = False
) -> str:
    """A number with its interval in a sentence: '5.2 % [3.1, 7.0]'; `turned` with the opposite sign."""
    factor = (100 if share else 1) * (-1 if turned else 1)
    ends = sorted(factor * end for end in Cursor(entry, "").interval or ())
    said, *interval = (fixed(float(number), digits) for number in (factor * entry["value"], *ends))
    said += " %" if share else f" {unit}" if unit else ""
    return f"{said} [{', '.join(interval)}]" if interval else said


def is_share(name: str, relative: bool) -> bool:
    """Whether a difference of this metric is shown in percent."""
    return relative or name in _SHARE or name in ("convergence", "passes")


def unit_of(name: str) -> str:
    """Unit behind a difference of a metric; empty for pure numbers."""
    if name == "mae_teff":
        return "K"
    return "" if name in ("r2", "crop_loss", "shift_loss") else "dex"


def listed(parts: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def limit(value: float, share: bool, digits: int = 3) -> str:
    """A margin without needless zeros: '5 %', '0.01'."""
    shown = f"{100 * value:g}" if share else f"{round(value, digits + 2):g}"
    return shown.replace("-", "−") + (" %" if share else "")


def duration(seconds: float) -> str:
    """Seconds in the two largest units: 3 min 12 s."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if whole else "under 1 s"
    minutes, hours = divmod(whole, 60), divmod(whole // 60, 60)
    return f"{minutes[0]} min {minutes[1]} s" if whole < 3600 else f"{hours[0]} h {hours[1]} min"
