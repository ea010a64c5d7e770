"""What the processor can: TensorFlow's kernels add up in another order on one without AVX-512."""

from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
WITHOUT_AVX512 = _CPUINFO.is_file() and "flags" in _CPUINFO.read_text() and " avx512f " not in _CPUINFO.read_text()
