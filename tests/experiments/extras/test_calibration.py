"""Calibration of σ on Gaussian errors whose σ is right, too small, or too large."""

import numpy as np
import pandas as pd
import pytest
from made_evidence import SIGMA, evidence

from logg1m.config.bounds import Bootstrap
from logg1m.experiments.extras import calibration

N = 4_000
BOOTSTRAP = Bootstrap(resamples=200)


def table(claimed: float) -> pd.DataFrame:
    """Errors of σ between 0.1 and 0.6 dex, and a claim of so many times that."""
    rng = np.random.default_rng(2)
    sigma, truth = rng.uniform(0.1, 0.6, N), rng.uniform(1, 5, N)
    error = sigma * rng.standard_normal(N)
    return pd.DataFrame({"id": np.arange(N), "truth": truth, "predicted": truth + error, "sigma": claimed * sigma})


def measured(claimed: float) -> dict:
    return calibration.calibration(table(claimed), BOOTSTRAP, 1)


def test_a_right_sigma_covers_what_it_claims():
    row = measured(1.0)
    for level, name in ((0.68, "coverage at 68%"), (0.95, "coverage at 95%")):
        low, high = row[name]["ci95"]
        assert low < level < high
    assert row["rms z"]["ci95"][0] < 1 < row["rms z"]["ci95"][1]
    assert row["NMAD of z"]["value"] == pytest.approx(1, abs=0.05)
    assert row["mean z"]["value"] == pytest.approx(0, abs=0.05)
    assert row["largest distance of the PIT from uniform"] < 1.63 / np.sqrt(N)  # 1 % level of Kolmogorov's test


@pytest.mark.parametrize(("claimed", "coverage"), [(0.5, 0.38), (2.0, 0.953)])
def test_a_wrong_sigma_is_found_out(claimed, coverage):
    row = measured(claimed)
    assert row["coverage at 68%"]["value"] == pytest.approx(coverage, abs=0.03)
    assert row["rms z"]["value"] == pytest.approx(1 / claimed, rel=0.05)
    assert row["largest distance of the PIT from uniform"] > 0.1


def test_sigma_flags_the_outliers_that_it_knows():
    row = measured(1.0)
    assert row["outliers by σ, area under ROC"] > 0.7
    assert row["outlier rate, flagged"]["ci95"][0] > row["outlier rate, not flagged"]["ci95"][1]


def test_one_sigma_for_all_flags_nobody():
    part = table(1.0).assign(sigma=0.3)
    assert calibration.flags(part, BOOTSTRAP, 1)["outliers by σ, area under ROC"] == pytest.approx(0.5)


def test_without_an_outlier_there_is_nothing_to_rank():
    part = table(1.0).assign(predicted=lambda t: t["truth"])
    assert "outliers by σ, area under ROC" not in calibration.flags(part, BOOTSTRAP, 1)


def test_sigma_beside_the_bound_of_the_same_star():
    part = table(1.0)
    stars = pd.DataFrame({"id": np.arange(0, N, 4), "exact_sigma_5d": part["sigma"].to_numpy()[::4] / 3})
    stars.loc[0, "exact_sigma_5d"] = np.inf
    row = calibration.against_bound(part, stars)
    assert row["n with Fisher σ"] == N // 4 - 1
    assert row["median σ over Fisher σ"] == pytest.approx(3)
    assert row["rank correlation with Fisher σ"] == pytest.approx(1)


def test_only_variants_with_sigma_have_rows():
    rows = calibration.extra(evidence())
    assert [(row["variant"], row["subset"], row["n"]) for row in rows] == [
        ("sure", "low_noise", 200),
        ("sure", "full", 400),
    ]
    assert rows[1]["median σ over Fisher σ"] == pytest.approx(2)
    assert rows[1]["rms z"]["value"] == pytest.approx(1, abs=0.1), f"errors have σ = {SIGMA}"
