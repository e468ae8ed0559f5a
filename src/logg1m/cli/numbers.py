"""Numbers on the command line that have a least and a largest value: others are wrong usage, said at once."""

import argparse
from collections.abc import Callable


def count(least: int = 1, most: int = 2**31) -> Callable[[str], int]:
    """A type for argparse: whole numbers from `least` to `most`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text[:50]!r}: expected a whole number from {least:,} to {most:,}")
        return value

    return read


def number(least: float, most: float) -> Callable[[str], float]:
    """A type for argparse: finite numbers from `least` to `most`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:  # NaN is neither
            raise argparse.ArgumentTypeError(f"{text[:50]!r}: expected a number from {least:g} to {most:g}")
        return value

    return read
