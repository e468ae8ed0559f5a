"""`logg1m page`: a page of what a run has so far."""

import argparse
from pathlib import Path
from typing import Any

NAME = "so_far.html"


def add(add: Any) -> None:
    """The command's place on the command line."""
    command = add(
        "page",
        run,
        "make a page of what a run has so far",
        "Writes RUN/results/report/so_far.html from whatever lies in RUN/results, also before the roadmap is done.\n"
        "The workflow itself writes index.html at its end.",
    )
    command.add_argument("folder", metavar="RUN", nargs="?", default=".", help="the run's folder (default: here)")


def run(options: argparse.Namespace) -> int:
    from logg1m.report.ending import ending

    print(ending(page(Path(options.folder))))
    return 0


def page(folder: Path) -> Path:
    """Make the page of a run's folder and return its path.

    Raises
    ------
    InputError
        If there are no results, or an artifact is not readable.
    """
    import contextlib

    from logg1m.config.places import place
    from logg1m.experiments import catalogue
    from logg1m.files import InputError, write_text
    from logg1m.report.collect import Context, collect
    from logg1m.report.page.make import make

    results = Path("results")
    if not (folder / results).is_dir():
        raise InputError(f"{folder / results} is no folder; run snakemake --cores all --directory {folder} first")
    found = catalogue.load(place("experiments", folder))
    with contextlib.chdir(folder):
        files = sorted(path for path in results.rglob("*") if path.is_file() and _shown(path.relative_to(results)))
        scale, seed, noise, identity = _known(results / "configuration.json")
        records = {key: tuple(map(str, sorted(Path("logs").glob(f"{key}/**/*.job.json")))) for key in found}
        roadmap = collect(files, found, Context(records=records, identity=identity))
        with roadmap.artifacts.understood():
            text = make(roadmap, found, scale, seed, noise)
        write_text(results / "report" / NAME, text)
    return folder / results / "report" / NAME


def _known(path: Path) -> tuple[int, int, float, dict[str, str]]:
    """Largest scale, seed and noise level of a run, and what it is in words, from what it recorded of its configuration."""
    from logg1m.blame import understood
    from logg1m.files import read_json

    known = read_json(path) if path.exists() else {}
    with understood(path):
        protocol, network = known.get("protocol") or {}, (known.get("network") or {}).get("preset")
        scales = protocol.get("scales") or [0]
        identity = {
            "scales": ", ".join(f"{scale:,}" for scale in scales),
            "seed": str(known.get("seed", "not recorded")),
        }
        identity |= {"network": f"{network} preset"} if network else {}
        return int(scales[-1]), int(known.get("seed", 0)), float(protocol.get("noise_level", 1.0)), identity


def _shown(name: Path) -> bool:
    """Whether a file is an artifact: no spectra, no documents, nothing hidden."""
    return name.parts[0] != "report" and "spectra.zarr" not in name.parts and not any(p[0] == "." for p in name.parts)
