"""What the processor can: TensorFlow's kernels add up in another order on one without AVX-512."""

from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_FLAGS = _CPUINFO.read_text().split() if _CPUINFO.is_file() else []
WITHOUT_AVX512 = "flags" in _FLAGS and "avx512f" not in _FLAGS
# Whether TensorFlow computes by oneDNN when nobody tells it.
ONEDNN = bool({"avx512_vnni", "avx_vnni", "avx512_bf16", "amx_tile", "amx_int8", "amx_bf16"} & {*_FLAGS})
