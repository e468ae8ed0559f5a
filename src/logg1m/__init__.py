"""logg1m: how well log g can be inferred from Subaru PFS medium-resolution spectra."""

from typing import Any

__version__ = "0.2.0"
_OFFERED = ("load", "read", "simulate")


def __getattr__(name: str) -> Any:
    """`load`, `read` and `simulate` of `predict.api`, imported when they are asked for: `import logg1m` stays light."""
    if name in _OFFERED:
        from importlib import import_module

        return getattr(import_module("logg1m.predict.api"), name)
    raise AttributeError(f"module 'logg1m' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_OFFERED]
