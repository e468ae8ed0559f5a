"""Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, SC'11, section 3.3) on any torch device.

A number is a pure function of (seed, stream, spectrum id, draw, position): no state, so results cannot
depend on chunk size, order or workers. Integers are identical everywhere; normals agree to 1e-5 across devices.
"""

import math
from collections.abc import Callable
from enum import IntEnum
from functools import cache
from typing import TypeVar

import numpy as np
import torch

from logg1m.files import InputError
from logg1m.jobs.device import compiled, machine_code, one_thread

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_MASK = 0xFFFFFFFF
_ROWS_AT_ONCE = 32  # the integer state of 32 rows of 4096 pixels stays in a core's L2 cache


class Stream(IntEnum):
    """Independent streams under one seed (the fourth counter word)."""

    PIXEL_NOISE = 0
    LABELS = 1
    POOLS = 2
    SHUFFLE = 3
    BOUNDS = 4
    MASKS = 5
    NUISANCES = 6
    BAD_PIXELS = 7
    SUBSPACE = 8


Words = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
Key = TypeVar("Key", int, torch.Tensor)


def philox(counter: Words, seed: int) -> Words:
    """Ten Philox4x32 rounds on int64 tensors that hold 32-bit words; `seed` is the 64-bit key."""
    return _rounds(counter, seed & _MASK, (seed >> 32) & _MASK)


def _rounds(counter: Words, k0: Key, k1: Key) -> Words:
    """The same with the key as two words, numbers or scalar tensors."""
    c0, c1, c2, c3 = counter
    for _ in range(10):
        p0 = c0 * _MULTIPLIERS[0]
        p1 = c2 * _MULTIPLIERS[1]
        # Products wrap in signed 64 bits; the mask after an arithmetic shift restores the true high word.
        c0 = p1.bitwise_right_shift(32).bitwise_and_(_MASK).bitwise_xor_(c1).bitwise_xor_(k0)
        c2 = p0.bitwise_right_shift(32).bitwise_and_(_MASK).bitwise_xor_(c3).bitwise_xor_(k1)
        c1 = p1.bitwise_and_(_MASK)
        c3 = p0.bitwise_and_(_MASK)
        k0, k1 = (k0 + _WEYL[0]) & _MASK, (k1 + _WEYL[1]) & _MASK
    return c0, c1, c2, c3


def _words(seed: int, stream: Stream, ids: torch.Tensor, draw: int, blocks: int) -> Words:
    """Four words for every (id, block): each (N, blocks) int64."""
    shape = (len(ids), blocks)
    position = torch.arange(blocks, device=ids.device, dtype=torch.int64).expand(shape).clone()
    spectrum = ids.to(torch.int64)[:, None].expand(shape).clone()
    constant = torch.full(shape, draw, device=ids.device, dtype=torch.int64)
    return philox((position, spectrum, constant, torch.full_like(constant, int(stream))), seed)


def normal(seed: int, ids: torch.Tensor, n_pixels: int, draw: int = 0) -> torch.Tensor:
    """Standard normal pixel noise by Box & Muller (1958).

    Parameters
    ----------
    seed : int
        64-bit key.
    ids : (N,) integer tensor
        Spectrum ids in [0, 2³²); its device is where the numbers are made.
    n_pixels : int
        Pixels per spectrum, a multiple of 4.
    draw : int
        0 is the frozen draw of validation and test; training epochs use 1, 2, …

    Returns
    -------
    (N, n_pixels) float32 tensor
    """
    if n_pixels % 4:
        raise InputError(f"n_pixels must be a multiple of 4, got {n_pixels}")
    if ids.device.type != "cpu":
        position = torch.arange(n_pixels // 4, device=ids.device)
        constants = (torch.full((), value, device=ids.device) for value in (draw, seed & _MASK, seed >> 32 & _MASK))
        return torch.stack(_fused()(ids.to(torch.int64), position, *constants), dim=2).flatten(1)
    out = torch.empty((len(ids), n_pixels // 4, 4), dtype=torch.float32)
    with one_thread():
        for start in range(0, len(ids), _ROWS_AT_ONCE):
            _fill(out[start : start + _ROWS_AT_ONCE], seed, ids[start : start + _ROWS_AT_ONCE], draw)
    return out.view(len(ids), n_pixels)


def planes(
    ids: torch.Tensor, position: torch.Tensor, draw: torch.Tensor, low: torch.Tensor, high: torch.Tensor
) -> Words:
    """The four normals of every (id, position), each (N, P/4), from tensors alone: what a GPU makes in one kernel.

    ids (N,), position (P/4,); draw and the lower and upper word of the seed are scalars, all int64. Same integers as
    `_fill`, which works in place for a core's cache; left to itself a GPU would launch 150 kernels for it.
    """
    zero = torch.zeros_like(ids[:, None] + position)
    counter = (zero + position, zero + ids[:, None], zero + draw, zero + int(Stream.PIXEL_NOISE))
    x0, x1, x2, x3 = _rounds(counter, low, high)
    first, second = ((-2.0 * _unit(x).log()).sqrt() for x in (x0, x2))
    angles = (_unit(x1) * (2.0 * math.pi), _unit(x3) * (2.0 * math.pi))
    return first * angles[0].cos(), first * angles[0].sin(), second * angles[1].cos(), second * angles[1].sin()


@cache
def _fused() -> Callable[..., Words]:
    return compiled(planes, dynamic=True)


def _fill(out: torch.Tensor, seed: int, ids: torch.Tensor, draw: int) -> None:
    """Write the normals of some rows into `out` (N, P/4, 4).

    The integers are a compiler's (ten rounds stay in registers), the functions torch's, which are vectorised.
    """
    units, interleave = _compiled()
    planes = torch.empty((4, len(ids), out.shape[1]))
    units(planes.numpy(), ids.to(torch.int64).numpy(), draw, int(Stream.PIXEL_NOISE), seed & _MASK, seed >> 32 & _MASK)
    radius = planes[::2].log_().mul_(-2.0).sqrt_()
    angle = planes[1::2].mul_(2.0 * math.pi)
    interleave(out.numpy(), radius.numpy(), angle.cos().numpy(), angle.sin().numpy())


@cache
def _compiled() -> tuple[Callable[..., None], Callable[..., None]]:
    """The loops of `_fill`."""

    def units(out, ids, draw, stream, k0, k1):  # type: ignore[no-untyped-def]
        """Words of all counters as float32 in (0, 1], out (4, N, P/4); see `_rounds` and `_unit`."""
        half, cell = np.float32(0.5), np.float32(2.0**-24)
        for row in range(out.shape[1]):
            for block in range(out.shape[2]):
                c0, c1, c2, c3 = np.uint32(block), np.uint32(ids[row]), np.uint32(draw), np.uint32(stream)
                a0, a1 = np.uint32(k0), np.uint32(k1)
                for _ in range(10):
                    p0, p1 = np.uint64(c0) * np.uint64(0xD2511F53), np.uint64(c2) * np.uint64(0xCD9E8D57)
                    c0, c1 = np.uint32(p1 >> np.uint64(32)) ^ c1 ^ a0, np.uint32(p1)
                    c2, c3 = np.uint32(p0 >> np.uint64(32)) ^ c3 ^ a1, np.uint32(p0)
                    a0, a1 = np.uint32(a0 + np.uint32(0x9E3779B9)), np.uint32(a1 + np.uint32(0xBB67AE85))
                out[0, row, block] = (np.float32(np.int32(c0 >> np.uint32(8))) + half) * cell
                out[1, row, block] = (np.float32(np.int32(c1 >> np.uint32(8))) + half) * cell
                out[2, row, block] = (np.float32(np.int32(c2 >> np.uint32(8))) + half) * cell
                out[3, row, block] = (np.float32(np.int32(c3 >> np.uint32(8))) + half) * cell

    def interleave(out, radius, cosine, sine):  # type: ignore[no-untyped-def]
        """radius · (cosine, sine), each (2, N, P/4), side by side in out (N, P/4, 4)."""
        for row in range(out.shape[0]):
            for block in range(out.shape[1]):
                for k in range(2):
                    out[row, block, 2 * k] = radius[k, row, block] * cosine[k, row, block]
                    out[row, block, 2 * k + 1] = radius[k, row, block] * sine[k, row, block]

    return machine_code(units), machine_code(interleave)


def _unit(words: torch.Tensor) -> torch.Tensor:
    """32-bit words → float32 in (0, 1]: the upper 24 bits, centred on their cell as far as float32 can."""
    return words.bitwise_right_shift(8).to(torch.float32).add_(0.5).mul_(2.0**-24)


def uniform(seed: int, stream: Stream, ids: np.ndarray, count: int, draw: int = 0) -> np.ndarray:
    """Uniform numbers in (0, 1) with 52 random bits, (N, count) float64, one row per id."""
    words = _words(seed, stream, torch.as_tensor(np.asarray(ids, dtype=np.int64)), draw, count)
    high, low = words[0].numpy(), words[1].numpy()
    return np.asarray(((high >> 6) * 2.0**26 + (low >> 6) + 0.5) * 2.0**-52)


def words(seed: int, stream: Stream, ids: torch.Tensor, count: int, draw: int = 0) -> torch.Tensor:
    """Random 32-bit words (N, count) int64, one row per id, on the device of the ids."""
    four = torch.stack(_words(seed, stream, ids, draw, -(-count // 4)), dim=2)
    return four.flatten(1)[:, :count]


def permutation(seed: int, n: int, stream: Stream = Stream.POOLS, draw: int = 0) -> np.ndarray:
    """A permutation of 0 … n−1: the ids in the order of their 62-bit random keys, (n,) int64."""
    words = _words(seed, stream, torch.arange(n), draw, 1)
    key = (words[0][:, 0].numpy() << 30) | (words[1][:, 0].numpy() >> 2)
    return np.argsort(key, kind="stable")
