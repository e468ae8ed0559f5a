"""The kinds of figures: every file of this folder with a TITLE is one, and its name is the kind in the YAML.

A kind has

    TITLE, CAPTION    what it is called, and what it shows in a sentence
    values(…)         the table that its CSV holds; raises `empty.Nothing` with the reason where there is none
    draw(table, …)    the picture of that table
    plot(…)           the same on the page, where readers can take hold of it
    SHOWS_TIMES       true if it shows how long the runs took, which is no part of their results

What a figure is made from are the arguments of `values` and `draw`: `verdict` and `evidence` of an experiment's runs,
or artifacts of Phases 0 and 1 (`given`). Kinds of one family share their functions in a file that is no kind, and each
sets what tells it apart: `values = partial(bias.values, label="teff")`. Nothing here loads a kind, or a heavy library,
before one is drawn: the Snakefile uses this.
"""

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from logg1m.config.kinds import figures as kinds
from logg1m.files import InputError

_FOLDER = Path(__file__).parent


def title(kind: str) -> str:
    """What figures of a kind are called."""
    return str(_constant(kind, "TITLE"))


def caption(kind: str) -> str:
    """What figures of a kind show, in a sentence."""
    return str(_constant(kind, "CAPTION"))


def shows_times(kind: str) -> bool:
    """Whether it shows how long the runs took; nothing that is decided may read that."""
    return _constant(kind, "SHOWS_TIMES", False) is True


def asks_for(kind: str) -> list[str]:
    """Names of what a kind is made from, the one that it shows first."""
    return list(dict.fromkeys([*asked_of(kind, "values"), *asked_of(kind, "draw")]))


def asked_of(kind: str, function: str) -> list[str]:
    """Names of what one of a kind's functions, values or draw, is made from; of draw beside its table."""
    return _arguments(kind, function)[function == "draw" :]


def modules_of(shown: Iterable[str]) -> list[str]:
    """The modules behind kinds of figures, for a code fingerprint."""
    return [f"logg1m.figures.{kind}" for kind in sorted(set(shown))]


def module(kind: str) -> ModuleType:
    """The code of a kind, loaded."""
    return import_module(f"logg1m.figures.{kind}")


def draw(kind: str, given: Mapping[str, Any], path: Path) -> None:
    """One figure (PNG) and, beside it, its values (CSV); where there is nothing to show, both give the reason.

    given : what the kind asks for, by name
    """
    from logg1m.figures import empty, style

    def asked(function: str) -> dict[str, Any]:
        return {name: given[name] for name in _arguments(kind, function) if name in given}

    verdict = given.get("verdict", {})
    try:
        if verdict.get("variants") == {} and {"verdict", "evidence"} & {*asks_for(kind)}:
            raise empty.Nothing(verdict["reason"])  # no variant exists for the model of this run
        table = module(kind).values(**asked("values"))
    except empty.Nothing as reason:
        empty.draw(verdict, str(reason), path)
    else:
        style.save(module(kind).draw(table, **asked("draw")), path, table)


def _arguments(kind: str, function: str) -> list[str]:
    """Names of the arguments of one of a kind's functions; of a partial one, those that are left."""
    for node in _parsed(kind).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return [argument.arg for argument in node.args.args]
        match node:
            case ast.Assign([ast.Name(name)], ast.Call(args=[ast.Attribute(ast.Name(of), same)], keywords=set_)):
                if name == function:
                    return [a for a in _arguments(of, same) if a not in {keyword.arg for keyword in set_}]
    raise InputError(f"{_FOLDER / kind}.py is a kind of figure and lacks the function {function}")


def _constant(kind: str, name: str, default: Any = None) -> Any:
    """A constant at the top of a kind's file, read without running it."""
    for node in _parsed(kind).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", None) for target in node.targets] == [name]:
            if isinstance(node.value, ast.Constant):
                return node.value.value
            raise InputError(f"{_FOLDER / kind}.py: {name} must be a plain text or number")
    if default is None:
        raise InputError(f"{_FOLDER / kind}.py is a kind of figure and lacks the constant {name}")
    return default


@cache
def _parsed(kind: str) -> ast.Module:
    path = _FOLDER / f"{kind}.py"
    if not path.exists():
        raise InputError(f"no kind of figure is called {kind!r}; in {_FOLDER} there are {', '.join(kinds())}")
    return ast.parse(path.read_text(encoding="utf-8"))
