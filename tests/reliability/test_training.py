"""A training run that is interrupted, starved of disk or fed with NaN loses nothing, and ends as an undisturbed one."""

import collections
import os
import random
import shutil
import signal
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from commands import card, starting
from keras_gans import artifacts
from keras_gans.models.vanilla import VanillaGAN
from keras_gans.training import checkpoint

# ---- processes that are ended by signals -----------------------------------------------------------------

SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
ENDS = {"SIGKILL": 137, "SIGTERM": 143, "SIGINT": 130}  # as a shell has them: 128 + the signal's number
CHECKPOINT_EVERY = 5


class Run:
    """A run's folder and command, and the processes that work on it one after the other."""

    def __init__(self, start, folder, name, steps, seed=0):
        self.start, self.out, self.steps = start, folder / name, steps
        self.ask = ["train", _toy(folder), "--data", _pictures(folder), "--out", self.out]
        self.ask += ["--steps", steps, "--checkpoint-every", CHECKPOINT_EVERY]
        self.rng = random.Random(seed)
        self.until_training = 10.0  # seconds from a process's start to its first checkpoint
        self.at_the_end = 2.0  # seconds at most that a process is given once all steps are taken

    def begin(self):
        """Starts a process. Its stderr is read all the while, or a full pipe would stop it."""
        self.known, self.written = self._checkpoints(), self._time_of("run.json")
        self.curve = self._time_of("curve.csv")
        self.process, self.began = self.start(*self.ask), time.monotonic()
        self.told = []
        self.reader = threading.Thread(target=self._read, args=(self.process.stderr, self.told))
        self.reader.start()

    def interrupt(self, name, phase):
        """Starts a process and ends it by a signal in a phase. Returns the phase in which the signal came, or None.

        None: the process came to its end before.
        """
        self.begin()
        getattr(self, f"_await_{phase}")()
        if self.process.poll() is not None:
            assert self._wait() == 0, self.told
            self.at_the_end *= 0.9
            return None
        found = self._phase()
        self.process.send_signal(SIGNALS[name])
        code = self._wait()
        allowed = {ENDS[name], 0} if found == "end" else {ENDS[name]}  # what has all steps may come to its end
        assert code in allowed, (name, phase, found, code, self.told)
        assert not any("Traceback" in line for line in self.told), (name, phase, found, self.told)
        if name == "SIGKILL" and found == "step" and self.partial():
            found = "checkpoint"
        if name != "SIGKILL" and found in ("tracing", "step", "checkpoint"):
            self._check_that_it_saved()
        return found

    def end(self):
        """Lets a process work until all is done. Returns the SHA-256 of the weights."""
        self.begin()
        self._await_checkpoint_of_its_own()
        self.until_training = time.monotonic() - self.began
        assert self._wait() == 0, self.told
        return artifacts.sha256(self.out / "model" / "weights.safetensors")

    def _wait(self):
        """The process's exit code, as a shell has it."""
        code = self.process.wait(timeout=900)
        self.reader.join(timeout=60)
        return 128 - code if code < 0 else code

    @staticmethod
    def _read(pipe, told):
        told.extend(pipe)

    def _await_start(self):
        self._sleep(self.rng.uniform(0, self.until_training))

    def _await_step(self):
        self._await_checkpoint_of_its_own()
        self._sleep(self.rng.uniform(0, 0.3))

    def _await_checkpoint(self):
        self._await_checkpoint_of_its_own()
        self._sleep(self.rng.uniform(0, 0.2))
        self._until(self.partial)

    def _await_end(self):
        self._until(lambda: self._time_of("run.json") != self.written and self._has_all_steps())
        self._sleep(self.rng.uniform(0, self.at_the_end))

    def _await_checkpoint_of_its_own(self):
        self._until(lambda: self._checkpoints() - self.known or self._has_all_steps())

    def _until(self, condition):
        while self.process.poll() is None and not condition():
            time.sleep(0.0005)

    def _sleep(self, seconds):
        until = time.monotonic() + seconds
        self._until(lambda: time.monotonic() > until)

    def _phase(self):
        """Where the process is, by what it has written."""
        if self._has_all_steps():
            return "end"
        if self.partial():
            return "checkpoint"
        if self._checkpoints() - self.known:
            return "step"
        return "tracing" if self._time_of("curve.csv") != self.curve else "start"

    def _check_that_it_saved(self):
        """After its last step it wrote a checkpoint, and it said so."""
        told = self.told[-1].split()
        if told[:3] == ["Stopped", "after", "step"]:
            newest = checkpoint.found(self.out / "checkpoints")[-1]
            assert int(newest.name[5:14]) == int(told[3].rstrip(","))
            assert artifacts.sha256(newest)[:16] == newest.name[15:31]
        else:
            assert told == ["Interrupted."], self.told

    def _checkpoints(self):
        folder = self.out / "checkpoints"
        return {path.name for path in folder.glob("step-*")} if folder.is_dir() else set()

    def _has_all_steps(self):
        return any(name.startswith(f"step-{self.steps:09d}") for name in self._checkpoints())

    def partial(self):
        """Whether a checkpoint is being written, or was as a process was killed."""
        folder = self.out / "checkpoints"
        return folder.is_dir() and any(name.endswith(artifacts.PARTIAL) for name in os.listdir(folder))

    def _time_of(self, name):
        path = self.out / name
        return path.stat().st_mtime_ns if path.is_file() else None


def _toy(folder, units=256, dropout=0.5, **compiled):
    """The card of a small GAN; 256 units make checkpoints of 1.5 MB, which take their time."""
    sizes = {"size": 8, "channels": 1, "latent": 4, "generator_units": [units, units], "discriminator_units": 8}
    sizes |= {"dropout": [dropout, dropout]}
    toy = card("toy", "VanillaGAN", "generate", sizes, {"loss": "non_saturating", **compiled})
    artifacts.write_card(folder / "toy", {**toy, "status": "recipe"})
    return folder / "toy" / "card.toml"


def _pictures(folder):
    path = folder / "images.npz"
    if not path.exists():
        np.savez(path, np.random.default_rng(0).integers(0, 256, (168, 8, 8, 1), dtype="uint8"))
    return path


def _files(out):
    """Names of a run's files; a checkpoint's ends with a hash of what it took."""
    return sorted(str(path.relative_to(out))[:25] for path in out.rglob("*") if path.is_file())


@pytest.fixture
def start():
    with starting() as run:
        yield run


@pytest.mark.full
def test_a_run_that_is_ended_over_and_over_ends_as_an_undisturbed_one(start, tmp_path, record):
    steps = 800
    straight, broken = Run(start, tmp_path, "straight", steps), Run(start, tmp_path, "broken", steps)
    began = time.monotonic()
    expected = straight.end()
    undisturbed = time.monotonic() - began
    broken.until_training = straight.until_training

    names = ["SIGKILL"] * 20 + ["SIGTERM"] * 20 + ["SIGINT"] * 4
    phases = (["start"] * 2 + ["step"] * 3 + ["checkpoint"] * 3 + ["end"] * 2) * 2
    plan = list(zip(names, [*phases, *phases, "start", "step", "step", "checkpoint"], strict=True))
    broken.rng.shuffle(plan)
    plan.sort(key=lambda one: one[1] == "end")
    came = collections.defaultdict(collections.Counter)
    while plan:
        name, phase = plan.pop(0)
        found = broken.interrupt(name, phase)
        print(f"{time.monotonic() - began:.0f} s: {name} meant for {phase} came in {found}", flush=True)
        if found is None:
            plan.insert(0, (name, phase))
        else:
            came[name][found] += 1
    assert broken.end() == expected
    assert _files(broken.out) == _files(straight.out)
    for path in (straight.out / "samples").iterdir():
        assert path.read_bytes() == (broken.out / "samples" / path.name).read_bytes()
    record(
        "a training run that is ended by signals",
        signals={name: dict(sorted(counts.items())) for name, counts in came.items()},
        interruptions=sum(counts.total() for counts in came.values()),
        steps=steps,
        checkpoint_every=CHECKPOINT_EVERY,
        seconds_undisturbed=round(undisturbed),
        seconds=round(time.monotonic() - began - undisturbed),
        same_weights=True,
        partial_files_left=0,
    )


@pytest.mark.slow
def test_a_killed_and_a_stopped_run_go_on_bit_for_bit(start, tmp_path):
    """The same once each. What ends the run, and what is compared with, run in this process, which is up already."""
    broken = Run(start, tmp_path, "broken", 10_000)
    assert broken.interrupt("SIGKILL", "checkpoint") == "checkpoint"
    assert _in_this_process("generate", broken.out).exit_code == 1
    assert broken.interrupt("SIGTERM", "step") in ("step", "checkpoint")
    assert broken.process.stdout.read() == ""
    assert "training run that has not come to its end" in _in_this_process("generate", broken.out).stderr
    assert not broken.partial()
    steps = int(broken.told[-1].split()[3].rstrip(",")) + 3
    weights = []
    for name in ("broken", "straight"):
        result = _in_this_process(*Run(start, tmp_path, name, steps).ask)
        assert result.exit_code == 0, result.output
        weights.append(artifacts.sha256(tmp_path / name / "model" / "weights.safetensors"))
    assert weights[0] == weights[1]


def _in_this_process(*arguments):
    from keras_gans.cli.main import cli

    return CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="keras-gans")


# ---- in this process -------------------------------------------------------------------------------------


def _ask(folder, out, steps=5, eagerly=True):
    """A command of a tinier GAN, with a checkpoint after each second step."""
    path = _toy(folder, units=8, dropout=0.0, run_eagerly=eagerly)
    rest = ["--steps", steps, "--checkpoint-every", 2]
    return ["train", path, "--data", _pictures(folder), "--out", folder / out, *rest]


def _weights(folder, out):
    return artifacts.sha256(folder / out / "model" / "weights.safetensors")


@pytest.mark.slow
def test_a_wish_that_comes_while_the_first_step_is_traced(tmp_path, monkeypatch):
    plain, came = VanillaGAN.generator_terms, []

    def traced(model, batch):
        if not came:
            came.append(isinstance(batch.images, tf.Tensor) and not hasattr(batch.images, "numpy"))
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(model, batch)

    monkeypatch.setattr(VanillaGAN, "generator_terms", traced)
    result = _in_this_process(*_ask(tmp_path, "run", eagerly=False))
    assert came == [True]  # a tensor without a value: it was a trace
    assert (result.exit_code, result.stdout) == (143, "")
    assert "Stopped after step 1, saved" in result.stderr
    assert [path.name[:14] for path in checkpoint.found(tmp_path / "run" / "checkpoints")] == ["step-000000001"]


def _flip(data, rng):
    found = bytearray(data)
    found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    return bytes(found)


def _truncate(data, rng):
    return data[: rng.randrange(1, len(data))]


def _empty(data, rng):
    return b""


@pytest.mark.slow
@pytest.mark.parametrize("trials", [1, pytest.param(30, marks=pytest.mark.full)])
def test_a_damaged_checkpoint_costs_the_steps_since_the_one_before(trials, tmp_path, record):
    rng = random.Random(0)
    assert _in_this_process(*_ask(tmp_path, "straight")).exit_code == 0
    assert _in_this_process(*_ask(tmp_path, "stopped", steps=4)).exit_code == 0
    expected, ways = _weights(tmp_path, "straight"), [_flip, _truncate, _empty]
    for trial in range(trials):
        out = tmp_path / f"run{trial}"
        shutil.copytree(tmp_path / "stopped", out)
        _, newest = checkpoint.found(out / "checkpoints")
        newest.write_bytes(ways[trial % 3](newest.read_bytes(), rng))
        result = _in_this_process(*_ask(tmp_path, out.name))
        assert result.exit_code == 0
        assert f"warning: {newest} is damaged: the checkpoint before it is taken" in result.stderr
        assert _weights(tmp_path, out.name) == expected
        left = [path.name[:14] for path in checkpoint.found(out / "checkpoints")]
        assert left == ["step-000000004", "step-000000005"]
        assert newest.name not in os.listdir(out / "checkpoints") or artifacts.sha256(newest)[:16] == newest.name[15:31]
        shutil.rmtree(out)
    record("a damaged checkpoint", runs=trials, noticed=trials, same_weights=trials)


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="files have no limits here")
def test_a_full_disk_keeps_the_checkpoint_before(tmp_path, monkeypatch):
    """The system itself refuses the second checkpoint, after 1000 bytes."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    write, written = artifacts.write_atomically, []

    def limited(path, data):
        written.extend([path.name] if path.parent.name == "checkpoints" else [])
        full = len(written) == 2
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000 if full else soft, hard))
        try:
            write(path, data)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    monkeypatch.setattr(artifacts, "write_atomically", limited)
    result = _in_this_process(*_ask(tmp_path, "run"))
    monkeypatch.undo()
    assert result.exit_code == 1
    (said,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    folder = tmp_path / "run" / "checkpoints"
    assert f"bytes could not be written in {folder} (File too large): those before it stay; make room" in said
    assert sorted(os.listdir(folder)) == written[:1]
    assert _in_this_process(*_ask(tmp_path, "run")).exit_code == 0
    assert _in_this_process(*_ask(tmp_path, "straight")).exit_code == 0
    assert _weights(tmp_path, "run") == _weights(tmp_path, "straight")
