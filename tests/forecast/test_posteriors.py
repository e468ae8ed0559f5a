"""Reweighted posteriors: against the sampler run with the prior, and closed forms on a linear toy."""

import numpy as np
import pytest
import torch
from scipy.special import ndtri
from toys import ONE

from logg1m.bounds.bayes.model import BoxPrior, Library
from logg1m.bounds.bayes.posterior import Stars
from logg1m.config.bayes import BayesConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.data import Data
from logg1m.config.forecast import Forecast
from logg1m.files import InputError
from logg1m.forecast.population import Population
from logg1m.forecast.posteriors import Drawn, compared, drawn, moments, photometry, population_factor
from logg1m.forecast.reweighted import posteriors_part
from logg1m.sources.embedded import EmbeddedSource

NAMES = ("teff", "logg", "m_h")
BAYES = BayesConfig(target_ess=3000, min_ess=100, samples_per_iteration=512, max_iterations=20)
BOOTSTRAP = Bootstrap(resamples=200)
SIGMA = 0.05


class Toy:
    """Flux linear in three labels of a wide box: the posterior is the Gaussian of linear regression."""

    names = NAMES
    prior = BoxPrior(np.array([3000.0, -5.0, -5.0]), np.array([7000.0, 11.0, 5.0]))
    scale = np.array([100.0, 1.0, 1.0])

    def __init__(self):
        self.design = np.random.default_rng(3).normal(size=(3, 40))
        self.design[1] += 0.8 * self.design[0]

    def flux(self, labels):
        return torch.as_tensor((labels - [5000, 3, 0]) / self.scale @ self.design * 0.1)


@pytest.fixture(scope="module")
def toy():
    return Toy()


@pytest.fixture(scope="module")
def stars(toy):
    labels = np.array([[5100.0, 2.5, -0.5], [4900.0, 3.4, 0.3], [5050.0, 3.0, 0.0]])
    flux = toy.flux(labels).numpy().astype(np.float32)
    return Stars.observed(np.arange(3), labels[:, 1], flux, np.full_like(flux, SIGMA), 1.0, 5)


@pytest.fixture(scope="module")
def box(toy, stars):
    return drawn(stars, toy, Library.simulated(toy, 4096, 1), BAYES, 1, ONE)


def closed_form(toy, star, known=(), at=()):
    """Mean and variance of log g by linear regression with Gaussian priors: label → 1σ, about values."""
    design = toy.design * 0.1 / toy.scale[:, None]
    information = design @ design.T / SIGMA**2
    right = design @ star / SIGMA**2
    for (name, s), value in zip(dict(known).items(), at):
        k = NAMES.index(name)
        information[k, k] += 1 / s**2
        right[k] += (value - [5000, 3, 0][k]) / s**2
    covariance = np.linalg.inv(information)
    return (covariance @ right)[1] + 3, covariance[1, 1]


def test_a_reweighted_posterior_is_the_closed_form(toy, stars, box):
    for row, posterior in enumerate(box):
        for known, at in (({}, ()), ({"teff": 40.0}, (5080.0,)), ({"teff": 60.0, "m_h": 0.3}, (5000.0, 0.1))):
            factor = photometry(known, np.array(at), NAMES) if known else None
            found = moments(posterior, NAMES, factor)
            mean, variance = closed_form(toy, stars.flux[row], known, at)
            assert found.mean == pytest.approx(mean, abs=0.15 * np.sqrt(variance))
            assert found.variance == pytest.approx(variance, rel=0.15)


def test_reweighting_is_the_sampler_run_with_the_prior(toy, stars, box):
    known, at = {"teff": 50.0}, np.array([5030.0])
    kernel = np.array([50.0, 0.3, 0.3])
    places, weight = np.array([[5000.0, 3.0, 0.0], [5200.0, 2.4, -0.4]]), np.array([3.0, 1.0])
    for factor in (photometry(known, at, NAMES), population_factor(places, weight, kernel, NAMES)):
        again = drawn(stars, toy, Library.simulated(toy, 4096, 2), BAYES, 2, ONE, factor=factor)
        for before, with_prior in zip(box, again):
            ours, theirs = moments(before, NAMES, factor), moments(with_prior, NAMES)
            assert theirs.ess > 1000
            assert ours.mean == pytest.approx(theirs.mean, abs=0.15 * np.sqrt(theirs.variance))
            assert ours.variance == pytest.approx(theirs.variance, rel=0.2)
            assert ours.ess < before.ess


def test_a_star_whose_sample_does_not_carry_the_prior_is_refused():
    rng = np.random.default_rng(1)
    sample = [
        Drawn(k, 3.0, rng.normal([5000, 3, 0], [100, 0.5, 0.3], (400, 3)), np.full(400, 1 / 400), 400.0)
        for k in range(5)
    ]
    far = [photometry({"teff": 5.0}, np.array([6000.0]), NAMES)] * 5
    found = compared(sample, far, NAMES, 50.0, 4 / 3, BOOTSTRAP, 1)
    assert found["n_refused"] == 5
    assert "5 of 5 stars" in found["refused"]
    assert "mse" not in found
    nothing = [lambda labels: np.zeros(len(labels))] * 5
    found = compared(sample, nothing, NAMES, 50.0, 4 / 3, BOOTSTRAP, 1)
    assert (found["n_refused"], found["ess_least"]) == (0, pytest.approx(400))
    assert found["mse"]["value"] == pytest.approx(0, abs=1e-12)


def test_a_population_is_the_sum_of_gaussians_of_its_table(tmp_path):
    path = tmp_path / "isochrone.csv"
    path.write_text("teff,logg,m_h,weight\n5000,3,-0.5,2\n4500,2,-0.5,6\n4000,1,0,0\n")
    population = Population.read(str(path), (80.0, 0.1, 0.2))
    np.testing.assert_allclose(population.weight, [0.25, 0.75])
    at = np.array([[5020.0, 2.95, -0.4], [4500.0, 2.0, -0.5]])

    def density(labels):
        away = (labels[:, None] - population.places) / population.kernel
        return (population.weight * np.exp(-0.5 * np.square(away).sum(axis=2))).sum(axis=1)

    np.testing.assert_allclose(np.exp(population.factor(NAMES)(at)), density(at), rtol=1e-9)
    labels, inside = population.draw(np.zeros((4000, 5)), np.array([3750, 1.9, -2.5]), np.array([6000, 5, 0.5]), 7)
    drawn_from = labels[inside]
    assert inside.all()
    assert drawn_from[:, 1].min() >= 1.9
    warm = drawn_from[:, 0] > 4750
    assert warm.mean() == pytest.approx(0.25 / (0.25 + 0.75 * 0.841), abs=0.03)  # a sixth of the other lies below 1.9
    assert drawn_from[warm, 0].std() == pytest.approx(80, rel=0.1)
    with pytest.raises(InputError, match="m_h to vary"):
        population.factor(("teff", "logg"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("teff,logg,m_h\n1,2,3\n", "lacks column weight"),
        ("teff,logg,m_h,weight\n5000,x,0,1\n", "expected numbers"),
        ("teff,logg,m_h,weight\n5000,3,0,-1\n", "row 1"),
        ("teff,logg,m_h,weight\n5000,3,0,0\n", "positive weight"),
    ],
)
def test_a_table_that_is_no_population_is_refused(tmp_path, text, said):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        Population.read(str(tmp_path / "x.csv"), (1, 1, 1))
    with pytest.raises(InputError, match="is no file"):
        Population.read(str(tmp_path / "y.csv"), (1, 1, 1))


@pytest.mark.slow
def test_the_part_of_the_artifact_on_stars_of_a_run_and_of_a_population(grid, tmp_path):
    table = tmp_path / "ridge.csv"
    rows = [f"{3900 + 400 * g:.0f},{g:.1f},{m:.1f},1" for g in np.arange(1, 5, 0.25) for m in (-1.0, -0.5, 0.0)]
    table.write_text("\n".join(["teff,logg,m_h,weight", *rows]))
    source = EmbeddedSource(Data.model_validate({"n_spectra": 100, "observation": {"mag": [20.5, 20.6]}}), 3, grid=grid)
    config = Forecast(posterior_stars=3, library=1024, population=str(table), min_ess=5)
    bayes = BayesConfig(target_ess=150, min_ess=50, max_iterations=15)
    found = posteriors_part(source, np.arange(50), config, bayes, BOOTSTRAP, ONE, 1.0)
    assert found["photometry"]["n"] == 3
    assert [row["lever"] for row in found["photometry"]["rows"]] == [
        "teff_50",
        "teff_100",
        "teff_200",
        "m_h_0.1",
        "m_h_0.2",
    ]
    (row,) = found["population"]["rows"]
    assert "refused" in row or row["mse"]["value"] < 0
    assert posteriors_part(source, np.arange(0), config, bayes, BOOTSTRAP, ONE, 1.0) == {}


def test_scores_of_the_box_are_uniform():
    u = np.array([[0.1, 0.5, 0.9]])
    np.testing.assert_allclose(Toy.prior.labels(ndtri(u)), [[3400, 3, 4]])
