"""What this machine offers."""

import os


def usable_cores() -> int:
    """Cores this process may run on (a container or a scheduler may grant fewer than the machine has)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
