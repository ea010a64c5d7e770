"""What metrics take as a whole, where batches would not do: all images, or all rows, with what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import check_asked, checked, classes, first
from keras_gans.metrics.features import BATCH, Pixels, Progress, Store, identity_of
from keras_gans.metrics.sources import Batch, Source, Stored, as_uint8, brought_to, open_source


class Pictures(NamedTuple):
    """images: uint8 (n, h, w, c); labels: int (n,) or None; identity: what a protocol calls them."""

    images: np.ndarray
    labels: np.ndarray | None
    identity: str


class Rows(NamedTuple):
    """What is compared row by row.

    rows: (n, d): features, or uint8 pixels.
    labels: int (n,), or None.
    identity: what a protocol calls the images or the features.
    features, sha256: the extractor's name and that of its weights; of pixels with their shape; None of given features.
    """

    rows: np.ndarray
    labels: np.ndarray | None
    identity: str
    features: str | None
    sha256: str | None


def pictures_of(
    source: Any,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
    shape: tuple[int, int, int] | None = None,
) -> Pictures:
    """All images of what `open_source` takes, of one size.

    shape: (h, w, c) to which the images of files are brought; None: as they are.

    Raises:
        MetricError, DataError: there are none, or of several sizes.
    """
    check_asked(n, seed, batch_size)
    opened = open_source(source, n, seed, shape)
    parts: list[np.ndarray] = []
    labels = []
    for batch in _told(opened, batch_size, progress):
        images = np.asarray(batch.images)
        if parts and images.shape[1:] != parts[0].shape[1:]:
            raise MetricError(
                f"Images of one shape were wanted, and {parts[0].shape[1:]} and {images.shape[1:]} came: bring them to "
                "one."
            )
        parts.append(images)
        labels.append(batch.labels)
    if not parts:
        raise MetricError("Images were wanted and none came: give some.")
    images = np.concatenate(parts) if len(parts) > 1 else parts[0]
    return Pictures(images, _joined(labels, len(images)), opened.identity())


def some_of(
    source: Any,
    count: int,
    batch_size: int = BATCH,
    progress: Progress | None = None,
    shape: tuple[int, int, int] | None = None,
) -> Pictures:
    """`count` images, chosen evenly and always the same, in their order; all, where there are fewer.

    `identity` is that of all of them. Arguments and errors are otherwise those of `pictures_of`.
    """
    check_asked(batch_size=batch_size)
    opened = open_source(source, shape=shape)
    if isinstance(opened, Stored):
        images = as_uint8(opened.images.images[chosen(len(opened.images), count)])
        return Pictures(images, None, opened.identity())
    whole = pictures_of(opened, None, 0, batch_size, progress)
    return whole._replace(images=whole.images[chosen(len(whole.images), count)], labels=None)


def chosen(n: int, count: int) -> np.ndarray:
    """`count` numbers below n, always the same, in their order."""
    return np.sort(np.random.default_rng(0).permutation(n)[:count])


def rows_of(
    source: Any,
    extractor: Any = None,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
    shape: tuple[int, int, int] | None = None,
) -> Rows:
    """Rows of whatever a metric of rows was given.

    Args:
        source: features (n, d), or a pair (features, labels), where no extractor is; else images as `open_source`
            takes them.
        extractor: of features; None: of images their pixels.
        shape: as for `pictures_of`, where their pixels are taken.

    Other arguments are those of `frechet_distance`. MetricError, DataError: one sentence.
    """
    check_asked(n, seed, batch_size)
    if extractor is None and (given := _features_in(source)) is not None:
        rows, labels = given
        labels = None if labels is None else classes(labels, len(rows))[:n]
        rows = first(rows, n, "features")
        return Rows(rows, labels, identity_of(rows, labels), None, None)
    if extractor is None or isinstance(extractor, Pixels):
        shape = shape if extractor is None or extractor.image_shape is None else extractor.image_shape
        found = pictures_of(source, n, seed, batch_size, progress, shape)
        name = Pixels(found.images.shape[1:]).name
        return Rows(found.images.reshape(len(found.images), -1), found.labels, found.identity, name, None)
    opened, store, labels = open_source(source, n, seed, extractor.image_shape), Store(), []
    for batch in _told(opened, batch_size, progress):
        store.add(checked(extractor.features(brought_to(batch.images, extractor.image_shape)), "features"))
        labels.append(batch.labels)
    rows = store.array()
    return Rows(rows, _joined(labels, len(rows)), opened.identity(), extractor.name, extractor.sha256)


def _features_in(source: Any) -> tuple[np.ndarray, Any] | None:
    """(features (n, d), labels or None) of what holds them, else None."""
    x, labels = source if isinstance(source, tuple) and len(source) == 2 else (source, None)
    if isinstance(x, list) or getattr(x, "ndim", 0) == 2:
        return checked(x, "features"), labels
    return None


def _told(source: Source, batch_size: int, progress: Progress | None) -> Iterator[Batch]:
    """The source's batches; `progress` hears of each once it was used."""
    done = 0
    for batch in source.batches(batch_size):
        yield batch
        done += len(batch.images)
        if progress is not None:
            progress(done, source.n)


def _joined(labels: list[Any], n: int) -> np.ndarray | None:
    return None if not labels or labels[0] is None else classes(np.concatenate(labels), n)


def check_alike(ours: Any, theirs: Any) -> None:
    """MetricError unless both shapes are one."""
    if tuple(ours) != tuple(theirs):
        raise MetricError(
            f"Two sets of images of one shape were wanted, and {tuple(ours)} and {tuple(theirs)} came: bring them to "
            "one."
        )


def check_conditional(fake: Any, metric: str) -> None:
    """MetricError where `fake` is a model that draws without labels: said before it draws."""
    if hasattr(fake, "generate") and getattr(fake, "num_classes", None) is None:
        raise MetricError(f"{metric} takes a class-conditional model, and {_name(fake)} draws without labels.")


def labels_of(found: Pictures | Rows, metric: str, what: str) -> np.ndarray:
    """The labels; MetricError where there are none."""
    if found.labels is None:
        raise MetricError(
            f"{metric} takes {what} with labels and they came without: give a pair (images, labels), a folder with a "
            "subfolder for each class, or what else has them."
        )
    return found.labels


def _name(model: Any) -> str:
    return getattr(model, "name", "the model")


def seed_of(fake: Any, seed: int) -> int | None:
    """What a score says of its seed: nothing, where nothing was drawn."""
    return seed if hasattr(fake, "generate") else None
