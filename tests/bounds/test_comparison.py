"""fisher.json: models beside the bounds of the same spectra, ceilings, verdicts, and every key that readers rely on."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from logg1m.bounds import comparison, fisher
from logg1m.bounds.comparison import compare, model_ratio
from logg1m.config.bounds import Bootstrap, Bounds
from logg1m.files import InputError, read_json, write_json

SEED, N = 5, 3_000
BOOTSTRAP = Bootstrap(resamples=400)
VARIANCE = 16 / 12


def stars_of(n: int = N, estimators: tuple[str, ...] = ("exact", "local_linear", "knn"), seed: int = 1) -> pd.DataFrame:
    """Bounds of n stars; the local regression is 5 % high, kNN differences are half."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"id": np.arange(n) * 3, "logg": rng.uniform(1, 5, n)})
    sigma = np.exp(rng.normal(np.log(0.2), 0.6, n))
    for name in estimators:
        factor = {"exact": 1.0, "local_linear": 1.05, "knn": 0.5}[name]
        for dims, share in (("1d", 0.3), ("3d", 0.6), ("5d", 1.0)):
            table[f"{name}_sigma_{dims}"] = sigma * factor * share
            table[f"{name}_retention_{dims}"] = (0.3 / share) ** 2
            table[f"{name}_condition_{dims}"] = 100.0
            table[f"{name}_failed_{dims}"] = False
        table[f"{name}_sigma_prior"] = 1 / np.sqrt(1 / table[f"{name}_sigma_5d"] ** 2 + 1 / VARIANCE)
    if "exact" in estimators:
        table["exact_trace_share"] = 0.01
    return table


def members_of(stars: pd.DataFrame, low_noise: float = 0.7, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = len(stars)
    return pd.DataFrame(
        {"snr": rng.uniform(1, 8, n), "pool": "test", "low_noise": rng.random(n) < low_noise},
        index=pd.Index(stars["id"], name="id"),
    )


def model(stars: pd.DataFrame, factor: float, seed: int = 3) -> pd.DataFrame:
    """Predictions whose errors are Gaussian, `factor` times the bound of each star."""
    error = factor * stars["exact_sigma_5d"] * np.random.default_rng(seed).standard_normal(len(stars))
    table = pd.DataFrame({"id": stars["id"], "truth": stars["logg"], "predicted": stars["logg"] + error})
    return table.sample(frac=1, random_state=1)


def bounds_of(stars: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The bound and the prior-aware bound of every star."""
    return tuple(stars.set_index("id")[f"exact_sigma_{dims}"] for dims in ("5d", "prior"))


def compared(factor: float = 1.0, **settings) -> dict:
    stars = stars_of()
    models = {"poor": model(stars, 3 * factor, seed=8), "good": model(stars, factor)}
    return compare(stars, members_of(stars), models, VARIANCE, Bounds(**settings), BOOTSTRAP, SEED, models)


@pytest.fixture(scope="module")
def efficient() -> dict:
    return compared()


def test_an_efficient_estimator_has_ratio_one_by_both_statistics(efficient):
    for statistic in ("ratio_median", "ratio_rms"):
        found = efficient["models"]["good"][statistic]
        low, high = found["ci95"]
        assert low < 1 < high, statistic
        assert found["value"] == pytest.approx(1, abs=0.06)
        assert high - low < 0.2


def test_a_model_thrice_the_bound_has_ratio_three(efficient):
    for statistic in ("ratio_median", "ratio_rms"):
        low, high = efficient["models"]["poor"][statistic]["ci95"]
        assert low < 3 < high


@pytest.mark.slow
def test_intervals_of_an_efficient_estimator_hold_one_as_often_as_they_say():
    hits, repetitions = {"ratio_median": 0, "ratio_rms": 0}, 250
    for k in range(repetitions):
        stars = stars_of(300, ("exact",), seed=k)
        found = model_ratio(model(stars, 1.0, seed=1_000 + k), *bounds_of(stars), Bootstrap(resamples=200), SEED)
        for name in hits:
            low, high = found[name]["ci95"]
            hits[name] += low <= 1 <= high
    for name, count in hits.items():
        assert count / repetitions == pytest.approx(0.95, abs=0.05), name


def test_errors_are_those_of_the_low_noise_stars_joined_by_id(efficient):
    stars = stars_of()
    low = members_of(stars)["low_noise"].to_numpy()
    rows = model(stars, 1.0).set_index("id").loc[stars["id"][low]]
    found = efficient["models"]["good"]
    assert found["n"] == efficient["n_spectra"] == low.sum()
    assert found["mae"]["value"] == pytest.approx(mean_absolute_error(rows["truth"], rows["predicted"]))
    assert found["rmse"]["value"] == pytest.approx(root_mean_squared_error(rows["truth"], rows["predicted"]))
    assert found["r2"]["value"] == pytest.approx(r2_score(rows["truth"], rows["predicted"]))


@pytest.mark.parametrize(
    ("factor", "outcome"), [(1.0, "near_bound"), (4.0, "headroom"), (1.6, "inconclusive")]
)  # fmt: skip
@pytest.mark.parametrize("statistic", ["median_ratio", "rms_ratio"])
def test_outcome_of_the_verdict(factor, outcome, statistic):
    verdict = compared(factor, statistic=statistic)["verdict"]
    assert verdict["outcome"] == outcome
    assert verdict["model"] == "good"  # the one with the smallest error
    assert verdict["statistic"] == statistic
    assert verdict["ratio"] == verdict["all_statistics"][statistic]


def test_without_a_bayes_ceiling_the_rmse_is_held_against_the_prior_aware_bound():
    """Errors of the size of that bound, √Σσ², score 1; it is the lower one wherever the prior helps."""
    stars = stars_of()
    error = stars["exact_sigma_prior"] * np.random.default_rng(3).standard_normal(N)
    table = pd.DataFrame({"id": stars["id"], "truth": stars["logg"], "predicted": stars["logg"] + error})
    found = model_ratio(table, *bounds_of(stars), BOOTSTRAP, SEED)["rmse_over_prior_aware"]
    assert found["value"] == pytest.approx(np.sqrt((error**2).sum() / (stars["exact_sigma_prior"] ** 2).sum()))
    assert found["ci95"][0] < 1 < found["ci95"][1]
    verdict = compared()["verdict"]
    assert verdict["statistic"] == "rmse_over_prior_aware"
    assert verdict["ratio"] == verdict["all_statistics"]["rmse_over_prior_aware"]
    assert verdict["all_statistics"]["rmse_over_bayes"] is None


@pytest.mark.parametrize(
    ("above", "below", "outcome"),
    [(1.2, 1.1, "headroom"), (4.0, 3.0, "near_bound"), (3.0, 1.2, "inconclusive"), (2.0, 2.0, "inconclusive")],
)
def test_between_two_thresholds_the_verdict_is_inconclusive(above, below, outcome):
    verdict = compared(2.0, statistic="rms_ratio", headroom_above=above, near_bound_below=below)["verdict"]
    assert verdict["outcome"] == outcome
    assert verdict["thresholds"] == {"headroom_above": above, "near_bound_below": below}


def test_the_best_model_is_not_chosen_on_the_stars_that_judge_it():
    stars = stars_of()
    tests = {"a": model(stars, 1.0), "b": model(stars, 1.5)}
    on_validation = {"a": model(stars, 3.0), "b": model(stars, 1.0)}
    found = compare(stars, members_of(stars), tests, VARIANCE, Bounds(), BOOTSTRAP, SEED, on_validation)
    assert (found["choice"]["model"], found["verdict"]["model"]) == ("b", "b")


def test_the_file_has_every_key_that_was_promised(efficient, tmp_path):
    write_json(tmp_path / "fisher.json", efficient)
    file = read_json(tmp_path / "fisher.json")
    assert {"n_spectra", "subset", "convergence", "ceilings", "verdict"} <= set(file)
    for estimator in ("knn", "local_linear", "exact"):
        for dims in ("1d", "3d", "5d"):
            entry = file["estimators"][estimator]["sigma_logg"][dims]
            assert {"p10", "median", "p90", "mean", "n_failed", "condition_number"} <= set(entry)
    for estimator in ("knn", "local_linear"):
        assert {"median_ratio", "p10", "p90"} <= set(file["agreement_with_exact"][estimator])
    for place in (file["ceilings"], *file["ceilings"]["snr_bins"]):
        assert {"crlb_median_r2", "crlb_mean_r2"} <= set(place)
    for entry in file["models"].values():
        for statistic in ("mae", "rmse", "r2", "ratio_median", "ratio_rms", "rmse_over_prior_aware"):
            assert set(entry[statistic]) == {"value", "ci95"}
    assert {"criterion", "statistic", "ratio", "outcome"} <= set(file["verdict"])
    assert {"n", "estimator", "median_sigma_5d"} <= set(file["convergence"][0])


def test_agreement_with_exact_is_star_by_star(efficient):
    assert efficient["agreement_with_exact"]["local_linear"]["median_ratio"] == pytest.approx(1.05)
    assert efficient["agreement_with_exact"]["knn"]["median_ratio"] == pytest.approx(0.5)
    assert efficient["reference_estimator"] == "exact"
    assert efficient["trace_term_share"]["median"] == pytest.approx(0.01)


def test_estimators_are_summed_up_over_low_noise_stars_only(efficient):
    stars = stars_of()
    sigma = stars["exact_sigma_5d"][members_of(stars)["low_noise"].to_numpy()]
    found = efficient["estimators"]["exact"]["sigma_logg"]["5d"]
    assert found["median"] == pytest.approx(sigma.median())
    assert found["n_failed"] == 0
    assert efficient["ceilings"]["crlb_median_r2"] == pytest.approx(
        np.median(np.clip(1 - sigma**2 / VARIANCE, 0, None))
    )


def test_ceilings_in_bins_take_every_star_with_a_bound(efficient):
    bins = efficient["ceilings"]["snr_bins"]
    assert sum(entry["n"] for entry in bins) == N
    stars = stars_of()
    snr = members_of(stars)["snr"].to_numpy()
    for entry in bins:
        inside = (snr >= entry["snr_low"]) & (snr < (entry["snr_high"] or np.inf))
        expected = fisher.crlb_ceilings(stars["exact_sigma_5d"].to_numpy()[inside], VARIANCE)
        assert {k: entry[k] for k in expected} == expected


def test_without_exact_derivatives_the_local_regression_takes_their_place_and_the_file_says_so():
    stars = stars_of(estimators=("local_linear", "knn"))
    table = pd.DataFrame({"id": stars["id"], "truth": stars["logg"], "predicted": stars["logg"] + 0.1})
    models = {"only": table}
    found = compare(stars, members_of(stars), models, VARIANCE, Bounds(), BOOTSTRAP, SEED, models)
    assert found["reference_estimator"] == "local_linear"
    assert "cannot compute derivatives" in found["exact_missing"]
    assert found["agreement_with_exact"] == {}
    assert set(found["estimators"]) == {"local_linear", "knn"}


def test_stars_whose_bound_failed_are_left_out_of_ratios_and_counted():
    stars = stars_of()
    stars.loc[:99, "exact_sigma_5d"] = np.nan
    stars.loc[:99, "exact_failed_5d"] = True
    models = {"one": model(stars_of(), 1.0)}
    found = compare(stars, members_of(stars, low_noise=1.1), models, VARIANCE, Bounds(), BOOTSTRAP, SEED, models)
    assert found["models"]["one"]["n"] == N - 100
    assert found["estimators"]["exact"]["sigma_logg"]["5d"]["n_failed"] == 100
    assert np.isfinite(found["models"]["one"]["ratio_rms"]["value"])


def survivors(missing: int, on_nodes: bool = True, min_share: float = 0.9) -> dict:
    """All stars are low-noise test stars; the first `missing` have no derivative from the local regression."""
    stars = stars_of(estimators=("local_linear",))
    first = stars.index < missing
    stars.loc[first, [c for c in stars if "sigma" in c]] = np.nan
    stars.loc[first, [c for c in stars if "failed" in c]] = True
    stars["a_m"] = np.tile([0.0, 0.2, 0.4], N // 3) if on_nodes else np.linspace(0, 0.4, N)
    stars["c_m"] = 0.0
    table = pd.DataFrame({"id": stars["id"], "truth": stars["logg"], "predicted": stars["logg"] + 1.0})
    models, config = {"only": table}, Bounds(min_share=min_share)
    return compare(stars, members_of(stars, low_noise=1.1), models, VARIANCE, config, BOOTSTRAP, SEED, models)


def test_stars_without_a_derivative_are_counted_beside_every_number_and_left_out_of_ceilings():
    found, few = survivors(60), survivors(0)
    entry, only = found["estimators"]["local_linear"], found["models"]["only"]
    assert (entry["n"], entry["n_failed"], entry["n_no_derivative"], entry["share_failed"]) == (N, 60, 60, 0.02)
    assert entry["why"].startswith("60 of 3,000 stars have no derivative: ")
    assert (only["n"], only["n_test"], only["n_failed"], only["share_failed"]) == (N - 60, N, 60, pytest.approx(0.02))
    assert (found["verdict"]["n"], found["verdict"]["n_test"]) == (N - 60, N)
    assert found["verdict"]["outcome"] == "headroom"
    assert found["ceilings"]["n_no_derivative"] == found["ceilings"]["prior_aware_r2"]["n_no_derivative"] == 60
    assert found["ceilings"]["crlb_mean_r2"] == pytest.approx(few["ceilings"]["crlb_mean_r2"], rel=0.02)
    assert sum(row["n_no_derivative"] for row in found["ceilings"]["snr_bins"]) == 60
    assert "why" not in few["estimators"]["local_linear"]


@pytest.mark.parametrize("missing", [400, N])
def test_below_the_configured_share_nothing_is_concluded_and_the_file_says_why(missing, tmp_path):
    found = survivors(missing)
    write_json(tmp_path / "fisher.json", found)
    verdict, only = read_json(tmp_path / "fisher.json")["verdict"], found["models"]["only"]
    assert verdict["outcome"] == "inconclusive"
    assert verdict["ratio"] is None
    assert f"only {N - missing:,} of 3,000 low-noise test stars have a bound" in verdict["reason"]
    assert "share their values of a_m (nodes of a grid)" in verdict["reason"]
    assert "more spectra on the same nodes do not help" in verdict["reason"]
    assert "enlarge" not in str(found)
    assert only["rmse"]["value"] == pytest.approx(1.0)
    assert "ratio_median" not in only
    assert survivors(400, min_share=0.8)["verdict"]["outcome"] == "headroom"


def test_labels_that_no_spectra_share_are_not_called_nodes():
    assert "nodes" not in survivors(400, on_nodes=False)["verdict"]["reason"]


def test_a_constant_label_is_named_as_known():
    assert survivors(0)["label_sets"]["5d"]["known"] == ["c_m"]
    assert compared()["label_sets"]["5d"]["known"] == []


def test_models_without_a_star_in_common_with_the_bounds_are_refused():
    stars = stars_of()
    other = model(stars, 1.0).assign(id=lambda t: t["id"] + 1)
    with pytest.raises(InputError, match="none of the 3000 test spectra"):
        compare(stars, members_of(stars), {"one": other}, VARIANCE, Bounds(), BOOTSTRAP, SEED, {"one": other})


def test_comparison_is_reproducible(efficient):
    assert compared() == efficient


def test_the_median_of_a_unit_gaussian_is_what_ratios_are_scaled_by():
    from scipy.stats import norm

    assert pytest.approx(norm.ppf(0.75), abs=2e-5) == comparison.GAUSSIAN_MEDIAN
