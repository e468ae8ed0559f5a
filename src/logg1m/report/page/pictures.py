"""Figures that the page shows as they are: drawings that take the colours of its face; where there is none, or the page
would grow too large, pictures packed as WebP.
"""

import base64
import io
import re
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup
from PIL import Image

from logg1m.files import InputError


@dataclass(frozen=True)
class Packing:
    """How pictures are packed: without loss, or with it and at most so wide in pixels."""

    lossless: bool
    widest: int
    largest_drawing: int  # bytes of one that is taken in place of its picture


# Tried in turn until the page is small enough.
PACKINGS = (
    Packing(True, 10_000, 400_000),
    Packing(False, 1_400, 150_000),
    Packing(False, 900, 50_000),
    Packing(False, 600, 0),
)


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
    drawing: Markup | str = ""


def picture(key: str, title: str, shows: str, image: str, table: str, packing: Packing, drawing: str = "") -> Picture:
    """The picture with its title and its words for those who do not see it."""
    files = tuple(file for file in (image, table) if file)
    alt = (shows or f"{title}.") + (f" Its values are in {table}." if table else "")
    if drawing and Path(drawing).stat().st_size <= packing.largest_drawing:
        return Picture(key, title, alt, (*files, drawing), "", (0, 0), shows, drawing=themed(drawing, key))
    data, size = packed(image, packing)
    source = f"data:image/webp;base64,{base64.b64encode(data).decode()}"
    return Picture(key, title, alt, files, source, size, shows)


# Of the page's face: paper and ink, and hues that can be seen in the dark.
_COLOURS = {
    "#222222": "currentColor",
    "#000000": "currentColor",
    "#ffffff": "var(--paper)",
    "#0072b2": "light-dark(#0072b2, #5fb2f2)",
    "#009e73": "light-dark(#009e73, #3ccf9f)",
    "#d55e00": "light-dark(#d55e00, #ff8c4b)",
    "#cc79a7": "light-dark(#cc79a7, #e59ccb)",
}


def themed(path: str, key: str) -> Markup:
    """A drawing as part of the page: paper and ink are the page's, and its ids are its own.

    Raises
    ------
    InputError
        If it is no drawing.
    """
    text = Path(path).read_text(encoding="utf-8")
    start, end = text.find("<svg"), text.rfind("</svg>")
    if start < 0 or end < start or "<script" in text:
        raise InputError(f"{path} is not a readable drawing; delete it and run again")
    text = text[start : end + len("</svg>")]
    text = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(rf"(?:{'|'.join(_COLOURS)})\b", lambda found: _COLOURS[found.group()], text)
    text = re.sub(r'(\bid="|xlink:href="#|url\(#)', rf"\1{key}-", text)
    text = re.sub(r"\n\s*", "\n", text)
    return Markup(text)


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
