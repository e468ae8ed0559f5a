"""How the machine is used; nothing here changes a result."""

import re
from typing import Any, Literal

from pydantic import Field, field_validator

from logg1m.config.base import Section

_ADDRESS = re.compile(r"([a-z]+://)?(\[[0-9A-Fa-f:]+\]|[^\s:/\[\]]+):(?P<port>[0-9]{1,5})(/\S*)?")


class Compute(Section):
    """Threads, device and scheduler."""

    threads: int = Field(
        8, ge=1, le=10_000, description="threads asked for by heavy rules; capped at what the machine has"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where torch computes; auto takes a GPU if there is one"
    )
    dask_scheduler: str = Field(
        "threads",
        max_length=200,
        description="threads; local (a LocalCluster of processes); or the address of a dask scheduler, tcp://host:port",
    )

    @field_validator("dask_scheduler")
    @classmethod
    def _known_scheduler(cls, value: str) -> str:
        address = _ADDRESS.fullmatch(value)
        if value not in ("threads", "local") and not (address and 0 < int(address["port"]) < 65_536):
            raise ValueError("expected threads, local, or the address of a dask scheduler such as tcp://host:8786")
        return value

    @classmethod
    def from_job(cls, snakemake: Any) -> "Compute":
        """The configured use of the machine, with as many threads as Snakemake granted the job."""
        given = dict(snakemake.config.get("compute", {}))
        return cls(**{**given, "threads": int(snakemake.threads)})
