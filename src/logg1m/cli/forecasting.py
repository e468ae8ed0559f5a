"""`logg1m forecast`: how long until log g is known this well."""

import argparse
from pathlib import Path
from typing import Any


def add(add: Any) -> None:
    """The command's place on the command line."""
    command = add(
        "forecast",
        run,
        "how long until log g is known this well",
        "One question, one line: the exposure time that σ(log g) of a star takes, by the Cramér-Rao bound of exact\n"
        "derivatives, or that no exposure reaches it.",
    )
    command.add_argument("--mag", metavar="MAG", type=float, required=True, help="HSC-i AB magnitude")
    command.add_argument("--logg", metavar="DEX", default="0.2dex", help="the σ(log g) wanted, 0.2 or 0.2dex (default)")
    command.add_argument(
        "--star",
        metavar="STAR",
        default="population",
        help="tip, clump, turnoff or dwarf, alone ([M/H] = -1) or with -2.0, -1.0 or +0.0 (clump+0.0); default: the median "
        "star of the priors",
    )
    command.add_argument("--seeing", metavar="ARCSEC", type=float, help="FWHM at 800 nm (default: 0.8)")
    command.add_argument("--zenith-angle", metavar="DEG", type=float, help="default: 22.5")
    command.add_argument("--field-angle", metavar="DEG", type=float, help="default: 0.325")
    command.add_argument(
        "--sky-continuum",
        metavar="FACTOR",
        type=float,
        help="brightness of the sky between its lines over a dark night's (default: 1)",
    )
    command.add_argument(
        "--configfile",
        metavar="FILE",
        nargs="+",
        default=[],
        help="a run's configuration, overlays after it, for priors, exposures and what is unknown of a spectrum",
    )


def run(options: argparse.Namespace) -> int:
    print(answer(options))
    return 0


def answer(options: argparse.Namespace) -> str:
    """The answer as one line.

    Raises
    ------
    InputError
        As `forecast.ask.ask`, or if the goal is no number.
    """
    from logg1m.config import load
    from logg1m.files import InputError
    from logg1m.forecast.ask import ask
    from logg1m.observe import StellarGrid

    goal = options.logg.strip().removesuffix("dex").strip()
    try:
        wanted = float(goal)
    except ValueError:
        raise InputError(f"--logg {options.logg!r} is no σ(log g): expected dex, such as 0.2 or 0.2dex") from None
    conditions = {name: getattr(options, name) for name in ("seeing", "zenith_angle", "field_angle", "sky_continuum")}
    given = {name: value for name, value in conditions.items() if value is not None}
    config = load(*map(Path, options.configfile)) if options.configfile else None
    grid: StellarGrid | None = None
    if config and config.data.source == "bosz":
        from logg1m.sources.bosz.source import load_or_make

        assert config.data.bosz is not None
        grid = load_or_make(config.data.bosz, config.data.priors, config.data.observation.arms)[0]
    return str(ask(options.mag, wanted, options.star, config=config, grid=grid, **given))
