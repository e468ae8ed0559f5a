"""Classical models in files: they say what they said when they were fitted."""

import lightgbm as lgb
import numpy as np

from logg1m.baselines import boosting, ridge
from logg1m.baselines.boosting import Boosted
from logg1m.baselines.ridge import Frame, Linear
from logg1m.files import read_tensors, write_tensors

RNG = np.random.default_rng(4)
P = 12
SPECTRA = RNG.normal(0.5, 0.1, (30, P)).astype(np.float32)


def test_linear_models_of_the_largest_scale_are_kept_with_their_frame(tmp_path):
    frame = Frame(np.full(P, 0.5), np.linspace(0.1, 0.2, P))
    models = [
        Linear(name, "full", 1.0, scale, RNG.normal(size=P), 3.0 + scale, 0.5)
        for name in ("ridge_full", "ridge_pca_5")
        for scale in (1, 2)
    ]
    write_tensors(tmp_path / "model", ridge.tensors(models, frame))
    found = read_tensors(tmp_path / "model")
    for model in models[1::2]:
        expected = model.intercept + (SPECTRA - frame.shift) / frame.scale @ model.weights
        np.testing.assert_allclose(ridge.from_tensors(found, model.name, SPECTRA.copy()), expected, atol=1e-4)
    masked = SPECTRA.copy()
    masked[:, 3] = np.nan
    at_the_mean = SPECTRA.copy()
    at_the_mean[:, 3] = 0.5
    of_both = (ridge.from_tensors(found, "ridge_full", x) for x in (masked, at_the_mean))
    np.testing.assert_allclose(*of_both, atol=1e-5)


def test_trees_of_several_lives_are_kept_with_how_many_of_them_predict(tmp_path):
    truth = SPECTRA[:, 0] * 10
    options = {"min_data_in_leaf": 2, "num_leaves": 4, "verbosity": -1, "num_threads": 1}
    parts = [lgb.train(options, lgb.Dataset(SPECTRA, truth + k), num_boost_round=4) for k in range(2)]
    boosted = Boosted(parts, [4.0, 3.0, 2.0, 1.5, 1.2, 1.0, 1.1, 1.3])
    write_tensors(tmp_path / "model", boosting.tensors(boosted))
    found = boosting.from_tensors(read_tensors(tmp_path / "model"), SPECTRA)
    np.testing.assert_array_equal(found, boosted.predict(SPECTRA, boosted.best_iteration))
    assert not np.array_equal(found, boosted.predict(SPECTRA, boosted.n_trees))
