"""A denoiser made from a store: what it is trained on, its files, and its place in front of a model."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from logg1m.config.baselines import LightGBMConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.denoisers import Denoisers
from logg1m.config.experiments import Recipe
from logg1m.config.networks import Network, Training
from logg1m.config.protocol import Protocol
from logg1m.experiments import data
from logg1m.experiments.denoising.making import make
from logg1m.experiments.denoising.training import Exposure, Request
from logg1m.experiments.regions import sky_pixels
from logg1m.experiments.run import run
from logg1m.experiments.task import Given, RunSetting
from logg1m.files import InputError
from logg1m.nn import denoisers
from logg1m.protocol.pools import define, survey

SEED = 11
CPU = torch.device("cpu")
SKY = np.arange(4096) % 10 == 0
ONE = Compute(threads=1, device="cpu")
PROTOCOL = Protocol(scales=(500, 2_000))
QUICK = Denoisers(
    train_size=600, test_size=100, block=64, code=4, hidden=8, components=8,
    training=Training(epochs=3, batch_size=32, learning_rate=5e-3, ema=0.9),
)  # fmt: skip


def request(kind, settings=QUICK, number=0) -> Request:
    return Request(kind, settings, PROTOCOL, Bootstrap(resamples=100), SEED, number, "code")


@pytest.fixture(scope="module")
def surveyed(small_store):
    snr, pixels = survey(small_store, SEED, PROTOCOL, ONE)
    return define(snr, SEED, PROTOCOL)[1].merge(snr[["id", "snr"]], on="id").set_index("id"), pixels


def made(kind, small_store, surveyed, folder, settings=QUICK):
    return make(request(kind, settings), small_store, *surveyed, ONE, folder / kind / "seed_0", folder / "state" / kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["blind_spot", "pca"])
def test_denoiser_gains_without_clean_spectra_and_comes_out_the_same_again(kind, small_store, surveyed, tmp_path):
    report = made(kind, small_store, surveyed, tmp_path)
    assert all(row["snr_gain"]["value"] > 1.5 for row in report["regions"]), report["regions"]
    assert not report["failures"]["copies_its_input"]
    assert report["n_fit"] == 570
    for name in ("model.safetensors", "history.csv", "profile.parquet", "examples.parquet", "provenance.json"):
        assert (tmp_path / kind / "seed_0" / name).exists()
    again = made(kind, small_store, surveyed, tmp_path / "again")
    assert again == report == json.loads((tmp_path / kind / "seed_0" / "report.json").read_text())
    if kind == "pca":
        for fitted, best in zip(report["regions"], report["oracle"]["regions"]):
            assert best["snr_gain"]["value"] > fitted["snr_gain"]["value"]


def test_halves_of_the_exposures_are_independent_and_add_up_to_the_whole(small_store):
    exposure = Exposure(request("autoencoder"), CPU, SKY)
    ids = np.arange(40)
    flux, error = (torch.as_tensor(small_store.read(0, name)[ids]) for name in ("flux", "error"))
    one, other, weight = exposure.triple(flux, error, ids, 1).unbind(1)
    torch.testing.assert_close((one + other) / 2, exposure.stacked(flux, error, ids, 1), rtol=1e-4, atol=1e-5)
    a, b = (one - flux) / weight, (other - flux) / weight
    assert float(a.std()) == pytest.approx(2**0.5, rel=0.02)
    assert float((a * b).mean()) == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("kind", ["blind_spot", "autoencoder", "pca"])
def test_an_honest_denoiser_has_fresh_noise_in_every_epoch_and_no_clean_spectrum(kind, small_store):
    exposure = Exposure(request(kind), CPU, SKY)
    ids = np.arange(20)
    flux, error = (torch.as_tensor(small_store.read(0, name)[ids]) for name in ("flux", "error"))
    first, later, test = (exposure.triple(flux, error, ids, draw) for draw in (1, 7, 0))
    assert torch.equal(first, exposure.triple(flux, error, ids, 1))
    of_both = (first[:, :2].mean(dim=1) - flux) * (later[:, :2].mean(dim=1) - flux) / error**2
    assert float(of_both.mean()) == pytest.approx(0, abs=0.03)
    assert not torch.isclose(first[:, :2], flux[:, None]).float().mean() > 0.01
    assert not torch.equal(first, test)
    assert not torch.equal(first, Exposure(request(kind, number=1), CPU, SKY).triple(flux, error, ids, 1))


def test_the_clean_variant_has_fresh_noise_and_the_noise_free_target(small_store):
    exposure = Exposure(request("autoencoder_clean"), CPU, SKY)
    ids = np.arange(5)
    flux, error = (torch.as_tensor(small_store.read(0, name)[ids]) for name in ("flux", "error"))
    first, later = (exposure.triple(flux, error, ids, draw) for draw in (1, 2))
    assert torch.equal(first[:, 1], flux)
    assert not torch.equal(first[:, 0], later[:, 0])


def test_half_of_the_training_spectra_lack_a_region_and_no_target_does(small_store):
    exposure = Exposure(request("blind_spot"), CPU, SKY)
    ids = np.arange(1000)
    flux, error = (torch.as_tensor(small_store.read(0, name)[ids]) for name in ("flux", "error"))
    made, whole = exposure.lacking(flux, error, ids, 3), exposure.triple(flux, error, ids, 3)
    absent = made[:, 0].isnan()
    sky = torch.as_tensor(SKY)
    kinds = [(absent == lacking).all(dim=1).float().mean() for lacking in (sky, ~sky, torch.zeros_like(sky))]
    assert sum(kinds) == pytest.approx(1)
    assert kinds == pytest.approx([0.25, 0.25, 0.5], abs=0.05)
    assert torch.equal(made[:, 1:], whole[:, 1:])
    assert torch.equal(made[:, 0][~absent], whole[:, 0][~absent])
    assert not torch.equal(absent, exposure.lacking(flux, error, ids, 4)[:, 0].isnan())


def test_a_pixel_that_is_lacking_is_the_mean_to_a_denoiser():
    torch.manual_seed(0)
    module = denoisers.Denoiser(torch.full((64,), 2.0), torch.ones(64), Denoisers(block=16, code=4, hidden=8), False)
    torch.nn.init.normal_(module.expand)
    x = torch.rand(3, 3, 64) + 1
    lacking, given = x.clone(), x.clone()
    lacking[:, 0, 5:20], given[:, 0, 5:20] = torch.nan, 2.0
    assert torch.equal(module.losses(lacking), module.losses(given))


@pytest.fixture(scope="module")
def rows(small_store, surveyed) -> data.Rows:
    from logg1m.protocol.pools import Pools

    return data.choose_rows(Pools.of(small_store, SEED, PROTOCOL), surveyed[0], Recipe(), 300, 50, 0)


def preparation(store, rows, recipe, visible=None, denoise=None) -> data.Preparation:
    visible = np.ones(store.n_pixels, dtype=bool) if visible is None else visible
    view = data.View(recipe, visible, Observation(), SEED, 1.0, denoise)
    return data.Preparation(store, view, store.labels(), rows.fit, ONE, CPU)


def test_denoiser_sits_between_noise_and_normalisation(small_store, rows):
    recipe = Recipe(denoiser="pca", normalisation="median", channels=("flux", "flux_over_error"))
    seen_by_denoiser = []

    def denoise(noisy: torch.Tensor) -> torch.Tensor:
        seen_by_denoiser.append(noisy)
        return noisy**2

    prepare = preparation(small_store, rows, recipe, denoise=denoise)
    plain = preparation(small_store, rows, Recipe())
    ids = np.arange(6)
    flux, error = (torch.as_tensor(small_store.read(0, name)[ids]) for name in ("flux", "error"))
    made = prepare.fresh(flux, error, ids, 3)
    noisy = plain.fresh(flux, error, ids, 3)[:, 0]
    torch.testing.assert_close(seen_by_denoiser[0], noisy)
    torch.testing.assert_close(made[:, 0], 0.5 * noisy**2 / (noisy**2).median(dim=1, keepdim=True).values, rtol=2e-3, atol=1e-6)  # fmt: skip
    honest = prepare.honest(noisy, prepare.flux_scale[ids], prepare.conditions[ids])
    torch.testing.assert_close(made[:, 1], made[:, 0] / (honest + 1e-3))


def test_recipe_and_denoiser_must_agree(small_store, rows):
    with pytest.raises(ValueError, match="a denoiser was not given"):
        preparation(small_store, rows, Recipe(denoiser="pca"))
    with pytest.raises(ValueError, match="a denoiser was given"):
        preparation(small_store, rows, Recipe(), denoise=lambda x: x)


def test_gradient_goes_through_the_denoiser(small_store, rows):
    settings = Denoisers(block=64, code=4, hidden=8)
    torch.manual_seed(0)
    module = denoisers.Denoiser(torch.ones(4096), torch.ones(4096), settings, blind=True)
    torch.nn.init.normal_(module.expand, std=0.3)
    frozen = denoisers.freeze(module, "x")
    prepare = preparation(small_store, rows, Recipe(denoiser="blind_spot"), denoise=frozen.denoise)
    noisy = torch.rand(1, 4096, requires_grad=True)
    prepare.seen(noisy, torch.ones(1, 4096), np.array([0]))[0, 0, 5].backward()
    assert float(noisy.grad[0, :64].abs().max()) == 0.0  # its own block
    assert float(noisy.grad[0, 64:].abs().min()) > 0.0


def test_sky_windows_are_the_regions_of_the_reports(small_store, surveyed, rows):
    pixels = surveyed[1]
    masks = [
        data.visible_pixels(small_store, Recipe(windows=name), rows, None, SEED, ONE, pixels)[0]
        for name in ("sky", "between_sky")
    ]
    np.testing.assert_array_equal(masks[0], sky_pixels(pixels["error_mean"].to_numpy()))
    np.testing.assert_array_equal(masks[0], ~masks[1])
    assert masks[0].mean() == pytest.approx(0.15, abs=0.001)
    with pytest.raises(InputError, match="needs the pixels of the protocol"):
        data.visible_pixels(small_store, Recipe(windows="sky"), rows, None, SEED, ONE)


def test_examples_hold_whole_spectra(small_store, surveyed, tmp_path):
    made("pca", small_store, surveyed, tmp_path)
    table = pd.read_parquet(tmp_path / "pca/seed_0/examples.parquet")
    assert len(table) == 3 * 4096
    noise = (table["noisy"] - table["noise_free"]).groupby(table["id"], sort=False).std()
    assert noise.is_monotonic_increasing  # bright, median, faint


@pytest.mark.slow
def test_a_confined_denoiser_carries_nothing_into_a_run_from_pixels_that_the_model_does_not_see(
    small_store, surveyed, tmp_path
):
    """The mean of each half stands in every pixel, so that a model of one half can know of the other only through it."""
    members, pixels = surveyed
    setting = RunSetting(
        SEED, 0, 300, 100, (1e3,), LightGBMConfig(), PROTOCOL, Bootstrap(resamples=100), Observation(), Network(), "x"
    )

    class Spread(torch.nn.Module):
        mean = torch.zeros(4096)

        def get_buffer(self, name: str) -> torch.Tensor:
            return self.mean

        def forward(self, noisy: torch.Tensor) -> torch.Tensor:
            return noisy + 100 * noisy[:, 1::2].mean(dim=1, keepdim=True)

    denoiser = denoisers.freeze(Spread(), "x")
    gradients = {}
    for sees in ("all", "windows"):
        recipe = Recipe(model="ridge", denoiser="pca", windows="between_sky", denoiser_sees=sees)
        folder = tmp_path / sees / "v" / "seed_0"
        run(Given(small_store, members, None, pixels, denoiser), recipe, setting, ONE, folder, tmp_path / "s")
        gradients[sees] = pd.read_csv(folder / "gradient.csv")["gradient"].to_numpy()
    sky = sky_pixels(pixels["error_mean"].to_numpy())
    assert (gradients["all"][sky] > 0).any()
    assert (gradients["windows"][sky] == 0).all()
    assert (gradients["windows"][~sky] > 0).all()
