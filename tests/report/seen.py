"""What a reader and a browser find on the page: its data elements, links, loaded files, and its text outside code."""

import re
from html.parser import HTMLParser

_NOT_READ = ("script", "style", "code", "data", "svg", "title")  # what a reader does not see, or what is traced
_VOID = ("meta", "link", "img", "input", "br", "hr")


def told(number: str) -> float:
    """The value that a printed number states."""
    plain = number.replace("−", "-").replace(",", "").removesuffix(" %")
    return float(plain) / (100 if number.endswith("%") else 1)


def rounding(number: str) -> float:
    """Half of the last digit that is printed."""
    digits = re.search(r"\.(\d+)", number)
    exponent = re.search(r"e([-+]\d+)", number.replace("−", "-"))
    step = 10.0 ** (-(len(digits[1]) if digits else 0) + (int(exponent[1]) if exponent else 0))
    return step * (0.5001 / (100 if number.endswith("%") else 1))


class Seen(HTMLParser):
    """Data elements with their text, ids, links, and the text of the page outside data and code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.data: list[tuple[dict[str, str], str]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.open: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.scripts: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found["href"])
        self.loaded += [found[name] for name in ("src", "srcset", "action") if name in found]
        self.loaded += [found["href"]] if tag == "link" else []
        if tag not in _VOID and not (tag in ("rect", "path") and self.inside("svg")):
            self.open.append((tag, found))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def inside(self, tag: str) -> bool:
        return any(name == tag for name, _ in self.open)

    def handle_data(self, data: str) -> None:
        if not self.open:
            return
        tag, found = self.open[-1]
        if tag == "data":
            outer = next((a for _, a in reversed(self.open) if "data-from" in a), {})
            self.data.append(({**outer, **found}, data))
        if tag == "script" and "id" in found:
            self.scripts[found["id"]] = data
        quoted = any("data-text" in attributes for _, attributes in self.open)
        if not quoted and not any(self.inside(name) for name in _NOT_READ):
            self.words.append(data)
