"""What a metric measures: an array, a folder, a tf.data.Dataset, `Images` or a model, each as batches of images.

Whatever comes, metrics see uint8 images in batches and never all at once. Folders and .zips are decoded a batch at a
time; arrays and TFDS's data sets are held.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from keras_gans import data
from keras_gans.artifacts import DataError, MetricError
from keras_gans.data import check
from keras_gans.data import images as pixels
from keras_gans.data.lazy import Encoded, Lazy, OwnSizes
from keras_gans.metrics.arrays import check_asked


class Batch(NamedTuple):
    """images: uint8 (b, h, w, c), or `Several`, of `Files` that have several sizes; labels: int (b,), or None."""

    images: Any
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
            part = as_uint8(images[start : start + size])
            yield Batch(part, None if labels is None else labels[start : start + size])

    def fingerprint(self) -> str:
        """64 hex digits that stand for these images alone: of files their bytes, else of the pixels."""
        return self.images.fingerprint() if self.images.encoded is None else _sha256_of(self.images.encoded)

    def identity(self) -> str:
        if self.name.startswith("tfds:") and self.n == self._all:
            return self.name.removeprefix("tfds:")
        return f"images@{self.fingerprint()[:8]}"


class Several(Sequence[np.ndarray]):
    """Pictures of several sizes: uint8 (h, w, c) each, decoded as they are gone through, a few at a time.

    No array can be made of them: what treats them as one has an error that says so.
    """

    _FEW = 8

    def __init__(self, pictures: OwnSizes, name: str, numbers: range) -> None:
        """Args:
        pictures: all.
        name: what errors call them.
        numbers: which of them.
        """
        self._pictures, self._name, self._numbers = pictures, name, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, key: Any) -> Any:
        found = self._numbers[key]
        return Several(self._pictures, self._name, found) if isinstance(found, range) else self._pictures[found]

    def __iter__(self) -> Iterator[np.ndarray]:
        for start in range(0, len(self), self._FEW):
            yield from self._pictures[np.array(self._numbers[start : start + self._FEW])]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise MetricError(
            f"Images of one size were wanted here and {self._name} has several: bring them to one size, or take "
            "features that read any, which inception2015 and keras_inception do."
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what NumPy and copying look for
            raise AttributeError(name)
        return self.__array__()


class Files(Source):
    """Pictures of a folder or a .zip, decoded as they are gone through: no more than a batch is held.

    One that cannot be read is replaced by the next of its class that can (see `Lazy`), so that n come.
    """

    def __init__(self, images: data.Images, n: int | None, shape: tuple[int, int, int] | None) -> None:
        """Args:
        images: with `encoded`.
        n: the first so many; None: all.
        shape: (h, h, c) that they are brought to; None: as they are.
        """
        assert images.encoded is not None
        self._encoded: Encoded = images.encoded
        have = len(self._encoded)
        if n is not None and have < n:
            raise MetricError(f"{n} images were wanted and {images.name} has {have}: ask for fewer, or give more.")
        self.name, self.n, self._shape = images.name, have if n is None else n, shape

    @cached_property
    def _pictures(self) -> Lazy:
        if self._shape is None:
            return OwnSizes(self._encoded, self.n)
        return Lazy(self._encoded, self._shape[0], self._shape[2], self.n)

    def batches(self, size: int) -> Iterator[Batch]:
        pictures, labels = self._pictures, self._encoded.labels
        for start in range(0, len(pictures), size):
            stop = min(start + size, len(pictures))
            if isinstance(pictures, OwnSizes) and not pictures.one_size:
                part: Any = Several(pictures, self.name, range(start, stop))
            else:
                part = pictures[start:stop]
            yield Batch(part, None if labels is None else labels[start:stop])

    @cached_property
    def _sha256(self) -> str:
        return _sha256_of(self._encoded, self.n)

    def fingerprint(self) -> str:
        """64 hex digits that stand for these files alone, by their bytes: these are sooner read than decoded."""
        return self._sha256

    def identity(self) -> str:
        return f"images@{self._sha256[:8]}"


def _sha256_of(encoded: Encoded, n: int | None = None) -> str:
    """Of the bytes of the first n files. Where they lie and how they are called does not matter."""
    digest = hashlib.sha256()
    for index in range(len(encoded) if n is None else n):
        try:
            found = encoded.open(index)
            with io.BytesIO(found) if isinstance(found, bytes) else open(found, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except (DataError, OSError):  # another picture will stand in for it
            digest.update(encoded.name(index).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


class Dataset(Source):
    """A tf.data.Dataset of batches of images or of (images, labels): gone through once for each call of `batches`."""

    def __init__(self, dataset: Any, n: int | None) -> None:
        self.name, self.n, self._dataset = "tf.data", n, dataset
        self._hash, self._labels = hashlib.sha256(), hashlib.sha256()

    def batches(self, size: int) -> Iterator[Batch]:
        """The data set's own batches: their size is its own."""
        self._hash, self._labels, left = hashlib.sha256(), hashlib.sha256(), self.n
        for element in self._dataset.as_numpy_iterator():
            images, labels = element if isinstance(element, tuple) else (element, None)
            images = as_uint8(check.checked_images(images))[:left]
            labels = None if labels is None else np.asarray(labels).reshape(-1)[:left]
            self._hash.update(images.tobytes())
            self._labels.update(b"" if labels is None else labels.astype("int64").tobytes())
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
        found = self._hash.copy()
        if self._labels.digest() != hashlib.sha256().digest():
            found.update(self._labels.digest())
        return f"tf.data@{found.hexdigest()[:8]}"


AT_ONCE = 16  # batches that a model draws in one call, which then compiles its sampler and deals them to its devices


class Drawn(Source):
    """Images that a model draws: image i is a function of (weights, seed, i)."""

    def __init__(self, model: Any, n: int | None, seed: int) -> None:
        if n is None:
            raise MetricError("A model draws as many images as it is asked for: say how many, as in n=10000.")
        self.name, self.n, self._model, self._seed = getattr(model, "name", "model"), n, model, seed

    def batches(self, size: int) -> Iterator[Batch]:
        for start in range(0, self.n or 0, AT_ONCE * size):
            images, labels = self._drawn(start, min(AT_ONCE * size, (self.n or 0) - start), size)
            for first in range(0, len(images), size):
                part = slice(first, first + size)
                yield Batch(images[part], None if labels is None else labels[part])

    def _drawn(self, start: int, count: int, size: int) -> tuple[np.ndarray, np.ndarray | None]:
        """`count` images from number `start` on, and their labels."""
        from keras_gans import random

        model, classes = self._model, getattr(self._model, "num_classes", None)
        z = random.sample_latents(count, self._seed, model.latent, model.prior, start=start)
        labels = None if classes is None else np.arange(start, start + count, dtype="int32") % classes
        if hasattr(model, "prompted"):
            return model.prompted(z, start, batch_size=size), labels
        return model.generate(latents=z, labels=labels, batch_size=size), labels

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
        shape: (h, w, c) to which the images of files are brought; None: as they are, which may be of several sizes.
        split: of "tfds:NAME".

    Raises:
        MetricError, DataError: one sentence.
    """
    check_asked(n, seed)
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
            images = data.load(source, split=split, size=size, channels=channels)
            return Stored(images, n) if images.encoded is None else Files(images, n, shape)
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


def as_uint8(images: np.ndarray) -> np.ndarray:
    """uint8 images as they are, float in [-1, 1] as 0..255."""
    return images if images.dtype == np.uint8 else pixels.to_uint8(images, -1.0, 1.0)
