"""Denoising networks: what they cannot see, where they start, what they learn without a clean spectrum, their files."""

import pytest
import torch

from logg1m.config.denoisers import Denoisers
from logg1m.files import InputError
from logg1m.nn import denoisers
from logg1m.nn.denoisers import Denoiser

SMALL = Denoisers(block=8, code=6, hidden=12, channels=4)
PIXELS = 60  # the last block is not full


def network(blind: bool, pixels: int = PIXELS, settings: Denoisers = SMALL, trained: bool = True) -> Denoiser:
    torch.manual_seed(1)
    made = Denoiser(torch.rand(pixels) + 1, torch.rand(pixels) + 0.5, settings, blind)
    if trained:  # weights as after some training: no zeros anywhere
        for parameter in made.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return made.double()


def jacobian(made: Denoiser, x: torch.Tensor) -> torch.Tensor:
    """∂output/∂input of one spectrum, (P, P)."""
    return torch.as_tensor(torch.autograd.functional.jacobian(lambda y: made(y[None])[0], x))


@pytest.mark.parametrize("channels", [0, 4])
def test_blind_spot_never_looks_at_its_own_block_but_at_all_others(channels):
    settings = SMALL.model_copy(update={"channels": channels})
    slope = jacobian(network(True, settings=settings), torch.rand(PIXELS, dtype=torch.float64)).abs()
    block = torch.arange(PIXELS) // SMALL.block
    own = block[:, None] == block[None, :]
    assert float(slope[own].max()) == 0.0
    assert float(slope[~own].min()) > 0.0


def test_autoencoder_looks_at_every_pixel():
    assert float(jacobian(network(False), torch.rand(PIXELS, dtype=torch.float64)).abs().min()) > 0.0


def test_first_output_is_the_mean_spectrum():
    made = network(True, trained=False)
    noisy = torch.randn(3, PIXELS, dtype=torch.float64)
    torch.testing.assert_close(made(noisy), made.mean.expand(3, -1))


def test_loss_is_weighted_by_the_error():
    made = network(False, trained=False)
    target = made.mean + torch.full((2, PIXELS), 3.0, dtype=torch.float64)
    x = torch.stack([target, target, torch.tensor([1.0, 3.0], dtype=torch.float64)[:, None].expand(2, PIXELS)], dim=1)
    torch.testing.assert_close(made.losses(x), torch.tensor([9.0, 1.0], dtype=torch.float64))
    assert made.loss(x, torch.zeros(2, 1), 0.0).item() == pytest.approx(5.0)


@pytest.mark.parametrize("kind", ["blind_spot", "autoencoder"])
def test_noise_is_removed_without_a_clean_spectrum(kind):
    """Spectra of one parameter, flux = 1 + z · shape: the exact posterior mean is known."""
    torch.manual_seed(0)
    shape, pixels = torch.linspace(-1, 1, 48).sin(), 48

    def draw(n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        flux = 1 + torch.randn(n, 1) * shape
        whole, between = (0.5 * torch.randn(n, pixels) for _ in range(2))
        seen, target = (flux + whole, flux + whole) if kind == "blind_spot" else (flux + whole + between, flux + whole - between)  # fmt: skip
        return flux, flux + whole, torch.stack([seen, target, torch.full_like(flux, 0.5)], dim=1)

    settings = Denoisers(block=8, code=4, hidden=16)
    _, _, x = draw(1000)
    made = Denoiser(x[:, 0].mean(dim=0), x[:, 0].std(dim=0), settings, blind=kind == "blind_spot")
    optimiser = torch.optim.Adam(made.parameters(), lr=6e-3)
    for step in range(160):
        optimiser.param_groups[0]["lr"] = 6e-3 * (1 - step / 160)
        optimiser.zero_grad()
        made.loss(x[torch.randint(1000, (64,))], torch.zeros(1), 0.0).backward()
        optimiser.step()
    flux, noisy, _ = draw(1000)
    with torch.no_grad():
        left = float(((made(noisy) - flux) ** 2).mean())
    information = float((shape**2).sum()) / 0.25
    exact = float((shape**2).mean()) / (1 + information)
    assert exact < left < 0.25 / 6  # the noise has 0.25, a perfect filter 0.005
    assert left < 6 * exact


def test_file_comes_back_as_the_same_function_and_carries_gradients_to_the_flux_only(tmp_path):
    made = network(True).float()
    denoisers.save(tmp_path / "model.safetensors", made, "blind_spot", SMALL, "abc")
    denoisers.save(tmp_path / "again.safetensors", made, "blind_spot", SMALL, "abc")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "model.safetensors").read_bytes()
    frozen = denoisers.load(tmp_path / "model.safetensors", torch.device("cpu"))
    noisy = torch.randn(2, PIXELS, requires_grad=True)
    torch.testing.assert_close(frozen.denoise(noisy), made(noisy), rtol=0, atol=0)
    assert frozen.identity == "abc"
    frozen.denoise(noisy).sum().backward()
    assert noisy.grad is not None
    assert float(noisy.grad.abs().sum()) > 0
    assert not frozen.denoise(torch.randn(2, PIXELS)).requires_grad


def test_a_file_that_is_no_denoiser_is_one_clear_error(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="no denoiser that can be read"):
        denoisers.load(tmp_path / "model.safetensors", torch.device("cpu"))


def test_confined_to_some_pixels_it_knows_nothing_of_the_others():
    frozen = denoisers.freeze(network(True), "x")
    visible = torch.arange(PIXELS) % 3 == 0
    noisy = torch.rand(2, PIXELS, dtype=torch.float64)
    other = torch.where(visible, noisy, torch.rand(2, PIXELS, dtype=torch.float64))
    assert torch.equal(frozen.confined(visible)(noisy), frozen.confined(visible)(other))
    assert not torch.equal(frozen.denoise(noisy), frozen.denoise(other))
    everything = torch.ones(PIXELS, dtype=torch.bool)
    assert torch.equal(frozen.confined(everything)(noisy), frozen.denoise(noisy))
