"""Snakemake imported once and forked for every call, which saves the second that its imports take.

Reads requests, one JSON line each {folder, arguments, printed}, and answers with the exit status.
"""

import json
import os
import sys
from collections.abc import Sequence

from snakemake import cli


def call(folder: str, arguments: Sequence[str], printed: str) -> int:
    """Exit status of Snakemake in a folder; what it prints goes to the file `printed`."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    status = 1
    try:
        os.chdir(folder)
        output = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.argv = ["snakemake", *arguments]
        cli.main(arguments)
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    for line in sys.stdin:
        print(call(**json.loads(line)), flush=True)
