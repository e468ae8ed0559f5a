"""What a finished job records about itself beside its log: when, how long, on what, with which code and parameters.

Such a record is no output of a rule: nothing depends on it, and documents do without where it is gone.
"""

import hashlib
import json
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from logg1m.files import write_json
from logg1m.jobs import calls
from logg1m.jobs.machine import usable_cores
from logg1m.jobs.provenance import versions


def write(snakemake: Any, started: datetime) -> None:
    """Write the record of a job that has just ended well; `started` is when it began (UTC)."""
    if not snakemake.log:
        return
    finished = datetime.now(UTC)
    params = {str(key): value for key, value in snakemake.params.items()}
    code = params.pop("code", None)
    params.pop(calls.PARAM, None)
    write_json(
        path(str(snakemake.log[0])),
        {
            "rule": snakemake.rule,
            "started": started.isoformat(timespec="seconds"),
            "finished": finished.isoformat(timespec="seconds"),
            "seconds": round((finished - started).total_seconds(), 1),
            "threads": int(snakemake.threads),
            "configuration": fingerprint(params),
            "code": str(code) if code is not None else None,
            "hardware": hardware(),
            "versions": versions(),
        },
    )


def path(log: str) -> Path:
    """Where the job with this log writes its record."""
    return Path(log).with_suffix(".job.json")


def fingerprint(value: Any) -> str:
    """Hash of a JSON value; the order of keys does not count."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def hardware() -> str:
    """Processor, cores and accelerator, for people."""
    parts = [f"{processor()}, {usable_cores()} usable cores"]
    torch = sys.modules.get("torch")  # a job that never loaded it used no accelerator
    if torch is not None and torch.cuda.is_available():
        parts.append(str(torch.cuda.get_device_name()))
    return "; ".join(parts)


def processor() -> str:
    """The processor's name where the system tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name") and ":" in line]
    return names[0] if names else platform.processor() or platform.machine()
