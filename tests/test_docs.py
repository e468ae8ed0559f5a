"""What README and docs/ say is there, is there."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from logg1m.config import validate
from logg1m.config.pages import pages

ROOT = Path(__file__).parents[1]
ABOVE = [ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY", "config/README")]
PAGES = [*ABOVE, *sorted((ROOT / "docs").rglob("*.md"))]
GENERATED = {ROOT / "docs/configuration" / name for name in pages()}  # of the site alone (docs/_site/pages.py)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_image_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        path = (page.parent / target).resolve()
        assert target.startswith("http") or path.exists() or path in GENERATED, target


def test_readme_lists_every_experiment_with_the_question_it_asks():
    rows = re.findall(r"^\| (\d\.\w) \| (.+?) \| (.+?) \|$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    files = sorted((ROOT / "config/experiments").glob("*.yaml"))
    experiments = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in files]
    assert rows == [(one["id"], one["title"], one["question"]) for one in experiments]


def test_the_architecture_names_every_room():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for path in (ROOT / "src/logg1m").iterdir():
        if path.suffix == ".py" and path.stem != "__init__":
            assert f"`{path.stem}`" in text, path.stem
        elif (path / "__init__.py").exists():
            assert f"`{path.name}/`" in text, path.name


def rooms() -> dict[str, int]:
    """Room → row of the table in docs/architecture.md."""
    table = re.findall(r"^\| (`.+?`) \|", (ROOT / "docs/architecture.md").read_text(), flags=re.MULTILINE)
    return {name.rstrip("/"): row for row, cell in enumerate(table) for name in re.findall(r"`(.+?)`", cell)}


def imported(path: Path) -> set[str]:
    """Rooms that a module imports from."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    whole = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    names = [f"{node.module}.{alias.name}" for node in whole for alias in node.names]
    names += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    # Modules may be named by strings too, for import_module or a code fingerprint; a docstring names none in full.
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    names += [name for text in texts for name in re.findall(r"^logg1m\.\w+[\w.]*$", text)]
    return {name.split(".")[1] for name in names if name.startswith("logg1m.")}


def test_a_room_imports_only_rooms_before_it():
    order = rooms()
    package = ROOT / "src/logg1m"
    for path in package.rglob("*.py"):
        room = path.relative_to(package).parts[0].removesuffix(".py")
        if room != "__init__":
            back = {name for name in imported(path) if order.get(name, 0) > order[room]}
            assert back <= ({"files"} if room == "config" else set()), f"{path} imports {back}"


def test_imports_by_name_are_seen(tmp_path):
    text = 'from importlib import import_module\nimport_module("logg1m.report.x")\nimport_module(f"logg1m.nn.{1}")\nA = "logg1m.bounds"'
    path = tmp_path / "module.py"
    path.write_text(text)
    assert imported(path) == {"report", "nn", "bounds"}


def test_the_overlays_for_your_data_are_valid():
    overlays = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/your-data.md").read_text(), flags=re.DOTALL)
    assert [validate(yaml.safe_load(overlay)).data.source for overlay in overlays] == ["pfs_hdf5", "bosz"]
