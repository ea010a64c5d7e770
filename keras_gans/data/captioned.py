"""Pictures with sentences about them: what text-to-image models learn from."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from keras_gans.artifacts import DataError
from keras_gans.data import text
from keras_gans.data.batches import Batches, Rows, Spec
from keras_gans.data.pipeline import epoch_flips, epoch_order, philox

MARGIN = 76 / 64  # released code (Reed et al. 2016): loaded at 76 pixels, of which random squares of 64 are shown
AVERAGED = 4  # released code: a picture's condition is the mean of four of its captions

_PLACE, _CAPTION, _WRONG = 5, 6, 7  # streams of an epoch's draws: see pipeline.philox

Pair = tuple[np.ndarray, np.ndarray]


class Captioned(Batches):
    """Pictures, each with captions, and of one class where classes are known.

    A batch is (images, conditions): uint8 (b, crop, crop, 3), random squares of the pictures, mirrored at random; and
    (b, 2, ...), a right caption of each and a wrong one, which is another class's (or picture's): as text, uint8
    (b, 2, 201), or, after `with_vectors`, float32 (b, 2, d).
    """

    def __init__(
        self,
        images: np.ndarray,
        captions: Sequence[Sequence[str]],
        labels: np.ndarray | None = None,
        *,
        name: str = "arrays",
        crop: int | None = None,
        flip: bool = True,
        averaged: int = AVERAGED,
        class_names: Sequence[str] | None = None,
    ) -> None:
        """Args:
        images: uint8 (n, h, h, 3).
        captions: of each picture one or more.
        labels: int (n,), or None.
        name: where they come from, for people.
        crop: side of the squares; None: h.
        flip: whether batches mirror.
        averaged: of how many captions' vectors a condition is the mean.
        class_names: what label k means.
        """
        self.images, self.name, self.flip, self.averaged = images, name, flip, averaged
        self.captions = [text.checked(of_one) for of_one in captions]
        self.crop = images.shape[1] if crop is None else crop
        self.labels = None if labels is None else np.asarray(labels, "int32")
        self.class_names = None if class_names is None else list(class_names)
        self.check()
        self._ends = np.cumsum([len(of_one) for of_one in self.captions])  # captions are numbered through
        self._vectors: np.ndarray | None = None
        self._make_vectors: Callable[[], np.ndarray] | None = None
        self._symbols: np.ndarray | None = None
        self._fingerprint: str | None = None
        self._last: tuple[tuple[int, int, int], _Epoch] | None = None
        self._others = _Others(self.labels, len(images))

    def check(self) -> None:
        """DataError unless every picture has a caption, and there are two pictures."""
        if len(self.captions) != len(self.images):
            raise DataError(
                f"{self.name}: captions of each picture were wanted, and {len(self.images)} pictures and captions of "
                f"{len(self.captions)} came: match them."
            )
        bare = sum(not of_one for of_one in self.captions)
        if bare:
            raise DataError(f"{self.name}: {bare} of {len(self.images)} pictures have no caption: give each one.")
        if len(self.images) < 2:
            raise DataError(f"{self.name}: a wrong caption is another picture's, and there are {len(self.images)}.")
        if not 0 < self.crop <= self.images.shape[1]:
            raise DataError(f"{self.name}: crop is at most the pictures' {self.images.shape[1]}, and {self.crop} came.")

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"<Captioned {self.name}: {len(self)} pictures, {self._ends[-1]} captions, {self.crop}x{self.crop}>"

    @property
    def sentences(self) -> list[str]:
        """All captions, picture by picture."""
        return [caption for of_one in self.captions for caption in of_one]

    def of_picture(self, index: int) -> slice:
        """Which of `sentences`, and of the vectors, are a picture's."""
        return slice(int(self._ends[index - 1]) if index else 0, int(self._ends[index]))

    def fingerprint(self) -> str:
        """sha256 of all that training sees but vectors, which a model makes of the captions."""
        if self._fingerprint is None:
            digest = hashlib.sha256(f"captioned {self.crop} {self.flip} {self.averaged}".encode())
            for array in (self.images, self.labels):
                if array is not None:
                    digest.update(f"{array.shape} {array.dtype.str}".encode())
                    digest.update(np.ascontiguousarray(array).data)
            for of_one in self.captions:
                digest.update("\0".join([*of_one, ""]).encode("utf-8", "surrogatepass") + b"\1")
            self._fingerprint = digest.hexdigest()
        return self._fingerprint

    # --- others made of these -------------------------------------------------------------------------

    def with_vectors(self, vectors: np.ndarray | Callable[[], np.ndarray]) -> Captioned:
        """The same pictures, whose conditions are vectors, float (number of captions, d), in the order of `sentences`.

        A picture's right vector is then the mean of `averaged` of its captions' (of all, where it has fewer), drawn
        anew each epoch; the wrong one is the same of another picture.

        Args:
            vectors: an array, or a function that gives it when the first batch is made.
        """
        other = copy.copy(self)
        other._vectors, other._make_vectors = None, vectors if callable(vectors) else lambda: vectors
        if not callable(vectors):
            other.vectors()
        return other

    def vectors(self) -> np.ndarray | None:
        """float32 (number of captions, d), or None where conditions are text. DataError for others than those."""
        if self._vectors is None and self._make_vectors is not None:
            vectors, wanted = np.asarray(self._make_vectors(), "float32"), int(self._ends[-1])
            if vectors.ndim != 2 or len(vectors) != wanted or not np.isfinite(vectors).all():
                raise DataError(
                    f"{self.name}: finite vectors of {wanted} captions were wanted and {vectors.shape} came: give a "
                    "row for each."
                )
            self._vectors = vectors
        return self._vectors

    def with_shape(self, size: int) -> Captioned:
        """The same pictures for a model of this size: squares of it. DataError where they are smaller."""
        if size == self.crop:
            return self
        if size > self.images.shape[1]:
            raise DataError(
                f"{self.name}: pictures of at least {size}x{size} were wanted and these have {self.images.shape[1]}: "
                f"load them with size={size}."
            )
        other = copy.copy(self)
        other.crop, other._fingerprint = size, None
        return other

    @property
    def has_vectors(self) -> bool:
        """Whether conditions are vectors, made or still to be made."""
        return self._make_vectors is not None

    def with_averaged(self, averaged: int) -> Captioned:
        """The same pictures, whose conditions are means of so many captions' vectors."""
        if isinstance(averaged, bool) or not isinstance(averaged, int) or averaged < 1:
            raise DataError(f"averaged is a number of captions, at least 1, and {averaged!r} came: give another.")
        other = copy.copy(self)
        other.averaged, other._fingerprint, other._last = averaged, None, None
        return other

    def with_flips(self, flip: bool = True) -> Captioned:
        """The same pictures, whose batches mirror or do not."""
        other = copy.copy(self)
        other.flip, other._fingerprint = flip, None
        return other

    # --- batches --------------------------------------------------------------------------------------

    def spec(self) -> list[Spec]:
        condition: Spec = ((2, text.LENGTH), "uint8")
        vectors = self.vectors()
        if vectors is not None:
            condition = ((2, vectors.shape[1]), "float32")
        return [((self.crop, self.crop, 3), "uint8"), condition]

    def steps_per_epoch(self, batch_size: int) -> int:
        if batch_size < 1:
            raise ValueError(f"batch_size is at least 1, and {batch_size} came: give another.")
        if len(self) < batch_size:
            raise DataError(f"A batch takes {batch_size} pictures and {self.name} has {len(self)}: lower batch_size.")
        return len(self) // batch_size

    def batches(
        self, batch_size: int, seed: int = 0, start: int = 0, stop: int | None = None, rows: Rows | None = None
    ) -> Iterator[Pair]:
        """Yields (images, conditions) for the global steps `start` to before `stop`; None: to the end of the epoch."""
        steps = self.steps_per_epoch(batch_size)
        stop = (start // steps + 1) * steps if stop is None else stop
        for step in range(start, stop):
            drawn, index = self._drawn(step, batch_size, seed)
            index = index[slice(*(rows or (0, batch_size)))]
            yield self.squares(index, drawn.places[index], drawn.mirrored[index]), self._conditions(drawn, index)

    def _drawn(self, step: int, batch_size: int, seed: int) -> tuple[_Epoch, np.ndarray]:
        """(what is drawn for the epoch of a global step, the pictures of that step). An epoch is drawn once."""
        epoch, offset = divmod(step, self.steps_per_epoch(batch_size))
        key = (seed, epoch, self.crop)
        if self._last is None or self._last[0] != key:
            self._last = key, _Epoch(self, seed, epoch)
        drawn = self._last[1]
        return drawn, drawn.order[offset * batch_size : (offset + 1) * batch_size]

    def pairs(self, step: int, batch_size: int, seed: int, views: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(pictures (b,), a caption's symbols of each (b, 201), numbers (b,) below `views`) of a global step."""
        drawn, index = self._drawn(step, batch_size, seed)
        counts = np.array([len(self.captions[picture]) for picture in index])
        chosen = self._ends[index] - counts + (drawn.captions[index, 0] * counts).astype("int64")
        return index, self.symbols()[chosen], (drawn.captions[index, 1] * views).astype("int64")

    def squares(self, index: np.ndarray, places: np.ndarray, mirrored: np.ndarray | None = None) -> np.ndarray:
        """uint8 (b, crop, crop, 3): of the pictures `index`, from the corners `places` (b, 2)."""
        found = np.empty((len(index), self.crop, self.crop, 3), "uint8")
        for row, (picture, (top, left)) in enumerate(zip(index, places, strict=True)):
            found[row] = self.images[picture, top : top + self.crop, left : left + self.crop]
        if self.flip and mirrored is not None:
            found[mirrored] = found[mirrored, :, ::-1]
        return found

    def middles(self, index: np.ndarray) -> np.ndarray:
        """uint8 (b, crop, crop, 3): the middle of the pictures `index`."""
        corner = (self.images.shape[1] - self.crop) // 2
        return self.squares(index, np.full((len(index), 2), corner))

    def _conditions(self, drawn: _Epoch, index: np.ndarray) -> np.ndarray:
        pictures = np.stack([index, drawn.wrong[index]], axis=1)  # (b, 2)
        return np.stack([[self._condition(int(p), drawn.captions[p]) for p in pair] for pair in pictures])

    def _condition(self, picture: int, random: np.ndarray) -> np.ndarray:
        """A caption's symbols, or the mean of some of its vectors. random: (at least `averaged`,) in [0, 1)."""
        part = self.of_picture(picture)
        count = part.stop - part.start
        vectors = self.vectors()
        if vectors is None:
            return self.symbols()[part.start + int(random[0] * count)]
        if count <= self.averaged:
            return vectors[part].mean(axis=0)
        left = list(range(part.start, part.stop))
        return vectors[[left.pop(int(r * len(left))) for r in random[: self.averaged]]].mean(axis=0)

    def symbols(self) -> np.ndarray:
        """uint8 (number of captions, 201): all captions as `text.encode` gives them."""
        if self._symbols is None:
            self._symbols = text.encode(self.sentences)
        return self._symbols

    def in_order(self, batch_size: int) -> Iterator[Pair]:
        """Yields every picture's middle once, with captions that stay the same."""
        drawn = _Epoch(self, 0, 0)
        for start in range(0, len(self), batch_size):
            index = np.arange(start, min(start + batch_size, len(self)))
            yield self.middles(index), self._conditions(drawn, index)

    def steps_in_order(self, batch_size: int) -> int:
        return -(-len(self) // batch_size)


class _Epoch:
    """What is drawn for an epoch, by (seed, epoch) alone: of each picture where, whether mirrored, which captions."""

    def __init__(self, data: Captioned, seed: int, epoch: int) -> None:
        n, room = len(data), data.images.shape[1] - data.crop + 1
        self.order, self.mirrored = epoch_order(n, seed, epoch), epoch_flips(n, seed, epoch)
        self.places = philox(seed, epoch, _PLACE).integers(0, room, (n, 2))
        self.captions = philox(seed, epoch, _CAPTION).random((n, max(AVERAGED, data.averaged)))
        self.wrong = data._others.draw(philox(seed, epoch, _WRONG).random(n))


class _Others:
    """Draws, for each picture, one of another class; where there are no classes, or one, another picture."""

    def __init__(self, labels: np.ndarray | None, n: int) -> None:
        labels = np.arange(n) if labels is None or (labels == labels[0]).all() else labels
        self._sorted = np.argsort(labels, kind="stable")
        self._begin = np.searchsorted(labels[self._sorted], labels, side="left")
        self._end = np.searchsorted(labels[self._sorted], labels, side="right")

    def draw(self, random: np.ndarray) -> np.ndarray:
        """int (n,), from numbers (n,) in [0, 1)."""
        size = self._end - self._begin
        place = (random * (len(random) - size)).astype("int64")
        place += np.where(place >= self._begin, size, 0)  # past the pictures of its own class
        return self._sorted[place]
