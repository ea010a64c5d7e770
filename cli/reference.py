"""NAME arguments: completed by the shell, and followed to a card."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem


def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Published names that begin so, or the shell's own folders."""
    from keras_gans.zoo import registry

    if incomplete.startswith((".", "/", "~")):
        return [CompletionItem(incomplete, type="dir")]
    return [CompletionItem(name) for name in registry.names() if name.startswith(incomplete)]


def find(text: str | Path, cache_dir: str | None = None) -> tuple[str | Path, Any]:
    """What NAME means to `keras_gans.load`, and its card. A run's folder stands for the model in it.

    cache_dir: where a hub repository is kept. Only that touches the network.
    """
    from keras_gans.artifacts import UnknownModelError
    from keras_gans.zoo import registry

    try:
        kind, value = registry.classify(text)
    except UnknownModelError as error:
        if isinstance(text, str) and "/" in text and "://" not in text and len(text) < 80:
            raise UnknownModelError(f"There is no model {text!r}: if it is a folder, write ./{text}.") from error
        raise
    reference = model_folder(value) if kind == "folder" else text
    return reference, registry.find(reference, cache_dir=cache_dir)


def model_folder(folder: Path) -> Path:
    """The folder itself, or the model within it if it is the folder of a training run."""
    from keras_gans.artifacts import CARD, KerasGansError

    path = os.path.expanduser(folder)
    inside = os.path.join(path, "model")
    # os.path answers False to names that are too long, where Path raises.
    if not os.path.isfile(os.path.join(path, CARD)):
        if os.path.isfile(os.path.join(inside, CARD)):
            return Path(inside)
        if os.path.isfile(os.path.join(path, "run.json")):
            raise KerasGansError(
                f"{folder} holds a training run that has not come to its end: "
                "start the same `keras-gans train` again, it goes on where it stopped."
            )
    return Path(path)
