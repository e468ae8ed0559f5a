"""The best model is chosen on validation stars alone; ties go to the simpler one."""

import numpy as np
import pandas as pd
import pytest

from logg1m.bounds.choice import choose, simplicity
from logg1m.config.bounds import Bootstrap
from logg1m.files import InputError

N = 600
IDS = np.arange(N) * 2 + 1
RNG = np.random.default_rng(4)
TRUTH = RNG.uniform(1, 5, N)
NOISE = RNG.normal(0, 0.3, N)
BOOTSTRAP = Bootstrap(resamples=300)
LOW_NOISE = pd.Series(True, index=np.arange(2 * N + 1))


def table(factor: float, ids: np.ndarray = IDS) -> pd.DataFrame:
    known = np.searchsorted(IDS, ids)
    return pd.DataFrame({"id": ids, "truth": TRUTH[known], "predicted": TRUTH[known] + factor * NOISE[known]})


def chosen(low_noise: pd.Series = LOW_NOISE, left_out: tuple[str, ...] = (), **tables: pd.DataFrame) -> dict:
    changes = {"mvp_1_2/flux": ("vit", 0), "mvp_1_2/two": ("vit", 1)}
    of_seeds = {name.replace("__", "/"): [one] for name, one in tables.items()}
    return choose(of_seeds, low_noise, BOOTSTRAP, 7, changes, left_out)


def test_the_lowest_error_wins_where_the_difference_is_beyond_its_interval():
    found = chosen(ridge_full=table(1.2), mvp_1_2__flux=table(1.0))
    assert (found["model"], found["lowest"], found["tied"]) == ("mvp_1_2/flux", "mvp_1_2/flux", ["mvp_1_2/flux"])
    assert found["rmse"]["ridge_full"]["value"] == pytest.approx(1.2 * np.sqrt((NOISE**2).mean()))
    assert found["n_stars"] == N


def test_a_tie_within_the_interval_goes_to_the_simpler_model():
    noisy = table(1.0)
    noisy["predicted"] += RNG.normal(0, 0.02, N)
    found = chosen(mvp_1_2__two=table(1.0), mvp_1_2__flux=noisy, lightgbm=table(2.0))
    assert found["lowest"] == "mvp_1_2/two"
    assert found["model"] == found["tied"][0] == "mvp_1_2/flux"
    assert found["tied"] == ["mvp_1_2/flux", "mvp_1_2/two"]


def test_simplicity_goes_by_kind_then_by_components_or_changes():
    changes = {"mvp_1_2/a": ("vit", 2), "mvp_1_2/b": ("vit", 0), "mvp_1_3/c": ("ridge", 1)}
    names = ["mvp_1_2/a", "lightgbm", "ridge_full", "mvp_1_2/b", "ridge_pca_500", "ridge_pca_100", "mvp_1_3/c"]
    ordered = sorted(names, key=lambda name: simplicity(name, changes))
    assert ordered == [
        "mvp_1_3/c", "ridge_pca_100", "ridge_pca_500", "ridge_full", "lightgbm", "mvp_1_2/b", "mvp_1_2/a",
    ]  # fmt: skip


def test_only_low_noise_stars_count_that_every_model_was_asked_about():
    low = LOW_NOISE.copy()
    low[IDS[N // 2 :]] = False
    noisy = table(1.0)
    noisy.loc[N // 2 :, "predicted"] += 5.0  # where it is no low-noise star
    found = chosen(low, lightgbm=noisy, ridge_full=table(1.5, IDS[: N - 10]), mvp_1_2__flux=table(1.3, IDS[10:]))
    assert (found["model"], found["n_stars"]) == ("lightgbm", N // 2 - 10)


def test_a_model_that_was_asked_about_noisy_stars_too_is_compared_on_the_others():
    low = LOW_NOISE.copy()
    low[IDS[N // 5 :]] = False
    found = chosen(low, ridge_full=table(1.5), mvp_1_2__flux=table(1.0, IDS[: N // 5]))
    assert (found["model"], found["n_stars"], found["trained_on_them"]) == ("mvp_1_2/flux", N // 5, [])


def test_leaks_are_not_chosen_and_without_a_star_nothing_is():
    assert chosen(left_out=("lightgbm",), lightgbm=table(0.1), ridge_full=table(1.0))["model"] == "ridge_full"
    apart = chosen(lightgbm=table(0.1, IDS[:300]), ridge_full=table(1.0, IDS[300:]))
    assert (apart["model"], apart["n_stars"]) == (None, 0)
    assert chosen()["model"] is None


def test_a_model_that_trained_on_most_of_the_stars_does_not_stop_the_choice_among_the_others():
    few = chosen(lightgbm=table(0.1, IDS[:50]), mvp_1_2__flux=table(0.1, IDS[:0]), ridge_full=table(1.0))
    assert (few["model"], few["n_stars"]) == ("ridge_full", N)
    assert few["trained_on_them"] == ["lightgbm", "mvp_1_2/flux"]


def test_a_prediction_that_is_no_number_is_refused_by_name():
    broken = table(1.0)
    broken.loc[3, "predicted"] = np.nan
    with pytest.raises(InputError, match="lightgbm predicts no log g"):
        chosen(lightgbm=broken)
