"""What every configuration section shares: frozen, unknown keys refused, errors that name key and choices."""

import difflib
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from logg1m.files import InputError


class Section(BaseModel):
    """A part of the configuration; unknown keys are refused and values cannot be changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_max_length=10_000)


def explain(error: ValidationError, model: type[BaseModel], source: str) -> InputError:
    """One readable error for everything that pydantic found wrong in `source`."""
    lines = []
    for item in error.errors():
        path = [p for p in item["loc"] if not (isinstance(p, str) and p.startswith(("function-", "tagged-")))]
        key = ".".join(str(p) for p in path) or "(top level)"
        if item["type"] == "extra_forbidden":
            lines.append(f"  {key}: unknown key{_suggestion(model, path)}")
        else:
            shown = "" if item["type"] == "missing" else f" = {_shown(item['input'])}"
            lines.append(f"  {key}{shown}: {item['msg'].removeprefix('Value error, ')}")
    return InputError(f"{source} is not a valid configuration:\n" + "\n".join(lines))


def _shown(value: Any) -> str:
    """A value as it may stand in a message: on one line and not endless."""
    try:
        text = repr(value)
    except ValueError:  # integers of more than 4,300 digits
        return f"a {type(value).__name__} too long to show"
    return text if len(text) <= 200 else f"{text[:200]}…"


def _suggestion(model: type[BaseModel], path: list[Any]) -> str:
    """Name the known keys beside an unknown one, the closest first."""
    current: Any = model
    for part in path[:-1]:
        field = getattr(current, "model_fields", {}).get(part)
        current = field.annotation if field else None
    known = list(getattr(current, "model_fields", {}))
    if not known:
        return ""
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    return f"{hint}; known keys: {', '.join(known)}"
