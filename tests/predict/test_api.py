"""`import logg1m`: simulate, read, load, predict, with units, without a run."""

import numpy as np
import pytest

pytest.importorskip("astropy")
from astropy import units as u
from astropy.nddata import StdDevUncertainty

import logg1m
from logg1m.files import InputError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def loaded(model_folder):
    return logg1m.load(model_folder)


def test_simulated_stars_are_predicted_bounded_and_plotted(loaded):
    stars = logg1m.simulate(teff=[4500, 5200] * u.K, logg=[1.5, 4.0], m_h=-1.0, mag=20.8)
    table = loaded.predict(stars)
    assert table["log_g"].unit == u.dex
    assert len(table) == 2
    assert set(table["log_gStatus"]) <= {"", "PARAMEDGE"}
    bound = stars.bound()
    assert ((bound > 0.02) & (bound < 1.5)).all()
    fainter = logg1m.simulate(teff=[4500, 5200], logg=[1.5, 4.0], m_h=-1.0, mag=22.3).bound()
    assert (fainter > 1.5 * bound).all()
    import matplotlib

    matplotlib.use("Agg")
    axes = stars.plot()
    assert "log g 1.50" in axes.get_title("left") + axes.get_title("center")  # where it stands is the style's


def test_the_bound_of_a_prediction_is_that_of_the_star_at_its_labels(loaded, predictor):
    """With the true labels in place of the inferred ones it is the bound itself; with the inferred ones it is near."""
    stars = logg1m.simulate(teff=4_800, logg=[2.0, 3.0, 4.0], m_h=-0.5, mag=20.6)
    exact = predictor.bound(stars.labels, stars.error)
    np.testing.assert_allclose(exact, stars.bound(), rtol=0.01)
    table = loaded.predict(stars, bound=True)
    assert np.isfinite(table["log_gBound"].value).all()


def test_arrays_quantities_and_specutils_are_the_same_spectra(loaded):
    specutils = pytest.importorskip("specutils")
    stars = logg1m.simulate(logg=[2.0, 3.5], mag=20.7, seed=4)
    wanted = loaded.predict(stars)["log_g"].value
    from_arrays = loaded.predict(wave=stars.wave, flux=stars.noisy, error=stars.error, v_los=0.0)["log_g"].value
    np.testing.assert_allclose(from_arrays, wanted, atol=1e-4)
    wave, unit = stars.wave * u.AA, u.Unit("erg / (s cm2 AA)")
    in_njy = [(values * unit).to(u.nJy, u.spectral_density(wave)) for values in (stars.noisy, stars.error)]
    nm = loaded.predict(wave=wave.to(u.nm), flux=in_njy[0], error=in_njy[1], frame="rest")["log_g"].value
    np.testing.assert_allclose(nm, wanted, atol=1e-4)
    made = [
        specutils.Spectrum(spectral_axis=wave, flux=f * unit, uncertainty=StdDevUncertainty(e * unit))
        for f, e in zip(stars.noisy.astype(float), stars.error.astype(float))
    ]
    several = loaded.predict(made, frame="rest")["log_g"].value
    np.testing.assert_allclose(
        several, wanted, atol=2e-2
    )  # rebinned, since every spectrum brings wavelengths of its own
    with pytest.raises(InputError, match="no uncertainty"):
        loaded.predict(specutils.Spectrum(spectral_axis=wave, flux=stars.noisy[0] * unit))
    with pytest.raises(InputError, match="counts are not calibrated"):
        loaded.predict(wave=wave, flux=stars.noisy * u.electron, error=stars.error * u.electron, frame="rest")
    with pytest.raises(InputError, match="no radial velocity"):
        loaded.predict(wave=stars.wave, flux=stars.noisy, error=stars.error)


def test_an_ecsv_spectrum_with_units_is_read(loaded, tmp_path):
    from astropy.table import QTable

    stars = logg1m.simulate(logg=2.5, mag=20.7)
    unit = u.Unit("erg / (s cm2 AA)")
    table = QTable(
        {"wave": (stars.wave * u.AA).to(u.nm), "flux": stars.noisy[0] * unit, "error": stars.error[0] * unit}
    )
    table.meta["v_los"] = 0.0
    table.write(tmp_path / "star.ecsv")
    spectra = logg1m.read(tmp_path / "star.ecsv")
    assert len(spectra) == 1
    np.testing.assert_allclose(loaded.predict(spectra)["log_g"].value, loaded.predict(stars)["log_g"].value, atol=1e-4)


def test_what_cannot_be_simulated_is_one_error():
    with pytest.raises(InputError, match="logg"):
        logg1m.simulate(logg=9.0)
    with pytest.raises(InputError, match="different lengths"):
        logg1m.simulate(teff=[4_500, 5_000], logg=[1.0, 2.0, 3.0])
    with pytest.raises(AttributeError, match="no attribute 'guess'"):
        logg1m.guess  # noqa: B018
