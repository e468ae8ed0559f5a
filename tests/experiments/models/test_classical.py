"""Ridge against scikit-learn in both of its forms, the choice of the penalty, and LightGBM in small."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from logg1m.config.baselines import LightGBMConfig
from logg1m.experiments.models.classical import fit_lightgbm, fit_ridge, r2_columns

ALPHAS = (0.1, 10.0, 1000.0, 100_000.0)


def problem(n: int, pixels: int, targets: int = 1, noise: float = 0.5, seed: int = 0) -> tuple[dict, dict]:
    """features and targets of fit (n), validation and test (100 each); the targets are linear in the pixels."""
    rng = np.random.default_rng(seed)
    sizes = {"fit": n, "validation": 100, "test": 100}
    weights = rng.normal(0, 1, (pixels, targets)) / np.sqrt(pixels)
    offset, scale = rng.uniform(-3, 3, pixels), rng.uniform(0.1, 10, pixels)
    features, truth = {}, {}
    for role, size in sizes.items():
        x = rng.normal(0, 1, (size, pixels))
        truth[role] = x @ weights + 4 + noise * rng.normal(0, 1, (size, targets))
        features[role] = (offset + scale * x).astype(np.float32)
    return features, truth


def copied(features: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What a fit is given, which is altered in place; the test is not part of it."""
    return {role: features[role].copy() for role in ("fit", "validation")}


def sklearn_prediction(features: dict, truth: dict, alpha: float) -> np.ndarray:
    scaler = StandardScaler().fit(features["fit"].astype(float))
    model = Ridge(alpha=alpha).fit(scaler.transform(features["fit"].astype(float)), truth["fit"])
    return model.predict(scaler.transform(features["test"].astype(float))).reshape(truth["test"].shape)


@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize(("n", "pixels"), [(80, 200), (300, 40)], ids=["dual", "primal"])
def test_ridge_is_that_of_scikit_learn_in_both_forms(n, pixels, targets):
    features, truth = problem(n, pixels, targets)
    for alpha in ALPHAS:
        fitted = fit_ridge(copied(features), truth, (alpha,))
        np.testing.assert_allclose(
            fitted.predict(features["test"])[0], sklearn_prediction(features, truth, alpha), rtol=1e-3, atol=1e-4
        )


def test_dual_and_primal_agree_and_constant_pixels_say_nothing():
    features, truth = problem(60, 60)
    wider = {role: np.concatenate([x, np.ones((len(x), 5), np.float32)], axis=1) for role, x in features.items()}
    primal, dual = fit_ridge(copied(features), truth, ALPHAS), fit_ridge(copied(wider), truth, ALPHAS)
    np.testing.assert_allclose(
        primal.predict(features["test"])[0], dual.predict(wider["test"])[0], rtol=1e-5, atol=1e-5
    )


def test_penalty_is_the_best_on_validation():
    features, truth = problem(80, 200)
    fitted = fit_ridge(copied(features), truth, ALPHAS)
    scores = {row["alpha"]: row["validation_r2"] for row in fitted.history}
    assert list(scores) == list(ALPHAS)
    assert fitted.chosen["alpha"] == max(scores, key=scores.get)


def test_penalty_at_the_edge_of_the_grid_is_reported():
    features, truth = problem(80, 200)
    best = fit_ridge(copied(features), truth, ALPHAS).chosen
    inside = best["alpha"] not in (ALPHAS[0], ALPHAS[-1])
    assert best["alpha_at_edge_of_grid"] == (not inside)
    assert fit_ridge(copied(features), truth, (best["alpha"],)).chosen["alpha_at_edge_of_grid"]


def test_penalty_of_several_targets_is_their_average():
    features, truth = problem(80, 200, targets=3)
    fitted = fit_ridge(copied(features), truth, ALPHAS)
    one = fit_ridge(copied(features), {role: y[:, :1] for role, y in truth.items()}, ALPHAS)
    np.testing.assert_allclose(
        [row["validation_r2_logg"] for row in fitted.history], [row["validation_r2"] for row in one.history], rtol=1e-9
    )


def test_saved_tensors_reproduce_the_predictions():
    features, truth = problem(80, 200, targets=2)
    fitted = fit_ridge(copied(features), truth, ALPHAS)
    t = fitted.tensors
    again = (features["test"] - t["mean"]) / t["scale"] @ t["weights"] + t["intercept"]
    np.testing.assert_allclose(again, fitted.predict(features["test"])[0], rtol=1e-5, atol=1e-5)


def test_tiny_penalty_still_finds_a_relation_without_noise():
    features, truth = problem(120, 100, noise=0.0)
    fitted = fit_ridge(copied(features), truth, (1e-6, 1.0, 1000.0))
    assert r2_columns(truth["test"], fitted.predict(features["test"])[0])[0] > 0.9999


def test_r2_of_each_column():
    truth = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    np.testing.assert_allclose(r2_columns(truth, np.stack([truth[:, 0], np.ones(3)], axis=1)), [1, 0])


def test_lightgbm_learns_and_uses_the_best_prefix_on_validation():
    features, truth = problem(400, 10, noise=0.1)
    config = LightGBMConfig(n_estimators=60, learning_rate=0.2, num_leaves=7, feature_fraction=1.0, bin_sample=200)
    fitted = fit_lightgbm(features, truth, config, seed=1, threads=1)
    losses = [row["validation_mse"] for row in fitted.history]
    assert len(losses) == 60
    assert fitted.chosen["best_iteration"] == int(np.argmin(losses)) + 1
    assert r2_columns(truth["test"], fitted.predict(features["test"])[0])[0] > 0.5
    again = fit_lightgbm(features, truth, config, seed=1, threads=1)
    np.testing.assert_array_equal(again.predict(features["test"])[0], fitted.predict(features["test"])[0])


def test_a_label_that_does_not_vary_takes_no_part_in_the_choice_of_a_penalty():
    rng = np.random.default_rng(3)
    features = {name: rng.normal(size=(n, 6)).astype(np.float32) for name, n in (("fit", 60), ("validation", 20))}
    weights = rng.normal(size=6)
    for constant in (0.0, -0.3, 5000.0):
        targets = {name: np.column_stack([x @ weights, np.full(len(x), constant)]) for name, x in features.items()}
        given = {name: x.copy() for name, x in features.items()}
        fitted = fit_ridge(given, targets, (1e-3, 1e3))
        assert fitted.chosen["alpha"] == 1e-3
        assert fitted.chosen["validation_r2"] == pytest.approx(fitted.chosen["validation_r2_logg"])
