"""The levers of the forecast by what they bring, for D1's option B and for what to do next."""

from collections.abc import Mapping
from typing import Any

from logg1m.metrics import interval_of
from logg1m.results.words import estimate

_DOABLE = (
    "exposure",
    "prior",
    "sky",
    "calibration",
    "resolution",
    "arms",
)  # windows and the caveat are no levers to pull
_NO_TIME = ("prior", "sky", "calibration", "resolution", "arms", "population")  # without more exposure


def ranked(forecast: Mapping[str, Any], subset: str = "low_noise") -> list[dict[str, Any]]:
    """Rows (lever, group, words, r2, mse, exposure) that bring something for certain, the most first.

    Those of an approximation (`forecast.levers`), and, by posteriors themselves, the prior of a population where there is one.
    A row whose interval of ΔR² reaches zero is left out, and so is an endless exposure.
    """
    part = ((forecast.get("levers") or {}).get("subsets") or {}).get(subset) or {}
    rows = [row for row in part.get("rows", ()) if row["group"] in _DOABLE and row["lever"] != "time_inf"]
    population = (forecast.get("posteriors") or {}).get("population") or {}
    rows += [{"group": "population", "exposure": None} | row for row in population.get("rows", ()) if "r2" in row]
    brings = [row for row in rows if row["r2"].get("value") is not None and interval_of(row["r2"])[0] > 0]
    return sorted(brings, key=lambda row: -row["r2"]["value"])


def directions(forecast: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same as D1 records them: direction, bounds_say, and gain, ΔR² with its interval."""
    return [{"direction": row["words"], "bounds_say": said(row), "gain": row["r2"]} for row in ranked(forecast)]


def said(row: Mapping[str, Any]) -> str:
    """What a lever brings, in words: in dex, then in R² and in exposure time."""
    sigma, exposure = row.get("sigma") or {}, row.get("exposure") or {}
    text = "" if sigma.get("value") is None else f"Δσ(log g) {estimate(sigma, 3)} dex, "
    text += f"ΔMSE {estimate(row['mse'], 3)} dex², ΔR² {estimate(row['r2'], 3)}"
    if row.get("beyond"):
        return f"{text}, more than any exposure time"
    if exposure.get("value") is not None and row["group"] != "exposure":
        text += f", as much as {exposure['value']:.3g} × the exposure time"
    return text


def next_step(forecast: Mapping[str, Any]) -> str:
    """What to do next and what it would bring: the best lever that needs no more exposure, and beside it twice the exposure;
    empty without a forecast."""
    rows = ranked(forecast)
    best = next((row for row in rows if row["group"] in _NO_TIME), None)
    longer = next((row for row in rows if row["lever"] == "time_2"), None)
    parts = []
    if best:
        parts.append(f"of all that needs no more exposure time, {best['words']} would bring most: {said(best)}")
    if longer:
        parts.append(f"twice the exposure time would bring {said(longer)}")
    if not parts:
        return ""
    bound = [row for row in (best, longer) if row and row["group"] != "population"]
    text = "; ".join(parts) + " ("
    text += f"on {bound[0]['n']:,} low-noise stars, by the bound with the prior of the labels" if bound else ""
    if best and best["group"] == "population":
        text += f"{'; ' if bound else ''}of the population: by the posteriors of {best['n']:,} stars of any noise drawn from it"
    return text[0].upper() + text[1:] + ")."
