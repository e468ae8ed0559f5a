"""Nothing that comes from data or configuration is executed: found in the code itself, module by module."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FILES = sorted(
    [*(PROJECT / "src").rglob("*.py"), *(PROJECT / "workflow").rglob("*.py"), *(PROJECT / "workflow").rglob("*.smk")]
)

# What runs or unpickles whatever it is given. `exec_module` and friends load code from a path.
FORBIDDEN_BUILTINS = {"eval", "exec", "compile", "__import__"}  # as methods they are something else
FORBIDDEN_CALLS = {
    "read_pickle", "to_pickle", "unsafe_load", "full_load", "exec_module",
    "literal_eval", "system", "popen", "read_hdf",
}  # fmt: skip
FORBIDDEN_IMPORTS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "imp", "code"}


def faults(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [f"line {node.lineno}: import {n}" for n in names if n.split(".")[0] in FORBIDDEN_IMPORTS]
        if isinstance(node, ast.Call):
            found += _faults_of_call(node)
    return found


def _faults_of_call(node: ast.Call) -> list[str]:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    owner = function.value.id if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) else ""
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    where = f"line {node.lineno}: "
    if name in FORBIDDEN_CALLS or (name in FORBIDDEN_BUILTINS and isinstance(function, ast.Name)):
        return [f"{where}{name}()"]
    if owner == "yaml" and name in ("load", "load_all"):
        return [f"{where}yaml.{name} is not safe_load"]
    if owner == "torch" and name == "load":
        return [f"{where}torch.load unpickles; weights are safetensors"]
    if owner == "np" and name == "load" and not _is_constant(given.get("allow_pickle"), False):
        return [f"{where}np.load without allow_pickle=False"]
    if "allow_pickle" in given and not _is_constant(given["allow_pickle"], False):
        return [f"{where}allow_pickle"]
    if "shell" in given and not _is_constant(given["shell"], False):
        return [f"{where}a shell runs a text"]
    return []


def _is_constant(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix == ".py"], ids=lambda p: str(p.relative_to(PROJECT)))
def test_nothing_is_unpickled_or_evaluated(path):
    assert not faults(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix == ".smk"], ids=lambda p: p.name)
def test_no_rule_runs_a_shell_command(path):
    """A shell directive would put file names and wildcards into a command line."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    assert not [line for line in lines if line.startswith(("shell:", "shell(", "run:", "eval(", "exec("))]


@pytest.mark.parametrize(
    "bad",
    [
        "import pickle", "from joblib import load", "eval(text)", "exec(text)", "yaml.load(stream)", "torch.load(path)",
        "np.load(path)", "np.load(path, allow_pickle=True)", "subprocess.run(text, shell=True)", "pd.read_pickle(path)",
    ],
)  # fmt: skip
def test_the_search_itself_finds_what_it_looks_for(bad):
    assert faults(ast.parse(bad))


@pytest.mark.parametrize(
    "good",
    [
        "re.compile(text)",
        "yaml.safe_load(text)",
        "np.load(path, allow_pickle=False)",
        "subprocess.run([a], shell=False)",
    ],
)
def test_the_search_leaves_alone_what_is_safe(good):
    assert not faults(ast.parse(good))
