"""Whose results these are: the seed, scales and source that artifacts state, against the configuration.

Snakemake reruns what a changed setting affects as long as it has its records. Where these are lost (a folder copied
without `.snakemake`, or told to look at time stamps alone), it takes what lies there for its own; then the artifacts
themselves have to say whose they are.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from logg1m.files import InputError, read_json

MANIFEST, PROTOCOL = "data/manifest.json", "mvp_0_a/protocol.json"


@dataclass(frozen=True)
class Origin:
    """What the configuration says that every artifact of a run rests on."""

    seed: int
    scales: tuple[str, ...]
    source: str

    @classmethod
    def of(cls, declared: Mapping[str, Any]) -> "Origin":
        """From the params of a rule."""
        return cls(declared["seed"], tuple(declared["scales"]), declared["source"])

    def differences(self, manifest: Mapping[str, Any] | None, protocol: Mapping[str, Any] | None) -> Iterator[str]:
        """Where the store's manifest and the protocol say something else; what is not there says nothing."""
        source = (manifest or {}).get("source")
        source = source if isinstance(source, Mapping) else {}
        scales = (protocol or {}).get("scales")
        scales = list(map(str, scales)) if isinstance(scales, Mapping | list) else scales and [str(scales)]
        said = (
            (f"results/{MANIFEST}", "source", source.get("kind"), self.source),
            (f"results/{MANIFEST}", "seed", source.get("seed"), self.seed),
            (f"results/{PROTOCOL}", "seed", (protocol or {}).get("seed"), self.seed),
            (f"results/{PROTOCOL}", "scales", ", ".join(scales) if scales else None, ", ".join(self.scales)),
        )
        for file, what, found, expected in said:
            if found is not None and found != expected:
                yield f"{file} was made with {what} {found}, the configuration says {expected}"

    def require(self, manifest: Mapping[str, Any] | None, protocol: Mapping[str, Any] | None = None) -> None:
        """Refuse artifacts of another configuration.

        Raises
        ------
        InputError
            Names every file that says something else.
        """
        found = list(self.differences(manifest, protocol))
        if found:
            raise InputError(f"{'; '.join(found)}. {_REMEDY}")

    def require_recorded(self, results: Path, records: Path, looks_at_params: bool) -> None:
        """Refuse a folder of another configuration that Snakemake would take for this one's.

        records : Snakemake's folder `metadata`
        looks_at_params : whether changed parameters are reasons to rerun in this call

        Raises
        ------
        InputError
            As `require`.
        """
        known = base64.urlsafe_b64encode(str(results / MANIFEST).encode()).decode()
        if not (looks_at_params and (records / known).exists()):
            self.require(*(_read(results / name) for name in (MANIFEST, PROTOCOL)))


_REMEDY = (
    "Results of two configurations do not mix: add --forceall to make everything anew here, choose another folder with "
    "--directory, or copy .snakemake along with results, whose records say what has to run again"
)


def _read(path: Path) -> dict[str, Any] | None:
    """What an artifact says; one that is missing or damaged is no matter of this check."""
    try:
        return read_json(path)
    except InputError:
        return None
