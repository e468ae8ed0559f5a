"""One line of progress for anything that takes longer than a few seconds."""

import json
import logging
import sys
import time

log = logging.getLogger("logg1m")


class Progress:
    """Counts work and reports amount, rate and time left: a live line on a terminal, sparse log lines elsewhere.

    Parameters
    ----------
    title : what is being done
    total : amount of work
    unit : name of one piece of work, plural
    """

    def __init__(self, title: str, total: int, unit: str = "spectra") -> None:
        self.title, self.total, self.unit = title, total, unit
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
        left = (self.total - self.done) / done * (time.monotonic() - self.started) if done else float("inf")
        line = (
            f"{self.title}: {self.done:,} / {self.total:,} {self.unit} ({self.done / max(self.total, 1):.0%}), "
            f"{rate:,.0f}/s, {left:,.0f} s left"
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
