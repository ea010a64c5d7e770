"""The memory that benchmarks report is the process's own."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_gans._peak import free_bytes, peak_bytes

ROOT = Path(__file__).resolve().parents[1]
MIB = 2**20


@pytest.mark.skipif(sys.platform == "win32", reason="nobody says there")
def test_a_small_process_of_a_large_one_is_small():
    held = np.ones(512 * MIB, "uint8")
    assert peak_bytes() > held.nbytes
    command = [sys.executable, "-c", "from keras_gans._peak import peak_bytes; print(peak_bytes())"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 256 * MIB


@pytest.mark.skipif(sys.platform == "win32", reason="nobody says there")
def test_what_was_given_back_still_counts():
    script = "import numpy; from keras_gans._peak import peak_bytes; numpy.ones(300 << 20, bool); print(peak_bytes())"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) > 300 * MIB


def test_free_memory_is_a_number_of_bytes():
    free = free_bytes()
    assert free is None or 2**20 < free < 2**50
