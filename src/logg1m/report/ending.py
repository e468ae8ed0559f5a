"""What a run says when it ends: the headline of its page, and where the page lies."""

import html
import re
from pathlib import Path

PAGE = Path("results/report/index.html")


def headline(page: Path) -> str:
    """The headline of a page as plain text; empty where there is no page, or it has none."""
    try:
        text = page.read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r"<h1>(.*?)</h1>", text, re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", found[1])).split()) if found else ""


def ending(page: Path = PAGE) -> str:
    """Headline and path of a page, for the terminal; empty where there is none."""
    said = headline(page)
    return f"{said}\nThe page: {page.resolve()}" if said else ""
