"""The real side of a measurement: its images, or their statistics, given, shipped, kept from before or made anew."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from keras_gans import metrics as measured
from keras_gans.artifacts import KerasGansError, MetricError
from keras_gans.metrics import sources, statistics
from keras_gans.metrics.features import Progress

log = logging.getLogger("keras_gans")


class RealSide:
    """The real images' `Reference`, made when it is first asked for.

    What ships is taken wherever it is of these images, so that a model's scores compare with those of the zoo.

    Args:
        against: as for `evaluate`.
        extractor: of features.
        asked: the protocol of the model's card, or {}: what is taken where `against` is None.
        split: as for `evaluate`.
        batch_size: images read at once.
        progress: function (images done, of how many).
        drawn: (h, w, c) of a model's samples: features that read any size see real images of this one too.
    """

    def __init__(
        self,
        against: Any,
        extractor: Any,
        asked: dict[str, Any],
        split: str | None = None,
        batch_size: int = 64,
        progress: Progress | None = None,
        drawn: tuple[int, int, int] | None = None,
    ) -> None:
        self._given, self._extractor = against, extractor
        own = getattr(extractor, "image_shape", None)
        self._shape, self._brought = own or drawn, own is None and drawn is not None
        self._batch_size, self._progress = batch_size, progress
        self._where, self._split = _chosen(against, asked, split)

    @cached_property
    def reference(self) -> Any:
        """The `Reference`. MetricError, DataError, KerasGansError: one sentence."""
        if self._at_hand is not None:
            return self._at_hand
        source = self._source
        if self._kept_at is not None:
            log.info("reading %s real images (%s), once", source.n, source.name)
        found = statistics.reference(source, self._extractor, batch_size=self._batch_size, progress=self._progress)
        self._keep(found)
        return replace(found, identity=self._named(found.identity))

    def _named(self, identity: str) -> str:
        """What protocols call the images: with the size that they were brought to, where that is not the features'."""
        if not self._brought or self._shape is None:
            return identity
        height, width, _ = self._shape
        return f"{identity} at {width}x{height}"

    def unread(self) -> sources.Source | None:
        """The real images, if their features are still to be taken; else None. Errors are those of `reference`."""
        return None if self._at_hand is not None else self._source

    @cached_property
    def _at_hand(self) -> Any:
        """The `Reference`, if no image has to be read for it."""
        if isinstance(self._given, measured.Reference):
            return statistics.reference(self._given, self._extractor)
        if is_statistics(self._given):
            found = measured.Reference.load(os.path.expanduser(str(self._given)))
            return statistics.reference(found, self._extractor)
        if self._where is None:
            raise MetricError("Real images to compare with were wanted: say which, tfds:mnist for one, or a folder.")
        if isinstance(self._where, str) and self._where.startswith("tfds:"):
            found = shipped(self._extractor, self._where, self._split)
            if found is not None:
                return found
        return self._from_before()

    @cached_property
    def _source(self) -> sources.Source:
        return sources.open_source(self._where, shape=self._shape, split=self._split)

    @cached_property
    def _kept_at(self) -> Path | None:
        """Where the statistics of these very images by this very extractor are kept; None: of what may change."""
        from keras_gans.zoo import download

        if not isinstance(self._source, (sources.Stored, sources.Files)):
            return None
        if self._extractor.sha256 is None and not isinstance(self._extractor, measured.Pixels):
            return None  # nothing tells one state of it from another
        shape = "x".join(map(str, self._shape or ("any",)))
        parts = (self._extractor.name, (self._extractor.sha256 or "none")[:12], shape, self._source.fingerprint()[:16])
        return download.cache_dir() / "statistics" / f"{'-'.join(parts)}{statistics.SUFFIX}"

    def _from_before(self) -> Any:
        """What is kept, under the name that the images have now; None where there is nothing that can be read."""
        if self._kept_at is None or not self._kept_at.is_file():
            return None
        try:
            found = measured.Reference.load(self._kept_at)
        except KerasGansError:
            log.warning("%s is damaged: the images are read again", self._kept_at)
            return None
        return replace(found, identity=self._named(self._source.identity()))

    def _keep(self, found: Any) -> None:
        if self._kept_at is None:
            return
        try:
            found.save(self._kept_at, half=False)
        except OSError as error:
            log.warning("the statistics of %s could not be kept (%s)", self._source.name, error)


def _chosen(against: Any, asked: dict[str, Any], split: str | None) -> tuple[Any, str]:
    """(the real images, their split): the card's, where nothing else is said."""
    if against is None:
        return asked.get("source"), split or asked.get("split", "train")
    return against, split or "train"


def real_side(against: Any, extractor: Any, asked: dict[str, Any], split: str | None = None, **options: Any) -> Any:
    """The `Reference` of the real images; arguments are those of `RealSide`."""
    return RealSide(against, extractor, asked, split, **options).reference


def is_statistics(against: Any) -> bool:
    """Whether this is a `Reference`, or a file of one: by its name, or, however it is called, by what stands in it."""
    if isinstance(against, measured.Reference):
        return True
    if not isinstance(against, (str, os.PathLike)):
        return False
    return os.fspath(against).endswith(".safetensors") or statistics_in(os.path.expanduser(against))


def statistics_in(path: str | os.PathLike[str]) -> bool:
    """Whether a file is statistics by its header."""
    from safetensors import SafetensorError, safe_open

    if not os.path.isfile(path):
        return False
    try:
        with safe_open(path, "numpy") as file:
            return (file.metadata() or {}).get("format", "").startswith("keras_gans reference")
    except (OSError, SafetensorError):
        return False


def statistics_file(extractor_name: str, source: str, split: str) -> str:
    """lenet_mnist-v1, tfds:mnist, train -> lenet_mnist-v1-mnist-train.stats.safetensors"""
    return f"{extractor_name}-{source.removeprefix('tfds:')}-{split}{statistics.SUFFIX}".replace("/", "_")


def shipped(extractor: Any, source: str, split: str) -> Any:
    """The statistics that travel with the zoo, or None."""
    from keras_gans.zoo import registry

    path = registry.statistics_folder() / statistics_file(extractor.name, source, split)
    return statistics.reference(measured.Reference.load(path), extractor) if path.is_file() else None


def images_of(against: Any, asked: dict[str, Any], split: str | None, fake: Any) -> Any:
    """A function of a split's name that gives the real images, or None where they are not at hand."""
    if is_statistics(against) or (against is None and not asked):
        return None
    source, default = _chosen(against, asked, split)

    def real(wanted: str | None) -> Any:
        from keras_gans import data

        shape = getattr(fake, "image_shape", None)
        size, channels = (shape[0], shape[2]) if shape else (None, None)
        split = wanted if wanted and _has_split(source, wanted) else default
        return data.load(source, split=split, size=size, channels=channels)

    return real


def _has_split(source: Any, split: str) -> bool:
    """Whether the images have this split; of those that have none, all are taken."""
    from keras_gans.data.folder import splits_in

    if isinstance(source, str) and source.startswith("tfds:"):
        return True
    return isinstance(source, (str, os.PathLike)) and split in splits_in(os.path.expanduser(source))
