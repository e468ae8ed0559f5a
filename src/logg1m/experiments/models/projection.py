"""A projection as one more kind of model: weights and basis from noise-free training spectra, then a perceptron."""

import torch

from logg1m.experiments.models import features, raw_spectra, supervised
from logg1m.experiments.reading import Room
from logg1m.experiments.task import Fitted, Task
from logg1m.nn.projection import ProjectionLearner
from logg1m.spectra import passes


def fit(task: Task) -> Fitted:
    """Train, or resume; a training that has ended before is taken as it is."""
    device = task.prepare.device
    with Room(task.state) as room:
        spectra = supervised.read(task, room)
        with passes.all_threads(task.compute):
            learner = build(task, spectra.fit).to(device)
            settings = supervised.lengthened(task.setting.projection.training, task.recipe.supervised_epochs_factor)
            trained = supervised.train(task, learner, spectra, settings)
    learner.load_state_dict(trained.weights)
    learner.eval()
    return Fitted(
        supervised.predictor(learner, device),
        {name: value.cpu().numpy() for name, value in learner.state_dict().items()},
        supervised.history(trained),
        {"components": learner.features.basis.shape[1]} | supervised.chosen(learner, trained),
        lambda x: learner.predict(x)[:, 0],
        learner,
        timings=supervised.timings(trained, device),
        validation=supervised.by_group(task, trained),
    )


def build(task: Task, raw: raw_spectra.Raw) -> ProjectionLearner:
    """The learner with its initial weights, a function of seed and seed number."""
    recipe, own_seed = task.recipe, task.setting.seed + task.setting.seed_number
    found = features.of(task, raw)
    labels = torch.as_tensor(task.targets[task.rows.fit], dtype=torch.float32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(own_seed)
        return ProjectionLearner(recipe, task.setting.projection, found, labels)
