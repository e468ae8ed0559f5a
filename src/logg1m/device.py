"""Which torch device computes."""

import torch

from logg1m.files import InputError


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
