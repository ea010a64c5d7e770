"""One of two workers is killed, again and again: the weights in the end are those of a run that nobody disturbed."""

import os
import random
import signal
import time

import numpy as np
import pytest
import safetensors.numpy
from two_workers import configurations

from commands import starting
from keras_gans.training import checkpoint

pytestmark = pytest.mark.full

STEPS = 1500  # more than all attempts come to: a fast machine takes some hundred steps in the seconds before a kill


def start(run, folder):
    """Both workers of the run in `folder`."""
    command = [
        *("train", "vanilla_mnist", "--data", folder / "x.npy", "--out", folder / "run", "--batch-size", 16),
        *("--steps", STEPS, "--checkpoint-every", 10, "--set", "generator_units=[16,16]"),
        *("--set", "discriminator_units=8"),
    ]
    return [run(*command, TF_CONFIG=config, TF_CPP_MIN_LOG_LEVEL="2") for config in configurations()]


def ended(processes):
    """[(exit code, what it printed to stderr), ...]"""
    return [(process.communicate(timeout=300)[1], process.returncode)[::-1] for process in processes]


def steps_in(folder):
    """The step of the run's newest checkpoint."""
    found = checkpoint.found(folder / "run" / "checkpoints")
    return int(found[-1].name.split("-")[1]) if found else 0


def prepared(folder):
    folder.mkdir()
    np.save(folder / "x.npy", np.random.default_rng(0).integers(0, 256, (200, 28, 28, 1), "uint8"))
    return folder


def state(folder):
    return safetensors.numpy.load_file(checkpoint.found(folder / "run" / "checkpoints")[-1])


@pytest.fixture
def run():
    with starting() as run:
        yield run


def killed_once(run, folder, choice):
    """Starts the run and kills one worker at a random moment. (Which one, seconds until the other ended), or None."""
    processes, victim = start(run, folder), choice.randrange(2)
    at = min(steps_in(folder) + choice.randrange(0, 30), STEPS - 1)
    while steps_in(folder) < at and all(process.poll() is None for process in processes):
        time.sleep(0.05)
    time.sleep(choice.random() * 2)
    os.kill(processes[victim].pid, signal.SIGKILL)
    since = time.monotonic()
    processes[1 - victim].wait(120)
    seconds = time.monotonic() - since
    ends = ended(processes)
    if ends[victim][0] != -signal.SIGKILL:  # it was through
        return None
    assert ends[1 - victim][0] == 1, ends
    assert "Another process of this run is gone" in ends[1 - victim][1], ends
    return victim, seconds


def test_a_run_whose_workers_are_killed_ends_as_one_that_nobody_disturbed(run, tmp_path, record):
    calm, disturbed = prepared(tmp_path / "calm"), prepared(tmp_path / "disturbed")
    assert [code for code, _ in ended(start(run, calm))] == [0, 0]
    choice = random.Random(0)
    kills = [killed_once(run, disturbed, choice) for _ in range(10)]
    assert None not in kills
    assert [code for code, _ in ended(start(run, disturbed))] == [0, 0]
    for name, value in state(calm).items():
        np.testing.assert_array_equal(value, state(disturbed)[name], err_msg=name)
    victims, seconds = zip(*kills, strict=True)
    chiefs = victims.count(0)
    record("workers killed", kills=len(kills), chief=chiefs, steps=STEPS, slowest_seconds=round(max(seconds), 1))


def test_sigterm_in_one_worker_stops_both_after_the_same_step(run, tmp_path):
    folder = prepared(tmp_path / "run")
    processes = start(run, folder)
    while steps_in(folder) < 10:
        assert all(process.poll() is None for process in processes)
        time.sleep(0.1)
    processes[1].send_signal(signal.SIGTERM)
    ends = ended(processes)
    assert [code for code, _ in ends] == [143, 143], ends
    said = {text.partition("Stopped after step ")[2].split(",")[0] for _, text in ends}
    assert said == {str(steps_in(folder))}
