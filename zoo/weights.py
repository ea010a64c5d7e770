"""From a card to its tensors: the cache, the mirrors, the copy that ships; first sound one wins."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_gans import artifacts
from keras_gans.artifacts import DownloadError, WeightsCorruptedError

from . import download
from .card import Card

if TYPE_CHECKING:
    from keras_gans.artifacts import Tensors

logger = logging.getLogger("keras_gans")


def locate(card: Card, cache_dir: str | Path | None = None, offline: bool | None = None) -> Tensors:
    """The tensors of a card, hashed in the very bytes that are parsed.

    A published card's come from the cache, then the mirrors (through the cache), then the package. A card
    that a user saved, or that came from the hub, is read from its own folder and nowhere else.
    A cached file that is corrupt is removed, with one warning, and the next source is tried.

    Raises KerasGansError for a recipe, WeightsCorruptedError if the last source is corrupt, DownloadError or
    OfflineError if there is none.
    """
    expected = download.record(card)
    if "other_than_name" in card.data:
        logger.warning("%s: %s", card.name, card.data["other_than_name"])
    if not card.published:
        return artifacts.read_weights(card.folder)
    cached = _from_cache(card, expected, cache_dir)
    if cached is not None:
        return cached
    sources = download.mirrors()
    path, tried = download.store(card, sources, cache_dir, offline) if sources else (None, [])
    if path is not None:
        return artifacts.parse_weights(artifacts.read_bytes(path, expected), expected, str(path))
    if not (card.folder / artifacts.WEIGHTS).is_file():
        raise download.nowhere(card, tried, offline)
    return artifacts.read_weights(card.folder)


def _from_cache(card: Card, expected: Mapping[str, Any], cache_dir: str | Path | None) -> Tensors | None:
    """The cached tensors; None if they are not there, or were corrupt. Needs no lock: files only move in."""
    try:
        path = download.cached_path(card, expected, cache_dir)
        if not path.is_file():
            return None
        return artifacts.parse_weights(artifacts.read_bytes(path, expected), expected, str(path))
    except WeightsCorruptedError:
        download.discard(path, expected)
    except DownloadError as error:  # no home folder for a cache: the package still has its copy
        logger.warning("%s", error)
    return None
