"""What is learnt about a trained network beyond its predictions on the test: what it stands, where it looks, and what
its encoder knew before it was shown a label."""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import torch

from logg1m.experiments.evaluate import Examination
from logg1m.experiments.models.classical import fit_ridge, r2_columns
from logg1m.experiments.reading import Role, gather
from logg1m.experiments.task import Fitted, Task
from logg1m.nn import attention_map, robustness
from logg1m.nn.learner import Learner
from logg1m.nn.trainer import in_batches

_PROBE_ROWS, _PROBE_TEST_ROWS = 2_048, 4_096  # labelled spectra behind the linear probe, and test spectra
_PROBE_PENALTIES = (1e-2, 1.0, 1e2, 1e3, 1e4, 1e5, 1e6)
_BATCH = 512


def examine(task: Task, fitted: Fitted, test: np.ndarray, low_noise: np.ndarray) -> Examination:
    """Predictions under the conditions of `nn.robustness`, and attention per token, on the low-noise test spectra.

    Parameters
    ----------
    test : prepared spectra of task.rows.test (N, C, P)
    low_noise : which of them are low-noise spectra (N,)
    """
    learner = fitted.module
    assert isinstance(learner, Learner)
    some, wave, device = np.asarray(test[low_noise]), task.store.wave, task.prepare.device
    under = robustness.predictions(learner, some, wave, task.rows.test[low_noise], device)
    received = attention_map.received(learner, some, wave, device)
    found = probe(task, learner, fitted.encoders, test, low_noise) if fitted.encoders else None
    return Examination(under, received, found)


def probe(
    task: Task, learner: Learner, encoders: dict[str, dict[str, torch.Tensor]], test: np.ndarray, low_noise: np.ndarray
) -> dict[str, Any]:
    """Ridge on every layer of frozen encoders, the random one and the pretrained one, and on the pixels.

    Masked modelling asks nothing of the outputs at visible tokens after the last norm, and the size of a star's tokens
    follows its noise; so features are the pooled tokens of a layer, before that norm, divided by their root mean square
    over the star; a projection beside them is left out, which was embedded in the training with labels. The control is the
    pixels divided likewise. At most 2,048 labelled spectra, and 4,096 of the test.
    Penalty and layer are chosen on validation.

    Parameters
    ----------
    encoders : their weights by name
    test, low_noise : prepared test spectra (N, C, P), and which of them are low-noise ones (N,)

    Returns
    -------
    features → {r2_low_noise, r2_full} of log g on the test spectra, penalty and R² on validation; of encoders those of the
    best layer, with its number (0: tokens as embedded), and of all `layers`
    """
    learner, test, low_noise = deepcopy(learner), test[:_PROBE_TEST_ROWS], low_noise[:_PROBE_TEST_ROWS]
    (fit, validation), test = (_filled(learner, x) for x in _spectra(task)), _filled(learner, test)
    ids, truth = task.rows.fit[: len(fit)], task.targets[task.rows.test[: len(test)], :1]
    targets = {"fit": task.targets[ids, :1], "validation": task.targets[task.rows.validation, :1]}
    subsets = {"r2_low_noise": low_noise, "r2_full": np.ones(len(truth), dtype=bool)}

    def scored(features: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
        given = {"fit": features(fit), "validation": features(validation)}
        fitted = fit_ridge(given, targets, _PROBE_PENALTIES)
        predicted, _ = fitted.predict(features(test))
        scores = {key: _r2(truth[subset], predicted[subset]) for key, subset in subsets.items()}
        return scores | {key: fitted.chosen[key] for key in ("validation_r2", "alpha", "alpha_at_edge_of_grid")}

    pixels = {"pixels": _pixels, "pixels_over_rms": lambda x: _over_rms(_pixels(x))}
    found: dict[str, Any] = {"spectra": len(fit), "test_spectra": len(truth)}
    found |= {name: scored(features) for name, features in pixels.items()}
    for name, weights in encoders.items():
        learner.encoder.load_state_dict(weights)
        layers = [
            {"layer": depth} | scored(partial(_tokens, learner, depth=depth, device=task.prepare.device))
            for depth in range(len(learner.encoder.layers) + 1)
        ]
        found[name] = max(layers, key=lambda row: row["validation_r2"]) | {"layers": layers}
    return found


def _spectra(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Prepared labelled spectra of the training, and those of the validation, (N, C, P)."""
    rows, prepare = task.rows, task.prepare
    ids = rows.fit[:_PROBE_ROWS]
    roles = {"fit": Role(ids, prepare.raw), "validation": prepare.role(rows.validation)}
    read = gather(task.store, roles, task.compute)
    parts = []
    for low in range(0, len(ids), _BATCH):
        flux, error = (torch.as_tensor(v[low : low + _BATCH]).to(prepare.device) for v in read["fit"])
        parts.append(prepare.fresh(flux, error, ids[low : low + _BATCH], rows.draw).cpu().numpy())
    fit = np.concatenate(parts)
    return fit, read["validation"][0].reshape(-1, *fit.shape[1:])


def _filled(learner: Learner, x: np.ndarray) -> np.ndarray:
    """Prepared spectra (N, C, P) with the mean in place of masked pixels, where a network is told of them."""
    return np.where(np.isnan(x), learner.standardise.mean.cpu().numpy(), x) if learner.standardise.masked else x


def _pixels(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).astype(np.float64)


def _tokens(learner: Learner, x: np.ndarray, depth: int, device: torch.device) -> np.ndarray:
    """Pooled tokens of prepared spectra after so many layers, over their rms, (N, F)."""
    encoder = learner.encoder

    def pooled(part: torch.Tensor) -> torch.Tensor:
        tokens = encoder.at_depth(encoder.tokeniser(learner.standardise(part)), encoder.centres, depth)
        return encoder.pool(tokens)

    return _over_rms(torch.cat(list(in_batches(pooled, x, device, _BATCH))).numpy())


def _over_rms(x: np.ndarray) -> np.ndarray:
    """Every star's features (N, F) over their root mean square; zeros stay zero."""
    rms = np.sqrt(np.square(x).mean(axis=1, keepdims=True))
    return np.asarray(np.divide(x, rms, out=np.zeros_like(x), where=rms > 0))


def _r2(truth: np.ndarray, predicted: np.ndarray) -> float | None:
    return float(r2_columns(truth, predicted)[0]) if len(truth) > 1 else None
