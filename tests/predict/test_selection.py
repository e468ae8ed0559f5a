"""A model of a user's shards: calibrated on validation spectra, without what only a simulator can give."""

import numpy as np
import pytest

from logg1m.config.predict import Predict
from logg1m.files import InputError
from logg1m.predict import folder, selection
from logg1m.predict.card import card
from logg1m.predict.model import load
from logg1m.predict.posterior import Sampler
from logg1m.predict.predicting import Predictor
from logg1m.predict.stars import identity_of, stored


class Imported:
    """A source of spectra that are there already: no simulator."""


@pytest.fixture(scope="module")
def imported(trained, tmp_path_factory) -> Predictor:
    task, _, _, tensors = trained
    origin = selection.Origin({"model": "mvp_0_b/projection_2k", "rule": "validation"}, {})
    made = selection.contents_of(task, tensors, origin, {"source": "pfs_hdf5"})
    whole = selection.complete(made, task, Imported(), Predict(calibration_size=300), np.arange(1_000))
    path = tmp_path_factory.mktemp("imported")
    folder.write(path, whole, card(whole))
    return Predictor(load(path))


def test_it_is_calibrated_on_validation_spectra_and_says_how_well_that_is_known(imported):
    found = imported.model.about["calibration"]
    assert found["n"] == found["n_fit"] == 500
    assert found["tolerance"]["coverage_68"] == pytest.approx(2 * np.sqrt(0.68 * 0.32 / 500))
    assert abs(found["coverage_68"] - 0.68) < 0.03 + found["tolerance"]["coverage_68"]
    assert "resampled" not in imported.model.about
    assert "validation spectra" in card(imported.model.contents)


def test_there_is_no_bound_and_no_posterior(imported, small_store):
    block = next(stored(small_store, np.arange(1_500, 1_520), 1, 1.0))
    rows = imported.rows(block.ready, identity_of("x", block.ids), bound=True)
    assert rows["log_gBound"].isna().all()
    assert np.isfinite(rows[["log_g", "log_gErr", "chi2_red"]]).all(axis=None)
    with pytest.raises(InputError, match=r"needs a model of the embedded grid.*pfs_hdf5"):
        Sampler.of(imported)


def test_too_few_validation_spectra_are_refused(trained):
    task, _, _, tensors = trained
    made = selection.contents_of(task, tensors, selection.Origin({}, {}), {"source": "pfs_hdf5"})
    with pytest.raises(InputError, match="200 stars at least, got 50"):
        selection.complete(made, task, Imported(), Predict(), np.arange(100))


def test_the_domain_knows_masked_spectra(imported, small_store):
    """Statistics of a spectrum change little where a tenth of it is masked."""
    block = next(stored(small_store, np.arange(64), 1, 1.0))
    whole = imported.domain.statistics(block.ready)
    bad = np.random.default_rng(0).random(block.ready.flux.shape) < 0.1
    flux, error = np.where(bad, np.nan, block.ready.flux), np.where(bad, np.inf, block.ready.error)
    changed = type(block.ready)(**{k: v for k, v in vars(block.ready).items() if k != "whole"} | {
        "flux": flux.astype(np.float32), "error": error.astype(np.float32)})  # fmt: skip
    masked = imported.domain.statistics(changed)
    assert np.abs(masked.chi2_red / whole.chi2_red - 1).max() < 0.12
    assert np.abs(masked.within - whole.within).max() < 0.03
