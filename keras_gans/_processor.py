"""What the processor can."""

from pathlib import Path


def flags(path=Path("/proc/cpuinfo")):
    """The names of its abilities, as Linux has them: {"avx2", ...}. Empty elsewhere."""
    lines = path.read_text().splitlines() if path.is_file() else []
    return {flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split()}
