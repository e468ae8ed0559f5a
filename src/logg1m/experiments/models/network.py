"""A network as one more kind of model: spectra in memory or on disk, a learner, a training."""

import gc

import numpy as np
import torch

from logg1m.experiments.models import features, pretraining, raw_spectra, supervised
from logg1m.experiments.reading import Room
from logg1m.experiments.task import Fitted, Task
from logg1m.inputs.windows import windows
from logg1m.nn.learner import Learner, Material
from logg1m.spectra import passes

GUIDING_WINDOWS = "top_10"


def fit(task: Task) -> Fitted:
    """Train, or resume; a training that has ended before is taken as it is."""
    device, pretrained = task.prepare.device, None
    with Room(task.state) as room:
        if task.recipe.pretraining != "none":
            with passes.all_threads(task.compute):
                pretrained = pretraining.pretrain(task, room)
            gc.collect()  # a trainer refers to itself, and holds spectra that are needed no more
        spectra = supervised.read(task, room)
        with passes.all_threads(task.compute):
            learner = build(task, spectra).to(device)
            encoders: dict[str, dict[str, torch.Tensor]] = {}
            if pretrained is not None:
                initial = {name: value.clone() for name, value in learner.encoder.state_dict().items()}
                encoders = {"random": initial, "pretrained": pretrained.encoder}
                learner.encoder.load_state_dict(pretrained.encoder)
            guiding = [] if learner.guidance is None else np.flatnonzero(_guiding(task)).tolist()
            settings = pretraining.supervised_settings(task)
            trained = supervised.train(task, learner, spectra, settings, [guiding])
    learner.load_state_dict(trained.weights)
    learner.eval()
    return Fitted(
        supervised.predictor(learner, device),
        {name: value.cpu().numpy() for name, value in learner.state_dict().items()},
        supervised.history(trained),
        {"pooling": task.setting.network.chosen.pooling} | supervised.chosen(learner, trained),
        lambda x: learner.predict(x)[:, 0],
        learner,
        encoders,
        supervised.timings(trained, device) | (pretrained.timings if pretrained else {}),
        pretrained.report if pretrained else None,
        pretrained.examples if pretrained else None,
        supervised.by_group(task, trained),
    )


def build(task: Task, spectra: supervised.Spectra) -> Learner:
    """The learner with its initial weights, a function of seed and seed number."""
    mean, scale = raw_spectra.statistics(task, spectra.fit, task.rows.fit)
    guided = None if task.recipe.attention_bias == "none" else _guiding(task)
    projection = features.of(task, spectra.fit).cpu() if task.recipe.projection_token else None
    labels = torch.as_tensor(task.targets[task.rows.fit], dtype=torch.float32)
    wave = torch.as_tensor(task.store.wave)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.setting.seed + task.setting.seed_number)
        material = Material(mean.cpu(), scale.cpu(), labels, wave, guided, projection)
        return Learner(task.recipe, task.setting.network.chosen, material)


def _guiding(task: Task) -> np.ndarray:
    """The pixels (P,) that guidance points at."""
    return windows(GUIDING_WINDOWS, task.store.wave, task.sensitivity)[0]
