import pandas as pd
import pytest

from logg1m.figures import ridge_alpha
from logg1m.figures.interactive import Shown
from logg1m.files import InputError


@pytest.mark.slow
def test_every_point_of_every_curve_is_a_row(draw):
    curve = [
        {"standardised": way, "features": features, "alpha": alpha, "validation_r2": 0.4 - 0.01 * (k - 2) ** 2}
        for way in (True, False)
        for features in ("pca_100", "full")
        for k, alpha in enumerate((0.1, 1.0, 10.0, 1e6))
    ]
    ridge = {"scales": {"10k": {"alpha_curve": curve}, "32k": {"alpha_curve": curve}}}
    expected = pd.concat([pd.DataFrame(curve).assign(scale=name) for name in ridge["scales"]], ignore_index=True)
    pd.testing.assert_frame_equal(draw("ridge_alpha", ridge=ridge), expected)


@pytest.mark.parametrize("content", ["a\n1\n", ""])
def test_a_table_that_is_not_what_it_should_be_is_refused_by_name(csv, content):
    csv.write_text(content)
    with pytest.raises(InputError, match=r"values\.csv"):
        ridge_alpha.plot(Shown(str(csv), None, {}.get), "key")
