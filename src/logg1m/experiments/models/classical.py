"""Ridge and LightGBM on prepared features: the linear preview of the experiments."""

from typing import Any

import numpy as np
import torch
from scipy.linalg import cho_factor, cho_solve

from logg1m.config.baselines import LightGBMConfig
from logg1m.experiments import reading
from logg1m.experiments.task import Fitted, Task
from logg1m.jobs.progress import Progress
from logg1m.spectra import passes


def fit(task: Task) -> Fitted:
    """Ridge or LightGBM on the prepared spectra of a task."""
    rows, prepare = task.rows, task.prepare
    roles = {"fit": prepare.role(rows.fit, rows.draw), "validation": prepare.role(rows.validation)}
    features = {name: found[0] for name, found in reading.gather(task.store, roles, task.compute).items()}
    targets = {"fit": task.targets[rows.fit], "validation": task.targets[rows.validation]}
    setting = task.setting
    with passes.all_threads(task.compute) as threads:
        if task.recipe.model == "ridge":
            return fit_ridge(features, targets, setting.alphas)
        return fit_lightgbm(features, targets, setting.lightgbm, setting.seed + setting.seed_number, threads)


def r2_columns(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """R² of every target, (T,); NaN for one that does not vary."""
    spread = truth.var(axis=0)
    varies = spread > 1e-12 * (truth**2).mean(axis=0)
    missed = ((truth - predicted) ** 2).mean(axis=0) / np.where(varies, spread, 1.0)
    return np.where(varies, 1 - missed, np.nan)


def fit_ridge(features: dict[str, np.ndarray], targets: dict[str, np.ndarray], alphas: tuple[float, ...]) -> Fitted:
    """Ridge on standardised features, ‖y − Xw − c‖² + α‖w‖², α by validation R² averaged over the targets.

    Solved through the smaller of the Gram and the kernel matrix (the dual form, Saunders et al. 1998), one Cholesky
    factorisation per α.

    Parameters
    ----------
    features : fit, validation → (N, D); the arrays are standardised in place
    targets : fit, validation → (N, T)
    """
    x = features["fit"]
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 1e-12, spread, np.inf)  # a pixel that never varies carries nothing
    for values in features.values():
        values -= mean
        values /= spread
    centre = targets["fit"].mean(axis=0)
    y = targets["fit"] - centre
    dual = x.shape[0] < x.shape[1]
    # Double precision: with an input that has no noise of its own the best penalty is tiny, far below the
    # rounding of a single-precision matrix, and a leak would go unseen.
    x = x.astype(np.float64)
    matrix = x @ x.T if dual else x.T @ x
    right = y if dual else x.T @ y
    diagonal = matrix.diagonal().copy()
    progress = Progress("ridge", len(alphas), "penalties")
    best, history, weights = -np.inf, [], np.empty(0)
    for alpha in alphas:
        np.fill_diagonal(matrix, diagonal + alpha)
        solved = cho_solve(cho_factor(matrix, check_finite=False), right, check_finite=False)
        trial = x.T @ solved if dual else solved
        scores = r2_columns(targets["validation"], features["validation"] @ trial + centre)
        score = float(np.nanmean(scores))
        history.append({"alpha": alpha, "validation_r2": score, "validation_r2_logg": float(scores[0])})
        if score > best:
            best, weights = score, trial
        progress.add(1)
    chosen = max(history, key=lambda row: row["validation_r2"])
    tensors = {"weights": weights, "intercept": centre, "mean": mean, "scale": spread}
    edge = chosen["alpha"] in (min(alphas), max(alphas))
    first = torch.as_tensor(weights[:, 0] / spread, dtype=torch.float32)  # of log g, per unit of the raw feature

    def predict(spectra: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        standardised = spectra.reshape(len(spectra), -1) - mean
        standardised /= spread
        return standardised @ weights + centre, {}

    report = {**chosen, "alpha_at_edge_of_grid": edge}
    return Fitted(predict, tensors, history, report, differentiable=lambda x: x.flatten(1) @ first)


def fit_lightgbm(
    features: dict[str, np.ndarray], targets: dict[str, np.ndarray], config: LightGBMConfig, seed: int, threads: int
) -> Fitted:
    """LightGBM on the first target; the best prefix on validation is used."""
    import lightgbm as lgb  # slow to import, and most runs do without

    fields = {"learning_rate", "num_leaves", "feature_fraction", "min_data_in_leaf", "max_bin"}
    options = config.model_dump(include=fields) | {"objective": "regression", "metric": "l2", "seed": seed % 2**31}
    options |= {"deterministic": True, "force_col_wise": True, "num_threads": threads, "verbosity": -1}
    data = lgb.Dataset(features["fit"], targets["fit"][:, 0], params=options)
    validation = data.create_valid(features["validation"], targets["validation"][:, 0])
    history: list[dict[str, float]] = []
    progress = Progress("LightGBM", config.n_estimators, "trees")

    def watch(env: Any) -> None:
        history.append({"iteration": env.iteration + 1, "validation_mse": float(env.evaluation_result_list[0][2])})
        progress.add(1)

    booster = lgb.train(options, data, config.n_estimators, valid_sets=[validation], callbacks=[watch])
    best = int(np.argmin([row["validation_mse"] for row in history])) + 1

    def predict(spectra: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return np.asarray(booster.predict(spectra.reshape(len(spectra), -1), num_iteration=best))[:, None], {}

    trees = np.frombuffer(booster.model_to_string().encode(), dtype=np.uint8)
    tensors = {"booster": trees, "best_iteration": np.array([best])}
    return Fitted(predict, tensors, history, {"best_iteration": best})
