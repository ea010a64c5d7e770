"""Two processes on 127.0.0.1 train one model: they do what one process does. worker_games.py has what they play."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import worker_games
from two_workers import configurations

SCRIPT = Path(worker_games.__file__)


def both(command, seconds=300):
    """Runs a command in two workers. [(exit code, what it printed), ...]"""
    processes = [
        subprocess.Popen(
            command,
            env={**os.environ, "TF_CONFIG": config, "TF_CPP_MIN_LOG_LEVEL": "2"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for config in configurations()
    ]
    try:
        return [(process.communicate(timeout=seconds)[0], process.returncode)[::-1] for process in processes]
    finally:
        for process in processes:
            process.kill()


FAST, REST = ("vanilla",), ("noisy", "dcgan", "text", "srgan")


def played(folder, names):
    """What each of the two workers found."""
    ends = both([sys.executable, str(SCRIPT), str(folder), *names])
    assert [code for code, _ in ends] == [0, 0], ends
    return [dict(np.load(folder / f"worker_{number}.npz")) for number in range(2)]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return played(tmp_path_factory.mktemp("workers"), FAST)


@pytest.fixture(scope="module")
def rest(tmp_path_factory):
    return played(tmp_path_factory.mktemp("rest"), ("resumed", *REST))


@pytest.mark.slow
def test_they_know_their_places_and_hear_the_chief(found):
    for number, one in enumerate(found):
        assert one["place"].tolist() == [2, number, 1]
        assert one["said"].tobytes() == b"seven bytes, or more"
        assert one["silence"].size == 0
        assert one["flags"].tolist() == [False, True]


@pytest.mark.full
def test_a_run_that_ends_goes_on_bit_for_bit_and_the_chief_alone_has_its_checkpoints(rest):
    for one in rest:
        kinds = {
            kind: [one[key] for key in sorted(one) if key.startswith(f"{kind}/")] for kind in ("undisturbed", "resumed")
        }
        assert len(kinds["undisturbed"]) > 20
        for a, b in zip(kinds["undisturbed"], kinds["resumed"], strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAST)
def test_two_workers_times_8_equal_one_times_16(found, name):
    assert_alike(worker_games.played(name), found, name)


@pytest.mark.full
@pytest.mark.parametrize("name", REST)
def test_two_workers_of_other_families_equal_one(rest, name):
    assert_alike(worker_games.played(name), rest, name)


def assert_alike(alone, found, name):
    one, two = found
    players = sorted({key.split("/")[1] for key in alone if key.count("/") == 2})
    assert len(players) == 2
    for step, tolerance in ((1, 1e-5), (worker_games.STEPS, 1e-4)):
        for player in players:
            start, a, b = alone[f"{name}/{player}/0"], alone[f"{name}/{player}/{step}"], one[f"{name}/{player}/{step}"]
            np.testing.assert_array_equal(b, two[f"{name}/{player}/{step}"])
            rounding = step * 6e-8 * np.linalg.norm(a)  # float32 weights hold their change to no more
            assert np.linalg.norm(a - start) > 1e3 * rounding / step
            assert np.linalg.norm(a - b) <= tolerance * np.linalg.norm(a - start) + rounding
    np.testing.assert_allclose(one[f"{name}/losses"], alone[f"{name}/losses"], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(one[f"{name}/losses"], two[f"{name}/losses"])
