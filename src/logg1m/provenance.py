"""Code fingerprints, versions and hardware. Standard library only: the Snakefile imports this."""

import ast
import hashlib
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

_PACKAGE = Path(__file__).parent
# Values reach the code as parameters of the rules, so the models that carry them do not count; nor does this file.
_LEFT_OUT = ("logg1m.config", "logg1m.provenance", "logg1m.progress", "logg1m.job")


def code_fingerprint(*modules: str) -> str:
    """Hash of the syntax trees of `modules` and of every logg1m module they import, directly or not.

    Comments, docstrings and formatting do not count. Pass dotted names ('logg1m.baselines.ridge').
    """
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in reached or name.startswith(_LEFT_OUT):
            continue
        reached.add(name)
        waiting.extend(_parsed(name)[1])
    text = "\n".join(f"{name} {_parsed(name)[0]}" for name in sorted(reached))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _file(name: str) -> Path | None:
    parts = name.split(".")[1:]
    module = _PACKAGE.joinpath(*parts).with_suffix(".py") if parts else _PACKAGE / "__init__.py"
    package = _PACKAGE.joinpath(*parts, "__init__.py")
    return package if package.exists() else module if module.exists() else None


@cache
def _parsed(name: str) -> tuple[str, tuple[str, ...]]:
    """(hash of the syntax tree without docstrings, logg1m modules imported)."""
    path = _file(name)
    if path is None:
        raise ValueError(f"no module {name} in {_PACKAGE}")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("logg1m"):
            assert node.module is not None
            imports.add(node.module)
            children = (f"{node.module}.{alias.name}" for alias in node.names)
            imports.update(child for child in children if _file(child))
        elif isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names if alias.name.startswith("logg1m"))
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
            first = body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), tuple(sorted(imports))


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
