"""Pictures that are too many to be held decoded: an array-like that decodes what it is asked for.

LSUN's three million bedrooms take 37 GB at 64 x 64 in colour. What is indexed is decoded anew each time, in threads,
as a folder's pictures are: the centre square, resized.
"""

from __future__ import annotations

import functools
import hashlib
import io
import logging
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_gans.artifacts import DataError
from keras_gans.data import images as pixels

if TYPE_CHECKING:
    from PIL import Image

log = logging.getLogger("keras_gans")

SKIPPED_AT_MOST = 0.01  # above this share, what cannot be read is no accident
_PROBED = 100  # pictures that are tried before training begins
_PROBED_BAD = 5  # of them fail once in 300 data sets of which 1 % is bad
_NAMED = 10  # warnings, one a picture; then silence


class Encoded(ABC):
    """Pictures as files are, in a fixed order. Safe to be read from several threads, and after a fork.

    title: what errors call the whole.
    labels: int32 (n,), or None; class_names: what label k means.
    """

    title: str
    labels: np.ndarray | None = None
    class_names: list[str] | None = None

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, index: int) -> str:
        """What errors call a picture."""

    @abstractmethod
    def open(self, index: int) -> str | bytes:
        """A picture's path or its bytes. DataError in one sentence that names it."""

    @abstractmethod
    def identity(self) -> Iterator[bytes]:
        """What tells these pictures from others without decoding them: names and sizes, say."""


class Lazy:
    """uint8 (n, size, size, channels), decoded as it is indexed: by a number, a slice or an array of numbers.

    A picture that cannot be read is replaced by the next of its class that can, is named in a warning and in
    `skipped`; more than 1 % of such are a DataError. So an epoch has as many images as there are names.
    """

    dtype = np.dtype("uint8")
    ndim = 4

    def __init__(self, encoded: Encoded, size: int, channels: int, count: int | None = None) -> None:
        """Args:
        encoded: the pictures.
        size, channels: of the images.
        count: the first so many; None: all.
        """
        self._encoded = encoded
        self.shape = (len(encoded) if count is None else min(count, len(encoded)), size, size, channels)
        self.skipped: list[tuple[str, str]] = []
        self._bad: set[int] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<Lazy {self._encoded.title}: {self.shape}>"

    def first(self, count: int) -> Lazy:
        """The first `count` pictures."""
        return Lazy(self._encoded, *self.shape[2:], count=min(count, len(self)))

    def at(self, size: int, channels: int) -> Lazy:
        """The same pictures at another size, from the files again."""
        return Lazy(self._encoded, size, channels, len(self))

    def fingerprint(self) -> str:
        """sha256 of the shape and of what the pictures are known by: names and sizes, not pixels."""
        digest = hashlib.sha256(f"lazy {self.shape}".encode())
        for part in self._encoded.identity():
            digest.update(part)
        return digest.hexdigest()

    def probe(self) -> None:
        """Decodes a spread of pictures, so that a wrong source is an error before anything is computed."""
        tried = np.unique(np.linspace(0, len(self) - 1, _PROBED, dtype="int64"))
        results = [self._decoded(int(i)) for i in tried]
        bad = [(self._encoded.name(int(i)), str(r)) for i, r in zip(tried, results, strict=True) if _is_error(r)]
        if len(bad) >= min(_PROBED_BAD, len(tried)):
            raise too_many_skipped(bad, len(tried), self._encoded.title)

    # --- indexing -------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> np.ndarray:
        if isinstance(key, int | np.integer):
            return self._decode(self._positions(np.array([key])))[0]
        if isinstance(key, slice):
            return self._decode(np.arange(*key.indices(len(self))))
        if isinstance(key, tuple):
            raise IndexError("Images that are decoded as they are asked for have one index, as in images[:8][:, ::2].")
        return self._decode(self._positions(np.asarray(key)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError(
                "Images that are decoded as they are asked for have no memory to share: let them be copied."
            )
        return self[:] if dtype is None else self[:].astype(dtype)

    def _positions(self, index: np.ndarray) -> np.ndarray:
        """An index of numbers or booleans, as numbers from 0 up."""
        n = len(self)
        if index.dtype == bool and index.shape == (n,):
            return np.flatnonzero(index)
        if index.ndim != 1 or (index.size and not np.issubdtype(index.dtype, np.integer)):
            raise IndexError(
                f"A slice, or an array of image numbers or of {n} booleans was wanted, and {index.dtype} of shape "
                f"{index.shape} came: index along the images alone."
            )
        outside = (index < -n) | (index >= n)
        if outside.any():
            raise IndexError(f"There are {n} images, and number {index[outside][0]} was asked for: stay below.")
        return np.where(index < 0, index + n, index)

    def _decode(self, index: np.ndarray) -> Any:
        return self._filled(np.empty((len(index), *self.shape[1:]), "uint8"), index)

    def _filled(self, out: Any, index: np.ndarray) -> Any:
        """`out`, an array or a list as long as `index`, with these images in it."""

        def fill(rows: range) -> None:
            for row in rows:
                out[row] = self._image(int(index[row]))

        workers = _workers()
        part = max(1, -(-len(index) // (4 * workers)))
        parts: Sequence[range] = [range(i, min(i + part, len(index))) for i in range(0, len(index), part)]
        if workers == 1 or len(parts) < 2:
            for rows in parts:
                fill(rows)
        else:
            list(_pool(os.getpid()).map(fill, parts))
        return out

    # --- one picture ----------------------------------------------------------------------------------

    def _image(self, index: int) -> np.ndarray:
        """The picture, or the next readable one of its class."""
        labels, n = self._encoded.labels, len(self)
        for step in range(n):
            other = (index + step) % n
            if other in self._bad or (labels is not None and labels[other] != labels[index]):
                continue
            found = self._decoded(other)
            if isinstance(found, np.ndarray):
                return found
            self._skip(other, found)
        of = "" if labels is None else f" of class {labels[index]}"
        raise DataError(f"{self._encoded.title} has no image{of} that can be read: choose another source.")

    def _decoded(self, index: int) -> np.ndarray | DataError:
        try:
            return self._shaped(pixels.decode(self._file(index), name=self._encoded.name(index)))
        except DataError as error:
            return error

    def _file(self, index: int) -> str | io.BytesIO:
        found = self._encoded.open(index)
        return io.BytesIO(found) if isinstance(found, bytes) else found

    def _shaped(self, image: Image.Image) -> np.ndarray:
        _, size, _, channels = self.shape
        return pixels.square(image, size, channels)

    def _skip(self, index: int, error: DataError) -> None:
        with self._lock:
            if index in self._bad:
                return
            self._bad.add(index)
            self.skipped.append((self._encoded.name(index), str(error)))
            if len(self.skipped) <= _NAMED:
                more = " Further ones are not named." if len(self.skipped) == _NAMED else ""
                log.warning("%s: another image stands in for one: %s%s", self._encoded.title, error, more)
            if len(self.skipped) > SKIPPED_AT_MOST * len(self):
                raise too_many_skipped(self.skipped, len(self), self._encoded.title)


class OwnSizes(Lazy):
    """Pictures at the sizes that they have. Where that is one size, they are indexed as `Lazy` is, and are in colour if
    one of them is. Where it is several, `shape` is (n, 0, 0, 0), and a slice gives a list of uint8 (h, w, c).
    """

    def __init__(self, encoded: Encoded, count: int | None = None) -> None:
        """Args: as for `Lazy`. Reads headers, until two sizes are found."""
        super().__init__(encoded, 0, 0, count)
        self.shape = (len(self), *self._one_shape())

    @property
    def one_size(self) -> bool:
        """Whether all of them have the same."""
        return self.shape[1] > 0

    def _one_shape(self) -> tuple[int, int, int]:
        height, width, channels = 0, 0, 0
        for index in range(len(self)):
            try:
                h, w, c = pixels.header(self._file(index), self._encoded.name(index))
            except DataError:  # another will stand in for it
                continue
            if channels and (h, w) != (height, width):
                return 0, 0, 0
            height, width, channels = h, w, max(c, channels)
        return height, width, channels

    def _decode(self, index: np.ndarray) -> Any:
        return super()._decode(index) if self.one_size else self._filled([None] * len(index), index)

    def _shaped(self, image: Image.Image) -> np.ndarray:
        return pixels.with_channels(np.asarray(image), self.shape[3] or None)


def _is_error(result: Any) -> bool:
    return isinstance(result, DataError)


def too_many_skipped(skipped: list[tuple[str, str]], count: int, title: str) -> DataError:
    """The error for more unreadable pictures than can be an accident."""
    reasons = " ".join(reason for _, reason in skipped[:3])
    return DataError(
        f"{title}: at least {len(skipped)} of {count} images cannot be read, and no more than 1 % may be "
        f"skipped. {reasons}"
    )


def _workers() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(32, cores or 1)


@functools.lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """The threads that decode, of this process: a fork leaves its parent's behind."""
    from PIL import Image

    Image.init()  # registers Pillow's formats before threads would
    return ThreadPoolExecutor(_workers(), thread_name_prefix="decode")
