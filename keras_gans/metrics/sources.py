"""What a metric measures: an array, a folder, a tf.data.Dataset, `Images` or a model, each as batches of images.

Whatever comes, metrics see uint8 images in batches and never all at once.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from keras_gans import data
from keras_gans.artifacts import DataError, MetricError
from keras_gans.data import check
from keras_gans.data import images as pixels


class Batch(NamedTuple):
    """images: uint8 (b, h, w, c); labels: int (b,), or None."""

    images: np.ndarray
    labels: np.ndarray | None


class Source:
    """Images that can be gone through.

    Attributes:
        name: for people.
        n: how many; None where that shows at the end only.
    """

    name: str
    n: int | None

    def batches(self, size: int) -> Iterator[Batch]:
        """All of them, `size` at a time; the last batch may be smaller."""
        raise NotImplementedError

    def identity(self) -> str:
        """What a protocol calls these images: the same text for the same images, and for them alone."""
        raise NotImplementedError


class Stored(Source):
    """`keras_gans.data.Images`: of an array, a folder, an archive or TFDS."""

    def __init__(self, images: data.Images, n: int | None) -> None:
        self.images = images if n is None else images.take(n)
        self.name, self.n, self._all = images.name, len(self.images), len(images)
        if n is not None and self.n < n:
            raise MetricError(f"{n} images were wanted and {images.name} has {self.n}: ask for fewer, or give more.")

    def batches(self, size: int) -> Iterator[Batch]:
        images, labels = self.images.images, self.images.labels
        for start in range(0, len(images), size):
            part = _as_uint8(images[start : start + size])
            yield Batch(part, None if labels is None else labels[start : start + size])

    def identity(self) -> str:
        if self.name.startswith("tfds:") and self.n == self._all:
            return self.name.removeprefix("tfds:")
        return f"images@{self.images.fingerprint()[:8]}"


class Dataset(Source):
    """A tf.data.Dataset of batches of images or of (images, labels): gone through once for each call of `batches`."""

    def __init__(self, dataset: Any, n: int | None) -> None:
        self.name, self.n, self._dataset = "tf.data", n, dataset
        self._hash = hashlib.sha256()

    def batches(self, size: int) -> Iterator[Batch]:
        """The data set's own batches: their size is its own."""
        self._hash, left = hashlib.sha256(), self.n
        for element in self._dataset.as_numpy_iterator():
            images, labels = element if isinstance(element, tuple) else (element, None)
            images = _as_uint8(check.checked_images(images))[:left]
            labels = None if labels is None else np.asarray(labels).reshape(-1)[:left]
            self._hash.update(images.tobytes())
            yield Batch(images, labels)
            if left is not None:
                left -= len(images)
                if left == 0:
                    return
        if left and self.n:
            raise MetricError(
                f"{self.n} images were wanted and the tf.data.Dataset has {self.n - left}: ask for fewer."
            )

    def identity(self) -> str:
        return f"tf.data@{self._hash.hexdigest()[:8]}"


class Drawn(Source):
    """Images that a model draws: image i is a function of (weights, seed, i)."""

    def __init__(self, model: Any, n: int | None, seed: int) -> None:
        if n is None:
            raise MetricError("A model draws as many images as it is asked for: say how many, as in n=10000.")
        self.name, self.n, self._model, self._seed = getattr(model, "name", "model"), n, model, seed

    def batches(self, size: int) -> Iterator[Batch]:
        from keras_gans import random

        model, classes = self._model, getattr(self._model, "num_classes", None)
        for start in range(0, self.n or 0, size):
            count = min(size, (self.n or 0) - start)
            z = random.sample_latents(count, self._seed, model.latent, model.prior, start=start)
            labels = None if classes is None else np.arange(start, start + count, dtype="int32") % classes
            yield Batch(model.generate(latents=z, labels=labels, batch_size=size), labels)

    def identity(self) -> str:
        return f"samples of {self.name}"


def open_source(
    source: Any,
    n: int | None = None,
    seed: int = 0,
    shape: tuple[int, int, int] | None = None,
    split: str = "train",
) -> Source:
    """Makes a `Source` of what a metric was given.

    Args:
        source: images (n, h, w, c), uint8 or float in [-1, 1]; a folder, an archive or "tfds:NAME"; `Images`; a pair
            (images, labels); a tf.data.Dataset of batches; a model with `generate`; or a `Source`.
        n: the first so many; of a model, how many to draw.
        seed: of a model's samples.
        shape: (h, w, c) to which the images of files are brought; None: as they are.
        split: of "tfds:NAME".

    Raises:
        MetricError, DataError: one sentence.
    """
    if n is not None and (isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1):
        raise MetricError(f"n is a number of images, and {n!r} came: give a whole number above 0.")
    if isinstance(source, Source):
        return source
    if hasattr(source, "generate"):
        return Drawn(source, n, seed)
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and isinstance(source, tensorflow.data.Dataset):
        return Dataset(source, n)
    size, channels = (shape[0], shape[2]) if shape else (None, None)
    try:
        if isinstance(source, (str, os.PathLike)):
            return Stored(data.load(source, split=split, size=size, channels=channels), n)
        return Stored(data.load(source), n)
    except DataError as error:
        if hasattr(source, "ndim") and source.ndim == 2:
            raise MetricError(
                "Images were wanted and an array (n, d) came, which may be features: leave features= out to have it "
                "taken as that."
            ) from error
        raise


def brought_to(images: np.ndarray, shape: tuple[int, int, int] | None) -> np.ndarray:
    """uint8 (n, h, w, c) at another shape (h, h, c): the centre square, antialiased bicubic. None: as they are."""
    return images if shape is None else pixels.resize(images, shape[0], shape[2])


def _as_uint8(images: np.ndarray) -> np.ndarray:
    return images if images.dtype == np.uint8 else pixels.to_uint8(images, -1.0, 1.0)
