"""What a call of Snakemake tells its jobs, and what they leave for the next call.

**Failures.** Outputs are wrapped in `update()`, so that a job which fails leaves the earlier result in place. Snakemake
then records for that earlier result the parameters, inputs and code with which the job failed, and the same command
would find nothing to do. So every rule has one more parameter: how often the job has failed. A job counts itself as
failed when it begins and takes that back when it ends well; whatever ends it early leaves a count other than the
recorded one, and the job runs again. The count of a call is fixed when it begins: within one call it is the same for
Snakemake's record, for a job and for its second attempt.

**Order.** Calls are numbered. A job that waited in a cluster's queue while Snakemake was killed and started again may
begin after a job of the later call has made the same files; it then does nothing.

Both lie in `.snakemake/`, beside the records that they belong to.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from logg1m.files import InputError, write_text

FOLDER = Path(".snakemake/logg1m")
PARAM = "failures"
_FAILURES, _CALL = "LOGG1M_FAILURES", "LOGG1M_CALL"  # how a call tells its jobs


def name_of(rule: str, wildcards: Mapping[str, str]) -> str:
    """A job's name as a file name."""
    return ".".join(quote(str(part), safe="") for part in (rule, *(wildcards[key] for key in sorted(wildcards.keys()))))


def counted(main: bool) -> Callable[[str], Callable[[Any], str]]:
    """Rule → input function of its parameter; `main` says that this process is the call itself and none of its jobs."""
    if main or _FAILURES not in os.environ:
        os.environ[_FAILURES] = json.dumps(_failures())
    known = _known()

    def of_rule(rule: str) -> Callable[[Any], str]:
        return lambda wildcards: f"failures: {known.get(name_of(rule, dict(wildcards.items())), 0)}"

    return of_rule


def begin() -> None:
    """Number this call; its jobs inherit the number."""
    last = FOLDER / "call"
    number = _number(last) + 1
    write_text(last, f"{number}\n")
    os.environ[_CALL] = str(number)


def note_failed(jobs: Iterable[Any]) -> None:
    """Count jobs as failed that this call gave up, also those that never came to count themselves."""
    for job in jobs:
        for each in job.jobs if job.is_group() else [job]:
            Mark(name_of(each.rule.name, each.wildcards_dict)).failed()


class Mark:
    """The count of one job."""

    def __init__(self, name: str) -> None:
        self.path, self.stamp = FOLDER / "failures" / name, FOLDER / "calls" / name
        self.before = _known().get(name, 0)

    def superseded(self) -> bool:
        """Whether a job of a later call has begun the same work; if not, this one takes it. Call it under the lock."""
        mine = int(os.environ.get(_CALL, 0))
        if not mine:
            return False
        if _number(self.stamp) > mine:
            return True
        if _number(self.stamp) < mine:
            write_text(self.stamp, f"{mine}\n")
        return False

    def failed(self) -> None:
        write_text(self.path, f"{self.before + 1}\n")

    def done(self) -> None:
        if self.before:
            write_text(self.path, f"{self.before}\n")
        else:
            self.path.unlink(missing_ok=True)


def mark_of(snakemake: Any) -> Mark | None:
    """The mark of the job whose script this is; None for a rule without the parameter."""
    if PARAM not in snakemake.params.keys():  # noqa: SIM118 (a Namedlist's `in` looks at values)
        return None
    return Mark(name_of(snakemake.rule, dict(snakemake.wildcards.items())))


def _known() -> dict[str, int]:
    """Failures as they were when this call began."""
    return {str(name): int(count) for name, count in json.loads(os.environ.get(_FAILURES, "{}")).items()}


def _failures() -> dict[str, int]:
    folder = FOLDER / "failures"
    if not folder.is_dir():
        return {}
    return {path.name: _number(path) for path in sorted(folder.iterdir()) if not path.name.startswith(".")}


def _number(path: Path) -> int:
    try:
        return int(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 0
    except (OSError, ValueError) as error:
        raise InputError(f"{path} holds no number ({error}); delete it and run again") from error
