"""The tutorials run from their first cell to their last, and say what they said."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "docs/tutorials"
needs_a_kernel = pytest.mark.skipif(
    (find_spec("nbclient") is None or find_spec("ipykernel") is None) and "REQUIRE_DOCS" not in os.environ,
    reason="nbclient is not installed (make docs)",
)


def execute(name: str, folder: Path) -> list:
    """The cells of a notebook after it has run in a folder of its own."""
    from nbclient import NotebookClient

    notebook = nbformat.read(TUTORIALS / name, as_version=4)
    client = NotebookClient(notebook, timeout=1800, resources={"metadata": {"path": str(folder)}})
    client.execute(env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "PATH": _path()})
    return notebook.cells


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def tables(cells: list) -> list[str]:
    """What cells printed, and tables as text."""
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    return [
        o.get("text") or o["data"]["text/plain"]
        for o in outputs
        if o.get("output_type") in ("stream", "execute_result")
    ]


@pytest.mark.slow
@needs_a_kernel
def test_from_spectrum_to_sigma(tmp_path):
    stored = nbformat.read(TUTORIALS / "spectrum_to_sigma.ipynb", as_version=4).cells
    found = tables(execute("spectrum_to_sigma.ipynb", tmp_path))
    bounds_and_posteriors = [text for text in found if "sigma_prior" in text]
    assert len(bounds_and_posteriors) == 2
    assert bounds_and_posteriors[0] in tables(stored), "run `make notebooks`"
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
@needs_a_kernel
def test_predict_on_pfs_files(tmp_path):
    pytest.importorskip("astropy")
    found = "\n".join(tables(execute("predict_on_pfs_files.ipynb", tmp_path)))
    for words in ("log_gBound", "flux from nJy", "OUTOFDOMAIN", "log_g_posterior"):
        assert words in found
    assert not any(tmp_path.iterdir())


@pytest.mark.nightly
@needs_a_kernel
def test_the_roadmap_and_its_decisions(tmp_path):
    found = "\n".join(tables(execute("roadmap.ipynb", tmp_path)))
    assert "accepted" in found or "refuted" in found or "inconclusive" in found


@pytest.mark.parametrize("path", sorted(TUTORIALS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_tutorials_lie_here_as_they_were_executed(path):
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "run `make notebooks`"
    assert not [o for cell in code for o in cell.outputs if o.get("output_type") == "error"]
    assert str(ROOT) not in path.read_text(encoding="utf-8")
