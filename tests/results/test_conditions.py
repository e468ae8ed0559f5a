"""Conditions in words: what was switched on is named, and nothing else."""

import pytest

from logg1m.config import load
from logg1m.config.data import Observation
from logg1m.results.conditions import conditions


def said(observation: Observation) -> str:
    return conditions({"kind": "embedded", "observation": observation.described()})


def of_overlay(name: str) -> str:
    return said(load(f"config/conditions/{name}.yaml").data.observation)


def test_ideal_conditions_say_what_they_take_for_granted():
    assert of_overlay("ideal") == said(Observation())
    assert said(Observation()) == (
        "ideal: rest frame, no reddening, perfect flux calibration, known amplitude, no bad pixels, seeing 0.8″"
    )


def test_survey_conditions_say_what_is_unknown_and_what_varies():
    calibration = "flux calibration ± 3 % in each of Legendre orders 1–3, E(B−V) ± 0.03 and velocity ± 3 km/s"
    assert of_overlay("survey") == (
        f"survey: unknown: amplitude, {calibration}; seeing 0.5–1.5″; sky 0.8–1.2 of a dark night's; 1.5 % bad pixels"
    )
    assert of_overlay("reference") == f"survey: unknown: amplitude, {calibration}; 1.5 % bad pixels; seeing 0.8″"


@pytest.mark.parametrize(
    ("observation", "words"),
    [
        ({"rv_km_s": (-50, 50)}, "radial velocity -50 to 50 km/s"),
        ({"extinction_av": 0.3}, "A_V 0.3 mag"),
        ({"mask_o2_a": True}, "O₂ A band masked"),
        (
            {"nuisances": {"amplitude": "free", "calibration": [0.02]}},
            "flux calibration ± 2 % in Legendre orders from 1",
        ),
    ],
)
def test_whatever_is_not_ideal_is_named(observation, words):
    found = said(Observation.model_validate(observation))
    assert words in found
    assert not found.startswith("ideal:")


def test_imported_spectra_and_unknown_sources_claim_nothing():
    assert conditions({"kind": "pfs_hdf5"}) == "those of the imported spectra"
    assert conditions({}) == conditions({"kind": "synthetic", "salt": 1}) == ""
