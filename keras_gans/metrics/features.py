"""From images to features: what the distances are taken between.

An extractor is any object with

    name           "tiny-v1"; it stands in the protocol
    sha256         of its weights, or None
    image_shape    (h, w, c) that images are brought to, or None: it takes any
    features(images)        uint8 (b, h, w, c) -> float (b, d)
    probabilities(images)   -> (b, classes): only classifiers have it

`keras_gans.feature_extractor` gives those by name; `Pixels` and `Discriminator` are here.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import check_asked, checked, first
from keras_gans.metrics.sources import Source, brought_to, open_source

BATCH = 64
_ROWS = 4096  # of features that are there already, at a time
_IN_MEMORY = 256 * 2**20  # bytes of features beyond which they go to a temporary file

Progress = Callable[[int, "int | None"], None]  # (images done, of how many)


class Pixels:
    """The pixels themselves, 0..1: needs no network, and sees no further than they do.

    image_shape: what images are brought to, which its name then holds: distances of pixels are of one size.
    """

    sha256 = None

    def __init__(self, image_shape: tuple[int, int, int] | None = None) -> None:
        self.image_shape = image_shape
        self.name = "pixels" if image_shape is None else f"pixels-{'x'.join(map(str, image_shape))}"

    def features(self, images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1).astype("float32") / 255.0


class Discriminator:
    """The hidden activations of a model's own discriminator (`gan.features`): comparable within one model only."""

    def __init__(self, gan: Any) -> None:
        self._gan, self.image_shape = gan, gan.image_shape
        tensors = gan.tensors()
        digest = hashlib.sha256()
        for name in sorted(name for name in tensors if name.startswith("discriminator/")):
            digest.update(name.encode() + tensors[name].tobytes())
        self.sha256 = digest.hexdigest()
        self.name = f"discriminator-{self.sha256[:8]}"
        self.probed_as = f"discriminator trained on {_seen(gan)}"  # where its weights are what is measured

    def features(self, images: np.ndarray) -> np.ndarray:
        return self._gan.features(images)


def _seen(model: Any) -> str:
    """What the weights were trained on, as a protocol says it: cifar10 train."""
    about, since = (getattr(model, "card", None) or {}).get("data", {}), list(getattr(model, "seen_since", None) or [])
    source = about.get("source", "")
    card = f"{source} {about.get('split')}" if source.startswith("tfds:") else about.get("seen", "unstated images")
    ran_by_card = not since and getattr(model, "steps_taken", False)  # `fit` would have said what it saw
    names = [*([card] if getattr(model, "has_card_weights", False) or ran_by_card else []), *since]
    return ", then ".join(name.removeprefix("tfds:") for name in names) or "nothing"


class Network:
    """A classifier of the zoo as an extractor.

    Args:
        model: with `image_shape`, `features(images)` and `probabilities(images)`.
        name: with its version, as in "lenet_mnist-v1".
        sha256: of its weights file.
    """

    def __init__(self, model: Any, name: str, sha256: str) -> None:
        self._model, self.name, self.sha256, self.image_shape = model, name, sha256, model.image_shape

    def features(self, images: np.ndarray) -> np.ndarray:
        return self._model.features(images)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        return self._model.probabilities(images)


def batches(
    source: Source,
    read: Callable[[np.ndarray], Any],
    shape: tuple[int, int, int] | None,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> Iterator[np.ndarray]:
    """What `read` gives for each batch of the source, checked: (b, d)."""
    done = 0
    for batch in source.batches(batch_size):
        found = checked(read(brought_to(batch.images, shape)), "features")
        done += len(found)
        yield found
        if progress is not None:
            progress(done, source.n)


def feature_batches(
    source: Any,
    extractor: Any,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> tuple[Source | None, Iterator[np.ndarray]]:
    """(source, features of each batch). Without an extractor, `source` has to be the features (n, d) themselves.

    Raises:
        MetricError: images without an extractor, or features with one; or n, seed or batch_size is no such number.
    """
    check_asked(n, seed, batch_size)
    if extractor is None:
        given = _given(source, n)
        return None, (given[start : start + _ROWS] for start in range(0, len(given), _ROWS))
    opened = open_source(source, n, seed, extractor.image_shape)
    return opened, batches(opened, extractor.features, extractor.image_shape, batch_size, progress)


def _given(source: Any, n: int | None) -> np.ndarray:
    array = source if isinstance(source, np.memmap) else np.asarray(source) if hasattr(source, "__array__") else None
    if array is None and isinstance(source, (list, tuple)):
        array = np.asarray(checked(source, "features"))
    if array is None or array.ndim != 2:
        what = f"an array of shape {array.shape}" if array is not None else f"a {type(source).__name__}"
        raise MetricError(
            f"Features (n, d) were wanted and {what} came: for images say which features, as in "
            'features=keras_gans.feature_extractor("tiny").'
        )
    return checked(first(array, n, "features"), "features")


class Store:
    """Rows that come in batches, kept as one array (n, d): in memory while they fit, then in a temporary file."""

    def __init__(self, in_memory: int = _IN_MEMORY) -> None:
        self._parts: list[np.ndarray] = []
        self._bytes, self._limit = 0, in_memory
        self._file: IO[bytes] | None = None
        self._n, self._d = 0, 0

    def add(self, rows: np.ndarray) -> None:
        rows = np.ascontiguousarray(rows, "float32")
        if self._n and rows.shape[1] != self._d:
            raise MetricError(f"Features of {self._d} numbers were wanted and {rows.shape[1]} came: give one kind.")
        self._n, self._d, self._bytes = self._n + len(rows), rows.shape[1], self._bytes + rows.nbytes
        if self._file is None and self._bytes > self._limit:
            self._file = tempfile.TemporaryFile(prefix="keras_gans_features_")  # noqa: SIM115 (as long as its rows)
            for part in self._parts:
                self._file.write(part.data)
            self._parts = []
        if self._file is None:
            self._parts.append(rows)
        else:
            self._file.write(rows.data)

    def array(self) -> np.ndarray:
        """float32 (n, d), after which nothing is added; MetricError where nothing was."""
        if not self._n:
            raise MetricError("Images were wanted and none came: give some.")
        if self._file is not None:
            with self._file as file:  # the map outlives it
                file.flush()
                self._parts, self._file = [np.memmap(file, "float32", "r", shape=(self._n, self._d))], None
        elif len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0]


def features_of(
    source: Any,
    extractor: Any,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> tuple[Source | None, np.ndarray]:
    """(source, all features (n, d)): an array, or one that is mapped from a temporary file."""
    check_asked(n, seed, batch_size)
    if extractor is None:
        return None, _given(source, n)
    opened, found = feature_batches(source, extractor, n, seed, batch_size, progress)
    store = Store()
    for rows in found:
        store.add(rows)
    return opened, store.array()


def identity_of(rows: np.ndarray, labels: np.ndarray | None = None) -> str:
    """What a protocol calls features that came as an array, with their labels where these have a part."""
    digest = hashlib.sha256(np.ascontiguousarray(rows).data)
    if labels is not None:
        digest.update(np.ascontiguousarray(labels, "int64").data)
    return f"given@{digest.hexdigest()[:8]}"
