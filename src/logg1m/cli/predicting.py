"""`logg1m predict`: what a trained model says of a user's spectra."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from logg1m.cli.numbers import count, number

if TYPE_CHECKING:
    from logg1m.cli import Add

_DETAILS = """\
SPECTRA are shards (HDF5), pfsSingle, pfsObject, pfsCalibrated or pfsCoadd FITS files, .npz, .parquet or .ecsv; patterns
are expanded. The output has one row per spectrum: log_g, its error and quantiles, flags, and what was done in the header.
Every spectrum needs a radial velocity (--v-los, --rv, or the file's own), or --frame rest. See docs/predict.md."""


def add(add: "Add") -> None:
    """The command's place on the command line."""
    command = add("predict", _predict, "log g of your own spectra", _DETAILS)
    command.add_argument("spectra", metavar="SPECTRA", nargs="+", help="files of spectra, or (quoted) patterns")
    command.add_argument("--model", metavar="DIR", required=True, help="model folder, such as results/model of a run")
    command.add_argument("--out", metavar="FILE", help="predictions: .fits, .ecsv, .parquet or .h5")
    command.add_argument(
        "--estimator", choices=("network", "posterior", "both"), default="network",
        help="network (default): the model; posterior: the Bayes posterior of every spectrum, started from it; both",
    )  # fmt: skip
    velocity = command.add_mutually_exclusive_group()
    velocity.add_argument(
        "--v-los", metavar="KM_S", type=number(-1e5, 1e5), help="one radial velocity for all spectra, km/s"
    )
    velocity.add_argument(
        "--rv", metavar="TABLE", help="table of radial velocities: columns v_los (km/s) and objId or row, and input"
    )
    command.add_argument(
        "--frame", choices=("observed", "rest"), default="observed",
        help="rest: the wavelengths are those of the star, no velocity is needed (default: observed)",
    )  # fmt: skip
    command.add_argument(
        "--mask-bits", metavar="BITS", help="names or numbers of the mask's bits that mark bad pixels, with commas"
    )
    command.add_argument(
        "--mask-means", choices=("auto", "bad", "good"), default="auto",
        help="what a nonzero value of a mask of zeros and ones means (default: auto)",
    )  # fmt: skip
    command.add_argument(
        "--array", choices=("auto", "flux", "noisy"), default="auto",
        help="of a shard, the data set that holds the observed flux (default: noisy where there is one, else flux)",
    )  # fmt: skip
    command.add_argument(
        "--amplitude", choices=("median", "kept"), default="median",
        help="median (default): every spectrum is scaled by its own; kept: the spectra are normalised as the workflow's",
    )  # fmt: skip
    command.add_argument("--bound", action="store_true", help="also log_gBound, what the spectrum allowed (slow)")
    command.add_argument(
        "--layout", choices=("logg1m", "pfsStarCatalog"), default="logg1m",
        help="columns of the output: ours (default), or parameters as in the survey's catalogue of stars, in FITS",
    )  # fmt: skip
    command.add_argument("--rows", metavar="START:STOP", help="only these spectra, counted over all files together")
    command.add_argument(
        "--threads", metavar="N", type=count(most=10_000), default=2, help="at most so many (default: 2)"
    )
    command.add_argument("--dry-run", action="store_true", help="say what would be done; write nothing")
    command.add_argument("--overwrite", action="store_true", help="replace FILE if it is there")


def _predict(options: argparse.Namespace) -> int:
    from logg1m.files import InputError
    from logg1m.predict import running, writing
    from logg1m.predict.model import load
    from logg1m.predict.predicting import Predictor
    from logg1m.predict.reading import Options

    if options.out is None and not options.dry_run:
        raise InputError("--out FILE says where the predictions go; or say --dry-run")
    bits = tuple(name.strip() for name in options.mask_bits.split(",")) if options.mask_bits else None
    asking = running.Asking(
        estimator=options.estimator,
        frame=options.frame,
        v_los=options.v_los,
        rv=Path(options.rv) if options.rv else None,
        bound=options.bound,
        amplitude=options.amplitude,
        options=Options(bits, options.mask_means, options.array),
        rows=_rows(options.rows),
        layout=options.layout,
        threads=options.threads,
    )
    predictor = Predictor(load(options.model))
    if options.dry_run:
        running.require_room(asking)
        if options.out:
            writing.require_writable(Path(options.out), options.overwrite, layout=options.layout)
        for line in running.dry_run(options.spectra, predictor, asking):
            print(line)
        return 0
    spectra, flagged = running.predict_files(options.spectra, predictor, Path(options.out), asking, options.overwrite)
    print(f"{options.out}: {spectra:,} spectra, {flagged:,} of them flagged, model {predictor.model.identity}")
    return 0


def _rows(text: str | None) -> tuple[int, int] | None:
    from logg1m.files import InputError

    if text is None:
        return None
    start, colon, stop = text.partition(":")
    if (
        not colon
        or not (start + stop).isascii()
        or not start.isdigit()
        or not stop.isdigit()
        or int(start) >= int(stop)
    ):
        raise InputError(f"--rows {text}: expected START:STOP, such as 0:50000")
    return int(start), int(stop)
