"""Keras, without the lines that its backend writes about itself."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import click


def import_keras() -> None:
    """Imports Keras and its backend. TensorFlow's C++ greets on stderr at that, whatever its log level."""
    try:
        with _silence():
            import keras  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        raise click.ClickException(
            "Keras computes with TensorFlow unless it is told otherwise, and tensorflow is not installed: install it, "
            "or set KERAS_BACKEND=jax where JAX is."
        ) from error


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Sends file descriptor 2 to nowhere for the while; KERAS_GANS_DEBUG=1 lets it be."""
    if os.environ.get("KERAS_GANS_DEBUG"):
        yield
        return
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
