"""Output to terminals that have no UTF-8: signs that they lack are spelt, and nothing fails for them."""

import codecs
from typing import TextIO

_SPELT = {
    "Å": "A", "σ": "sigma", "‖": "||", "…": "...", "–": "-", "—": "-", "−": "-", "×": "x", "·": "*", "±": "+-",
    "α": "alpha", "χ": "chi", "µ": "u", "≥": ">=", "≤": "<=", "→": "->", "⁻": "-", "¹": "1", "²": "2", "³": "3",
    "‘": "'", "’": "'", "“": '"', "”": '"', "°": " deg", "″": "arcsec", "√": "sqrt", "≈": "~", "é": "e",
}  # fmt: skip


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_SPELT.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


def speak_plainly(*streams: TextIO) -> None:
    """Let text streams spell what their encoding lacks; one that cannot be told (a test's) stays as it is."""
    codecs.register_error("logg1m.spell", _spell)
    for stream in streams:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="logg1m.spell")
