"""Snakemake on the command line, asking SLURM for its jobs every second.

The plugin (2.8) waits ten seconds longer after every question to which no job had finished, up to three minutes, which is
kind to a cluster and most of what a test of short jobs would wait for.
"""

import sys

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

SECONDS = 1


class EverySecond:
    """In place of the plugin's waiting time, whatever it wants that to be."""

    def __get__(self, executor: Executor, owner: type | None = None) -> int:
        return SECONDS

    def __set__(self, executor: Executor, value: int) -> None:
        pass


if __name__ == "__main__":
    Executor.next_seconds_between_status_checks = EverySecond()
    main(sys.argv[1:])
