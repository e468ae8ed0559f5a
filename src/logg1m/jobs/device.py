"""Which torch device computes, and on how many threads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from logg1m.files import InputError

Function = TypeVar("Function", bound=Callable[..., object])


def resolve(name: str) -> torch.device:
    """'auto', 'cpu' or 'cuda' → a device; auto takes a GPU where there is one.

    Raises
    ------
    InputError
        If 'cuda' is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("compute.device = 'cuda', but torch finds no CUDA device; use 'cpu' or 'auto'")
    return torch.device(name)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for operations on small tiles.

    They gain nothing from a second one, lose tenfold where it has to wait for a core, and matrix products give the
    same bits only on the same number of threads.
    """
    before = torch.get_num_threads()
    if before > 1:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if before > 1:
            torch.set_num_threads(before)


def compiled(function: Function, dynamic: bool | None = None) -> Function:
    """torch.compile; a function that the compiler of this machine fails on runs as it is, with a warning.

    dynamic : whether sizes are expected to change
    """
    import torch._dynamo

    torch._dynamo.config.suppress_errors = True
    made: Function = torch.compile(function, dynamic=dynamic)  # type: ignore[assignment]
    return made


def machine_code(function: Function) -> Function:
    """A loop over numbers, compiled by numba when it is first called, and kept beside the package where that can be written."""
    import numba  # slow to import

    made: Any
    try:
        made = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither the package's folder nor the user's can be written
        made = numba.njit(nogil=True)(function)
    return made  # type: ignore[no-any-return]
