"""The bound of a user's spectrum: by another formula, whatever the normalisation, with masked pixels."""

from dataclasses import replace

import numpy as np
import pytest

from logg1m.ids import CONFIRMATION, first
from logg1m.observe import LABELS
from logg1m.predict.bound import sigma_of, unknown


@pytest.fixture(scope="module")
def derivatives(small_source):
    return small_source.derivatives(first(6, CONFIRMATION))


@pytest.fixture(scope="module")
def columns(small_source):
    return unknown(small_source.data.observation)


def test_it_is_what_the_other_labels_and_the_amplitude_leave_unexplained(derivatives, columns):
    """1/σ² is the squared length of ∂F/∂log g less its least squares in the others (Frisch & Waugh 1933), good pixels alone."""
    error = derivatives.error.double().numpy()
    error[:, 500:900] = np.inf
    found = sigma_of(derivatives, error, columns)
    good, logg = np.isfinite(error[0]), LABELS.index("logg")
    for star in range(len(found)):
        scaled = derivatives.d_flux[star].double().numpy()[:, good] / error[star, good]
        flux = derivatives.flux[star].double().numpy()[good] / error[star, good]
        others = np.stack([*np.delete(scaled, logg, axis=0), flux], axis=1)
        others /= np.linalg.norm(others, axis=0)
        left = scaled[logg] - others @ np.linalg.lstsq(others, scaled[logg], rcond=None)[0]
        assert found[star] == pytest.approx(1 / np.linalg.norm(left), rel=1e-6)


def test_it_does_not_depend_on_the_normalisation_of_the_models(derivatives, columns):
    """Models divided by their median, mean or anything that changes with the labels: ∂F moves along F."""
    error = derivatives.error.double().numpy()
    by = derivatives.flux[:, None] * derivatives.d_flux[:, :, 2_000:2_001] * 3
    moved = replace(derivatives, d_flux=derivatives.d_flux + by)
    np.testing.assert_allclose(sigma_of(moved, error, columns), sigma_of(derivatives, error, columns), rtol=1e-3)


def test_a_fainter_star_and_unknown_velocity_cost(derivatives, columns, small_source):
    error = derivatives.error.double().numpy()
    np.testing.assert_allclose(sigma_of(derivatives, 3 * error, columns), 3 * sigma_of(derivatives, error, columns))
    observation = small_source.data.observation
    shaken = observation.model_copy(
        update={"nuisances": observation.nuisances.model_copy(update={"velocity_km_s": 10.0})}
    )
    assert (sigma_of(derivatives, error, unknown(shaken)) >= sigma_of(derivatives, error, columns)).all()
