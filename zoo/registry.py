"""Which models there are, and what a reference to one may look like. Light: it reads TOML and nothing else.

    "dcgan_mnist"                     a name: matches [a-z0-9_]{1,64}
    Path("runs/x"), "./x", "/x", "~x" a folder that holds a card.toml
    "hf://user/repo@revision"         a hub repository (the revision may be left out)

Anything else is an UnknownModelError before anything is opened.
"""

from __future__ import annotations

import difflib
import fnmatch
import os
import re
from pathlib import Path
from typing import Any, Literal

from keras_gans import artifacts
from keras_gans.artifacts import CardError, KerasGansError, UnknownModelError

from .card import NAME, STATUSES, TASKS, Card

Classified = (
    tuple[Literal["name"], str] | tuple[Literal["folder"], Path] | tuple[Literal["hub"], tuple[str, str | None]]
)

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_HUB = re.compile(rf"hf://({_PART}/{_PART})(?:@([A-Za-z0-9][A-Za-z0-9._/-]{{0,127}}))?")
_SHOWN = 80  # characters of a user's text that an error repeats


def models_folder() -> Path:
    """The folder of the published models: one folder each, named after the model."""
    return Path(__file__).resolve().parent / "models"


def statistics_folder() -> Path:
    """The folder of the statistics of real images by which shipped protocols measure."""
    return Path(__file__).resolve().parent / "statistics"


def names(folder: str | Path | None = None) -> list[str]:
    """The published names, sorted. `folder` stands in for `models_folder()`."""
    root = Path(folder) if folder is not None else models_folder()
    if not root.is_dir():
        return []
    return sorted(p.name for p in root.iterdir() if NAME.fullmatch(p.name) and (p / artifacts.CARD).is_file())


def list_models(
    pattern: str = "*",
    family: str | None = None,
    task: str | None = None,
    status: str | None = None,
    *,
    folder: str | Path | None = None,
) -> list[Card]:
    """The cards whose name fits a shell pattern, and whose family (in any case), task and status are these.

    Raises ValueError for a task or a status that no card can have.
    """
    for key, value, choices in (("task", task, TASKS), ("status", status, STATUSES)):
        if value is not None and value not in choices:
            raise ValueError(f"{key} must be one of {', '.join(choices)}, not {value!r}.")
    cards = [info(name, folder=folder) for name in names(folder) if fnmatch.fnmatchcase(name, pattern)]
    return [
        card
        for card in cards
        if (family is None or card.family.casefold() == family.casefold())
        and task in (None, card.task)
        and status in (None, card.status)
    ]


def info(name: str, *, folder: str | Path | None = None) -> Card:
    """The card of a published model; UnknownModelError with the nearest names before any file is opened."""
    known = names(folder)
    if not isinstance(name, str) or name not in known:
        raise unknown(name, folder=folder)
    root = Path(folder) if folder is not None else models_folder()
    card = Card.from_folder(root / name, published=True)
    if card.name != name:
        raise CardError(
            f"{card.folder / artifacts.CARD}: key 'name' must be the folder's name {name!r}, "
            f"not {card.name!r}; correct it."
        )
    return card


def classify(reference: Any, *, folder: str | Path | None = None) -> Classified:
    """What a reference means, by its text alone; nothing is opened, and nothing says yet that it exists.

    Returns ("name", str), ("folder", Path) or ("hub", (repo, revision)); a revision not given is None.
    Raises UnknownModelError for everything else: URLs, NUL, overlong texts, other types.
    """
    if isinstance(reference, os.PathLike):
        path = os.fspath(reference)
        if isinstance(path, str) and path and "\0" not in path:
            return "folder", Path(path)
    elif isinstance(reference, str):
        if NAME.fullmatch(reference):
            return "name", str(reference)
        if reference.startswith((".", "/", "~")) and "\0" not in reference:
            return "folder", Path(reference)
        hub = _HUB.fullmatch(reference)
        if hub and ".." not in reference:
            return "hub", (hub[1], hub[2])
    raise unknown(reference, folder=folder)


def find(
    reference: Any,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    offline: bool | None = None,
    folder: str | Path | None = None,
) -> Card:
    """The card that a reference leads to; only a hub reference may touch the network.

    revision: a hub repository's branch, tag or commit; the one in the reference must not differ from it.
    cache_dir, offline: as in `download`. folder: stands in for `models_folder()`.
    """
    found = classify(reference, folder=folder)
    if found[0] != "hub" and revision is not None:
        raise KerasGansError(
            f"revision={revision!r} goes with hf://user/repo, not with {_show(reference)}: leave it out."
        )
    if found[0] == "name":
        return info(found[1], folder=folder)
    if found[0] == "folder":
        return _from_folder(found[1])
    from . import download

    repo, written = found[1]
    if revision is not None and written not in (None, revision):
        raise KerasGansError(f"{_show(reference)} and revision={revision!r} differ: give one of them.")
    return Card.from_folder(download.hub(repo, revision or written, cache_dir, offline))


def _from_folder(folder: Path) -> Card:
    path = os.path.expanduser(folder)
    if not os.path.isdir(path):  # unlike Path.is_dir it answers False to a name that is too long
        raise UnknownModelError(
            f"There is no folder {_show(folder)}: give one that save_pretrained wrote, or a published name."
        )
    return Card.from_folder(path)


def unknown(reference: Any, *, folder: str | Path | None = None) -> UnknownModelError:
    """The error for a reference that leads nowhere, with the nearest published names."""
    known = names(folder)
    # 80 characters are enough to guess from, and difflib is quadratic in what it is given.
    text = reference[:_SHOWN].lower() if isinstance(reference, str) else ""
    near = difflib.get_close_matches(text, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "list_models() shows the names."
    return UnknownModelError(f"There is no model {_show(reference)}: {hint}")


def _show(reference: Any) -> str:
    """A text or a path as repr, cut to 80 characters; anything else by its type: its repr is foreign code."""
    if isinstance(reference, os.PathLike):
        reference = os.fspath(reference)
    if not isinstance(reference, str | bytes):
        return f"of type {type(reference).__name__}"
    shown = repr(reference[: _SHOWN + 1])
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "..."
