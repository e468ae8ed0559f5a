"""Where the error lies: cells and shares that are counted by hand, shrinkage in closed form, purity and completeness."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import precision_score, recall_score

from logg1m.config.bounds import Bootstrap
from logg1m.experiments.anatomy import anatomy, slope

N, SEED = 3_000, 4
BOOTSTRAP = Bootstrap(resamples=200)
RNG = np.random.default_rng(1)
IDS = RNG.permutation(10_000)[:N]
# Prior N(3, 1) and noise of variance 1/2: the posterior mean is 1 + 2/3 of what is observed, R² = 2/3.
TRUTH = RNG.normal(3, 1, N)
OBSERVED = TRUTH + np.sqrt(0.5) * RNG.normal(size=N)
OPTIMAL = 1 + 2 / 3 * OBSERVED
LABELS = pd.DataFrame(
    {
        "teff": RNG.uniform(3750, 6000, 10_000),
        "m_h": RNG.uniform(-2.5, 0.5, 10_000),
        "mag": RNG.uniform(20.5, 22.5, 10_000),
    }
)
LOW_NOISE = pd.Series(np.arange(10_000) % 2 == 0)


@pytest.fixture(scope="module")
def found() -> dict:
    model = pd.DataFrame({"id": IDS, "truth": TRUTH, "predicted": OBSERVED})
    posteriors = pd.DataFrame({"id": IDS, "truth": TRUTH, "mean": OPTIMAL, "var": 1 / 3})
    low = LOW_NOISE.loc[IDS].to_numpy()
    return anatomy(model, {"low_noise": posteriors[low], "full": None}, LABELS, LOW_NOISE, BOOTSTRAP, SEED)


def test_cells_hold_every_star_and_all_of_the_squared_error_once(found):
    for subset, chosen in (("low_noise", LOW_NOISE.loc[IDS].to_numpy()), ("full", np.ones(N, dtype=bool))):
        cells = pd.DataFrame(found[subset]["cells"])
        assert cells["n_model"].sum() == chosen.sum() == found[subset]["n_model"]
        assert cells["share_of_stars_model"].sum() == pytest.approx(1)
        assert cells["share_of_squared_error_model"].sum() == pytest.approx(1)
    assert "n_bayes" not in found["full"]
    assert "rmse_bayes" not in cells
    low = pd.DataFrame(found["low_noise"]["cells"])
    assert low["n_bayes"].sum() == found["low_noise"]["n_bayes"]
    assert low["share_of_squared_error_bayes"].sum() == pytest.approx(1)
    assert low["rmse_bayes"].dropna().tolist() == pytest.approx([np.sqrt(1 / 3)] * low["n_bayes"].gt(0).sum())


def test_a_cell_is_what_is_counted_by_hand(found):
    cell = next(c for c in found["full"]["cells"] if (c["teff_low"], c["m_h_low"]) == (4500, -1.5))
    about = LABELS.loc[IDS]
    inside = (about["teff"].between(4500, 5000) & about["m_h"].between(-1.5, -1)).to_numpy()
    squared = (OBSERVED - TRUTH) ** 2
    assert (cell["teff_high"], cell["m_h_high"], cell["n_model"]) == (5000, -1, inside.sum())
    assert cell["rmse_model"] == pytest.approx(np.sqrt(squared[inside].mean()))
    assert cell["share_of_squared_error_model"] == pytest.approx(squared[inside].sum() / squared.sum())


def test_the_share_of_metal_poor_stars_has_its_interval(found):
    poor = found["full"]["metal_poor"]["model"]
    inside = (LABELS.loc[IDS, "m_h"] < -1.5).to_numpy()
    squared = (OBSERVED - TRUTH) ** 2
    assert (poor["limit"], poor["n"]) == (-1.5, inside.sum())
    assert poor["share_of_stars"]["value"] == pytest.approx(inside.mean())
    assert poor["share_of_squared_error"]["value"] == pytest.approx(squared[inside].sum() / squared.sum())
    low, high = poor["share_of_squared_error"]["ci95"]
    assert low < 1 / 3 < high, "errors do not depend on [M/H] here"


def test_the_posterior_mean_shrinks_by_one_less_r2_and_an_unbiased_model_does_not(found):
    low, high = found["low_noise"]["shrinkage"]["bayes"]["slope"]["ci95"]
    assert low < 2 / 3 - 1 < high
    low, high = found["low_noise"]["shrinkage"]["model"]["slope"]["ci95"]
    assert low < 0 < high
    error = OPTIMAL - TRUTH
    assert slope(TRUTH, error)(np.ones((1, N)))[0] == pytest.approx(np.polyfit(TRUTH, error, 1)[0])


def test_bias_is_against_log_g_itself_and_every_label_there_is(found):
    bias = found["low_noise"]["bias"]
    assert list(bias["model"]) == list(bias["bayes"]) == ["logg", "teff", "m_h", "mag"]
    ends = [bias["bayes"]["logg"][k]["mean"] for k in (0, -1)]
    assert ends[0] > 0.3 > -0.3 > ends[1], "giants come out too high and dwarfs too low"
    for row in bias["bayes"]["teff"]:
        assert abs(row["mean"]) < 4 * row["standard_error"]
    without = anatomy(
        pd.DataFrame({"id": IDS, "truth": TRUTH, "predicted": OBSERVED}), {}, LABELS.drop(columns="mag"), LOW_NOISE,
        BOOTSTRAP, SEED,
    )  # fmt: skip
    assert list(without["full"]["bias"]["model"]) == ["logg", "teff", "m_h"]


def test_purity_and_completeness_are_precision_and_recall(found):
    classes = found["full"]["classes"]
    dwarf, said = TRUTH > 3.5, OBSERVED > 3.5
    for name, true, called in (("dwarfs", dwarf, said), ("giants", ~dwarf, ~said)):
        measured = classes[f"model_{name}"]
        assert (measured["limit"], measured["n"], measured["n_said"]) == (3.5, true.sum(), called.sum())
        assert measured["purity"]["value"] == pytest.approx(precision_score(true, called))
        assert measured["completeness"]["value"] == pytest.approx(recall_score(true, called))
        low, high = measured["purity"]["ci95"]
        assert low < measured["purity"]["value"] < high
    assert set(found["low_noise"]["classes"]) == {f"{a}_{b}" for a in ("model", "bayes") for b in ("dwarfs", "giants")}


def test_without_low_noise_test_spectra_there_is_only_the_full_test():
    model = pd.DataFrame({"id": IDS, "truth": TRUTH, "predicted": OBSERVED})
    assert list(anatomy(model, {}, LABELS, LOW_NOISE & False, BOOTSTRAP, SEED)) == ["full"]
