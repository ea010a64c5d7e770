"""What a training step frees is kept for the next one."""

from __future__ import annotations

import ctypes
import os
import platform
import sys

# From glibc's malloc.h: (name, number, value).
_SETTINGS = (
    ("MALLOC_ARENA_MAX", -8, 1),  # threads take from one heap: what one frees serves another
    ("MALLOC_TOP_PAD_", -2, 1 << 28),  # the heap grows by 256 MiB, and keeps as much
    ("MALLOC_TRIM_THRESHOLD_", -1, (1 << 31) - 1),
    ("MALLOC_MMAP_THRESHOLD_", -3, 1 << 30),
)


def keep_freed() -> bool:
    """Has glibc keep freed memory instead of handing it back to the system. True if it does; elsewhere nothing is done.

    A step on the CPU frees all its tensors, glibc returns the pages, and the next step gets them anew, one page fault
    for each: half of the time of a small network's step. Has to come before the threads that compute. What the
    environment sets of this stands.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(mallopt(number, value) for name, number, value in _SETTINGS if name not in os.environ)
