"""Figures that the page shows as pictures, packed as WebP, smaller where the page would grow too large."""

import base64
import io
from dataclasses import dataclass

from PIL import Image

from logg1m.files import InputError


@dataclass(frozen=True)
class Packing:
    """How pictures are packed: without loss, or with it and at most so wide in pixels."""

    lossless: bool
    widest: int


# Tried in turn until the page is small enough.
PACKINGS = (Packing(True, 10_000), Packing(False, 1_400), Packing(False, 900), Packing(False, 600))


@dataclass(frozen=True)
class Picture:
    """A figure that the page shows as the picture it is."""

    key: str
    title: str
    alt: str
    files: tuple[str, ...]
    picture: str
    size: tuple[int, int]  # width and height in pixels, so that nothing moves when it is loaded
    note: str = ""
    table: None = None


def picture(key: str, title: str, shows: str, image: str, table: str, packing: Packing) -> Picture:
    """The picture with its title and its words for those who do not see it."""
    files = tuple(file for file in (image, table) if file)
    alt = (shows or f"{title}.") + (f" Its values are in {table}." if table else "")
    data, size = packed(image, packing)
    source = f"data:image/webp;base64,{base64.b64encode(data).decode()}"
    return Picture(key, title, alt, files, source, size, shows)


def packed(image: str, packing: Packing) -> tuple[bytes, tuple[int, int]]:
    """A picture as WebP, without loss about half of its PNG, and its size.

    Raises
    ------
    InputError
        If it is no picture.
    """
    out = io.BytesIO()
    try:
        with Image.open(image) as opened:
            shown = opened.convert("RGB")
            if shown.width > packing.widest:
                shown = shown.resize((packing.widest, round(shown.height * packing.widest / shown.width)))
            # Of a lossless picture `quality` is the effort alone.
            shown.save(out, "WEBP", lossless=packing.lossless, quality=40 if packing.lossless else 70, method=2)
    except OSError as error:
        raise InputError(f"{image} is not a readable picture ({error}); delete it and run again") from error
    return out.getvalue(), shown.size
