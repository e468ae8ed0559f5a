"""The configuration as pages of the documentation: one per section, every key with type, default, range and meaning."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from logg1m.config import Config
from logg1m.config.document import choices_of, flow, sections_in, title_of

_LONGEST_DEFAULT = 100  # characters; what is longer, config/reference.yaml has


def pages() -> dict[str, str]:
    """File name → Markdown: `index.md` with the keys that stand alone, and a page per section of the configuration."""
    alone: dict[str, FieldInfo] = {}
    made = {}
    for name, field in Config.model_fields.items():
        found = sections_in(field.annotation)
        if found:
            made[f"{name}.md"] = "\n".join([f"# {name}", "", *_section(found[0], name, 2)]) + "\n"
        else:
            alone[name] = field
    index = [
        "# Configuration",
        "",
        "Every key, made from the models that check it. What is left out takes its default; a wrong key or value is "
        "refused before anything runs. `config/config.yaml` is the run, overlays go on top (`--configfile`).",
        "",
        *_table(alone.items(), ""),
        "",
        *(f"- [{name[:-3]}]({name}): {title_of(type_of(name[:-3]))}" for name in sorted(made)),
    ]
    return made | {"index.md": "\n".join(index) + "\n"}


def type_of(name: str) -> type[BaseModel]:
    """The model of a section of the configuration."""
    return sections_in(Config.model_fields[name].annotation)[0]


def _section(model: type[BaseModel], path: str, level: int) -> list[str]:
    """A section's docstring, its keys, and the sections inside it."""
    words = (model.__doc__ or "").strip().split("\n\n")[0]
    lines = [" ".join(words.split()), ""]
    inner = {name: sections_in(field.annotation) for name, field in model.model_fields.items()}
    # A section that may be left out has a row, with its default, as well as a table of its keys.
    plain = [(name, field) for name, field in model.model_fields.items() if inner[name] != [field.annotation]]
    lines += _table(plain, path)
    for name, found in inner.items():
        for one in found:
            field = model.model_fields[name]
            lines += ["", f"{'#' * level} {path}.{name}", ""]
            lines += [field.description, ""] if field.description else []
            lines += _section(one, f"{path}.{name}", min(level + 1, 6))
    return lines


def _table(fields: Any, path: str) -> list[str]:
    rows = list(fields)
    if not rows:
        return []
    return ["| key | default | meaning |", "|---|---|---|", *(_row(name, field, path) for name, field in rows)]


def _row(name: str, field: FieldInfo, path: str) -> str:
    default = "needed" if field.is_required() else f"`{_short(flow(field.get_default(call_default_factory=True)))}`"
    says = [*filter(None, [field.description]), *_limits(field)]
    choices = choices_of(field)
    if choices:
        says.append("One of " + ", ".join(f"`{choice}`" for choice in choices))
    full = f"{path}.{name}" if path else name
    return f"| `{full}` | {default} | {_cell('; '.join(says))} |"


def _limits(field: FieldInfo) -> Iterator[str]:
    """The range of a number in words."""
    for word, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
        for given in field.metadata:
            bound = getattr(given, word, None)
            if bound is not None:
                yield f"{sign} {bound:,}" if isinstance(bound, int) and bound < 1e12 else f"{sign} {bound:g}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_DEFAULT else text[: _LONGEST_DEFAULT - 1] + "…"


def _cell(text: str) -> str:
    """Text of a table's cell."""
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").replace("[", "\\[")
