import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Fills and frees 64 MiB as a step does, and prints how many pages had to be mapped anew in the last four rounds.
STEPS = """
import resource, sys, threading
from keras_gans.cli import memory
kept = sys.argv[1] == "kept" and memory.keep_freed()

def step():
    parts = [bytearray(4 << 20) for _ in range(16)]

def steps(n):
    for _ in range(n):
        step()

def in_a_thread(n):
    thread = threading.Thread(target=steps, args=(n,))
    thread.start()
    thread.join()

in_a_thread(2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
in_a_thread(4)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how, **environment):
    done = subprocess.run(
        [sys.executable, "-c", STEPS, how],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    kept, pages = done.stdout.split()
    return kept == "True", int(pages)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that is told")
def test_freed_memory_is_kept_for_the_next_step():
    kept, pages = faults("kept")
    assert kept
    _, returned = faults("as ever")
    assert pages < returned / 20  # four rounds of 16,384 pages


def test_nothing_is_done_where_there_is_no_glibc(monkeypatch):
    from keras_gans.cli import memory

    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not memory.keep_freed()


@pytest.mark.parametrize(("set_by_the_user", "then"), [(None, "1"), ("0", "0")])
def test_training_computes_by_onednn_unless_told_otherwise(set_by_the_user, then, monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if set_by_the_user is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", set_by_the_user)
    code = "import atexit, os, sys; from keras_gans.cli import main; sys.argv = ['keras-gans', 'train', 'nothing']\n"
    code += (
        "atexit.register(lambda: print(os.environ['TF_ENABLE_ONEDNN_OPTS'], 'tensorflow' in sys.modules)); main.main()"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout.split() == [then, "False"]
