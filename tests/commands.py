"""`python -m keras_gans` in a process of its own, and the card of a toy to give it."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def on_jax(**more):
    """The environment of a process on Keras's JAX backend. Compiling takes longer than all else there: in a hurry."""
    found = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_backend_optimization_level=0"}
    return {**os.environ, **found, "PYTHONPATH": str(ROOT), **more}


@contextlib.contextmanager
def starting():
    """Gives a function that starts the command line with its arguments; what still runs at the end is killed."""
    started = []
    # A suite that runs in a shell's background ignores Ctrl-C, and what it starts would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def run(*arguments, **environment):
        process = subprocess.Popen(
            [sys.executable, "-m", "keras_gans", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )
        started.append(process)
        return process

    yield run
    signal.signal(signal.SIGINT, before)
    for process in started:
        process.kill()
        process.communicate()


def card(name, family, task, architecture, compiled):
    """The card of a model for tests, as card.toml has it."""
    return {
        "name": name,
        "family": family,
        "task": task,
        "status": "pretrained",
        "version": 1,
        "title": f"The toy {name}",
        "description": "A model for tests.",
        "license": "Apache-2.0",
        "weights_license": "CC0-1.0",
        "architecture": architecture,
        "paper": {"title": "A paper", "authors": "A. Author", "year": 2014, "url": "https://example.org"},
        "data": {"source": "tfds:mnist", "split": "train[:9]", "seen": "9 images"},
        "recipes": {"quick": {"batch_size": 8, "steps": 6, "seed": 0, "compile": compiled}},
        "default_recipe": "quick",
        "limits": ["Draws toys only."],
    }
