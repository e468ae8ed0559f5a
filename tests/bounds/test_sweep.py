"""The magnitude sweep: noise, failures, and labels that cannot be swept."""

import numpy as np
import pandas as pd
import pytest
from toys import ONE

from logg1m.bounds import fisher
from logg1m.bounds.sweep import sweep
from logg1m.config.bounds import Bounds
from logg1m.config.data import Data
from logg1m.files import InputError

PRIORS = Data().priors.model_dump()
FOUR = "4-D: log g, Teff, [M/H], [α/M]; [C/M] the same for all spectra"
CONFIG = Bounds(sweep_magnitudes=(20.0, 22.0), sweep_stars=20)


def test_the_sweep_follows_the_noise_level(small_source):
    one, two = (pd.DataFrame(sweep(small_source.observer, PRIORS, CONFIG, 1, ONE, level)) for level in (1.0, 2.0))
    np.testing.assert_allclose(two["sigma_median"], 2 * one["sigma_median"], rtol=1e-6)
    np.testing.assert_allclose(two["snr_pixel"], one["snr_pixel"] / 2, rtol=1e-6)
    assert (one["mag"].tolist(), one["set"].tolist()) == ([20, 20, 22, 22], ["3d", "5d"] * 2)


def test_stars_that_all_fail_have_no_information_and_stop_nothing(small_source):
    rows = sweep(small_source.observer, PRIORS, CONFIG.model_copy(update={"max_condition": 1.0}), 1, ONE)
    for row in rows:
        assert row["n_failed"] == row["n"] == 20
        assert row["r2_max_median"] == row["r2_max_mean"] == 0
        assert np.isnan(row["sigma_median"])
        assert np.isnan(row["schur_retention"])


def test_a_failed_star_lowers_the_mean_of_the_ceiling():
    values = fisher.r2_max(np.array([0.5, np.nan]), 1.0)
    assert values.tolist() == [0.75, 0.0]


def test_a_label_of_one_value_is_known_and_the_rows_say_so(small_source):
    free, fixed = (
        pd.DataFrame(sweep(small_source.observer, priors, CONFIG, 1, ONE))
        for priors in (PRIORS, PRIORS | {"c_m": (0.0, 0.0)})
    )
    assert "named" not in free
    assert fixed["named"].tolist() == ["3-D: log g, Teff, [M/H]", FOUR] * 2
    assert (fixed["n_failed"] == 0).all()
    per_set = fixed.groupby("set")["sigma_median"]
    assert (per_set.get_group("5d").to_numpy() > per_set.get_group("3d").to_numpy()).all()


def test_no_noise_and_a_log_g_without_a_range_are_refused(small_source):
    with pytest.raises(InputError, match="noise_level = 0"):
        sweep(small_source.observer, PRIORS, CONFIG, 1, ONE, 0.0)
    with pytest.raises(InputError, match=r"data\.priors\.logg"):
        sweep(small_source.observer, PRIORS | {"logg": (3.0, 3.0)}, CONFIG, 1, ONE)
