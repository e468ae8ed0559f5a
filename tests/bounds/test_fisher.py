"""Fisher information and bounds against closed forms, full inverses and expected log-likelihoods."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logg1m.bounds import fisher
from logg1m.files import InputError
from logg1m.observe import LABELS

LOGG = LABELS.index("logg")
UNIT = dict.fromkeys(LABELS, 1.0)
RANGES = {"teff": 2250.0, "logg": 4.0, "m_h": 3.0, "a_m": 0.4, "c_m": 0.5}
SETS = {name: [LABELS.index(label) for label in labels] for name, labels in fisher.SETS.items()}


def linear_gaussian(n: int = 6, pixels: int = 200, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives (n, 5, P) in the units of the labels, errors (n, P)."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal(pixels)
    per_range = rng.standard_normal((n, 5, pixels)) + common
    scale = np.array([RANGES[name] for name in LABELS])
    return per_range / scale[:, None], rng.uniform(0.1, 3, (n, pixels))


def full_inverse(information: np.ndarray, index: list[int]) -> np.ndarray:
    """σ(log g) as the element of the inverse of the whole block."""
    block = information[:, index][:, :, index]
    at = index.index(LOGG)
    return np.sqrt(np.linalg.inv(block)[:, at, at])


def test_information_is_the_sum_over_pixels_with_each_spectrums_own_error():
    d_flux, error = linear_gaussian()
    information = fisher.fisher_information(d_flux, error)
    assert information.dtype == np.float64
    for star in range(len(error)):
        dense = d_flux[star] @ np.diag(error[star] ** -2.0) @ d_flux[star].T
        np.testing.assert_allclose(information[star], dense, rtol=1e-12)


def test_one_dimension_has_its_closed_form():
    d_flux, error = linear_gaussian()
    table = fisher.bounds(fisher.fisher_information(d_flux, error), RANGES, 1e8)
    np.testing.assert_allclose(table["sigma_1d"], 1 / np.sqrt(((d_flux[:, LOGG] / error) ** 2).sum(axis=1)), rtol=1e-12)
    assert (table["retention_1d"] == 1).all()


@pytest.mark.parametrize("name", ["3d", "5d"])
def test_the_schur_complement_is_the_element_of_the_full_inverse(name):
    information = fisher.fisher_information(*linear_gaussian())
    table = fisher.bounds(information, RANGES, 1e8)
    expected = full_inverse(information, SETS[name])
    np.testing.assert_allclose(table[f"sigma_{name}"], expected, rtol=1e-9)
    retention = 1 / expected**2 / information[:, LOGG, LOGG]
    np.testing.assert_allclose(table[f"retention_{name}"], retention, rtol=1e-9)


def test_label_sets_are_those_of_the_roadmap():
    assert fisher.SETS == {
        "1d": ("logg",), "3d": ("logg", "teff", "m_h"), "5d": ("logg", "teff", "m_h", "a_m", "c_m")
    }  # fmt: skip


def test_fluxes_in_single_precision_bear_condition_numbers_of_ten_million():
    d_flux, error = linear_gaussian(pixels=4096)
    d_flux[:, 0] = d_flux[:, LOGG] / 500 + 1e-3 * d_flux[:, 0]  # Teff imitates log g but for a thousandth
    double = fisher.bounds(fisher.fisher_information(d_flux, error), RANGES, 1e8)
    single = fisher.bounds(fisher.fisher_information(d_flux.astype(np.float32), error.astype(np.float32)), RANGES, 1e8)
    assert (double["condition_5d"] > 1e7).all()
    np.testing.assert_allclose(single["sigma_5d"], double["sigma_5d"], rtol=5e-3)


def test_a_generalised_least_squares_fit_reaches_the_bound():
    """For a linear model with Gaussian noise the estimator of Aitken is efficient: its scatter is the bound."""
    d_flux, error = linear_gaussian(n=1)
    sigma = fisher.bounds(fisher.fisher_information(d_flux, error), RANGES, 1e8)
    rng = np.random.default_rng(2)
    noise = error[0] * rng.standard_normal((40_000, error.shape[1]))
    for name, index in SETS.items():
        weighted = d_flux[0, index] / error[0]
        estimates = np.linalg.lstsq(weighted.T, (noise / error[0]).T, rcond=None)[0][index.index(LOGG)]
        assert estimates.std() == pytest.approx(sigma[f"sigma_{name}"][0], rel=0.02)


def degenerate() -> np.ndarray:
    """Six stars: sound, a nuisance like log g, no signal, NaN, one label without effect, all labels alike."""
    d_flux, error = linear_gaussian(6)
    d_flux[1, 0] = d_flux[1, LOGG] * 3
    d_flux[2] = 0
    d_flux[3, 2, 5] = np.nan
    d_flux[4, 4] = 0
    d_flux[5] = d_flux[5, :1]
    return fisher.fisher_information(d_flux, error)


def test_degenerate_stars_fail_are_counted_and_get_no_number():
    table = fisher.bounds(degenerate(), RANGES, 1e8)
    expected = {
        "1d": [False, False, True, False, False, False],
        "3d": [False, True, True, True, False, True],
        "5d": [False, True, True, True, True, True],
    }
    for name, failed in expected.items():
        assert table[f"failed_{name}"].tolist() == failed, name
        np.testing.assert_array_equal(np.isnan(table[f"sigma_{name}"]), failed, err_msg=name)
        np.testing.assert_array_equal(np.isnan(table[f"retention_{name}"]), failed, err_msg=name)
        assert (table[f"condition_{name}"][failed] > 1e8).all()
    summary = fisher.summarise(table)
    assert [summary[name]["n_failed"] for name in ("1d", "3d", "5d")] == [1, 4, 5]
    assert summary["5d"]["median"] == table["sigma_5d"][0]


def test_a_degenerate_star_never_gets_the_number_of_a_pseudo_inverse():
    information = degenerate()[1:2]
    hidden = np.sqrt(np.linalg.pinv(information[:, SETS["3d"]][:, :, SETS["3d"]])[0, 0, 0])
    assert np.isfinite(hidden)
    assert np.isnan(fisher.bounds(information, RANGES, 1e8)["sigma_3d"][0])


def test_failing_stars_do_not_disturb_the_others():
    alone = fisher.bounds(degenerate()[:1], RANGES, 1e8)
    np.testing.assert_allclose(fisher.bounds(degenerate(), RANGES, 1e8).iloc[:1].to_numpy(float), alone.to_numpy(float))


def test_the_condition_number_is_of_the_matrix_in_units_of_the_ranges():
    information = fisher.fisher_information(*linear_gaussian())
    scale = np.array([RANGES[name] for name in LABELS])
    table = fisher.bounds(information, RANGES, 1e8)
    np.testing.assert_allclose(table["condition_5d"], np.linalg.cond(information * np.outer(scale, scale)), rtol=1e-9)
    strict = fisher.bounds(information, RANGES, float(table["condition_5d"].median()))
    assert strict["failed_5d"].sum() == 3


def test_bounds_follow_the_units_of_the_labels():
    d_flux, error = linear_gaussian()
    one = fisher.bounds(fisher.fisher_information(d_flux, error), RANGES, 1e8)
    d_flux[:, LOGG] *= 10  # log g in tenths: its σ shrinks tenfold, nothing else changes
    ten = fisher.bounds(fisher.fisher_information(d_flux, error), RANGES | {"logg": 0.4}, 1e8)
    for name in SETS:
        np.testing.assert_allclose(ten[f"sigma_{name}"], one[f"sigma_{name}"] / 10, rtol=1e-9)
        np.testing.assert_allclose(ten[f"condition_{name}"], one[f"condition_{name}"], rtol=1e-6)


@given(seed=st.integers(0, 10_000), spread=st.floats(0.01, 3))
def test_more_nuisance_labels_never_make_a_bound_smaller(seed, spread):
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((4, 5, 30)) * np.exp(spread * rng.standard_normal((4, 5, 1)))
    table = fisher.bounds(factor @ factor.transpose(0, 2, 1), UNIT, 1e8)
    sigma = table[["sigma_1d", "sigma_3d", "sigma_5d"]].to_numpy()
    usable = np.isfinite(sigma).all(axis=1)
    assert (np.diff(sigma[usable], axis=1) >= -1e-9 * sigma[usable][:, :1]).all()
    for name in ("3d", "5d"):
        good = ~table[f"failed_{name}"]
        assert (table[f"retention_{name}"][good] <= 1 + 1e-9).all()
        assert (table[f"retention_{name}"][good] > 0).all()


@given(seed=st.integers(0, 10_000))
def test_bounds_of_any_positive_definite_matrix_are_those_of_its_inverse(seed):
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((3, 5, 8))
    matrix = factor @ factor.transpose(0, 2, 1)
    table = fisher.bounds(matrix, UNIT, 1e8)
    for name, index in SETS.items():
        good = ~table[f"failed_{name}"].to_numpy()
        np.testing.assert_allclose(table[f"sigma_{name}"][good], full_inverse(matrix, index)[good], rtol=1e-6)


def test_the_trace_term_is_what_a_label_dependent_error_adds_to_the_expected_curvature():
    """Minus the second difference of the expected log-likelihood E[ln N(F(θ₀) + noise; F(θ), σ(θ))] in θ."""
    rng = np.random.default_rng(3)
    slope, d_ln = rng.standard_normal((2, 5, 40)), 0.2 * rng.standard_normal((2, 5, 40))
    ln_sigma0 = rng.uniform(-1, 0, (2, 40))

    def expected_log_likelihood(star: int, theta: np.ndarray) -> float:
        shift = theta @ slope[star]
        ln_sigma = ln_sigma0[star] + theta @ d_ln[star]
        square = np.exp(2 * ln_sigma0[star]) + shift**2  # E[(data − F(θ))²]
        return float((-ln_sigma - square / (2 * np.exp(2 * ln_sigma))).sum())

    information = fisher.fisher_information(slope, np.exp(ln_sigma0)) + fisher.trace_term(d_ln)
    step = 1e-4
    for star in range(2):
        for i in range(5):
            for j in range(5):
                e_i, e_j = step * np.eye(5)[i], step * np.eye(5)[j]
                curvature = sum(
                    sign * expected_log_likelihood(star, a + b)
                    for sign, a, b in ((1, e_i, e_j), (-1, e_i, -e_j), (-1, -e_i, e_j), (1, -e_i, -e_j))
                ) / (4 * step**2)
                assert -curvature == pytest.approx(information[star, i, j], rel=1e-4, abs=1e-2)


def test_a_summary_ignores_failures_and_counts_them():
    table = fisher.bounds(fisher.fisher_information(*linear_gaussian(11)), RANGES, 1e8)
    table.loc[3, ["sigma_5d", "retention_5d"]] = np.nan
    table.loc[3, "condition_5d"] = np.inf
    table.loc[3, "failed_5d"] = True
    found, good = fisher.summarise(table)["5d"], table["sigma_5d"].dropna()
    assert (found["n"], found["n_failed"], found["share_failed"]) == (11, 1, pytest.approx(1 / 11))
    for key, value in (("p10", good.quantile(0.1)), ("median", good.median()), ("p90", good.quantile(0.9)), ("mean", good.mean())):  # fmt: skip
        assert found[key] == pytest.approx(value)
    assert found["condition_number"] == pytest.approx(table["condition_5d"].drop(3).median())


def test_a_summary_of_nothing_but_failures_is_undefined_and_says_how_many():
    table = fisher.bounds(np.full((4, 5, 5), np.nan), RANGES, 1e8)
    assert fisher.summarise(table)["5d"]["n_failed"] == 4
    assert np.isnan(fisher.summarise(table)["5d"]["median"])
    assert np.isnan(fisher.crlb_ceilings(table["sigma_5d"].to_numpy(), 1.0)["crlb_mean_r2"])


def test_agreement_is_the_ratio_star_by_star_where_both_exist():
    exact = np.array([0.1, 0.2, np.nan, 0.4, 0.5])
    found = fisher.agreement(np.array([0.11, 0.22, 0.3, np.nan, 0.55]), exact)
    assert found == {"median_ratio": pytest.approx(1.1), "p10": pytest.approx(1.1), "p90": pytest.approx(1.1), "n": 3}


def test_ceilings_are_clipped_at_zero_and_a_star_that_failed_counts_as_zero():
    sigma = np.array([0.5, 1.0, 1.0, 4.0, np.nan])
    found = fisher.crlb_ceilings(sigma, 4.0)
    assert found["crlb_median_r2"] == pytest.approx(1 - 1 / 4)
    assert found["crlb_mean_r2"] == pytest.approx(np.mean([1 - 0.25 / 4, 1 - 1 / 4, 1 - 1 / 4, 0, 0]))


def test_a_label_without_a_range_is_known_and_log_g_needs_one():
    priors = dict.fromkeys(LABELS, (0.0, 1.0))
    assert fisher.prior_ranges(priors) == UNIT
    assert fisher.prior_ranges(priors | {"a_m": (0.2, 0.2)}) == UNIT | {"a_m": 0.0}
    with pytest.raises(InputError, match=r"data\.priors\.logg is the single value 3: there is nothing to bound"):
        fisher.prior_ranges(priors | {"logg": (3.0, 3.0)})


def test_labels_that_are_the_same_for_all_spectra_are_known():
    labels = np.random.default_rng(1).random((20, 5))
    assert fisher.ranges_that_vary(RANGES, labels) == RANGES
    labels[:, 4] = -0.25
    assert fisher.ranges_that_vary(RANGES, labels) == RANGES | {"c_m": 0.0}
    with pytest.raises(InputError, match=r"data\.priors\.m_h is a single value, but the spectra have m_h from"):
        fisher.ranges_that_vary(RANGES | {"m_h": 0.0}, labels)
    labels[:, LOGG] = 4.5
    with pytest.raises(InputError, match=r"every one of the 20 spectra has log g = 4\.5"):
        fisher.ranges_that_vary(RANGES, labels)


def test_bounds_with_a_known_label_are_those_of_the_others_whatever_its_derivative():
    information = fisher.fisher_information(*linear_gaussian())
    information[:, 4] = information[:, :, 4] = np.nan
    table = fisher.bounds(information, RANGES | {"c_m": 0.0}, 1e8)
    np.testing.assert_allclose(table["sigma_5d"], full_inverse(information, [1, 0, 2, 3]), rtol=1e-9)
    ranges = np.array([RANGES[name] for name in LABELS[:4]])
    expected = fisher.prior_aware_crlb(information[:, :4, :4], ranges)[:, LOGG]
    np.testing.assert_allclose(table["sigma_prior"], expected, rtol=1e-12)
    assert not table.filter(like="failed").to_numpy().any()


def test_a_set_is_named_by_the_labels_that_vary():
    assert fisher.label_sets(())["5d"]["named"] == "5-D: log g, Teff, [M/H], [α/M], [C/M]"
    four = fisher.label_sets(("c_m",))
    assert four["5d"]["named"] == "4-D: log g, Teff, [M/H], [α/M]; [C/M] the same for all spectra"
    assert four["5d"]["labels"] == ["logg", "teff", "m_h", "a_m"]
    assert four["3d"]["named"] == "3-D: log g, Teff, [M/H]"


def test_the_prior_aware_sigma_of_a_star_is_that_of_the_whole_matrix_and_exists_also_where_the_bound_failed():
    information = fisher.fisher_information(*linear_gaussian())
    table = fisher.bounds(information, RANGES, 1e8)
    ranges = np.array([RANGES[name] for name in LABELS])
    np.testing.assert_array_equal(table["sigma_prior"], fisher.prior_aware_crlb(information, ranges)[:, LOGG])
    assert (table["sigma_prior"] < table["sigma_5d"]).all()
    assert (table["sigma_prior"] <= RANGES["logg"] / np.sqrt(12)).all()
    failed = fisher.bounds(np.concatenate([np.zeros((1, 5, 5)), np.full((1, 5, 5), np.nan)]), RANGES, 1e8)
    assert failed["sigma_prior"][0] == pytest.approx(RANGES["logg"] / np.sqrt(12))  # no data: the prior alone
    assert np.isnan(failed["sigma_prior"][1])


def test_convergence_takes_no_more_stars_than_there_are():
    sigma = np.arange(1.0, 101.0)
    rows = pd.DataFrame(fisher.convergence({"exact": sigma, "knn": 2 * sigma}, (50, 5_000)))
    assert sorted(set(rows["n"])) == [25, 50, 100]
    exact = rows[rows["estimator"] == "exact"].set_index("n")["median_sigma_5d"]
    assert exact[50] == np.median(sigma[:50])
    assert exact[100] == np.median(sigma)


def test_a_fit_with_a_stars_own_weights_reaches_its_bound_and_with_others_what_simulated_fits_scatter_by():
    rng = np.random.default_rng(11)
    jacobian, error = rng.normal(size=(1, 5, 60)), rng.uniform(0.5, 2, size=(1, 60))
    jacobian[:, 0] *= 1e-4  # kelvins
    free, unit = [0, 1, 2], dict.fromkeys(LABELS, 1.0)
    bound = fisher.bounds(fisher.fisher_information(jacobian, error), unit, 1e16)["sigma_3d"]
    own = fisher.sigma_with_weights(jacobian, error, 3 / error[0] ** 2, free)
    np.testing.assert_allclose(own, bound, rtol=1e-8)
    weights = rng.uniform(0.2, 3, size=60)
    design = jacobian[0, free].T
    solve = np.linalg.solve(design.T @ (weights[:, None] * design), design.T * weights)
    simulated = (rng.normal(size=(200_000, 60)) * error[0]) @ solve[1]
    found = fisher.sigma_with_weights(jacobian, error, weights, free)
    np.testing.assert_allclose(found, simulated.std(), rtol=0.01)
    assert found > own
    masked = np.where(np.arange(60) < 6, np.inf, error)
    left = fisher.sigma_with_weights(jacobian[:, :, 6:], error[:, 6:], weights[6:], free)
    np.testing.assert_allclose(fisher.sigma_with_weights(jacobian, masked, weights, free), left)
    assert np.isnan(fisher.sigma_with_weights(jacobian * np.nan, error, weights, free)).all()
