"""Memory and threads: models that are let go leave nothing behind, and threads that draw at once draw the same."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

import keras_gans

# In a fresh process, whose memory nobody else uses. Free memory that the allocator keeps to hand comes and goes by tens
# of megabytes: it is given back before the rest is counted.
_CYCLES = """
import ctypes, json, sys
import keras_gans

name, cycles = sys.argv[1], int(sys.argv[2])
libc = ctypes.CDLL(None)
resident = []
for _ in range(cycles):
    model = keras_gans.load(name)
    model.generate(16)
    del model
    libc.malloc_trim(0)
    with open("/proc/self/statm") as file:
        resident.append(int(file.read().split()[1]) * 4096)
print(json.dumps(resident))
"""


def resident_after_cycles(name, cycles):
    """Bytes of resident memory after each cycle of loading, drawing and letting go."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    command = [sys.executable, "-c", _CYCLES, name, str(cycles)]
    done = subprocess.run(command, env={**plain, "KERAS_GANS_OFFLINE": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# A leak of one model a cycle is 20 MB and more; the fast version has few cycles, and so more noise in its slope.
@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc and trims glibc's heap")
@pytest.mark.parametrize(
    ("name", "cycles", "settling", "most"),
    [
        ("vanilla_mnist", 8, 3, 2.0),
        pytest.param("vanilla_mnist", 100, 10, 0.2, marks=pytest.mark.full),
        pytest.param("dcgan_mnist", 100, 10, 0.2, marks=pytest.mark.full),
    ],
)
def test_models_that_are_let_go_leave_nothing_behind(name, cycles, settling, most, record):
    resident = np.array(resident_after_cycles(name, cycles)) / 1e6
    slope = np.polyfit(np.arange(cycles - settling), resident[settling:], 1)[0]
    record(
        f"memory of load, generate, delete: {name}",
        cycles=cycles,
        mb_a_cycle=round(float(slope), 4),
        mb_after_cycle_10=round(float(resident[settling - 1]), 1),
        mb_at_the_end=round(float(resident[-1]), 1),
    )
    assert slope < most, resident


def test_threads_that_overlap_leave_the_precision_as_it_was():
    """Two go in and the first goes out: the second still computes in full, and when it is out all is as before."""
    import tensorflow as tf

    from keras_gans.training import backend

    on = tf.config.experimental.tensor_float_32_execution_enabled
    before = on()
    tf.config.experimental.enable_tensor_float_32_execution(True)
    try:
        first, second = backend.full_precision(), backend.full_precision()
        first.__enter__()
        with second:
            first.__exit__(None, None, None)
            assert not on()
        assert on()
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


THREADS = 8


def draw(model, seed):
    return model.generate(16, seed=seed, batch_size=16)


def differing(models, rounds):
    """How many of rounds x 8 batches, drawn by 8 threads at once, are not what one thread draws; thread i has models[i]
    and seeds of its own."""
    alone = [draw(models[i], seed=i) for i in range(THREADS)]
    together = Barrier(THREADS)

    def turn(thread):
        together.wait()  # all of them go at once
        return draw(models[thread], seed=thread)

    wrong = 0
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(rounds):
            drawn = list(pool.map(turn, range(THREADS)))
            wrong += sum(not np.array_equal(a, b) for a, b in zip(alone, drawn, strict=True))
    assert len({pictures.tobytes() for pictures in alone}) == THREADS  # or equal batches would prove nothing
    return wrong


@pytest.mark.parametrize(
    ("name", "rounds"),
    [
        ("vanilla_mnist", 1),
        pytest.param("vanilla_mnist", 20, marks=pytest.mark.full),
        pytest.param("dcgan_mnist", 20, marks=pytest.mark.full),
    ],
)
@pytest.mark.parametrize("count", [1, THREADS])
def test_eight_threads_draw_what_one_draws(name, rounds, count, record):
    models = [keras_gans.load(name) for _ in range(count)]
    wrong = differing(models * (THREADS // count), rounds)
    record(
        f"8 threads, {count} model{'s' * (count > 1)}: {name}", rounds=rounds, batches=rounds * THREADS, differing=wrong
    )
    assert wrong == 0
