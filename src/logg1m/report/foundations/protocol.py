"""MVP-0.A, the low-noise protocol: its scope, checks, verdict in words, and tables."""

from collections.abc import Iterator, Mapping

from logg1m.report.roadmap import Check
from logg1m.report.tables import View
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor
from logg1m.results.words import SUBSET

KEY_NUMBER = ("low_noise/threshold", "low-noise threshold on ‖flux‖/‖error‖")
VIEWS: Mapping[str, tuple[View, ...]] = {
    "mvp_0_a/protocol.json": (
        View(
            "Signal-to-noise thresholds",
            "snr_definitions/*",
            ("definition",),
            {"formula": "formula"} | {f"top {share} %": f"thresholds/top_{share / 100:g}" for share in (10, 20, 50)},
        ),
        View(
            "Scales, in spectra",
            "scales/*",
            ("scale",),
            {"training pool": "n_train", "fit": "n_fit", "validation": "n_validation", "test": "n_test"}
            | {SUBSET["low_noise"]: "n_test_low_noise"},
        ),
    )
}


def scope(content: Cursor, artifacts: Artifacts) -> Iterator[tuple[str, str]]:
    yield "spectra", f"{content.get('n_spectra') or 0:,}"
    yield "models", "none: the protocol comes before every model"
    rows = content.get("scales") or {}
    if rows:
        sizes = (f"{name} ({row['n_train']:,} training, {row['n_test']:,} test)" for name, row in rows.items())
        yield "scales", ", ".join(sizes)


def tested(content: Cursor) -> tuple[int | None, int | None]:
    return content.get("pools", "n_test"), content.get("low_noise", "n_test")


def checks(content: Cursor, artifacts: Artifacts) -> Iterator[Check]:
    pools, n = content.get("pools") or {}, content.get("n_spectra")
    n_train, n_test = pools.get("n_train"), pools.get("n_test")
    if n_train is not None and n_test is not None and n is not None:
        shared = set(pools.get("first_train_ids") or ()) & set(pools.get("first_test_ids") or ())
        found = f"{n_train:,} and {n_test:,} of {n:,} spectra"
        yield Check("Training and test pools are disjoint", found, n_train + n_test <= n and not shared)
    again = content.get("reproduced_from_this_file")
    if again is not None:
        found = "selected again from the file" if again else "other spectra are selected"
        yield Check("The protocol file alone selects the same spectra", found, bool(again))


def why(content: Cursor) -> str:
    threshold, again = content.get("low_noise", "threshold"), content.get("reproduced_from_this_file")
    if threshold is None:
        return ""
    per_pixel = content.get(
        "snr_definitions", "snr_median", "thresholds", f"top_{content.get('low_noise', 'fraction'):g}"
    )
    beside = f" (about a median S/N per pixel of {per_pixel:.1f})" if per_pixel is not None else ""
    same = "the same spectra are selected again" if again else "other spectra are selected" if again is not None else ""
    return (
        f"Low noise is ‖flux‖/‖error‖ of at least {threshold:.2f}{beside}, the top "
        f"{100 * content.get('low_noise', 'fraction'):g} % of {content.get('n_spectra'):,} "
        f"spectra{f'; from the protocol file alone {same}' if same else ''}."
    )
