"""What every configuration section shares: frozen, unknown keys refused, errors that name key and choices.

A rule passes a section as plain values, `whole` or in `part`, and its script reads it with `Section.of`. What the rule
did not declare cannot be read: a default in its place would be taken for what the user configured.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from logg1m.files import InputError


def _each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    for k, value in enumerate(values):
        if value in values[:k]:
            raise ValueError(f"{value!r} stands there twice; expected every value once")
    return values


_TINIEST = 1e-12


def _off_or_not_tiny(value: float) -> float:
    if 0 < abs(value) < _TINIEST:
        raise ValueError(f"expected 0, which is none, or at least {_TINIEST:g}: 1/σ² of less cannot be computed with")
    return value


NOT_TINY = AfterValidator(_off_or_not_tiny)  # of a 1σ error whose inverse square is taken
EACH_ONCE = AfterValidator(_each_once)  # of a list in which a value that is repeated can only be a slip
Name = Annotated[str, Field(max_length=100)]


def over(default: Mapping[Any, Any]) -> BeforeValidator:
    """A mapping given in part: entries left out are those of the default."""
    return BeforeValidator(lambda value: {**default, **value} if isinstance(value, Mapping) else value)


class NotDeclared(Exception):
    """A field was read that the rule did not declare; no AttributeError, which `hasattr` would swallow."""


class Section(BaseModel):
    """A part of the configuration; unknown keys are refused and values cannot be changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_max_length=10_000)

    @field_validator("*", mode="before")
    @classmethod
    def _is_meant(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what pydantic would take for something else: yes and no for 1 and 0; and texts that no file can bear."""
        assert info.field_name
        types = _types_in(cls.model_fields[info.field_name].annotation)
        if not any(isinstance(each, type) and issubclass(each, BaseModel) for each in types):  # they check themselves
            _require_meant(value, may_be_bool=bool in types or Any in types)
        return value

    @classmethod
    def of(cls, declared: Mapping[str, Any]) -> Self:
        """The section as a rule declared it, sections within it too; reading any other field raises NotDeclared.

        Every value is checked. In checks that compare fields, defaults stand for what was not declared.
        """
        section = cls.model_validate(declared)
        _forget_defaults(section)
        return section

    def as_in(self, configured: Mapping[str, Any], name: str) -> Self:
        """With a field (dotted: of a section within) as the section of the job's configuration has it.

        For what never changes a result: no rule may declare it, or a change of it would run the rule again.
        """
        return self._taking(type(self).model_validate(configured), *name.split("."))

    def _taking(self, other: Any, name: str, *rest: str) -> Self:
        value = getattr(other, name)
        return self.model_copy(update={name: getattr(self, name)._taking(value, *rest) if rest else value})

    if not TYPE_CHECKING:  # type checkers know the fields

        def __getattr__(self, name: str) -> Any:
            """Called for what is not there: the fields that `of` was not given, and names that nothing has."""
            if name not in type(self).model_fields:
                return super().__getattr__(name)
            section, given = type(self).__name__, ", ".join(self.__dict__) or "nothing"
            raise NotDeclared(
                f"{section}.{name} was read, but the rule declares of {section} only: {given}; add {name} to what the "
                "params of the rule pass (workflow/rules)"
            )


def _types_in(annotation: Any) -> list[Any]:
    """The plain types that an annotation is built of."""
    return [each for part in get_args(annotation) for each in _types_in(part)] or [annotation]


def _require_meant(value: Any, may_be_bool: bool) -> None:
    if isinstance(value, bool) and not may_be_bool:
        raise ValueError(f"{str(value).lower()} (in YAML also yes, no, on, off) is no value here")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("a text with a zero byte is no value here")
    if isinstance(value, list | tuple):
        for part in value:
            _require_meant(part, may_be_bool)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            _require_meant(key, may_be_bool=False)
            _require_meant(part, may_be_bool)


def _forget_defaults(section: Section) -> None:
    """Remove the values of fields that were not given."""
    for name in type(section).model_fields:
        if name not in section.model_fields_set:
            del section.__dict__[name]
        elif isinstance(value := section.__dict__[name], Section):
            _forget_defaults(value)


def whole(section: Section, but: Iterable[str] = ()) -> dict[str, Any]:
    """A section for a rule's params, as plain JSON values; `but`: fields that the script does not read.

    Fields of a section within are named with a dot: `training.checkpoint_seconds`.
    """
    values = section.model_dump(mode="json")
    for name in but:
        inside, last = _inside(section, values, name)
        del inside[last]
    return values


def part(section: Section, *fields: str) -> dict[str, Any]:
    """Some fields of a section for a rule's params, as plain JSON values; those of a section within are dotted."""
    values, chosen = section.model_dump(mode="json"), dict[str, Any]()
    for name in fields:
        inside, last = _inside(section, values, name)
        target = chosen
        for above in name.split(".")[:-1]:
            target = target.setdefault(above, {})
        target[last] = inside[last]
    return chosen


def _inside(section: Section, values: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    """The mapping that holds a field, and the field's own name in it."""
    *above, last = name.split(".")
    inside: Any = values
    for each in above:
        inside = inside.get(each) if isinstance(inside, dict) else None
    if not isinstance(inside, dict) or last not in inside:
        raise ValueError(f"{type(section).__name__} has no field {name}; its fields: {', '.join(values)}")
    return inside, last


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
