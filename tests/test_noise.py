"""The random numbers: published vectors, a second implementation, distribution, independence, statelessness."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from logg1m import noise
from logg1m.files import InputError
from logg1m.noise import Stream, normal, permutation, philox, uniform

WORD = st.integers(0, 2**32 - 1)
PIXELS = 4096


def philox_with_integers(counter: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    """Salmon et al. (2011) in Python's unbounded integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], 2**32)
        high1, low1 = divmod(0xCD9E8D57 * c[2], 2**32)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return tuple(c)


def package_philox(counter: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    words = tuple(torch.tensor([word]) for word in counter)
    return tuple(int(word) for word in philox(words, key[0] | key[1] << 32))  # type: ignore[arg-type]


ONES = 0xFFFFFFFF
KNOWN_ANSWERS = [  # kat_vectors of the Random123 distribution, philox4x32 10
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES, ONES, ONES, ONES), (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_gives_the_published_known_answers(counter, key, expected):
    assert package_philox(counter, key) == expected
    assert philox_with_integers(counter, key) == expected


@given(counter=st.tuples(WORD, WORD, WORD, WORD), key=st.tuples(WORD, WORD))
def test_philox_agrees_with_unbounded_integers(counter, key):
    assert package_philox(counter, key) == philox_with_integers(counter, key)


def test_normal_is_box_muller_of_the_documented_counter():
    seed, spectrum, draw = 0x0123456789ABCDEF, 77, 5
    values = normal(seed, torch.tensor([spectrum]), PIXELS, draw)[0].numpy()
    for block in (0, 1, 500, 1023):
        words = philox_with_integers((block, spectrum, draw, 0), (seed & ONES, seed >> 32))
        u = [((word >> 8) + 0.5) / 2**24 for word in words]
        expected = []
        for radius, angle in ((u[0], u[1]), (u[2], u[3])):
            length = np.sqrt(-2 * np.log(radius))
            expected += [length * np.cos(2 * np.pi * angle), length * np.sin(2 * np.pi * angle)]
        np.testing.assert_allclose(values[4 * block : 4 * block + 4], expected, atol=1e-5)


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    return normal(1, torch.arange(250), PIXELS).numpy().astype(np.float64)


def test_normals_have_the_moments_and_distribution_of_a_normal(drawn):
    n = drawn.size
    assert abs(drawn.mean()) < 4 / np.sqrt(n)
    assert abs(drawn.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs((drawn**3).mean()) < 4 * np.sqrt(15 / n)
    assert abs((drawn**4).mean() - 3) < 4 * np.sqrt(96 / n)
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 1e-3
    assert 4.5 < np.abs(drawn).max() < 5.9


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean(a * b) * np.sqrt(a.size))  # in units of its standard deviation


def test_neighbouring_pixels_ids_draws_and_seeds_are_independent(drawn):
    for lag in (1, 2, 3, 4, 8):
        assert abs(correlation(drawn[:, lag:], drawn[:, :-lag])) < 4
        assert abs(correlation(drawn[:, lag:] ** 2 - 1, drawn[:, :-lag] ** 2 - 1)) < 8
    assert abs(correlation(drawn[1:], drawn[:-1])) < 4
    for other in (normal(1, torch.arange(250), PIXELS, draw=1), normal(2, torch.arange(250), PIXELS)):
        assert abs(correlation(drawn, other.numpy())) < 4


def test_no_two_rows_draws_or_streams_repeat():
    rows = [normal(3, torch.arange(40), 64, draw) for draw in range(5)]
    flat = torch.cat(rows).numpy()
    assert len(np.unique(flat, axis=0)) == len(flat)
    one = [uniform(3, stream, np.arange(20), 4) for stream in Stream]
    assert len(np.unique(np.concatenate(one), axis=0)) == 20 * len(Stream)


@given(ids=st.lists(WORD, min_size=1, max_size=70), draw=st.integers(0, 2**32 - 1), seed=st.integers(0, 2**63 - 1))
def test_rows_one_by_one_are_the_rows_all_at_once_bit_for_bit(ids, draw, seed):
    whole = normal(seed, torch.tensor(ids), 32, draw)
    for row, spectrum in enumerate(ids):
        assert torch.equal(normal(seed, torch.tensor([spectrum]), 32, draw)[0], whole[row])
    assert torch.equal(normal(seed, torch.tensor(ids), 64, draw)[:, :32], whole)


def test_normal_does_not_depend_on_the_threads_of_the_caller_and_gives_them_back():
    before, expected = torch.get_num_threads(), normal(4, torch.arange(70), 64)
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            assert torch.equal(normal(4, torch.arange(70), 64), expected)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert normal(4, torch.arange(0), 64).shape == (0, 64)


def test_a_number_of_pixels_that_is_no_multiple_of_four_is_refused():
    with pytest.raises(InputError, match="multiple of 4, got 30"):
        normal(1, torch.arange(3), 30)


def test_uniform_is_uniform_and_stays_inside_the_open_interval(monkeypatch):
    u = uniform(5, Stream.LABELS, np.arange(20_000), 12)
    assert u.shape == (20_000, 12)
    assert stats.kstest(u.ravel(), "uniform").pvalue > 1e-3
    for extreme in (0, ONES):
        words = torch.full((1, 1), extreme, dtype=torch.int64)
        monkeypatch.setattr(noise, "philox", lambda counter, seed, words=words: (words,) * 4)
        assert 0 < uniform(5, Stream.LABELS, np.arange(1), 1)[0, 0] < 1


def test_uniform_does_not_depend_on_the_other_ids_or_on_the_count():
    whole = uniform(9, Stream.LABELS, np.arange(100), 12)
    np.testing.assert_array_equal(uniform(9, Stream.LABELS, np.array([42, 7]), 12), whole[[42, 7]])
    np.testing.assert_array_equal(uniform(9, Stream.LABELS, np.arange(100), 3), whole[:, :3])


@pytest.mark.parametrize("n", [0, 1, 2, 1000, 65_537])
def test_permutation_holds_every_id_once_and_is_stateless(n):
    first = permutation(11, n)
    np.testing.assert_array_equal(np.sort(first), np.arange(n))
    torch.manual_seed(0)
    np.testing.assert_array_equal(first, permutation(11, n))
    if n >= 1000:
        assert (first != permutation(12, n)).mean() > 0.99
        assert (first != permutation(11, n, draw=1)).mean() > 0.99
        assert (first != permutation(11, n, Stream.SHUFFLE)).mean() > 0.99
        assert abs(stats.spearmanr(first, np.arange(n)).statistic) < 4 / np.sqrt(n)


def test_permutations_of_four_are_all_equally_frequent():
    counts = np.zeros((4, 4))
    for seed in range(2000):
        counts[np.arange(4), permutation(seed, 4)] += 1
    assert stats.chisquare(counts.ravel()).pvalue > 1e-3
