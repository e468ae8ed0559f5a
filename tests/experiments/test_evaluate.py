"""What is asked of a fitted model, against a model whose answers are known."""

import numpy as np
import pytest
import torch
from toys import ONE, linear_source, store_of

from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.experiments import data, evaluate

WEIGHTS = torch.linspace(-1, 1, 64)


@pytest.fixture
def preparation(tmp_path):
    """A function: recipe fields → how the spectra of a store of 300 are seen; the first ten pixels are hidden."""
    store = store_of(linear_source(300), tmp_path)

    def made(**recipe) -> data.Preparation:
        view = data.View(Recipe(**recipe), np.arange(store.n_pixels) >= 10, Observation(), 1, 1.0)
        return data.Preparation(store, view, store.labels(), np.arange(100), ONE, torch.device("cpu"))

    return made


def linear(x: torch.Tensor) -> torch.Tensor:
    return x[:, 0] @ WEIGHTS


def test_gradient_of_a_linear_model_is_its_weights_where_it_sees(preparation):
    found = evaluate.input_gradient(preparation(), linear, np.arange(100, 300))
    np.testing.assert_allclose(found[10:], WEIGHTS.abs()[10:], rtol=1e-6)
    assert not found[:10].any()


def test_gradient_of_a_model_of_the_error_alone_is_zero(preparation):
    prepare = preparation(channels=("error",), error_source="simulator")
    assert not evaluate.input_gradient(prepare, linear, np.arange(100, 300)).any()
