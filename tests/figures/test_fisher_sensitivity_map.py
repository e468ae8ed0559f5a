import numpy as np
import pandas as pd
import pytest

from logg1m.figures import fisher_sensitivity_map
from logg1m.figures.interactive import Shown
from logg1m.files import InputError


def test_values_along_wavelength(draw, fisher):
    wave = np.linspace(7100, 8850, 500)
    shown = pd.DataFrame({"wave": wave, "exact": 1 + np.sin(wave / 50) ** 2, "exact_marginalised": 0.5 + 0 * wave})
    values = draw("fisher_sensitivity_map", fisher=fisher, sensitivity=shown)
    pd.testing.assert_frame_equal(values, shown, rtol=1e-7)


@pytest.mark.parametrize("content", ["a\n1\n", "wave\n1\n", ""])
def test_a_table_that_is_not_what_it_should_be_is_refused_by_name(csv, content):
    csv.write_text(content)
    with pytest.raises(InputError, match=r"values\.csv"):
        fisher_sensitivity_map.plot(Shown(str(csv), None, {}.get), "key")
