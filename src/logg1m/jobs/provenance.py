"""Code fingerprints, versions and hardware. Standard library only: the Snakefile imports this."""

import ast
import hashlib
import platform
from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parents[1]
# Values reach the code as parameters of the rules, so the models that carry them do not count; nor does this file.
_LEFT_OUT = {"logg1m.config", "logg1m.jobs.provenance", "logg1m.jobs.progress", "logg1m.jobs.frame"}


def code_fingerprint(*modules: str, package: Path = _PACKAGE) -> str:
    """Hash of the syntax trees of `modules` and of every logg1m module they import, directly or not.

    Comments, docstrings and formatting do not count; data that lie in the package count with the modules that read
    them. Pass dotted names ('logg1m.baselines.ridge'); `package` is the folder that holds the code. Every module is
    read once per process.
    """
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in reached or _left_out(name):
            continue
        reached.add(name)
        waiting.extend(_parsed(name, package)[1])
    text = "\n".join(f"{name} {_parsed(name, package)[0]}" for name in sorted(reached))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def with_script(code: str | Callable[[Any], str], script: Path) -> str | Callable[[Any], str]:
    """A rule's `code`, a fingerprint or an input function of it, with that of the rule's own script added.

    Snakemake itself goes by a script's time stamp, which an edit may keep and a checkout renews (profiles leave it
    out).
    """
    own = hashlib.sha256(ast.dump(_without_docstrings(script)).encode()).hexdigest()[:16]
    return (lambda wildcards: code(wildcards) + own) if callable(code) else code + own


def _left_out(name: str) -> bool:
    """Whether the module, or a package it lies in, does not count."""
    parts = name.split(".")
    return any(".".join(parts[:k]) in _LEFT_OUT for k in range(1, len(parts) + 1))


def _file(name: str, package: Path) -> Path | None:
    folder = package.joinpath(*name.split(".")[1:])
    for path in (folder / "__init__.py", folder.with_name(f"{folder.name}.py")):
        if path.exists():
            return path
    return None


@cache
def _parsed(name: str, package: Path) -> tuple[str, tuple[str, ...]]:
    """(hash of the syntax tree without docstrings, logg1m modules imported)."""
    path = _file(name, package)
    if path is None:
        raise ValueError(f"no module {name} in {package}")
    tree = _without_docstrings(path)
    imports: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            source = _absolute(node, name, path)
            if source.split(".")[0] == "logg1m":
                children = [f"{source}.{alias.name}" for alias in node.names]
                modules = {child for child in children if _file(child, package)}
                # `from logg1m import store` needs nothing of logg1m itself: a new version number must not count
                imports |= modules if source == "logg1m" and len(modules) == len(children) else {*modules, source}
        elif isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names if alias.name.split(".")[0] == "logg1m")
    text = ast.dump(tree) + "".join(_content(file) for file in _data_of(tree, path.parent))
    return hashlib.sha256(text.encode()).hexdigest(), tuple(sorted(imports))


def _without_docstrings(path: Path) -> ast.Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
            first = body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = body[1:]
    return tree


def _data_of(tree: ast.Module, folder: Path) -> list[Path]:
    """Files of the room's folder `data` that a module names."""
    named = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return [path for path in sorted((folder / "data").glob("*")) if path.name in named]


@cache
def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _absolute(node: ast.ImportFrom, name: str, path: Path) -> str:
    """The module that `from … import` names, with leading dots resolved."""
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    base = parts[: len(parts) - node.level + (path.name == "__init__.py")]
    return ".".join([*base, *(node.module.split(".") if node.module else [])])


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    names = (
        "logg1m",
        "numpy",
        "scipy",
        "torch",
        "zarr",
        "dask",
        "scikit-learn",
        "lightgbm",
        "pandas",
        "snakemake",
    )
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
