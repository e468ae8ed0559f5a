"""Every kind of training goes through torch.compile, and in bfloat16; what is compiled computes the same."""

import copy

import numpy as np
import pytest
import torch

from logg1m import noise
from logg1m.config.denoisers import Denoisers
from logg1m.config.experiments import Recipe
from logg1m.config.networks import Architecture, Training
from logg1m.inputs.subspace import Subspace
from logg1m.nn.denoisers import Denoiser
from logg1m.nn.features import Features
from logg1m.nn.feed import Feed
from logg1m.nn.learner import Learner, Material
from logg1m.nn.masks import Masks
from logg1m.nn.pretraining import MaskedModel, pack
from logg1m.nn.trainer import Trainer

CPU = torch.device("cpu")
N, PIXELS, PATCH = 24, 64, 16
TINY = Architecture(patch=PATCH, width=8, depth=2, heads=2, mlp_ratio=2.0)
WAVE = torch.linspace(7100, 7200, PIXELS)
RNG = np.random.default_rng(0)
FLUX = RNG.normal(1, 0.2, (N, PIXELS)).astype(np.float32)
ERROR = np.full_like(FLUX, 0.1)
LABELS = RNG.normal([3, 5000, -1], [1, 500, 0.5], (N, 3)).astype(np.float32)

SUPERVISED = {
    "single": {},
    "multi_equal": {"heads": "multi_equal"},
    "multi_balanced": {"heads": "multi_balanced"},
    "gaussian_nll": {"objective": "gaussian_nll"},
    "ordinal": {"objective": "ordinal"},
    "rotary": {"position": "rotary"},
    "attention": {"attention_bias": "attention"},
    "token_loss": {"attention_bias": "token_loss"},
    "projection": {"projection_token": True, "attention_bias": "attention"},
}


def noisy(flux, error, ids, draw):
    return noise.normal(1, torch.as_tensor(ids), flux.shape[1], draw).mul_(error).add_(flux)[:, None]


def supervised(pooling="mean", **recipe):
    recipe = Recipe(model="vit", **recipe)
    labels = torch.from_numpy(LABELS if recipe.heads != "single" else LABELS[:, :1])
    windows = np.arange(PIXELS) < PATCH
    features = None
    if recipe.projection_token:
        features = Features(
            Subspace.of(torch.from_numpy(FLUX.copy()), torch.full((PIXELS,), 10.0), 4, 1), 2, masked=False
        )
    material = Material(torch.ones(1, PIXELS), torch.full((1, PIXELS), 0.2), labels, WAVE, windows, features)
    return Learner(recipe, TINY.model_copy(update={"pooling": pooling}), material), labels.numpy(), noisy


def masked(reconstruction):
    recipe = Recipe(model="vit", pretraining="masked_token", reconstruction=reconstruction)
    model = MaskedModel(recipe, TINY, torch.ones(1, PIXELS), torch.full((1, PIXELS), 0.2), WAVE)
    masks = Masks("masked_token", 0.5, PIXELS, PATCH, 1)
    prepare = lambda f, e, ids, draw: pack(noisy(f, e, ids, draw), e, masks(torch.as_tensor(ids), draw))  # noqa: E731
    return model, np.zeros((N, 1), dtype=np.float32), prepare


def denoiser():
    model = Denoiser(torch.ones(PIXELS), torch.full((PIXELS,), 0.2), Denoisers(), blind=True)
    prepare = lambda f, e, ids, draw: torch.stack([noisy(f, e, ids, draw)[:, 0], f, e], dim=1)  # noqa: E731
    return model, np.zeros((N, 1), dtype=np.float32), prepare


KINDS = {name: lambda recipe=recipe: supervised(**recipe) for name, recipe in SUPERVISED.items()}
KINDS |= {"flatten": lambda: supervised("flatten"), "cls": lambda: supervised("cls")}
KINDS |= {"masked_l1": lambda: masked("l1"), "masked_l2": lambda: masked("l2"), "denoiser": denoiser}


def trained(kind, path, compiler, precision="float32", steps=2):
    """Losses of some steps and the weights after them."""
    torch.manual_seed(0)
    torch._dynamo.reset()
    module, labels, prepare = KINDS[kind]()
    feed = Feed(FLUX, ERROR, labels, np.arange(N), prepare, CPU, 1, 0, resident=True)
    settings = Training(epochs=steps, batch_size=8, precision=precision)
    trainer = Trainer(module, feed, lambda _: {"score": 0.0}, settings, path / "s", "id", kind, compiler)
    losses = []
    for batch in list(feed.epoch(0, 8))[:steps]:
        trainer._step(batch)
        losses.append(trainer.counters.losses)
    return losses, copy.deepcopy(module.state_dict())


def aot(function):
    return torch.compile(function, backend="aot_eager")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_compiled_training_computes_the_same(kind, tmp_path):
    plain, compiled = (trained(kind, tmp_path, compiler) for compiler in (None, aot))
    assert plain[0] == pytest.approx(compiled[0], rel=1e-4)
    for name, value in plain[1].items():
        torch.testing.assert_close(compiled[1][name], value, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_half_the_digits_are_enough_for_a_step(kind, tmp_path):
    full, half = (trained(kind, tmp_path, None, precision, steps=1)[0] for precision in ("float32", "bfloat16"))
    assert half == pytest.approx(full, rel=0.05)


def test_the_head_works_in_single_precision_and_the_layers_in_half(tmp_path):
    module, labels, _ = supervised()
    seen = {}
    module.head.register_forward_hook(lambda _, given, out: seen.update(head=(given[0].dtype, out.dtype)))
    module.encoder.layers[1].register_forward_hook(lambda _, given, out: seen.update(layer=out.dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = module.loss(torch.from_numpy(FLUX)[:, None], torch.from_numpy(labels), 0.0)
    assert loss.dtype == torch.float32
    assert seen == {"head": (torch.float32, torch.float32), "layer": torch.bfloat16}


@pytest.mark.slow
def test_levels_that_give_way_to_regression_compile_the_network_once(tmp_path):
    module, labels, _ = supervised(objective="ordinal")
    compilations = []

    def counting(graph, inputs):
        compilations.append(graph)
        return graph.forward

    torch._dynamo.reset()
    loss = module.compiled_loss(lambda function: torch.compile(function, backend=counting))
    for share in np.linspace(0, 1, 12):
        loss(torch.from_numpy(FLUX)[:, None], torch.from_numpy(labels), float(share)).backward()
    assert len(compilations) == 1


def test_noise_made_in_one_kernel_is_the_noise_made_in_tiles():
    ids, seed, draw = torch.tensor([0, 7, 2**32 - 1]), (5 << 32) | 9, 3
    constants = (torch.full((), value) for value in (draw, seed & 0xFFFFFFFF, seed >> 32))
    made = aot(noise.planes)(ids, torch.arange(PIXELS // 4), *constants)
    expected = noise.normal(seed, ids, PIXELS, draw)
    torch.testing.assert_close(torch.stack(made, dim=2).flatten(1), expected, rtol=1e-5, atol=1e-6)
