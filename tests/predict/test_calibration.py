"""Errors and quantiles against populations whose conditional distribution is known."""

from dataclasses import replace

import numpy as np
import pytest

from logg1m.files import InputError
from logg1m.predict import calibration
from logg1m.predict.calibration import Asked, Calibration

pytestmark = pytest.mark.slow


def population(n: int, seed: int) -> Asked:
    """log g uniform, errors that fall with S/N, and an estimate that leans to the middle: as a regression does."""
    rng = np.random.default_rng(seed)
    truth, snr = rng.uniform(1, 5, n), np.exp(rng.uniform(0.7, 2.7, n))
    sigma = 0.15 + 1.5 / snr
    seen = truth + sigma * rng.normal(size=n)
    estimate = (seen / sigma**2 + 3 / 1.33) / (1 / sigma**2 + 1 / 1.33)
    return Asked(truth, estimate, snr, np.ones(n))


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    return calibration.fit(population(50_000, 1))


def test_errors_and_coverage_hold_in_every_bin(fitted):
    found = calibration.judge(
        fitted, population(200_000, 2), per_side=4
    )  # so many that the judge's own scatter is small
    assert len(found["bins"]) == 16
    assert min(part["n"] for part in found["bins"]) >= 3_000
    assert abs(found["rms_z"] - 1) < 0.02
    assert found["worst"]["rms_z"] < 0.05
    assert found["worst"]["coverage_68"] < 0.03
    assert found["worst"]["coverage_95"] < 0.03


def test_mean_and_sigma_of_a_truncated_posterior_do_not_cover_68_percent(fitted):
    """Near the edge of the prior: the reason why quantiles are calibrated by themselves."""
    asked = population(50_000, 2)
    found = fitted(asked.estimate, asked.snr, asked.scale)
    faint = (asked.snr < 3) & (asked.estimate > np.quantile(asked.estimate[asked.snr < 3], 0.9))
    within = np.abs(asked.truth - asked.estimate)[faint] < found["err"][faint]
    by_quantiles = ((asked.truth > found["p16"]) & (asked.truth < found["p84"]))[faint]
    assert abs(by_quantiles.mean() - 0.68) < 0.03
    assert abs(by_quantiles.mean() - 0.68) < abs(within.mean() - 0.68)


def test_the_judge_sees_errors_that_are_too_small(fitted):
    asked = population(10_000, 3)
    small = Calibration(fitted.snr, fitted.log_g, fitted.values, inflation=0.7)
    found = calibration.judge(small, asked)
    assert found["rms_z"] == pytest.approx(1 / 0.7, rel=0.03)
    assert found["coverage_68"] < 0.6


def test_quantiles_are_in_order_and_the_table_comes_back(fitted):
    asked = population(2_000, 4)
    found = fitted(asked.estimate, asked.snr, asked.scale)
    values = np.stack([found[name] for name in calibration.LEVELS])
    assert (np.diff(values, axis=0) > 0).all()
    again = Calibration.of(fitted.table)
    np.testing.assert_allclose(again(asked.estimate, asked.snr, asked.scale)["p16"], found["p16"])
    assert fitted.covers(np.array([fitted.snr[0] / 3, fitted.snr[0], fitted.snr[-1] * 3])).tolist() == [
        False,
        True,
        False,
    ]


def test_too_few_stars_are_refused():
    with pytest.raises(InputError, match="200 stars at least, got 50"):
        calibration.fit(population(50, 1))


def test_masked_pixels_widen_errors_as_the_bound_says(predictor, small_source):
    """5 % of the pixels masked at random: σ grows as the exact bound of the same spectra does."""
    from logg1m.ids import CONFIRMATION, first
    from logg1m.predict import stars

    ids = first(64, CONFIRMATION)
    (block,) = stars.simulated(small_source, small_source.wave, ids, 9, 1.0)
    labels, _ = small_source.draw(ids)
    ready = block.ready
    bad = np.random.default_rng(0).random(ready.flux.shape) < 0.05
    masked = type(ready)(**{**vars(ready), "flux": np.where(bad, np.nan, ready.flux).astype(np.float32),
                            "error": np.where(bad, np.inf, ready.error).astype(np.float32)})  # fmt: skip
    growth = predictor.answer(masked).scale / predictor.answer(ready).scale
    bound = predictor.bound(labels, masked.error) / predictor.bound(labels, ready.error)
    assert np.abs(growth / bound - 1).max() < 0.1
    assert (growth - 1).mean() == pytest.approx((bound - 1).mean(), rel=0.5)


def test_a_label_that_every_star_shares_has_no_error():
    asked = replace(population(2_000, 1), further={"m_h": np.zeros(2_000), "teff": np.ones(2_000)})
    fitted = calibration.fit(asked)
    assert list(fitted.further(asked.estimate, asked.snr)) == ["teff"]
    assert list(calibration.judge(fitted, asked)["further"]) == ["teff"]


def test_further_labels_have_errors_that_hold_at_every_signal_to_noise():
    def with_teff(asked: Asked, seed: int) -> Asked:
        sigma = 40 + 600 / asked.snr
        return replace(asked, further={"teff": sigma * np.random.default_rng(seed).normal(size=len(asked))})

    fitted = calibration.fit(with_teff(population(50_000, 1), 11))
    judging = with_teff(population(100_000, 2), 12)
    assert calibration.judge(fitted, judging)["further"]["teff"] == pytest.approx(1, abs=0.02)
    found = fitted.further(judging.estimate, judging.snr)["teff"]
    off = np.abs(found / (40 + 600 / judging.snr) - 1)
    assert np.median(off) < 0.04
    assert np.quantile(off, 0.95) < 0.1
    for low, high in ((0, 3), (3, 6), (6, 9), (9, 20)):
        rows = (judging.snr >= low) & (judging.snr < high)
        assert np.sqrt(np.mean((judging.further["teff"] / found)[rows] ** 2)) == pytest.approx(1, abs=0.03)
    again = Calibration.of(fitted.table)
    np.testing.assert_allclose(again.further(judging.estimate, judging.snr)["teff"], found)
    np.testing.assert_array_equal(again.further(judging.estimate, judging.snr, 2.0)["teff"], 2 * found)
