"""How much memory this process has held at most: what benchmarks report and tests keep within bounds."""

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
