"""What the levers of a forecast say to D1 and to what is next."""

import pytest

from logg1m.config.decisions import Decisions
from logg1m.decisions import gates, levers


def fisher(low: float, high: float) -> dict:
    """fisher.json with one model and one interval for its ratio."""
    measured = {"value": (low + high) / 2, "ci95": [low, high]}
    return {
        "models": {"ridge": {"rmse_over_bayes": measured, "n": 100}},
        "choice": {"model": "ridge"},
        "reference_estimator": "exact",
        "estimators": {"exact": {"sigma_logg": {"1d": {"median": 0.1}, "5d": {"median": 0.2}}}},
        "ceilings": {"crlb_median_r2": 0.9},
    }


def row(lever: str, group: str, gain: float, low: float, exposure: float | None = 1.3) -> dict:
    return {
        "lever": lever,
        "group": group,
        "words": f"{lever} in words",
        "r2": {"value": gain, "ci95": [low, gain + 0.01]},
        "mse": {"value": -gain, "ci95": [-gain - 0.01, -low]},
        "sigma": {"value": -0.1 * gain, "ci95": [-0.2 * gain, 0.0]},
        "n": 150,
        "exposure": None if exposure is None else {"value": exposure, "ci95": [1.0, 2.0]},
        "beyond": False,
    }


FORECAST = {
    "levers": {
        "subsets": {
            "low_noise": {
                "rows": [
                    row("time_2", "exposure", 0.03, 0.02, 2.0),
                    row("time_inf", "exposure", 0.3, 0.2, 512.0),
                    row("teff_50", "prior", 0.005, 0.004),
                    row("sky_0", "sky", 0.006, -0.001),
                    row("calibration_0.05", "calibration", -0.05, -0.06),
                    row("only_7100", "window", 0.5, 0.4),
                    row("registration", "caveat", 0.6, 0.5),
                ]
            }
        }
    },
    "posteriors": {
        "population": {
            "rows": [row("population", "x", 0.02, 0.01, None) | {"group": "population", "n": 90, "sigma": None}]
        }
    },
}


def test_levers_are_ranked_by_what_they_bring_for_certain():
    assert [r["lever"] for r in levers.ranked(FORECAST)] == ["time_2", "population", "teff_50"]
    assert levers.ranked({}) == []


def test_a_lever_beyond_any_exposure_is_said_to_be():
    best = row("with_b", "arms", 0.4, 0.3, 512.0) | {"beyond": True}
    with_arm = {"levers": {"subsets": {"low_noise": {"rows": [best]}}}}
    assert "with_b in words would bring most" in levers.next_step(with_arm)
    assert "ΔR² 0.400 [0.300, 0.410], more than any exposure time (on" in levers.next_step(with_arm)


def test_a_refused_population_brings_nothing():
    refused = FORECAST | {"posteriors": {"population": {"rows": [{"lever": "population", "refused": "…"}]}}}
    assert [r["lever"] for r in levers.ranked(refused)] == ["time_2", "teff_50"]


def test_what_is_next_needs_no_exposure_and_says_what_it_would_bring():
    said = levers.next_step(FORECAST)
    assert said.startswith("Of all that needs no more exposure time, population in words would bring most: ΔMSE −0.020")
    assert (
        "twice the exposure time would bring Δσ(log g) −0.003 [−0.006, 0.000] dex, ΔMSE −0.030 [−0.040, −0.020] dex²"
        in said
    )
    assert "on 150 low-noise stars" in said
    assert "by the posteriors of 90 stars of any noise drawn from it" in said
    assert levers.next_step({}) == ""


@pytest.mark.parametrize("given", [None, FORECAST])
def test_option_b_is_ranked_where_there_is_a_forecast(given):
    found = gates.d1(fisher(1.0, 1.1), Decisions(), given)
    assert found["outcome"] == "stop"
    directions = [entry["direction"] for entry in found["remaining_directions"]]
    assert directions[-1] == "real data"
    expected = [f"{name} in words" for name in ("time_2", "population", "teff_50")] if given else []
    assert directions[: len(expected)] == expected
    assert len(directions) == len(expected) + 4
    if given:
        assert found["remaining_directions"][0]["gain"]["ci95"] == [0.02, 0.04]
        assert "as much as 1.3 × the exposure time" in gates.explain(found)
    assert "remaining_directions" not in gates.d1(fisher(2.1, 3.0), Decisions(), given)
