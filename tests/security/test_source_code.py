"""Nothing that comes from data or configuration is executed: found in the code itself, module by module."""

import ast
import tokenize
from io import StringIO
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FILES = sorted(
    [
        PROJECT / "Snakefile",
        *(PROJECT / "src").rglob("*.py"),
        *(PROJECT / "workflow").rglob("*.py"),
        *(PROJECT / "workflow").rglob("*.smk"),
    ]
)

# What runs or unpickles whatever it is given. `exec_module` and friends load code from a path.
FORBIDDEN_BUILTINS = {"eval", "exec", "compile", "__import__"}  # as methods they are something else
FORBIDDEN_CALLS = {
    "read_pickle", "to_pickle", "unsafe_load", "full_load", "exec_module",
    "literal_eval", "system", "popen", "read_hdf",
}  # fmt: skip
FORBIDDEN_IMPORTS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "imp", "code"}


# Readers that may run what they read, by their full names: what an alias or `from … import` makes of them does not matter.
FORBIDDEN_READERS = {
    "yaml.load": "yaml.load is not safe_load",
    "yaml.load_all": "yaml.load_all is not safe_load_all",
    "torch.load": "torch.load unpickles; weights are safetensors",
    "yte.process_yaml": "yte evaluates",
}


def faults(tree: ast.AST) -> list[str]:
    found, full = [], {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            full |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            full |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        else:
            continue
        found += [f"line {node.lineno}: import {n}" for n in names if n.split(".")[0] in FORBIDDEN_IMPORTS]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += _faults_of_call(node, full)
        elif isinstance(node, ast.Name | ast.Attribute) and _full_name(node, full) in FORBIDDEN_READERS:
            found.append(f"line {node.lineno}: {FORBIDDEN_READERS[_full_name(node, full)]}")
    return found


def _full_name(node: ast.expr, full: dict[str, str]) -> str:
    """`np.load` → numpy.load; what is no name or attribute of one gives an empty text."""
    if isinstance(node, ast.Name):
        return full.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        owner = _full_name(node.value, full)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def _faults_of_call(node: ast.Call, full: dict[str, str]) -> list[str]:
    function, called = node.func, _full_name(node.func, full)
    name = function.attr if isinstance(function, ast.Attribute) else called.split(".")[-1]
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    where = f"line {node.lineno}: "
    builtin = isinstance(function, ast.Name) and name == called
    if name in FORBIDDEN_CALLS or (name in FORBIDDEN_BUILTINS and (builtin or called.startswith("builtins."))):
        return [f"{where}{name}()"]
    if called == "numpy.load" and not _is_constant(given.get("allow_pickle"), False):
        return [f"{where}np.load without allow_pickle=False"]
    if "allow_pickle" in given and not _is_constant(given["allow_pickle"], False):
        return [f"{where}allow_pickle"]
    if "shell" in given and not _is_constant(given["shell"], False):
        return [f"{where}a shell runs a text"]
    return []


def faults_of_rules(text: str) -> list[str]:
    """What a Snakefile must not say. It is no Python, but made of the same words."""
    skipped = (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT)
    words = [t for t in tokenize.generate_tokens(StringIO(text).readline) if t.type not in skipped]
    found = []
    for before, word, after in zip([None, *words], words, words[1:]):
        attribute = before is not None and before.string == "."
        where = f"line {word.start[0]}: {word.string}"
        if word.type != tokenize.NAME:
            continue
        if word.string in FORBIDDEN_IMPORTS and before and before.string in ("import", "from"):
            found.append(where)
        if after.string == "(" and (word.string in FORBIDDEN_CALLS or word.string in FORBIDDEN_BUILTINS - {"compile"}):
            found.append(where)
        if after.string in (":", "(") and word.string in ("shell", "run", "configfile") and not attribute:
            found.append(where)
        if word.string in ("load", "load_all", "process_yaml") and attribute and after.string == "(":
            found += [where] * (
                words[words.index(word) - 2].string in ("yaml", "torch", "np", "numpy", "pickle", "yte")
            )
    return found


def _is_constant(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix == ".py"], ids=lambda p: str(p.relative_to(PROJECT)))
def test_nothing_is_unpickled_or_evaluated(path):
    assert not faults(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix != ".py"], ids=lambda p: p.name)
def test_no_rule_runs_a_shell_command_or_evaluates_a_text(path):
    """A shell directive would put file names and wildcards into a command line; `configfile:` evaluates YTE."""
    assert not faults_of_rules(path.read_text())


@pytest.mark.parametrize(
    "bad",
    [
        'rule a:\n    shell: "x"\n', "rule a:\n    run:\n        pass\n", "x = eval(text)\n",
        "x = [y for y in exec (text)]\n", "    import pickle\n", "x = yaml.load(text)\n", 'configfile: "a.yaml"\n',
        "shell('ls')\n", "os.system('ls')\n",
    ],
)  # fmt: skip
def test_the_search_of_rules_finds_what_it_looks_for(bad):
    assert faults_of_rules(bad)


@pytest.mark.parametrize(
    "bad",
    [
        "import pickle", "from joblib import load", "eval(text)", "exec(text)",
        "yaml.load(stream)", "torch.load(path)",
        "import numpy as np; np.load(path)", "import numpy as np; np.load(path, allow_pickle=True)",
        "import numpy; numpy.load(path)", "from numpy import load as read; read(path)", "from torch import load; load(path)",
        "import torch as t; t.load(path)", "from yaml import load; load(text)", "import torch; read = torch.load",
        "subprocess.run(text, shell=True)", "pd.read_pickle(path)", "import builtins; builtins.eval(text)",
    ],
)  # fmt: skip
def test_the_search_itself_finds_what_it_looks_for(bad):
    assert faults(ast.parse(bad))


@pytest.mark.parametrize(
    "good",
    [
        "re.compile(text)",
        "yaml.safe_load(text)",
        "import numpy as np; np.load(path, allow_pickle=False)",
        "import json; json.load(stream)",
        "subprocess.run([a], shell=False)",
    ],
)
def test_the_search_leaves_alone_what_is_safe(good):
    assert not faults(ast.parse(good))
