"""Where configuration lies (in the run's folder, or, what that lacks, in the workflow's), and states of trainings."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
# A wheel has the workflow's files in the package (setup.py puts them there); a checkout has them above src/.
WORKFLOW = _PACKAGE / "workflow" if (_PACKAGE / "workflow/Snakefile").exists() else _PACKAGE.parents[1]
SNAKEFILE = WORKFLOW / "Snakefile"


def place(name: str, run: Path = Path()) -> Path:
    """`config/<name>` of a run's folder if it is there, else the workflow's; so several runs can lie side by side."""
    own, shared = run / "config" / name, WORKFLOW / "config" / name
    return shared if shared.exists() and not own.exists() else own


def state_of(folder: Path) -> Path:
    """Where the resumable state of a training lies whose results go to a folder of results/."""
    return Path("results/.state") / folder.relative_to("results")
