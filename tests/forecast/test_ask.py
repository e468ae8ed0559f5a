"""One question, one line."""

import numpy as np
import pytest

from logg1m.cli import main
from logg1m.config import validate
from logg1m.files import InputError
from logg1m.forecast.ask import ask


def test_the_time_that_is_said_brings_the_goal(grid):
    first = ask(20.0, 0.2, "clump", grid=grid)
    assert first.hours == pytest.approx(first.exposures * 0.25, abs=0.25)
    assert 0 < first.hours_with_prior <= first.hours
    count = round(4 * first.hours)
    again = ask(20.0, 0.2, "clump", config=validate({"data": {"observation": {"exposures": count}}}), grid=grid)
    assert again.now == pytest.approx(0.2 * np.sqrt(first.hours * 4 / count), rel=0.02)


def test_a_goal_below_the_floor_says_why(grid):
    answer = ask(23.0, 0.05, "dwarf-2.0", grid=grid)
    assert (answer.hours, answer.exposures, answer.hours_with_prior) == (None, None, None)
    assert answer.floor > 0.05
    assert "not reachable by exposure" in str(answer)


def test_the_sky_and_the_seeing_cost_time(grid):
    plain = ask(20.0, 0.2, "turnoff+0.0", grid=grid)
    worse = [ask(20.0, 0.2, "turnoff+0.0", grid=grid, **how) for how in ({"seeing": 1.2}, {"sky_continuum": 3.0})]
    assert all(answer.hours > plain.hours for answer in worse)


def test_what_cannot_be_asked_is_refused(grid):
    with pytest.raises(InputError, match="0 dex"):
        ask(20.0, 0.0, grid=grid)
    with pytest.raises(InputError, match="pfs_hdf5"):
        ask(20.0, config=validate({"data": {"source": "pfs_hdf5", "pfs_hdf5": {"train": ["x"]}}}), grid=grid)
    narrow = validate({"data": {"priors": {"teff": [3800, 5000], "m_h": [-0.5, 0.5]}}})
    with pytest.raises(
        InputError, match=r"teff = 5150 K, data\.priors\.teff = \[3800, 5000\]; m_h = -1 dex.*\[-0\.5, 0\.5\]"
    ):
        ask(20.0, star="clump", config=narrow, grid=grid)
    for mag in (30.0, 5.0, float("nan")):
        with pytest.raises(InputError, match=rf"i = {mag:g} cannot be forecast: expected 12\.\d … 25\.\d"):
            ask(mag, star="clump", grid=grid)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"seeing": -1.0}, "0.1 … 10 arcsec"),
        ({"zenith_angle": 80.0}, "0 … 70 degrees"),
        ({"field_angle": 0.7}, "0 … 0.65 degrees"),
    ],
)
def test_conditions_that_the_instrument_does_not_have_are_refused_with_the_range(how, expected):
    (name,) = how
    with pytest.raises(InputError, match=rf"{name} = .* cannot be observed: .*{expected}"):
        ask(20.0, star="clump", **how)


def test_numbers_are_said_in_two_figures():
    answer = ask(21.5, 0.2, "tip-2.0")
    assert "takes 69 h (275 exposures)" in str(answer)
    assert answer.hours == pytest.approx(68.66, abs=0.01)


def test_the_command_prints_one_line(capsys):
    assert main(["forecast", "--mag", "20", "--logg", "0.2dex", "--star", "clump+0.0"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("red clump, [M/H] 0, i = 20: σ(log g) = 0.2 dex takes ")
    assert out.count("\n") == 1
    assert main(["forecast", "--mag", "20", "--logg", "much"]) == 1
    assert "--logg 'much'" in capsys.readouterr().err
