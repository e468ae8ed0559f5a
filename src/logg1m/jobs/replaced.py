"""Which configuration the results in a run's folder were made with, so that a call can say that it replaces them."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from logg1m.files import InputError, read_json, write_json

RECORD = Path("results/configuration.json")
_MANIFEST = Path("results/data/manifest.json")
# What stores and runs are made from, and what of it decides about more runs, but not about what is in them.
_SECTIONS = ("seed", "data", "protocol", "baselines", "network", "projection", "denoisers", "experiments")
_MORE = {
    *(f"experiments.{name}" for name in ("seeds", "seeds_for", "all_variants", "paused", "seed_scatter")),
    *(f"{section}.training.checkpoint_seconds" for section in ("network", "projection", "denoisers")),
}
_SHOWN, _LONGEST = 3, 60  # settings in the line, characters of a value


def note(configuration: Mapping[str, Any]) -> None:
    """Record the configuration of the call that begins; nothing is made from this file.

    Where it cannot be written (a full disk, a read-only one), neither can results, and the job that writes them says
    so.
    """
    with suppress(InputError):
        write_json(RECORD, configuration)


def replaced(configuration: Mapping[str, Any]) -> str | None:
    """One line if there is a store here that was made with another configuration, else None."""
    if not _MANIFEST.exists():
        return None
    if RECORD.exists():
        before = read_json(RECORD)
    else:  # results that were copied here
        source = read_json(_MANIFEST, ("source",))["source"]
        before = {"seed": source.get("seed")} if isinstance(source, dict) and "seed" in source else {}
    old, new = dict(_flat(before)), dict(_flat(configuration))
    changed = [f"{key} {_short(old[key])} → {_short(new[key])}" for key in new if key in old and old[key] != new[key]]
    if not changed:
        return None
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    return (
        f"{RECORD.parent.resolve()} holds results of another configuration ({', '.join(changed[:_SHOWN])}{more}), "
        "which this call replaces; to keep both, give this one a folder of its own: snakemake --directory RUN"
    )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        name = f"{prefix}{key}"
        if (not prefix and key not in _SECTIONS) or name in _MORE:
            continue
        if isinstance(item, Mapping):
            yield from _flat(item, f"{name}.")
        else:
            yield name, item
