"""What is learnt about a trained network beyond its predictions on the test: what it stands, where it looks, and what
its encoder knew before it was shown a label."""

from copy import deepcopy
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
    """Ridge on frozen encoders, the random one and the pretrained one.

    Features are what the head will see, the pooled tokens; beside them the pixels themselves, since flattened tokens of
    a random encoder hold about as much as those. At most 2,048 labelled spectra, and 4,096 of the test. The penalty is
    chosen on validation.

    Parameters
    ----------
    encoders : their weights by name
    test, low_noise : prepared test spectra (N, C, P), and which of them are low-noise ones (N,)

    Returns
    -------
    features → {r2_low_noise, r2_full} of log g on the test spectra, and the penalty
    """
    learner, test, low_noise = deepcopy(learner), test[:_PROBE_TEST_ROWS], low_noise[:_PROBE_TEST_ROWS]
    fit, validation = _spectra(task)
    ids, truth = task.rows.fit[: len(fit)], task.targets[task.rows.test[: len(test)], :1]
    targets = {"fit": task.targets[ids, :1], "validation": task.targets[task.rows.validation, :1]}
    found: dict[str, Any] = {"spectra": len(fit), "test_spectra": len(truth)}
    for name in ("pixels", *encoders):
        if name in encoders:
            learner.encoder.load_state_dict(encoders[name])
        features = [
            _features(learner, x, task.prepare.device) if name in encoders else x.reshape(len(x), -1).astype(np.float64)
            for x in (fit, validation, test)
        ]
        fitted = fit_ridge({"fit": features[0], "validation": features[1]}, targets, _PROBE_PENALTIES)
        predicted, _ = fitted.predict(features[2])
        subsets = {"r2_low_noise": low_noise, "r2_full": np.ones(len(truth), dtype=bool)}
        found[name] = {key: _r2(truth[subset], predicted[subset]) for key, subset in subsets.items()}
        found[name] |= {key: fitted.chosen[key] for key in ("alpha", "alpha_at_edge_of_grid")}
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


def _features(learner: Learner, x: np.ndarray, device: torch.device) -> np.ndarray:
    """What the head sees of prepared spectra, (N, F)."""
    parts = in_batches(lambda part: learner.encoder(learner.standardise(part)), x, device, _BATCH)
    return torch.cat(list(parts)).numpy()


def _r2(truth: np.ndarray, predicted: np.ndarray) -> float | None:
    return float(r2_columns(truth, predicted)[0]) if len(truth) > 1 else None
