"""Moments against float64 numpy; the same bits whatever the blocks in which rows arrive."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logg1m.baselines.gram import TILE_ROWS, Moments, ShellAccumulator

P = 12


def rows(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x (n, P) float32, y (n,), shells (n,)."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, P), dtype=np.float32), rng.uniform(1, 5, n), rng.integers(-1, 3, n)


def accumulated(x: np.ndarray, y: np.ndarray, shell: np.ndarray, cuts: list[int]) -> list[Moments]:
    sums = ShellAccumulator(P, 3)
    for part in np.split(np.arange(len(x)), cuts):
        inside = part[shell[part] >= 0]
        sums.add(x[inside], y[inside], shell[inside])
    return sums.finish()


@pytest.mark.parametrize("n", [5, TILE_ROWS, 3 * TILE_ROWS + 17])
def test_moments_of_every_shell_agree_with_numpy(n):
    x, y, shell = rows(n)
    for s, moments in enumerate(accumulated(x, y, shell, [])):
        a, b = x[shell == s].astype(np.float64), y[shell == s]
        assert moments.n == len(b)
        np.testing.assert_allclose(moments.gram(), a.T @ a, rtol=1e-12, atol=1e-10)
        np.testing.assert_allclose(moments.xty, a.T @ b, rtol=1e-12, atol=1e-10)
        np.testing.assert_allclose(moments.sum_x, a.sum(axis=0), rtol=1e-12, atol=1e-10)
        assert moments.sum_y == pytest.approx(b.sum(), rel=1e-12)
        assert moments.sum_yy == pytest.approx((b**2).sum(), rel=1e-12)


def test_the_gram_matrix_has_both_triangles():
    x, y, shell = rows(200)
    gram = accumulated(x, y, shell, [])[0].gram()
    np.testing.assert_array_equal(gram, gram.T)


@given(cuts=st.lists(st.integers(0, 2_500), max_size=8))
def test_moments_have_the_same_bits_whatever_the_blocks_that_rows_come_in(cuts):
    x, y, shell = rows(2_500)
    for one, other in zip(accumulated(x, y, shell, []), accumulated(x, y, shell, sorted(cuts))):
        np.testing.assert_array_equal(one.matrix, other.matrix)


def test_a_shell_has_the_same_bits_whatever_lies_in_the_others():
    x, y, shell = rows(2_500)
    alone = accumulated(x, y, np.where(shell == 1, 1, -1), [])[1]
    np.testing.assert_array_equal(alone.matrix, accumulated(x, y, shell, [1_000])[1].matrix)


def test_a_scale_is_the_sum_of_its_shells():
    x, y, shell = rows(2_000)
    parts = accumulated(x, y, shell, [])
    whole = parts[0] + parts[1]
    a = x[(shell == 0) | (shell == 1)].astype(np.float64)
    assert whole.n == len(a)
    np.testing.assert_allclose(whole.gram(), a.T @ a, rtol=1e-12, atol=1e-10)
    assert parts[0].n + parts[1].n == whole.n


def test_an_empty_shell_has_no_rows():
    x, y, _ = rows(50)
    moments = accumulated(x, y, np.zeros(50, dtype=int), [])[2]
    assert moments.n == 0
    assert not moments.matrix.any()
