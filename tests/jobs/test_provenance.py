"""The fingerprint of code: what counts and what does not, on small packages of the tests' own."""

import re
import shutil
from pathlib import Path

import pytest

from logg1m.jobs import provenance
from logg1m.jobs.provenance import code_fingerprint, versions

PACKAGE = {
    "__init__.py": '"""Package."""\n__version__ = "1"\n',
    "a.py": '"""Doc of a."""\nfrom logg1m.b import f\n\n\ndef g(x):\n    """Doc of g."""\n    return f(x) + 1\n',
    "b.py": "from logg1m import c\n\n\ndef f(x):\n    # why\n    return c.h(x) * 2\n",
    "c.py": "from logg1m.config import Config\nfrom logg1m.room import surface\n\n\ndef h(x):\n    return surface(x)\n",
    "room/__init__.py": "from .deep import deep as surface\n",
    "room/deep.py": "from ..jobs.frame import job\n\n\ndef deep(x):\n    return x\n",
    "alone.py": "import numpy\n",
    "config/__init__.py": "class Config:\n    pass\n",
    "config/data.py": "x = 1\n",
    "jobs/frame.py": "def job():\n    pass\n",
    "jobs/__init__.py": "",
    "jobs/framework.py": "y = 1\n",
    "configured.py": "z = 1\n",
}


@pytest.fixture
def fingerprint(tmp_path):
    """A function: modules, {file: new text} → fingerprint of a fresh copy of the package with those changes."""
    copies = iter(range(100))

    def of(*modules: str, changes: dict[str, str] | None = None) -> str:
        package = tmp_path / str(next(copies))
        for name, text in (PACKAGE | (changes or {})).items():
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_text(text)
        return code_fingerprint(*modules, package=package)

    return of


def test_it_is_a_short_hash_that_does_not_depend_on_where_the_code_lies(fingerprint):
    assert re.fullmatch("[0-9a-f]{16}", fingerprint("logg1m.a"))
    assert fingerprint("logg1m.a") == fingerprint("logg1m.a")
    assert fingerprint("logg1m.a", "logg1m.alone") == fingerprint("logg1m.alone", "logg1m.a")
    assert fingerprint("logg1m.a") != fingerprint("logg1m.alone")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Doc of a."""\n', ""),
        ("Doc of g.", "Another text."),
        ("    return", "    # a comment\n\n    return"),
        ("f(x) + 1", "(f(x)+1)"),
    ],
)
def test_docstrings_comments_and_formatting_change_nothing(fingerprint, old, new):
    assert old in PACKAGE["a.py"]
    assert fingerprint("logg1m.a", changes={"a.py": PACKAGE["a.py"].replace(old, new)}) == fingerprint("logg1m.a")


@pytest.mark.parametrize(
    ("old", "new"), [("+ 1", "+ 2"), ("def g(x)", "def g(x, y=0)"), ('"""Doc of g."""', 'x = "Doc of g."')]
)
def test_code_changes_count(fingerprint, old, new):
    assert old in PACKAGE["a.py"]
    assert fingerprint("logg1m.a", changes={"a.py": PACKAGE["a.py"].replace(old, new)}) != fingerprint("logg1m.a")


@pytest.mark.parametrize("name", ["b.py", "c.py", "room/__init__.py", "room/deep.py"])
def test_modules_that_are_reached_through_others_count(fingerprint, name):
    changes = {name: PACKAGE[name] + "\nextra = 1\n"}
    assert fingerprint("logg1m.a", changes=changes) != fingerprint("logg1m.a")
    assert fingerprint("logg1m.alone", changes=changes) == fingerprint("logg1m.alone")


def test_a_module_that_is_not_reached_does_not_count(fingerprint):
    assert fingerprint("logg1m.a", changes={"alone.py": "x = 2"}) == fingerprint("logg1m.a")


@pytest.mark.parametrize("name", ["jobs/frame.py", "config/data.py", "config/__init__.py"])
def test_configuration_models_and_the_frame_of_scripts_do_not_count(fingerprint, name):
    modules = ("logg1m.a", "logg1m.config.data")
    assert fingerprint(*modules, changes={name: "x = 5"}) == fingerprint(*modules)


@pytest.mark.parametrize("module", ["jobs.framework", "configured"])
def test_a_module_whose_name_only_begins_like_one_left_out_counts(fingerprint, module):
    changes = {f"{module.replace('.', '/')}.py": "y = 2"}
    assert fingerprint(f"logg1m.{module}", changes=changes) != fingerprint(f"logg1m.{module}")


@pytest.mark.parametrize(("module", "counts"), [("reader", True), ("room.deep", False), ("apart", False)])
def test_data_of_the_package_count_with_the_modules_that_read_them(fingerprint, module, counts):
    files = {
        "reader.py": 'from pathlib import Path\nGRID = Path(__file__).parent / "data" / "grid.npz"\n',
        "apart.py": "x = 1\n",
        "data/grid.npz": "one",
        "data/README.md": "about the grid",
    }
    before = fingerprint(f"logg1m.{module}", changes=files)
    assert (fingerprint(f"logg1m.{module}", changes=files | {"data/grid.npz": "two"}) != before) is counts
    assert fingerprint(f"logg1m.{module}", changes=files | {"data/README.md": "other words"}) == before


@pytest.mark.parametrize("name", ["stellar_grid.npz", "pfs_mr_reference.csv"])
def test_the_grid_and_the_instrument_of_the_package_count(tmp_path, name):
    package = tmp_path / "logg1m"
    shutil.copytree(Path(provenance.__file__).parents[1], package)
    before = code_fingerprint("logg1m.sources", package=package)
    again = shutil.copytree(package, tmp_path / "again")
    with (again / "observe/data" / name).open("ab") as stream:
        stream.write(b" ")
    assert code_fingerprint("logg1m.sources", package=again) != before


def test_a_new_version_number_alone_changes_nothing(fingerprint):
    changes = {"__init__.py": '__version__ = "2"'}
    assert fingerprint("logg1m.a", changes=changes) == fingerprint("logg1m.a")


def test_a_module_that_uses_the_version_number_changes_with_it(fingerprint):
    uses = {"alone.py": "from logg1m import __version__"}
    changes = uses | {"__init__.py": '__version__ = "2"'}
    assert fingerprint("logg1m.alone", changes=changes) != fingerprint("logg1m.alone", changes=uses)


def test_an_unknown_module_is_an_error(fingerprint):
    with pytest.raises(ValueError, match=r"no module logg1m\.nowhere"):
        fingerprint("logg1m.nowhere")


def test_the_package_itself_reaches_what_it_should():
    whole = code_fingerprint("logg1m.spectra.generation")
    assert whole != code_fingerprint("logg1m.observe")
    reached = set(provenance._parsed("logg1m.spectra.generation", Path(provenance.__file__).parents[1])[1])
    assert {"logg1m.spectra.passes", "logg1m.spectra.store", "logg1m.sources"} <= reached
    assert "logg1m" not in reached


def test_versions_name_what_results_depend_on():
    found = versions()
    assert {"python", "numpy", "torch", "zarr", "logg1m"} <= set(found)
    assert all(re.match(r"\d+\.\d+", version) for version in found.values())
