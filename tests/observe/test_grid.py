"""The stellar grid: splines against scipy's, damaged files, labels outside the box."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from independent import stellar_flux
from scipy.interpolate import CubicSpline

from logg1m.files import InputError
from logg1m.observe import LABELS, StellarGrid
from logg1m.observe.grid import GridInterpolator, SplineAxis

CPU = torch.device("cpu")
NODES = {
    "two": np.array([0.0, 2.0]),
    "three": np.array([0.0, 0.2, 0.4]),
    "nine": np.linspace(1.0, 5.0, 9),
    "uneven": np.array([3750.0, 4000.0, 4100.0, 4750.0, 6000.0]),
}


@pytest.mark.parametrize("name", NODES)
def test_spline_weights_and_their_derivatives_are_those_of_scipy(name):
    nodes = NODES[name]
    values = np.random.default_rng(0).normal(size=(len(nodes), 3))
    x = np.concatenate([nodes, np.random.default_rng(1).uniform(nodes[0], nodes[-1], 200)])
    axis, scipy = SplineAxis(nodes, CPU, torch.float64), CubicSpline(nodes, values)
    np.testing.assert_allclose(axis.weights(torch.tensor(x)).numpy() @ values, scipy(x), atol=1e-12)
    derivative = axis.weights(torch.tensor(x), derivative=True).numpy() @ values
    scale = np.abs(scipy(x, 1)).max()
    np.testing.assert_allclose(derivative, scipy(x, 1), atol=1e-11 * scale)


@pytest.mark.parametrize("name", NODES)
def test_splines_reproduce_the_nodes(name):
    nodes = NODES[name]
    weights = SplineAxis(nodes, CPU, torch.float64).weights(torch.tensor(nodes)).numpy()
    np.testing.assert_allclose(weights, np.eye(len(nodes)), atol=1e-14)


def test_spline_weights_sum_to_one_everywhere():
    axis = SplineAxis(NODES["uneven"], CPU, torch.float64)
    x = torch.linspace(3750, 6000, 1001, dtype=torch.float64)
    np.testing.assert_allclose(axis.weights(x).sum(dim=1).numpy(), 1, atol=1e-13)
    np.testing.assert_allclose(axis.weights(x, derivative=True).sum(dim=1).numpy(), 0, atol=1e-13)


def test_coefficients_at_a_node_of_the_grid_are_the_stored_ones(grid):
    at = (3, 4, 2, 1, 2)
    labels = np.array([[nodes[k] for nodes, k in zip(grid.axes.values(), at)]])
    found = GridInterpolator(grid, CPU, torch.float64).coefficients(torch.tensor(labels))[0].numpy()
    np.testing.assert_allclose(found, grid.coefficients[at], atol=1e-11 * np.abs(grid.coefficients).max())


@given(unit=st.tuples(*[st.floats(0, 1)] * 5))
def test_coefficients_off_the_nodes_agree_with_one_scipy_spline_after_another(grid, unit):
    labels = np.array([n[0] + u * (n[-1] - n[0]) for n, u in zip(grid.axes.values(), unit)])
    labels = np.minimum(labels, [n[-1] for n in grid.axes.values()])
    found = GridInterpolator(grid, CPU, torch.float64).coefficients(torch.tensor(labels[None]))[0].numpy()
    expected = stellar_flux(grid.axes, grid.coefficients, grid.mean, grid.components, labels)
    np.testing.assert_allclose(np.exp(grid.mean + found @ grid.components), expected, rtol=1e-9)


def _arrays(n_wave: int = 50, n_components: int = 4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    axes = {name: np.linspace(0.0, 1.0, 3) for name in LABELS}
    return axes | {
        "wave": 7000 + 0.2 * np.arange(n_wave),
        "mean": rng.normal(size=n_wave),
        "components": rng.normal(size=(n_components, n_wave)),
        "coefficients": rng.normal(size=(3, 3, 3, 3, 3, n_components)),
    }


def _saved(folder: Path, **changes: np.ndarray) -> Path:
    path = folder / "own_grid.npz"
    np.savez(path, **(_arrays() | changes))
    return path


def test_a_grid_that_fits_together_is_loaded(tmp_path):
    assert StellarGrid.load(_saved(tmp_path)).coefficients.shape == (3, 3, 3, 3, 3, 4)


def _with_nan(name: str) -> np.ndarray:
    values = _arrays()[name].copy()
    values.flat[7] = np.nan
    return values


@pytest.mark.parametrize("name", ["wave", "mean", "components", "coefficients"])
def test_nan_in_the_grid_file_is_refused_by_file_and_array(tmp_path, name):
    path = _saved(tmp_path, **{name: _with_nan(name)})
    with pytest.raises(InputError, match=rf"own_grid\.npz: {name} holds 1 values that are not finite"):
        StellarGrid.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teff": np.array([0.0, np.nan, 1.0])}, "axis teff must hold at least two increasing nodes"),
        ({"logg": np.array([0.0, 1.0, 0.5])}, "axis logg must hold at least two increasing nodes"),
        ({"mean": np.zeros(49)}, r"mean \(49,\) does not fit wave \(50,\)"),
        ({"components": np.zeros((4, 49))}, "do not fit the axes"),
        ({"coefficients": np.zeros((3, 3, 2, 3, 3, 4))}, "do not fit the axes"),
        ({"wave": 7000 + 0.2 * np.arange(50)[::-1]}, "wave must increase uniformly"),
        ({"wave": np.geomspace(7000, 7010, 50)}, "wave must increase uniformly"),
    ],
)
def test_a_grid_whose_arrays_do_not_fit_is_refused_by_file(tmp_path, changes, message):
    with pytest.raises(InputError, match=rf"own_grid\.npz: .*{message}"):
        StellarGrid.load(_saved(tmp_path, **changes))


def test_a_damaged_grid_file_is_one_clear_error(tmp_path):
    path = _saved(tmp_path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for content in (b"", whole[:20], whole[: len(whole) // 2], bytes(flipped), b"no archive at all"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"own_grid\.npz is not a readable stellar grid"):
            StellarGrid.load(path)
    np.savez(path, wave=np.arange(3))
    with pytest.raises(InputError, match=r"own_grid\.npz is not a readable stellar grid: .*teff"):
        StellarGrid.load(path)
    with pytest.raises(InputError, match=r"no_grid\.npz"):
        StellarGrid.load(tmp_path / "no_grid.npz")


@pytest.mark.parametrize("column", range(5))
def test_labels_outside_the_box_are_refused_and_its_corners_are_not(grid, column):
    corners = np.array([[n[0] for n in grid.axes.values()], [n[-1] for n in grid.axes.values()]])
    grid.require_inside(corners)
    nodes = grid.axes[LABELS[column]]
    for bad in (np.nextafter(nodes[0], -np.inf), np.nextafter(nodes[-1], np.inf), np.nan, np.inf):
        labels = np.repeat(corners, 2, axis=0)
        labels[2, column] = bad
        with pytest.raises(InputError, match=rf"label {LABELS[column]} = .* of spectrum 2 is outside the grid"):
            grid.require_inside(labels)
