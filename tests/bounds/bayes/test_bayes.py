"""The Bayes-optimal ceiling against closed forms, quadrature, and itself."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import multivariate_t
from sklearn.linear_model import Ridge
from toys import paired_difference

from logg1m import metrics
from logg1m.bounds.bayes import posterior, sampler
from logg1m.bounds.bayes.ceiling import ceiling
from logg1m.bounds.bayes.model import (
    BoxPrior,
    GridModel,
    Library,
    Prior,
    library_of,
    model_of,
    prior_is_exact,
    prior_text,
)
from logg1m.bounds.fisher import prior_aware_crlb
from logg1m.config.bayes import BayesConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Data, Observation
from logg1m.files import InputError
from logg1m.observe import LABELS, Conditions
from logg1m.sources.embedded import EmbeddedSource
from logg1m.spectra import generation
from logg1m.spectra.store import Store

ONE, TWO = Compute(threads=1, device="cpu"), Compute(threads=2, device="cpu")
CONFIG, BOOTSTRAP = BayesConfig(), Bootstrap(resamples=300)


@dataclass(frozen=True)
class GaussianPrior:
    mean: np.ndarray
    scale: np.ndarray

    def labels(self, scores: np.ndarray) -> np.ndarray:
        return self.mean + scores * self.scale

    def scores(self, labels: np.ndarray) -> np.ndarray:
        return (labels - self.mean) / self.scale


@dataclass(frozen=True)
class Toy:
    """Any function of labels as a source."""

    names: tuple[str, ...]
    prior: Prior
    function: Callable[[np.ndarray], np.ndarray]

    def flux(self, labels: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(self.function(labels))

    def observe(self, n: int, error: float, seed: int) -> posterior.Stars:
        """n stars from the prior, each with its own noise spectrum of about `error`."""
        rng = np.random.default_rng(seed)
        labels = self.prior.labels(rng.standard_normal((n, len(self.names))))
        flux = self.function(labels)
        sigma = error * np.exp(rng.normal(0, 0.3, flux.shape)) * np.exp(rng.normal(0, 0.3, (n, 1)))
        return posterior.Stars.observed(np.arange(n), labels[:, self.names.index("logg")], flux, sigma, 1.0, seed)


def linear(seed: int = 0) -> tuple[Toy, np.ndarray, np.ndarray]:
    """A linear source with correlated derivatives A (3, P) under a Gaussian prior, F = F0 + θ A."""
    rng = np.random.default_rng(seed)
    design = rng.standard_normal((3, 64)) + 1.5 * rng.standard_normal(64)
    offset = rng.standard_normal(64)
    prior = GaussianPrior(np.array([4.0, 3.0, -1.0]), np.array([1.0, 1.2, 0.8]))
    return Toy(("teff", "logg", "m_h"), prior, lambda labels: offset + labels @ design), offset, design


def closed_form(
    toy: Toy, offset: np.ndarray, design: np.ndarray, stars: posterior.Stars
) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean and variance of log g, each (S,)."""
    assert isinstance(toy.prior, GaussianPrior)
    inverse = 1 / stars.error.astype(np.float64) ** 2
    precision = np.einsum("lp,sp,mp->slm", design, inverse, design) + np.diag(toy.prior.scale**-2.0)
    right = (inverse * (stars.flux - offset)) @ design.T + toy.prior.mean / toy.prior.scale**2
    return np.linalg.solve(precision, right[:, :, None])[:, 1, 0], np.linalg.inv(precision)[:, 1, 1]


def run(toy: Toy, stars: posterior.Stars, seed: int, config: BayesConfig = CONFIG, size: int = 4096) -> pd.DataFrame:
    return posterior.posterior(stars, toy, Library.simulated(toy, size, seed), config, seed, ONE)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("error", [0.02, 1.0, 10.0])
def test_posterior_agrees_with_the_closed_form_within_monte_carlo_error(error: float, seed: int) -> None:
    toy, offset, design = linear(seed)
    stars = toy.observe(40, error, seed)
    table = run(toy, stars, seed)
    mean, variance = closed_form(toy, offset, design, stars)
    assert table["converged"].all()
    deviation = (table["mean"] - mean) ** 2 / (variance / table["ess"])
    assert deviation.mean() < 2  # 1 where weights are as good as ESS equal samples
    assert deviation.max() < 25
    ratio = table["var"] / variance
    assert abs(ratio.mean() - 1) < 0.05
    assert ratio.between(0.6, 1.6).all()


@pytest.mark.slow
def test_ranks_are_flat_and_nothing_beats_the_posterior_mean() -> None:
    calibrations, ranks = [], []
    for seed in (11, 12, 13):
        toy, offset, design = linear(seed)
        stars = toy.observe(300, 3.0, seed)
        table = run(toy, stars, seed)
        calibrations.append((table["mean"] - table["truth"]) ** 2 / table["var"])
        ranks.append(table["rank"])
        training = toy.observe(4000, 3.0, seed + 100)
        ridge = Ridge(1.0).fit(training.flux, training.truth).predict(stars.flux)
        exact = closed_form(toy, offset, design, stars)[0]
        error = table["mean"].to_numpy() - stars.truth
        for other in (ridge, exact):
            difference = paired_difference(metrics.rms, error, other - stars.truth, BOOTSTRAP, seed)
            assert difference["ci95"][0] <= 0.005 * np.sqrt((error**2).mean())  # an ESS of 300 costs 0.2 %
    scaled = np.concatenate(calibrations)
    assert abs(scaled.mean() - 1) < 4 * scaled.std() / np.sqrt(len(scaled))
    counts = np.histogram(np.concatenate(ranks), bins=15, range=(0, 1))[0]
    assert ((counts - 60) ** 2 / 60).sum() < 36.1  # 99.9 % of chi-square with 14 degrees of freedom


@pytest.mark.slow
@pytest.mark.parametrize(("error", "reached"), [(0.1, 10), (0.3, 20), (1.0, 25)])
def test_curved_and_truncated_posteriors_agree_with_quadrature(error: float, reached: int) -> None:
    """Two labels in a box with up to four modes and edges; narrow separate modes may fail, but never unnoticed."""
    phase = np.linspace(0, 1, 32)

    def spectra(labels: np.ndarray) -> np.ndarray:
        return np.cos(2.5 * labels[:, :1] + phase) + np.outer(labels[:, 1] ** 2, 0.5 + phase)

    toy = Toy(("logg", "m_h"), BoxPrior(np.array([1.0, -1.0]), np.array([5.0, 0.5])), spectra)
    stars = toy.observe(25, error, 5)
    table = run(toy, stars, 5)
    grid = [low + (np.arange(400) + 0.5) / 400 * (high - low) for low, high in ((1.0, 5.0), (-1.0, 0.5))]
    labels = np.stack(np.meshgrid(*grid, indexing="ij"), axis=-1).reshape(-1, 2)
    model = spectra(labels)
    assert table["converged"].sum() >= reached
    for k, row in table[table["converged"]].iterrows():
        inverse = 1 / stars.error[k].astype(np.float64) ** 2
        weight = sampler.normalised(-0.5 * np.square(model - stars.flux[k]) @ inverse)
        mean = weight @ labels[:, 0]
        variance, fourth = (weight @ (labels[:, 0] - mean) ** power for power in (2, 4))
        shift = row["mean"] - mean
        assert abs(shift) < 5 * np.sqrt(variance / row["ess"])
        assert abs(row["var"] + shift**2 - variance) < 5 * np.sqrt((fourth - variance**2) / row["ess"])


def test_rows_depend_neither_on_other_stars_nor_on_order_nor_on_workers() -> None:
    toy, _, _ = linear()
    stars = toy.observe(30, 0.5, 7)
    library = Library.simulated(toy, 2048, 7)
    whole = posterior.posterior(stars, toy, library, CONFIG, 7, ONE)
    threads = posterior.posterior(stars, toy, library, CONFIG, 7, TWO)
    pd.testing.assert_frame_equal(whole, threads)
    turned = posterior.Stars(*(np.ascontiguousarray(a[::-1][3:]) for a in vars(stars).values()))
    part = posterior.posterior(turned, toy, library, CONFIG, 7, ONE)
    pd.testing.assert_frame_equal(part, whole[:-3][::-1].reset_index(drop=True), rtol=1e-6)
    other = posterior.posterior(stars, toy, library, CONFIG, 8, ONE)
    assert (other["mean"] != whole["mean"]).all()


def test_the_library_alone_is_enough_for_faint_stars_and_refused_for_bright_ones() -> None:
    toy, offset, design = linear()
    library = Library.simulated(toy, 4096, 3)
    faint, bright = toy.observe(40, 60.0, 3), toy.observe(40, 0.05, 3)
    table = posterior.posterior(faint, None, library, CONFIG, 3, ONE)
    mean, variance = closed_form(toy, offset, design, faint)
    assert ((table["mean"] - mean) ** 2 / (variance / table["ess"])).mean() < 2
    result = ceiling(table, CONFIG, BOOTSTRAP, 3, "toy")
    assert "refused" not in result
    assert result["n_not_reached"] == 0
    low, high = result["bayes_r2"]["ci95"]
    assert low <= result["bayes_r2"]["value"] <= high
    low, high = result["calibration"]["err2_over_variance"]["ci95"]
    assert low < 1 < high
    refused = ceiling(posterior.posterior(bright, None, library, CONFIG, 3, ONE), CONFIG, BOOTSTRAP, 3, "toy")
    assert refused["bayes_r2"] is None
    assert refused["n_not_reached"] > 35
    assert "only" in refused["refused"]


def test_library_products_agree_with_direct_sums_and_leave_out_the_star_itself() -> None:
    toy, _, _ = linear()
    stars = toy.observe(5, 0.3, 2)
    library = Library.simulated(toy, 1500, 2)  # the last chunk is not full
    ids = np.arange(1500) - 1497
    library = Library(library.names, ids, library.labels, library.chunks, library.read)
    found = posterior.library_log_likelihood(stars, library, ONE)
    spectra = toy.function(library.labels)
    direct = np.stack([-0.5 * np.square((y - spectra) / s).sum(axis=1) for y, s in zip(stars.flux, stars.error)])
    itself = stars.ids[:, None] == ids
    assert itself.sum() == 3
    assert np.isneginf(found[itself]).all()
    np.testing.assert_allclose(found[~itself], direct[~itself], rtol=2e-6, atol=0.01)


def test_student_t_and_tempering() -> None:
    factor = np.array([[1.0, 0, 0], [0.5, 0.8, 0], [-0.2, 0.1, 0.3]])
    proposal = sampler.StudentT(np.array([1.0, 2.0, 3.0]), factor)
    z = proposal.draw(np.random.default_rng(0).uniform(size=(200_000, 4)))
    np.testing.assert_allclose(z.mean(axis=0), proposal.centre, atol=0.02)
    np.testing.assert_allclose(np.cov(z.T) * 3 / 5, factor @ factor.T, atol=0.03)
    expected = multivariate_t(proposal.centre, factor @ factor.T, df=5).logpdf(z[:50])
    np.testing.assert_allclose(proposal.log_density(z[:50]), expected, rtol=1e-10)
    likelihood = -(np.linspace(0, 100, 1000) ** 2)
    beta = sampler.temper(likelihood, 40)
    assert sampler.effective_size(beta * likelihood) == pytest.approx(40, rel=1e-3)
    assert sampler.temper(1e-9 * likelihood, 40) == 1


def test_prior_aware_crlb_has_the_right_limits_and_is_exact_for_a_gaussian_prior() -> None:
    ranges = np.array([2.0, 4.0, 3.0])
    none = prior_aware_crlb(np.zeros((1, 3, 3)), ranges)
    np.testing.assert_allclose(none[0], ranges / np.sqrt(12))
    toy, offset, design = linear()
    stars = toy.observe(4, 1.0, 1)
    information = np.einsum("lp,sp,mp->slm", design, stars.error.astype(np.float64) ** -2, design)
    assert isinstance(toy.prior, GaussianPrior)
    sigma = prior_aware_crlb(information, toy.prior.scale * np.sqrt(12))
    np.testing.assert_allclose(sigma[:, 1] ** 2, closed_form(toy, offset, design, stars)[1], rtol=1e-9)
    strong = prior_aware_crlb(1e9 * information, ranges)
    crlb = np.sqrt(np.diagonal(np.linalg.inv(1e9 * information), axis1=1, axis2=2))
    np.testing.assert_allclose(strong, crlb, rtol=1e-4)
    known = prior_aware_crlb(information, np.array([0.0, 4.0, 3.0]))
    assert (known[:, 0] == 0).all()
    with pytest.raises(InputError, match="fisher must be"):
        prior_aware_crlb(information, ranges[:2])


def test_few_stars_are_held_at_once_where_the_library_is_large() -> None:
    assert posterior._group_size(32_768) == 2048
    million = posterior._group_size(1_000_000)
    assert million % 128 == 0
    assert 4 * million * 1_000_000 <= 2**30
    assert posterior._group_size(10**9) == 128


def test_errors_say_what_was_found() -> None:
    toy, _, _ = linear()
    stars = toy.observe(2, 1.0, 1)
    with pytest.raises(InputError, match="noise_level 0"):
        posterior.Stars.observed(stars.ids, stars.truth, stars.flux, stars.error, 0.0, 1)
    library = Library(("teff",), np.arange(3), np.zeros((3, 1)), (0,), lambda _: np.zeros((3, 64)))
    with pytest.raises(InputError, match="library holds labels"):
        posterior.posterior(stars, toy, library, CONFIG, 1, ONE)
    with pytest.raises(InputError, match="at least one star"):
        ceiling(pd.DataFrame(columns=list(posterior.COLUMNS)), CONFIG, BOOTSTRAP, 1, "toy")
    with pytest.raises(ValueError, match="target_ess"):
        BayesConfig(min_ess=200, target_ess=100)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> tuple[EmbeddedSource, Store]:
    source = EmbeddedSource(Data(n_spectra=2048, observation=Observation(mag=(20.5, 21.0))), 5, "cpu")
    manifest: Path = tmp_path_factory.mktemp("bayes") / "manifest.json"
    generation.generate(source, manifest, ONE)
    return source, Store(manifest)


@pytest.mark.slow
def test_the_embedded_source_reaches_its_sample_size_with_a_thin_library(
    embedded: tuple[EmbeddedSource, Store],
) -> None:
    source, store = embedded
    model = model_of(source)
    assert model is not None
    ids = np.arange(100, 110)
    truth = store.labels()["logg"].to_numpy()[ids]
    stars = posterior.Stars.observed(ids, truth, store.read(0, "flux")[ids], store.read(0, "error")[ids], 1.0, 5)
    library = library_of(source.data, store, model, CONFIG, 5)
    assert len(library.ids) == 2048
    assert np.isneginf(posterior.library_log_likelihood(stars, library, ONE)).sum() == 10
    first, second = (posterior.posterior(stars, model, library, CONFIG, seed, ONE) for seed in (5, 6))
    assert first["converged"].all()
    assert (first["iterations"] > 0).any()
    spread = first["var"] / first["ess"] + second["var"] / second["ess"]
    assert ((first["mean"] - second["mean"]) ** 2 / spread).mean() < 3  # two runs differ by what their ESS says
    assert ((first["mean"] - first["truth"]) ** 2 / first["var"]).mean() < 4
    assert first["rank"].between(0, 1, inclusive="neither").all()


def test_exact_flux_is_what_the_observer_observes() -> None:
    source = EmbeddedSource(Data(observation=Observation(rv_km_s=(-100, 100))), 5, "cpu")
    labels, conditions = source.draw(np.arange(70))
    seen = source.observer.observe(labels, conditions)
    torch.testing.assert_close(
        source.observer.flux(labels, conditions.redshift), seen.flux, rtol=0, atol=0
    )  # bit for bit
    model = model_of(source)
    assert model is not None
    assert model.names == (*LABELS, "redshift")  # a velocity that varies is one more unknown
    free = np.column_stack([labels, conditions.redshift])
    torch.testing.assert_close(model.flux(free), seen.flux, rtol=0, atol=0)
    np.testing.assert_allclose(model.prior.labels(model.prior.scores(free)), free, rtol=1e-9)


def test_labels_with_one_value_are_not_inferred() -> None:
    source = EmbeddedSource(Data(), 5, "cpu")
    ranges = source.data.priors.model_dump() | {"c_m": (-0.25, -0.25)}
    model = GridModel(source.observer, ranges, (0.0, 0.0))
    assert model.names == LABELS[:-1]
    whole = np.array([[4500.0, 2.0, -1.0, 0.2, -0.25]])
    nothing = np.zeros(1)
    seen = source.observer.observe(whole, Conditions(nothing + 21, nothing + 0.8, nothing, nothing, nothing))
    torch.testing.assert_close(model.flux(whole[:, :-1]), seen.flux)
    with pytest.raises(InputError, match="nothing to infer"):
        GridModel(source.observer, ranges | {"logg": (2.0, 2.0)}, (0.0, 0.0))


def test_labels_on_grid_edges_get_simulated_draws_and_are_called_an_approximation(
    embedded: tuple[EmbeddedSource, Store],
) -> None:
    _, store = embedded
    source = EmbeddedSource(Data(n_spectra=2048, labels="grid_edges"), 5, "cpu")
    config = BayesConfig(library_max=1100)
    library = library_of(source.data, store, model_of(source), config, 5)
    assert (library.ids == -1).all()
    assert len(library.read(1)) == 76
    assert "approximation" in prior_text(source.data)
    assert not prior_is_exact(source.data)
    assert prior_is_exact(Data())
    alone = library_of(source.data, store, None, config, 5)  # without a model the stored labels are the prior
    assert alone.names == ("logg",)
    np.testing.assert_array_equal(alone.ids, np.arange(2048))  # and the whole store is the library
