"""What unknowns cost: on a few stars of the embedded source, and the sentences that follow from a table."""

from typing import Any

import numpy as np
import pytest

from logg1m.bounds.requirements import requirements, sentences
from logg1m.config.bayes import BayesConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Data, Observation
from logg1m.config.requirements import Requirements
from logg1m.sources.embedded import EmbeddedSource

pytestmark = pytest.mark.slow

STARS = 12


@pytest.fixture(scope="module")
def found(grid) -> dict[str, Any]:
    bright = Observation(mag=(19.5, 20.0), bad_pixels=0.01)
    source = EmbeddedSource(Data(n_spectra=STARS, observation=bright), 3, grid=grid)
    config = Requirements(stars=STARS, library=1024, calibration=(0.05,), ebv=(0.0,), velocity_km_s=(3.0,))
    bayes = BayesConfig(min_ess=50, target_ess=50, samples_per_iteration=128, max_iterations=12)
    how = bayes, Bootstrap(resamples=100), Compute(threads=1), 1.0, 1e8
    return requirements(source, np.arange(STARS), config, *how)


def of(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(row for row in found["rows"] if row["unknown"] == name)


def test_what_nobody_knows_costs_information_and_ignoring_it_costs_more(found):
    known, calibration = of(found, "amplitude"), of(found, "calibration")
    assert calibration["sigma_factor"] > 1.2
    assert calibration["prior_aware_r2"] < known["prior_aware_r2"]
    assert calibration["ceiling"]["r2"]["value"] < known["ceiling"]["r2"]["value"]
    assert (
        calibration["ignored"]["excess"]["value"] > 5
    )  # 5 % of slope moves log g by an error that dwarfs the posterior's
    assert calibration["ignored"]["mae"]["value"] > calibration["ceiling"]["mae"]["value"]
    assert calibration["needless"]["excess"]["value"] > 0


def test_a_velocity_costs_next_to_nothing_and_a_known_reddening_nothing(found):
    known = of(found, "amplitude")
    assert of(found, "velocity_km_s")["sigma_factor"] == pytest.approx(1, abs=0.01)
    reddening = of(found, "ebv")  # known exactly: the same posteriors, the same stars
    assert reddening["sigma_factor"] == 1
    assert reddening["ceiling"] == known["ceiling"]
    assert reddening["ignored"]["excess"]["value"] == reddening["needless"]["excess"]["value"] == 0


def test_sentences_say_how_good_is_good_enough():
    def row(name: str, error: float, r2: float) -> dict[str, Any]:
        return {"unknown": name, "error": error, "ceiling": {"r2": {"value": r2}}}

    rows = [row("amplitude", 0, 0.9), row("calibration", 0.05, 0.8), row("calibration", 0.005, 0.898)]
    rows += [row("calibration", 0.01, 0.896), row("ebv", 0.03, 0.87), row("velocity_km_s", 3, 0.9)]
    assert [*sentences(rows, 0.005)] == [
        "An error of the flux calibration per order of up to 1 % costs at most 0.005 of R² of the ceiling: below it "
        "nothing is gained.",
        "No error of E(B−V) that was tried costs at most 0.005 of R² of the ceiling: 0.03 mag costs 0.030.",
        "An error of the velocity of up to 3 km/s costs at most 0.005 of R² of the ceiling: below it nothing is gained.",
    ]
