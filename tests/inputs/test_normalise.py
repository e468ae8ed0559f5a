"""Normalisations: what each takes out of a spectrum, and that none knows more than the spectrum."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from logg1m.config.experiments import Recipe
from logg1m.files import InputError
from logg1m.inputs.normalise import chunk_zscore, continuum, normalise

P = 1024
NAMES = [
    name
    for name in Recipe.model_fields["normalisation"].annotation.__args__  # every choice of the configuration
    if name != "stored"
]
CONTINUA = [name.removeprefix("continuum_") for name in NAMES if name.startswith("continuum_")]
x = torch.linspace(-1, 1, P)


def spectra(noise: float = 0.0) -> torch.Tensor:
    """Three smooth continua with 40 narrow lines of half depth."""
    generator = torch.Generator().manual_seed(1)
    smooth = torch.stack([0.5 + 0.1 * x, 0.5 - 0.2 * x + 0.1 * x**2, 0.6 + 0.1 * x**3])
    smooth[:, 20::25] *= 0.5
    return smooth + noise * torch.randn(smooth.shape, generator=generator)


def test_stored_leaves_the_flux_alone():
    flux = spectra(0.1)
    assert normalise("stored", flux) is flux


def test_median_puts_the_noisy_median_at_one_half():
    medians = normalise("median", 7 * spectra(0.1)).median(dim=1).values
    torch.testing.assert_close(medians, torch.full((3,), 0.5))


def test_median_of_a_spectrum_without_signal_stays_finite():
    assert normalise("median", torch.zeros(2, P)).isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_every_normalisation_forgets_the_scale_and_looks_at_one_spectrum_only(name):
    flux = spectra(0.02)
    once = normalise(name, flux)
    assert once.shape == flux.shape
    assert once.isfinite().all()
    torch.testing.assert_close(normalise(name, 3 * flux), once, rtol=2e-3, atol=2e-3)
    for k in range(3):
        torch.testing.assert_close(normalise(name, flux[k : k + 1])[0], once[k], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_every_normalisation_stays_finite_on_noise_alone(name):
    noise = torch.randn(4, P, generator=torch.Generator().manual_seed(2))
    assert normalise(name, noise).isfinite().all()


@given(st.integers(20, 600), st.floats(-5, 5), st.floats(0.1, 10))
def test_zscore_gives_every_chunk_zero_mean_and_unit_spread(width, offset, scale):
    flux = offset + scale * torch.randn(2, P, generator=torch.Generator().manual_seed(width))
    made = chunk_zscore(flux, width)
    assert made.shape == flux.shape
    first = made[:, :width] if P - width >= width - width // 2 else made
    torch.testing.assert_close(first.mean(dim=1), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(first.std(dim=1), torch.ones(2), atol=1e-4, rtol=0)


def test_zscore_joins_a_short_last_chunk_to_the_one_before():
    flux = torch.randn(1, 1040, generator=torch.Generator().manual_seed(3))
    last = chunk_zscore(flux, 100)[:, 900:]  # 140 pixels: the 40 left over are less than half a chunk
    assert abs(float(last.mean())) < 1e-5
    longer = torch.randn(1, 1060, generator=torch.Generator().manual_seed(3))
    assert abs(float(chunk_zscore(longer, 100)[:, 1000:].mean())) < 1e-5  # 60 are a chunk of their own


def test_zscore_of_a_flat_chunk_is_zero():
    assert not chunk_zscore(torch.full((1, 400), 0.5), 100).any()


@pytest.mark.parametrize("kind", CONTINUA)
def test_continuum_follows_the_smooth_part_and_ignores_narrow_lines(kind):
    flux = spectra()
    lines = torch.zeros(P, dtype=torch.bool)
    lines[20::25] = True
    middle = slice(100, P - 100)
    ratio = (flux / continuum(kind, flux))[:, middle]
    at_line = lines[middle]
    assert (ratio[:, ~at_line] - 1).abs().max() < 0.03
    assert (ratio[:, at_line] - 0.5).abs().max() < 0.03


@pytest.mark.parametrize("kind", ["poly3", "poly5", "spline"])
def test_fitted_continuum_rejects_a_cosmic_ray(kind):
    flux = spectra(0.005)
    struck = flux.clone()
    struck[:, 500] = 50.0
    # the clip removes the outlier itself; the rounds start from an unweighted fit that it has bent
    assert (continuum(kind, struck) / continuum(kind, flux) - 1).abs().median() < 0.02


@pytest.mark.parametrize("kind", CONTINUA)
def test_continuum_is_positive_even_where_the_fit_is_not(kind):
    flux = (spectra() - 0.55) * 3
    assert (continuum(kind, flux) > 0).all()


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="unknown normalisation 'sqrt'"):
        normalise("sqrt", spectra())
    with pytest.raises(InputError, match="unknown continuum 'poly9'"):
        normalise("continuum_poly9", spectra())
