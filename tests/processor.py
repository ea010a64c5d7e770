"""What the processor can: TensorFlow's kernels add up in another order on one without AVX2."""

from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
WITHOUT_AVX2 = _CPUINFO.is_file() and "flags" in _CPUINFO.read_text() and " avx2 " not in _CPUINFO.read_text()
