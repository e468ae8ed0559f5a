"""The `logg1m` command: look into data files, import, export and fetch them, check stores, explain decisions.

Everything heavy is imported inside the commands, so that `logg1m --help` answers at once.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from logg1m import __version__
from logg1m.cli import comparing, forecasting, histories, paging, predicting, running
from logg1m.cli.numbers import count, number

if TYPE_CHECKING:
    from logg1m.spectra.store import Store

# Name, function, summary, details → the parser of a command.
Add = Callable[[str, Callable[[argparse.Namespace], int], str, str], argparse.ArgumentParser]

_EPILOG = """\
examples:
  logg1m inspect /data/train_200k_0/dataset.h5        what is in a shard, and what is wrong with it
  logg1m import '/data/train_200k_*/dataset.h5' --test /data/test_10k/dataset.h5 --store stores/mine
  logg1m verify stores/mine                           read every byte back and compare checksums
  logg1m export-hdf5 results/data ours.h5             the spectra of a run, for tools that read pfsspec's shards
  logg1m fetch-bosz URL /data/bosz2024 --teff 4000 4250 --logg 1 2 3 --m-h -1 0 --a-m 0 0.25 --c-m -0.25 0
  logg1m run --scale smoke --directory runs/smoke     the workflow itself; what follows goes to Snakemake
  logg1m status runs/smoke --watch                    where a run stands, again and again
  logg1m compare runs/a runs/b --page ab.html         two runs side by side
  logg1m page runs/smoke                              a page of what there is so far
  logg1m decide runs/smoke --explain d1               why a decision came out as it did
  logg1m predict mine.h5 --model results/model --out mine.fits   log g of your own spectra
  logg1m forecast --mag 22 --logg 0.2dex --star clump how long an exposure that takes

A shard is an HDF5 file written by pfsspec; a store is the folder that holds manifest.json and spectra.zarr.
Exit status: 0 if all is well, 1 if something is wrong with the input (one line on stderr says what), 2 for wrong usage.
"""


def parser() -> argparse.ArgumentParser:
    """The command line; every sub-command sets `run`."""
    top = argparse.ArgumentParser(
        prog="logg1m",
        description="How well can log g be inferred from Subaru PFS spectra? Tools around the workflow's data.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"logg1m {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, run: Callable[[argparse.Namespace], int], summary: str, details: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary}.\n\n{details}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=run)
        return command

    every = (
        running.add,
        histories.add,
        _add_inspect,
        _add_import,
        _add_export,
        _add_verify,
        _add_fetch_bosz,
        _add_status,
        _add_decide,
        paging.add,
        comparing.add,
        predicting.add,
        forecasting.add,
    )
    for describe in every:
        describe(add)
    return top


def _add_inspect(add: Add) -> None:
    command = add(
        "inspect",
        _inspect,
        "what is in a shard or a store",
        "Prints shapes, types, wavelengths, the range of every label, signal-to-noise and problems. Reads a sample of\n"
        "the spectra, whatever the size of the file.",
    )
    command.add_argument("file", metavar="FILE", help="an HDF5 shard, or a store (its folder or its manifest.json)")
    _add_mask_means(command)


def _add_import(add: Add) -> None:
    command = add(
        "import",
        _import,
        "import shards into a store",
        "Shards are concatenated in the order given; patterns are expanded. Interrupted, it goes on where it stopped\n"
        "when called again. In a workflow, set data.source: pfs_hdf5 instead: the run then imports by itself.",
    )
    command.add_argument("shards", metavar="SHARD", nargs="+", help="training shards: paths or (quoted) glob patterns")
    command.add_argument("--store", metavar="DIR", required=True, help="folder of the new store")
    command.add_argument("--val", metavar="SHARD", nargs="+", default=[], help="frozen validation shards")
    command.add_argument("--test", metavar="SHARD", nargs="+", default=[], help="frozen test shards")
    command.add_argument(
        "--n-spectra", metavar="N", type=count(), help="only so many: val and test whole, fewer of training"
    )
    command.add_argument(
        "--pixels", metavar="P", type=count(), default=4096, help="pixels of a spectrum (default: 4096)"
    )
    command.add_argument(
        "--on-median",
        choices=("renormalise", "refuse"),
        default="renormalise",
        help="what to do with spectra whose median flux is not 0.5 (default: renormalise)",
    )
    _add_mask_means(command)
    command.add_argument(
        "--compression", choices=("none", "blosc"), default="none", help="of the store (default: none)"
    )
    command.add_argument(
        "--threads", metavar="N", type=count(most=10_000), default=4, help="at most so many (default: 4)"
    )


def _add_mask_means(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--mask-means",
        choices=("auto", "bad", "good"),
        default="auto",
        help="what a nonzero value of the mask means (default: auto, from its type and values)",
    )


def _add_export(add: Add) -> None:
    command = add(
        "export-hdf5",
        _export,
        "export a store as one shard",
        "Writes the layout of pfsspec, with the label table that pandas.read_hdf reads. With float32, the default,\n"
        "importing the file again gives the same spectra bit for bit.",
    )
    command.add_argument("store", metavar="STORE", help="folder of the store, or its manifest.json")
    command.add_argument("file", metavar="FILE", help="HDF5 file to write")
    command.add_argument("--role", choices=("train", "val", "test"), help="only these, of a store with frozen sets")
    command.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="of the spectra")


def _add_verify(add: Add) -> None:
    command = add(
        "verify",
        _verify,
        "check a store against its manifest",
        "Reads everything, compares every checksum, names all damaged chunks, and prints one SHA-256 over the whole\n"
        "content (wavelengths, spectra, labels) by which two stores can be compared.",
    )
    command.add_argument(
        "store",
        metavar="STORE",
        nargs="?",
        default=".",
        help="folder of the store or of a run (default: here), or a manifest",
    )


def _add_run(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", metavar="RUN", nargs="?", default=".", help="the run's folder (default: here)")


def _add_fetch_bosz(add: Add) -> None:
    command = add(
        "fetch-bosz",
        _fetch_bosz,
        "fetch BOSZ 2024 model spectra",
        "Fetches the MARCS models at every combination of the given nodes, and their wavelengths, over HTTP.\n"
        "Interrupted, it goes on where it stopped when called again. Models that the server lacks are named last.",
    )
    command.add_argument("root", metavar="URL", help="published folder that holds r20000/ and wavelength_grids/")
    command.add_argument("folder", metavar="DIR", help="where the files go; data.bosz.folder of the configuration")
    for name, unit, meaning in (
        ("teff", "K", "effective temperatures"),
        ("logg", "DEX", "surface gravities"),
        ("m-h", "DEX", "metallicities [M/H]"),
        ("a-m", "DEX", "alpha enhancements [α/M]"),
        ("c-m", "DEX", "carbon enhancements [C/M]"),
    ):
        command.add_argument(f"--{name}", metavar=unit, nargs="+", type=number(-10, 1e5), required=True, help=meaning)
    command.add_argument(
        "--resolution", metavar="R", default="r20000", help="r10000, r20000 (default), r50000 or rorig"
    )
    command.add_argument(
        "--turbulence", metavar="V", type=count(0, 4), default=2, help="microturbulence, km/s (default: 2)"
    )


def _add_status(add: Add) -> None:
    command = add(
        "status",
        _status,
        "where a run stands",
        "One line per MVP, by its state (planned, ready, running, done, cancelled, paused, missing, stale), with its\n"
        "verdict, or why it waits, or the time that is left; then the decisions. Running means live: a job holds its\n"
        "log. With --watch it is shown again and again.",
    )
    _add_run(command)
    command.add_argument(
        "--watch",
        metavar="SECONDS",
        nargs="?",
        const=5.0,
        type=number(0.2, 86_400),
        help="show it again every SECONDS (default: 5)",
    )
    command.add_argument("--results", metavar="DIR", help="the workflow's results (default: RUN/results)")
    command.add_argument(
        "--experiments",
        metavar="DIR",
        help="the experiment files (default: config/experiments, RUN's or the workflow's)",
    )
    command.add_argument("--logs", metavar="DIR", help="the workflow's logs (default: RUN/logs)")
    command.add_argument(
        "--configfile",
        metavar="FILE",
        nargs="+",
        default=[],
        help="the run's configuration, overlays after it, for what is paused (default: config/config.yaml, RUN's or "
        "the workflow's)",
    )


def _add_decide(add: Add) -> None:
    command = add(
        "decide",
        _decide,
        "explain a decision",
        "Prints the rule of a decision point, the numbers it read, the outcome with any override, and what would\n"
        "flip it.",
    )
    command.add_argument("--explain", metavar="D", type=_decision_point, required=True, help="d1, d2, d3 or d4")
    _add_run(command)
    command.add_argument("--results", metavar="DIR", help="the workflow's results (default: RUN/results)")


def _decision_point(text: str) -> str:
    from logg1m.decisions.points import POINTS

    if text not in POINTS:
        raise argparse.ArgumentTypeError(f"there is no decision {text!r}; expected {', '.join(POINTS)}")
    return text


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status; what the user can put right becomes one line on stderr."""
    from logg1m.cli.terminal import speak_plainly

    speak_plainly(sys.stdout, sys.stderr)
    ours, passed = running.split(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(ours)
    options.passed = passed
    import logging

    from logg1m.files import InputError

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        return int(options.run(options))
    except InputError as error:
        message = str(error)
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        return 0
    except OSError as error:
        message = f"{error.filename or 'input or output'}: {error.strerror or error}"
    except KeyboardInterrupt:
        message = "interrupted"
    print(f"logg1m: {message}", file=sys.stderr)
    return 1


def _open_store(text: str) -> "Store":
    from logg1m.sources.paths import place
    from logg1m.spectra.store import Store

    return Store(place(text, "STORE"))


def _inspect(options: argparse.Namespace) -> int:
    from logg1m.cli.inspecting import inspect_shard, inspect_store
    from logg1m.sources.paths import one_file, place
    from logg1m.spectra.finding import holds_store

    path = Path(place(options.file, "FILE"))
    if holds_store(path) or path.suffix == ".json":
        return inspect_store(_open_store(options.file))
    return inspect_shard(one_file(options.file, "FILE"), options.mask_means)


def _import(options: argparse.Namespace) -> int:
    from pydantic import ValidationError

    from logg1m.cli.importing import import_shards, in_words
    from logg1m.config.base import explain
    from logg1m.config.compute import Compute
    from logg1m.config.data import Data
    from logg1m.sources.paths import place

    shards = {name: getattr(options, name) for name in ("val", "test", "on_median", "mask_means")}
    shards |= {"train": options.shards, "n_pixels": options.pixels}
    keys = {"source": "pfs_hdf5", "n_spectra": options.n_spectra, "compression": options.compression}
    try:
        data = Data.model_validate(keys | {"pfs_hdf5": shards})
    except ValidationError as error:
        raise explain(error, Data, "the command line") from None
    folder = Path(place(options.store, "--store"))
    summary = import_shards(data, folder, Compute(threads=options.threads))
    print(in_words(summary))
    return 0


def _export(options: argparse.Namespace) -> int:
    from logg1m.cli.exporting import export_store
    from logg1m.sources.paths import place

    path = place(options.file, "FILE")
    count = export_store(_open_store(options.store), path, options.role, options.dtype)
    print(f"{options.file}: {count:,} spectra")
    return 0


def _verify(options: argparse.Namespace) -> int:
    from logg1m.cli.verifying import verify

    store = _open_store(options.store)
    digest = verify(store)
    print(f"{store.path}: {store.n_spectra:,} spectra, all as the manifest says\nsha256 {digest}")
    return 0


def _fetch_bosz(options: argparse.Namespace) -> int:
    from logg1m.cli.fetching import fetch_models

    nodes = [getattr(options, name) for name in ("teff", "logg", "m_h", "a_m", "c_m")]
    count = fetch_models(options.root, Path(options.folder), nodes, options.resolution, options.turbulence)
    print(f"{options.folder}: {count:,} model spectra")
    return 0


def _status(options: argparse.Namespace) -> int:
    from logg1m.cli.status import show, terminal_width, watch
    from logg1m.config.places import place

    run = Path(options.folder)
    default = place("config.yaml", run)
    configuration = [Path(path) for path in options.configfile] or [default] * default.exists()
    experiments = Path(options.experiments or place("experiments", run))
    places = (Path(options.results or run / "results"), experiments, configuration, Path(options.logs or run / "logs"))
    if options.watch is None:
        print(show(*places, terminal_width()))
    else:
        watch(*places, seconds=options.watch)
    return 0


def _decide(options: argparse.Namespace) -> int:
    from logg1m.blame import understood
    from logg1m.decisions import gates, recipes
    from logg1m.files import read_json

    results = Path(options.results or Path(options.folder) / "results")
    path = results / "decisions" / f"{options.explain}.evidence.json"
    evidence = read_json(path, ("decision",))
    with understood(path):
        said = recipes.explain(evidence) if options.explain == "d4" else gates.explain(evidence)
    print(said)
    return 0
