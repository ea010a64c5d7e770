"""Memory: the most that this process has held, which benchmarks report and tests keep within bounds; what is free."""

from __future__ import annotations

import sys


def peak_bytes() -> int:
    """The highest resident set of this process in bytes; 0 where nobody says (Windows)."""
    # Linux's ru_maxrss outlives exec: a process that a large one started would say the large one's. This one does not.
    if sys.platform.startswith("linux"):
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) * 1024
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def free_bytes() -> int | None:
    """The memory that can be had now, in bytes; None where the system does not say."""
    try:
        with open("/proc/meminfo") as meminfo:
            lines = dict(line.split(":", 1) for line in meminfo)
    except OSError:
        return None
    return int(lines["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in lines else None
