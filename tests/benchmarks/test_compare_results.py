"""The script that compares two results folders: it sees every difference but those it lists."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "compare_results.py"
SECONDS = "epochs,seconds,r2\n1,{},0.5\n"
HELD = {
    "mvp_2_1/learning_curves.csv": SECONDS.format(3),
    "mvp_0_b/scaling.csv": "a\n1\n",
    "mvp_1_1/fisher.json": '{"n": 1, "library_convergence": []}',
    "mvp_1_2/flux/seed_0/metrics.json": '{"r2": 0.5}',
    "mvp_1_2/flux/seed_0/provenance.json": '{"seconds": 1}',
    "report/index.html": "made at noon",
    "data/journal/chunk_000000.npz": "x",
}


def make(folder: Path, changes: dict[str, str | None]) -> Path:
    for name, text in (HELD | changes).items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    return folder


def compare(tmp_path: Path, changes: dict[str, str | None]) -> tuple[int, str]:
    folders = [make(tmp_path / "before", {}), make(tmp_path / "after", changes)]
    done = subprocess.run([sys.executable, SCRIPT, *folders], capture_output=True, text=True)
    return done.returncode, done.stdout.strip()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mvp_1_2/flux/seed_0/provenance.json": '{"seconds": 2}', "report/index.html": "made at one"},
        {"mvp_1_1/fisher.json": '{"n": 1}'},
        {"mvp_2_1/learning_curves.csv": SECONDS.format(4)},
        {"data/journal/chunk_000000.npz": "y", "mvp_0_b/scaling.png": "another look", ".state/a": "b"},
    ],
)
def test_what_is_listed_is_no_difference(tmp_path, changes):
    assert compare(tmp_path, changes)[0] == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mvp_2_1/learning_curves.csv": "epochs,seconds,r2\n1,3,0.6\n"}, "mvp_2_1/learning_curves.csv: differs"),
        ({"mvp_0_b/scaling.csv": "a\n2\n"}, "mvp_0_b/scaling.csv: differs"),
        ({"mvp_1_1/fisher.json": '{"n": 2}'}, "mvp_1_1/fisher.json: differs"),
        ({"mvp_1_2/flux/seed_0/metrics.json": None}, "mvp_1_2/flux/seed_0/metrics.json: missing after"),
        ({"mvp_1_2/flux/seed_0/other.json": "1"}, "mvp_1_2/flux/seed_0/other.json: new"),
    ],
)
def test_anything_else_is(tmp_path, changes, said):
    assert compare(tmp_path, changes) == (1, said)
