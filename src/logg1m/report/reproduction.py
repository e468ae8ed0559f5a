"""How an experiment is made again, and what made it: from what its jobs recorded about themselves."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from logg1m.blame import understood
from logg1m.files import read_json
from logg1m.report.roadmap import Reproduction
from logg1m.results.artifacts import Artifacts


def reproduction(
    key: str,
    runs: Sequence[Mapping[str, Any]],
    records: Sequence[str],
    artifacts: Artifacts,
    command: str,
    script: str,
    seeds: int,
) -> Reproduction:
    """Facts of one experiment.

    Parameters
    ----------
    runs : provenance.json of its runs
    records : paths of what its jobs recorded beside their logs; those that are gone are left out
    command : the call of Snakemake, to which the target is added
    script : what its main jobs run
    """
    jobs = [_record(path) for path in records if Path(path).exists()]
    target = f"results/{key}/verdict.json"
    seconds = [float(job["seconds"]) for job in jobs if job.get("seconds") is not None]
    timed = seconds or [float(run["seconds"]) for run in runs if run.get("seconds") is not None]
    sources = [*jobs, *runs]
    return Reproduction(
        command=f"{command} {target}",
        targets=target,
        configuration=_joint([job.get("configuration") for job in jobs]),
        code=_joint([job.get("code") for job in jobs]),
        data=data_fingerprint(artifacts),
        seeds=seeds,
        seconds=sum(timed) if timed else None,
        started=min((job["started"] for job in jobs if job.get("started")), default=None),
        finished=max((job["finished"] for job in jobs if job.get("finished")), default=None),
        threads=max((int(s["threads"]) for s in sources if s.get("threads")), default=None),
        hardware=tuple(sorted({str(s["hardware"]) for s in sources if s.get("hardware")})),
        versions=next((s["versions"] for s in sources if s.get("versions")), {}),
        script=script,
        logs=tuple(path.removesuffix(".job.json") + ".log" for path in records),
    )


def _record(path: str) -> dict[str, Any]:
    """What a job recorded of itself; raises InputError for a damaged one."""
    job = read_json(path)
    with understood(path):
        float(job.get("seconds") or 0)
    return job


def data_fingerprint(artifacts: Artifacts) -> str | None:
    """Fingerprint of the spectra: of their manifest, which holds the checksum of every chunk."""
    if not artifacts.there("data/manifest.json"):
        return None
    content = Path(artifacts.files["data/manifest.json"]).read_bytes()
    return hashlib.sha256(content).hexdigest()[:16]


def _joint(parts: Sequence[Any]) -> str | None:
    """One fingerprint over those of several jobs; None unless every job has one."""
    if not parts or any(part is None for part in parts):
        return None
    distinct = sorted({str(part) for part in parts})
    return distinct[0] if len(distinct) == 1 else hashlib.sha256("\n".join(distinct).encode()).hexdigest()[:16]
