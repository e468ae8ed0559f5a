"""How the machine is used; nothing here changes a result."""

from typing import Literal

from pydantic import Field

from logg1m.config.base import Section


class Compute(Section):
    """Threads, device and scheduler."""

    threads: int = Field(8, ge=1, description="threads asked for by heavy rules; capped at what the machine has")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where torch computes; auto takes a GPU if there is one"
    )
    dask_scheduler: str = Field(
        "threads",
        description="threads; local (a LocalCluster of processes); or the address of a dask scheduler, tcp://host:port",
    )
