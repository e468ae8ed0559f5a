"""One line of progress for anything that takes longer than a few seconds."""

import json
import logging
import sys
import time

log = logging.getLogger("logg1m")
_job = ""  # which job this process does, for the lines of its progress


def name_job(words: str) -> None:
    """Say in front of every line of progress which job it is, e.g. 'MVP-1.2 flux, seed 0'."""
    global _job
    _job = words


def plainly(row: str) -> str:
    """A line of progress that a log holds as JSON, as people read it; anything else as it is."""
    try:
        found = json.loads(row)
        facts = {k: v for k, v in found.items() if k not in _KNOWN and not k.endswith("_per_s")}
        said = f"{found['progress']}: {found['done']:,} / {found['total']:,}, {duration(found['seconds_left'])} left"
    except (ValueError, KeyError, TypeError, AttributeError):
        return row
    return said + "".join(f", {name} {value:.3g}" for name, value in facts.items())


def duration(seconds: float) -> str:
    """Seconds as people say them: 45 s, 12 min, 3 h 5 min."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


_KNOWN = ("progress", "done", "total", "seconds_left")


class Progress:
    """Counts work and reports amount, rate and time left: a live line on a terminal, sparse log lines elsewhere.

    Parameters
    ----------
    title : what is being done
    total : amount of work
    unit : name of one piece of work, plural
    """

    def __init__(self, title: str, total: int, unit: str = "spectra") -> None:
        self.title, self.total, self.unit = f"{_job}: {title}" if _job else title, total, unit
        self.done = self.skipped = 0
        self.excluded = 0.0
        self.started = self.last = time.monotonic()
        self.live = sys.stderr.isatty()
        self.reported = False

    def skip(self, amount: int) -> None:
        """Work found done already; it counts as done but not in the rate."""
        self.done += amount
        self.skipped += amount

    def exclude(self, seconds: float, amount: int = 0) -> None:
        """Time just spent on something else, and the work done in it: not part of the rate."""
        self.excluded += seconds
        self.skip(amount)

    def add(self, amount: int, **facts: float) -> None:
        """Work done; `facts` such as loss=0.12 appear beside it, as one JSON object per line in a log
        (`logg1m.jobs.frame` puts nothing in front of it)."""
        self.done += amount
        now = time.monotonic()
        if now - self.last >= (0.5 if self.live else 5.0):
            self.last = now
            self._report(facts)

    def rate(self) -> float:
        """Pieces of work per second so far."""
        return (self.done - self.skipped) / max(time.monotonic() - self.started - self.excluded, 1e-9)

    def _report(self, facts: dict[str, float]) -> None:
        rate, done = self.rate(), self.done - self.skipped
        left = (self.total - self.done) / done * (time.monotonic() - self.started) if done else 0.0
        line = (
            f"{self.title}: {self.done:,} / {self.total:,} {self.unit} ({self.done / max(self.total, 1):.0%}), "
            f"{rate:,.0f}/s, {duration(left)} left"
        )
        self.reported = True
        if facts and not self.live:
            row = {"progress": self.title, "done": self.done, "total": self.total, f"{self.unit}_per_s": round(rate, 1)}
            row |= {"seconds_left": round(left)} | {name: round(value, 6) for name, value in facts.items()}
            log.info(json.dumps(row))
            return
        line += "".join(f", {name} {value:.3g}" for name, value in facts.items())
        if self.live:
            sys.stderr.write(f"\r{line}\x1b[K")
            sys.stderr.flush()
        else:
            log.info(line)

    def finish(self) -> None:
        """Close with the total time and the mean rate."""
        if self.live and self.reported:
            sys.stderr.write("\r\x1b[K")
        seconds = time.monotonic() - self.started
        log.info(f"{self.title}: {self.done:,} {self.unit} in {seconds:.1f} s ({self.rate():,.0f}/s)")
