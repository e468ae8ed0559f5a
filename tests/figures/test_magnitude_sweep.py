import pandas as pd

from logg1m.config.data import Observation


def test_the_rows_of_the_sweep_are_the_values(draw, pictures):
    span = {"median": 0.1, "p10": 0.05, "p90": 0.3}
    rows = [
        {"mag": 18.0 + k, "set": name, "n": 20, "snr_pixel": 9.0 - k}
        | {f"{quantity}_{q}": value * (k + 1) for quantity in ("r2_max", "sigma") for q, value in span.items()}
        for k in range(3)
        for name in ("3d", "5d")
    ]
    values = draw("magnitude_sweep", sweep={"rows": rows, "noise_level": 0.5}, observation=Observation())
    pd.testing.assert_frame_equal(values, pd.DataFrame(rows), check_dtype=False)
    assert "noise × 0.5" in pictures[0].axes[0].get_title(loc="left")
