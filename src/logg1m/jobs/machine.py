"""What this machine offers."""

import os
import resource

GRANTED_MB = "LOGG1M_MEM_MB"  # set by the frame of a job that a scheduler limits


def usable_cores() -> int:
    """Cores this process may run on (a container or a scheduler may grant fewer than the machine has)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_memory() -> int:
    """Bytes that this process may still fill: what the machine has free, or less where a scheduler granted less."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    granted = os.environ.get(GRANTED_MB)
    if granted is None:
        return free
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return min(free, max(0, int(granted) * 10**6 - resident))
