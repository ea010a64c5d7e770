"""Images: a data set in memory, and its batches in an order that depends on the seed and the epoch alone."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from keras_gans.artifacts import DataError
from keras_gans.data import images as pixels
from keras_gans.data.batches import Batches, Rows, Spec
from keras_gans.data.lazy import Encoded, Lazy

Batch = np.ndarray | tuple[np.ndarray, np.ndarray]


class Decoded(NamedTuple):
    """What a source gives when it is read."""

    images: np.ndarray | Lazy  # (n, h, w, c)
    labels: np.ndarray | None  # (n,)
    skipped: list[tuple[str, str]]  # (file, reason)
    class_names: list[str] | None  # what label k means
    attributes: np.ndarray | None = None  # bool (n, k)
    attribute_names: list[str] | None = None  # of the k columns


# A source is read at a size and a number of channels; None keeps what is there.
Read = Callable[[int | None, int | None], Decoded]


class Images(Batches):
    """Images, with or without labels, decoded when first looked at and then kept, if there is room for them.

    Made by keras_gans.data.load. uint8 in [0, 255], or float32 in [-1, 1] where floats were given.
    """

    def __init__(
        self,
        source: np.ndarray | Read,
        labels: np.ndarray | None = None,
        *,
        name: str = "array",
        size: int | None = None,
        channels: int | None = None,
        flip: bool = False,
        count: Callable[[], int] | None = None,
        encoded: Encoded | None = None,
    ) -> None:
        """Args:
        source: checked images (n, h, w, c), or a function that reads them.
        labels: int32 (n,), where source is an array.
        name: where the images come from, for people ("tfds:mnist train").
        size, channels: what `source` is asked for, where it is a function.
        flip: whether `batches` mirrors images.
        count: says how many `source` will read, where that can be known before and is not the number of `encoded`.
        encoded: the pictures that `source` decodes, where they are files.
        """
        self.name, self.flip = name, flip
        self._wanted, self._count, self.encoded = (size, channels), count, encoded
        self._read = None if isinstance(source, np.ndarray) else source
        self._decoded = Decoded(source, labels, [], None) if isinstance(source, np.ndarray) else None
        self._fingerprint: str | None = None

    @classmethod
    def of(cls, decoded: Decoded, name: str, flip: bool = False) -> Images:
        """What a source gave, as Images."""
        other = cls(np.empty((0, 1, 1, 1), "uint8"), name=name, flip=flip)
        other._decoded = decoded
        return other

    def decoded(self) -> Decoded:
        """All of it; read now, if it was not."""
        return self._data()

    def _data(self) -> Decoded:
        if self._decoded is None:
            assert self._read is not None
            self._decoded = self._read(*self._wanted)
        return self._decoded

    @property
    def images(self) -> np.ndarray | Lazy:
        """uint8 [0, 255] or float32 [-1, 1], (n, h, w, c); `Lazy`, where memory would not hold them: index it."""
        return self._data().images

    @property
    def labels(self) -> np.ndarray | None:
        """int32 (n,), or None."""
        return self._data().labels

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """The files that could not be read, each with the reason; of `Lazy` images, those met so far."""
        return self._data().skipped

    @property
    def class_names(self) -> list[str] | None:
        """What label k means, or None."""
        return self._data().class_names

    @property
    def attributes(self) -> np.ndarray | None:
        """bool (n, k): which of `attribute_names` are true of each image; or None. No batch carries them."""
        return self._data().attributes

    @property
    def attribute_names(self) -> list[str] | None:
        """What column k of `attributes` says, or None."""
        return self._data().attribute_names

    @property
    def shape(self) -> tuple[int, int, int]:
        """(h, w, c)."""
        _, h, w, c = self.images.shape
        return h, w, c

    def __len__(self) -> int:
        return len(self.images)

    def count(self) -> int:
        """How many images, where it can be without decoding any: then those that cannot be read are among them."""
        if self._decoded is not None:
            return len(self)
        if self._count is not None:
            return self._count()
        return len(self) if self.encoded is None else len(self.encoded)

    def __repr__(self) -> str:
        # Printing must not decode a million files.
        what = "not read yet" if self._decoded is None else f"{len(self)} images {self.shape}"
        return f"<Images {self.name}: {what}>"

    def fingerprint(self) -> str:
        """sha256 of shapes, dtypes and bytes of images and labels, and of whether batches are mirrored.

        Equal if and only if training sees the same. Attributes are not part of it. `Lazy` images have their files'
        names and sizes instead of bytes (LSUN's ids, a .zip's checksums), for to read millions would take hours.
        """
        if self._fingerprint is None:
            digest = hashlib.sha256(b"flips" if self.flip else b"")
            for array in (self.images, self.labels):
                if isinstance(array, Lazy):
                    digest.update(array.fingerprint().encode())
                elif array is not None:
                    digest.update(f"{array.shape} {array.dtype.str}".encode())
                    for start in range(0, len(array), 1024):  # in pieces: a strided array is copied to be hashed
                        digest.update(np.ascontiguousarray(array[start : start + 1024]).data)
            self._fingerprint = digest.hexdigest()
        return self._fingerprint

    # --- other Images made of these -------------------------------------------------------------------

    def with_shape(self, size: int | None, channels: int | None) -> Images:
        """These images as (size, size, channels): the centre square, resized. None keeps what there is.

        What is read from files is read again at the new size, so that nothing is ever resized twice.
        """
        if self._has_shape(size, channels):
            return self
        if self._read is not None and (self._decoded is None or self._wanted != (None, None)):
            wanted = (size or self._wanted[0], channels or self._wanted[1])
            return Images(
                self._read,
                name=self.name,
                size=wanted[0],
                channels=wanted[1],
                flip=self.flip,
                count=self._count,
                encoded=self.encoded,
            )
        images, (h, w, c) = self.images, self.shape
        if size is None and h != w:
            raise DataError(f"Square images were wanted and {w}x{h} came: say which size, as in size={min(h, w)}.")
        if isinstance(images, Lazy):
            return self._replace_images(images.at(size or h, channels or c))
        return self._replace_images(pixels.resize(images, size or h, channels or c))

    def _has_shape(self, size: int | None, channels: int | None) -> bool:
        if self._decoded is None:
            have: tuple[int | None, int | None, int | None] = (self._wanted[0], *self._wanted)
        else:
            have = self.shape
        return all(want in (None, got) for want, got in zip((size, size, channels), have, strict=True))

    def take(self, limit: int) -> Images:
        """The first `limit` images, or all if there are fewer."""
        if self._decoded is not None and len(self) <= limit:
            return self
        data = self._data()
        labels = None if data.labels is None else data.labels[:limit]
        attributes = None if data.attributes is None else data.attributes[:limit]
        images = data.images.first(limit) if isinstance(data.images, Lazy) else data.images[:limit]
        return self._replace(data._replace(labels=labels, attributes=attributes))._replace_images(images)

    def with_flips(self, flip: bool = True) -> Images:
        """The same images, whose batches mirror each image left to right, or not, by (seed, epoch, image).

        `images`, and what is evaluated, stay as they are.
        """
        if flip == self.flip:
            return self
        other = copy.copy(self)
        other.flip, other._fingerprint = flip, None
        return other

    def without_labels(self) -> Images:
        """The same images, drawn without labels."""
        return self if self.labels is None else self._replace(self._data()._replace(labels=None))

    def _replace_images(self, images: np.ndarray | Lazy) -> Images:
        skipped = images.skipped if isinstance(images, Lazy) else self.skipped
        return self._replace(self._data()._replace(images=images, skipped=skipped))

    def _replace(self, decoded: Decoded) -> Images:
        return Images.of(decoded, self.name, self.flip)

    # --- batches --------------------------------------------------------------------------------------

    def spec(self) -> list[Spec]:
        """Images, and labels where there are some."""
        images: Spec = (self.shape, str(self.images.dtype))
        return [images] if self.labels is None else [images, ((), "int32")]

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yields every image once, in order; the last batch is smaller where they do not divide."""
        for start in range(0, len(self), batch_size):
            part, labels = slice(start, start + batch_size), self.labels
            yield self.images[part] if labels is None else (self.images[part], labels[part])

    def steps_in_order(self, batch_size: int) -> int:
        """How many batches `in_order` yields."""
        return -(-len(self) // batch_size)

    def steps_per_epoch(self, batch_size: int) -> int:
        """Whole batches in an epoch; the rest, others each epoch, is dropped. DataError if there is none."""
        if batch_size < 1:
            raise ValueError(f"batch_size is at least 1, and {batch_size} came: give another.")
        steps = len(self) // batch_size
        if steps == 0:
            raise DataError(
                f"A batch takes {batch_size} images and {self.name} has {len(self)}: lower batch_size or add images."
            )
        return steps

    def batches(
        self,
        batch_size: int,
        seed: int = 0,
        start: int = 0,
        stop: int | None = None,
        rows: Rows | None = None,
        flip: bool | None = None,
    ) -> Iterator[Batch]:
        """Yields images (b, h, w, c), or (images, labels), for the global steps `start` to before `stop`.

        Step s is batch s % steps_per_epoch of epoch s // steps_per_epoch, and what is in it depends on (seed,
        epoch) alone: a run that is resumed at step s sees what it would have seen.

        Args:
            batch_size: images a batch; always whole.
            seed: of the order and the flips, 0 or above.
            start: the global step to begin at.
            stop: the global step to end before, however many epochs on; None: the end of start's epoch.
            rows: (first, last): of each batch only these, one of several processes' part of it. None: all.
            flip: mirrors each image left to right, or not, by (seed, epoch, image). None: as these Images do.
        """
        flip = self.flip if flip is None else flip
        steps = self.steps_per_epoch(batch_size)
        if seed < 0 or start < 0:
            raise ValueError(f"seed and start are 0 or above, and {seed} and {start} came: give others.")
        if stop is None:
            stop = (start // steps + 1) * steps
        return self._batches(batch_size, steps, seed, start, stop, rows or (0, batch_size), flip)

    def _batches(
        self, batch_size: int, steps: int, seed: int, start: int, stop: int, rows: Rows, flip: bool
    ) -> Iterator[Batch]:
        images, labels = self.images, self.labels
        step = start
        while step < stop:
            epoch, first = divmod(step, steps)
            order = epoch_order(len(images), seed, epoch)
            mirrored = epoch_flips(len(images), seed, epoch) if flip else None
            for offset in range(first, min(steps, first + stop - step)):
                index = order[offset * batch_size :][rows[0] : rows[1]]
                batch = images[index]
                if mirrored is not None:
                    turn = mirrored[index]
                    batch[turn] = batch[turn, :, ::-1]
                yield batch if labels is None else (batch, labels[index])
                step += 1


def epoch_order(n: int, seed: int, epoch: int) -> np.ndarray:
    """The permutation of n images in an epoch: int64 (n,)."""
    return philox(seed, epoch, 0).permutation(n)


def epoch_flips(n: int, seed: int, epoch: int) -> np.ndarray:
    """Which images are mirrored in an epoch, by their number in the data set: bool (n,)."""
    return philox(seed, epoch, 1).random(n) < 0.5


def philox(seed: int, epoch: int, stream: int) -> np.random.Generator:
    """Draws of one kind (the stream) in an epoch, the same on every machine.

    Philox counts in 256 bits; the highest word tells order from flips, so that they share no draws. Streams 0 and 1 are
    taken here, 2 and 3 by keras_gans.training.mixing, 4 by keras_gans.data.patches, 5 to 7 by
    keras_gans.data.captioned.
    """
    key: Any = np.array([seed, epoch], "uint64")
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, stream]))
