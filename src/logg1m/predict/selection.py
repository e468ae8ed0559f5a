"""From a fitted model of a run to a folder that predicts without it: what it needs, and what its estimates are worth."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from logg1m import __version__, metrics
from logg1m import ids as reserved
from logg1m.config.predict import Predict
from logg1m.experiments.data import leaves_out_masked
from logg1m.experiments.models import network
from logg1m.experiments.reading import Role, gather
from logg1m.experiments.task import Task
from logg1m.files import InputError
from logg1m.inputs.windows import windows
from logg1m.jobs.progress import Progress
from logg1m.observe import LABELS
from logg1m.predict import bound, calibration, folder, others, stars
from logg1m.predict.bound import wider
from logg1m.predict.calibration import Asked, Calibration
from logg1m.predict.domain import Domain, Statistics, limits
from logg1m.predict.flags import WITHIN
from logg1m.predict.folder import Contents
from logg1m.predict.kinds import refusal
from logg1m.predict.model import Model, described
from logg1m.predict.predicting import Predictor
from logg1m.predict.stars import Known
from logg1m.predict.steps import Spectra
from logg1m.sources import Simulator, Source
from logg1m.sources.embedded import EmbeddedSource

_DOMAIN_ROWS = 4_096  # training spectra behind the subspace of the domain
_TEST_SPECTRA = 8
_OTHERS = 5_000  # stars whose low-noise fifth lends its errors to spectra of other kinds
_SNR_PERCENTILE = 0.1  # of the calibration's stars: below it S/N counts as below the training
_BLOCK = 250  # stars whose derivatives are held at once
_SHARE_STARS = 1_000  # stars behind the share of the information in every pixel


@dataclass(frozen=True)
class Origin:
    """Where a model comes from and how it was chosen, for its card.

    chosen : plain JSON: model (its run), rule, and what else is known of the choice
    measured : metrics of its run on the test spectra
    """

    chosen: dict[str, Any]
    measured: dict[str, Any]


def contents_of(task: Task, tensors: dict[str, np.ndarray], origin: Origin, data: dict[str, Any]) -> Contents:
    """A folder's contents without calibration, domain and bound.

    Parameters
    ----------
    tensors : what was fitted to the task
    data : the configuration of the spectra, plain values

    Raises
    ------
    InputError
        If a model of this recipe cannot be applied to other spectra.
    """
    recipe, prepare = task.recipe, task.prepare
    if why := refusal(recipe):
        raise InputError(f"{origin.chosen.get('model')} cannot be put into a model folder: {why}")
    architecture: dict[str, Any] = {}
    if recipe.model == "projection":
        architecture = task.setting.projection.model_dump(mode="json", include={"width", "depth"})
    elif recipe.model == "vit":
        architecture = task.setting.network.chosen.model_dump(mode="json")
    preparation: dict[str, np.ndarray] = {
        "wave": task.store.wave.astype(np.float64),
        "visible": prepare.view.visible.astype(np.uint8),
    }
    if not leaves_out_masked(recipe):
        preparation["neutral"] = _neutral(task)
    if recipe.model == "vit" and recipe.attention_bias != "none":
        guided = windows(network.GUIDING_WINDOWS, task.store.wave, task.sensitivity)[0]
        preparation["guided"] = guided.astype(np.uint8)
    fitted = task.targets[task.rows.fit]
    names = ("logg", "teff", "m_h")[: task.targets.shape[1]]
    ranges = np.stack([fitted.min(axis=0), fitted.max(axis=0)], axis=1)
    simulated = data.get("source") != "pfs_hdf5"
    about = {
        "format": folder.FORMAT,
        "model_id": folder.identity(tensors, preparation),
        "version": __version__,
        "recipe": recipe.model_dump(mode="json"),
        "architecture": architecture,
        "labels": described(names, ranges, data.get("priors", {}) if simulated else {}),
        "noise_level": task.setting.protocol.noise_level,
        "amplitude": "free" if prepare.free else "known",
        "conditions": {"data": data, "seed": task.setting.seed, "training_spectra": len(task.rows.fit)},
        "chosen": origin.chosen,
        "measured": origin.measured,
    }
    return Contents(about, dict(tensors), preparation)


def _neutral(task: Task) -> np.ndarray:
    """What stands for a masked pixel: the mean of its channel over (at most 4,096) training spectra, (C, P) float32."""
    prepare = task.prepare
    if prepare.neutral is not None:
        return np.asarray(prepare.neutral.cpu().numpy())
    ids = task.rows.fit[:_DOMAIN_ROWS]
    flux, error = gather(task.store, {"fit": Role(ids, prepare.raw)}, task.compute)["fit"]
    total: Any = 0.0
    for low in range(0, len(ids), 512):
        some, sigma = (torch.as_tensor(values[low : low + 512]).to(prepare.device) for values in (flux, error))
        total = total + prepare.fresh(some, sigma, ids[low : low + 512], 1).double().sum(dim=0)
    return np.asarray((total / len(ids)).float().cpu().numpy())


def complete(contents: Contents, task: Task, source: Source, settings: Predict, choosing: np.ndarray) -> Contents:
    """The whole folder: domain and bound, calibration on stars of ids kept for it, its judgement, and the self-test.

    Parameters
    ----------
    choosing : validation spectra that nothing was fitted to, where the source cannot simulate
    """
    seed, level = task.setting.seed, task.setting.protocol.noise_level
    contents = replace(contents, domain=_domain(task))
    simulates = isinstance(source, Simulator)
    if isinstance(source, EmbeddedSource):
        contents = replace(contents, bound=_bound(source, contents, settings.bound_stars, level))
    predictor = Predictor(Model(contents))
    wave, size = task.store.wave, settings.calibration_size
    if isinstance(source, Simulator):
        fit_ids, judge_ids = (reserved.first(size, r) for r in (reserved.CALIBRATION_FIT, reserved.CALIBRATION_JUDGE))
        fitting, judging = (stars.simulated(source, wave, ids, seed, level) for ids in (fit_ids, judge_ids))
    else:
        fitting, judging = (stars.stored(task.store, ids, seed, level) for ids in (choosing[::2], choosing[1::2]))
        size = len(choosing) // 2
    asked, statistics, _ = ask(predictor, fitting, size, "calibration")
    fitted = calibration.fit(asked)
    found = limits(statistics) | {"snr": float(np.percentile(asked.snr, _SNR_PERCENTILE))}
    about = contents.about | {"limits": found}
    judged, over, examples = ask(predictor, judging, size, "judgement")
    about["calibration"] = calibration.judge(fitted, judged) | {"n_fit": len(asked), "on": _on(simulates)}
    about["measured"] = about["measured"] | {"calibration_stars": _scores(judged)}
    if isinstance(source, EmbeddedSource):
        about["resampled_inflation"], about["resampled"] = _resampled(source, predictor, fitted, size, seed, level)
    contents = replace(contents, about=about, calibration=fitted.table, self_test=self_test(predictor.model, examples))
    predictor = Predictor(Model(contents))
    alarms = false_alarms(predictor, judged, over, found)
    if isinstance(source, Simulator):
        alarms["detected"] = detected(predictor, source, settings, seed, level)
    return replace(contents, about=about | {"flags": alarms})


def _on(simulates: bool) -> str:
    if simulates:
        return "simulated stars of ids kept for it, under the conditions of the training"
    return "validation spectra: every second one fits, the others judge"


def ask(
    predictor: Predictor, blocks: Iterable[Known], count: int, what: str
) -> tuple[Asked, list[Statistics], Known | None]:
    """Estimates of known stars, statistics of the domain, and the first block."""
    parts, statistics, first = [], [], None
    progress, names = Progress(what, count, "stars"), predictor.model.names
    for block in blocks:
        first = first or block
        found = predictor.answer(block.ready)
        errors = [(block.labels[name] - found.labels[:, k]) / wider(found.masked) for k, name in enumerate(names)]
        parts.append((block.labels["logg"], found.labels[:, 0], block.ready.snr, found.scale, *errors[1:]))
        assert found.statistics is not None
        statistics.append(found.statistics)
        progress.add(len(block.ids))
    if not parts:
        raise InputError("there is no star to calibrate on: the validation set is empty")
    known = [np.concatenate(values).astype(np.float64) for values in zip(*parts)]
    truth, estimate, snr, scale = known[:4]
    return Asked(truth, estimate, snr, scale, dict(zip(names[1:], known[4:], strict=True))), statistics, first


def _domain(task: Task) -> dict[str, np.ndarray]:
    ids = task.rows.fit[:_DOMAIN_ROWS]
    flux, error = gather(task.store, {"fit": Role(ids, task.prepare.raw)}, task.compute)["fit"]
    return Domain.made(flux, error, task.setting.seed)


def _bound(source: EmbeddedSource, contents: Contents, count: int, level: float) -> dict[str, np.ndarray]:
    """What the bound needs to know: how labels follow from a spectrum, and where the information on log g lies."""
    ids = reserved.first(count, reserved.CALIBRATION_FIT)
    domain = Domain(contents.domain, source.wave)
    labels, _ = source.draw(ids)
    share = np.zeros(len(source.wave))
    for low in range(0, min(count, _SHARE_STARS), _BLOCK):
        share += bound.shares(source.derivatives(ids[low : low + _BLOCK]))
    noisy = stars.simulated(source, source.wave, ids, source.seed, level)
    coefficients = np.concatenate([bound.coefficients(domain, block.ready) for block in noisy])
    return {
        **bound.fit_labels(coefficients, labels),
        "limits": np.array([getattr(source.data.priors, name) for name in LABELS], dtype=np.float64),
        "shares": share / share.sum(),
    }


def _resampled(
    source: EmbeddedSource, predictor: Predictor, fitted: Calibration, size: int, seed: int, level: float
) -> tuple[float, dict[str, Any]]:
    """By how much errors are larger for spectra at the survey's sampling, whose neighbours share noise once rebinned.

    Measured on the calibration's stars; what coverage it leaves, on those that judge.
    """
    count = max(min(size // 5, 10_000), min(size, 512))
    sampling, found = stars.Sampling(source), []
    for kept in (reserved.CALIBRATION_FIT, reserved.CALIBRATION_JUDGE):
        blocks = sampling.known(source.wave, reserved.first(count, kept), seed, level)
        found.append(ask(predictor, blocks, count, "the survey's sampling")[0])
    values = fitted(found[0].estimate, found[0].snr, found[0].scale)
    z = (found[0].truth - found[0].estimate) / values["err"]
    inflation = float(np.sqrt(np.mean(z**2)))
    judged = calibration.judge(replace(fitted, inflation=inflation), found[1])
    return inflation, {key: judged[key] for key in ("n", "rms_z", "coverage_68", "coverage_95")} | {
        "inflation": inflation
    }


def _scores(asked: Asked) -> dict[str, float]:
    """R², MAE and RMSE of log g on the stars that judge."""
    error = asked.estimate - asked.truth
    ones = np.ones((1, len(error)))
    return {
        "n": len(error),
        "r2": float(np.ravel(metrics.r2(asked.truth, error)(ones))[0]),
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt(np.mean(error**2))),
    }


def self_test(model: Model, examples: Known | None) -> dict[str, np.ndarray]:
    """Eight noisy spectra, one of them with 200 masked pixels, and the labels that must come out."""
    assert examples is not None
    flux = examples.ready.flux[:_TEST_SPECTRA].copy()
    flux[-1, 1_000:1_200] = np.nan
    labels, _ = model.infer(flux)
    mask = np.isnan(flux)
    error = np.where(mask, 0.0, examples.ready.error[:_TEST_SPECTRA]).astype(np.float32)
    return {"flux": np.nan_to_num(flux), "error": error, "mask": mask.astype(np.uint8), "labels": labels}


def false_alarms(
    predictor: Predictor, asked: Asked, statistics: list[Statistics], limit: dict[str, float]
) -> dict[str, Any]:
    """Shares of the judging stars, all of which are what the model was made for, beyond the limits of the domain."""
    beyond = {
        name: float(np.mean(np.concatenate([getattr(s, name) for s in statistics]) > limit[name]))
        for name in ("chi2_red", "distance", "shift")
    }
    far = np.zeros(len(asked), dtype=bool)
    for name in beyond:
        far |= np.concatenate([getattr(s, name) for s in statistics]) > limit[name]
    within = np.concatenate([s.within for s in statistics])
    errors = (within < WITHIN[0]) | (within > WITHIN[1])
    assert predictor.calibration is not None
    uncovered = ~predictor.calibration.covers(asked.snr)
    return {"beyond": beyond, "bad_error": float(errors.mean()), "flag": float((far | errors | uncovered).mean())}


def detected(predictor: Predictor, source: Simulator, settings: Predict, seed: int, level: float) -> dict[str, float]:
    """Share of spectra of other kinds that `flag` is raised for, with the errors of low-noise stars (the top fifth)."""
    count = min(settings.calibration_size, _OTHERS)
    ids = reserved.first(count, reserved.CALIBRATION_JUDGE)
    block = source.simulate(int(ids[0]), int(ids[-1]) + 1)
    flux, error = block.measured()
    observed = stars.noisy(flux, error, ids, seed, level)
    snr = np.nanmedian(observed / error, axis=1)
    low_noise = snr >= np.quantile(snr, 0.8)
    some, names = observed[low_noise], stars.identity_of("", ids[low_noise])
    wave, still = predictor.model.wave, np.zeros(len(some))
    given = Spectra(wave, some, error[low_noise] * np.float32(level), np.isnan(some), still, names)
    return {
        kind: float(predictor.table(others.of_kind(kind, given, seed), frame="rest")["flag"].mean())
        for kind in others.KINDS
    }


def chosen_seed(folders: list[Path], low_noise: pd.Series) -> int:
    """Which of several seeds of the chosen run has the smallest RMSE on the low-noise validation stars."""
    from logg1m.results.run import read

    errors = []
    for each in folders:
        table = read(each).selection
        table = table[table["id"].isin(low_noise.index[low_noise.to_numpy(dtype=bool)])]
        errors.append(float(np.mean((table["predicted"] - table["truth"]) ** 2)))
    return int(np.argmin(errors))
