"""Air to vacuum against published pairs, and which features the arm holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logg1m.observe import WAVE
from logg1m.observe.lines import FEATURES, air_to_vacuum

PUBLISHED = [  # Å, air and vacuum: NIST Atomic Spectra Database; Hα as in the list of lines of SDSS
    ("Ca II", 8498.02, 8500.35),
    ("Ca II", 8542.09, 8544.44),
    ("Ca II", 8662.14, 8664.52),
    ("Na I", 8183.256, 8185.505),
    ("Na I", 8194.824, 8197.077),
    ("K I", 7698.959, 7701.077),
    ("Mg I", 8806.757, 8809.176),
    ("Hα", 6562.80, 6564.61),
]


@pytest.mark.parametrize(("line", "air", "vacuum"), PUBLISHED)
def test_air_to_vacuum_gives_the_published_pairs(line, air, vacuum):
    assert float(air_to_vacuum(air)) == pytest.approx(vacuum, abs=0.012), line


@given(air=st.floats(7000, 9000))
def test_the_shift_in_this_arm_lies_between_1_9_and_2_5_angstrom(air):
    assert 1.9 < float(air_to_vacuum(air)) - air < 2.5


def test_air_to_vacuum_inverts_the_refractive_index_of_ciddor():
    vacuum = np.linspace(7100, 8850, 50)
    k2 = (1e4 / vacuum) ** 2  # Ciddor (1996), eq. 1, standard air at 15 °C
    index = 1 + 1e-8 * (5792105 / (238.0185 - k2) + 167917 / (57.362 - k2))
    np.testing.assert_allclose(air_to_vacuum(vacuum / index), vacuum, rtol=0, atol=1e-3)


def test_hydrogen_alpha_is_out_of_range_and_everything_else_in_it():
    assert [feature.name for feature in FEATURES if not feature.in_range] == ["Hα"]
    for feature in FEATURES[1:]:
        assert WAVE[0] <= feature.vacuum <= WAVE[-1]
        assert feature.half_width > 0


def test_the_lines_that_the_roadmap_names_are_there():
    air = {round(feature.air) for feature in FEATURES}
    assert {6563, 8498, 8542, 8662, 8183, 8195, 8807, 7699} <= air
    assert sum(feature.name.startswith("TiO") for feature in FEATURES) >= 2
