"""How long a measurement will take, said before it starts: one batch of everything, scaled by what each metric does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from keras_gans import data
from keras_gans.artifacts import KerasGansError
from keras_gans.metrics import sources

_OPEN, _DECODE = 1.0, 1 / 4000  # seconds that TFDS takes, and each of its images, of some 32 to 64 pixels
_SORT = 1e-7  # seconds a value takes to be sorted
_PROBE_PRODUCTS = 12_000  # of a feature of an image: 5 fits of 8 Newton steps of 15 there and back, for 10 classes
_CAS_STEPS = 2000


class Paces:
    """Seconds that single things take, each measured when it is first asked for.

    Args:
        subject: what is measured (`keras_gans.api.measures.Subject`).
        unread: the source of real images that features are still to be taken of, or None.
    """

    def __init__(self, subject: Any, unread: sources.Source | None) -> None:
        self.subject, self.unread = subject, unread

    @cached_property
    def n(self) -> int | None:
        """How many samples a seed has; None where nobody knows."""
        fake = self.subject.fake
        if self.subject.n is not None or hasattr(fake, "generate"):
            return self.subject.n
        if isinstance(fake, (str, os.PathLike)):
            return data.load(fake).count()
        return sources.open_source(fake).n

    @cached_property
    def _first(self) -> sources.Source:
        """The source of a batch of samples."""
        fake, size = self.subject.fake, min(self.subject.batch_size, self.n or self.subject.batch_size)
        extractor = self.subject.extractor
        shape = None if extractor is None else extractor.image_shape
        if not isinstance(fake, (str, os.PathLike)):
            return sources.open_source(fake, size)
        side, channels = (shape[0], shape[2]) if shape else (None, None)
        images = data.load(fake, size=side, channels=channels, limit=size)
        return sources.Stored(images, None) if images.encoded is None else sources.Files(images, None, shape)

    @cached_property
    def _drawn(self) -> tuple[sources.Batch, float]:
        batch, seconds = _second(lambda: next(iter(self._first.batches(self.subject.batch_size))))
        return batch, seconds / len(batch.images)

    @property
    def batch(self) -> sources.Batch:
        """Some samples."""
        return self._drawn[0]

    @property
    def draw(self) -> float:
        """To draw a sample, or to decode one."""
        return self._drawn[1]

    def _look(self, look: Callable[[Any], Any], shape: Any) -> tuple[Any, float]:
        images = sources.brought_to(self.batch.images, shape)
        found, seconds = _second(lambda: look(images))
        return found, seconds / len(images)

    @cached_property
    def _read(self) -> tuple[Any, float]:
        return self._look(self.subject.extractor.features, self.subject.extractor.image_shape)

    @property
    def read(self) -> float:
        """To take the features of an image."""
        return self._read[1]

    @property
    def d(self) -> int:
        """How many features an image has."""
        return self._read[0].shape[1]

    @cached_property
    def judge(self) -> float:
        """To take the probabilities of an image."""
        return self._look(self.subject.extractor.probabilities, self.subject.extractor.image_shape)[1]

    @cached_property
    def discriminator(self) -> tuple[int, float]:
        """(numbers, seconds) of the discriminator's features of an image."""
        found, seconds = self._look(self.subject.fake.features, None)
        return found.shape[1], seconds

    @property
    def pixels(self) -> int:
        """How many numbers an image has."""
        return int(np.prod(self.batch.images[0].shape))

    @cached_property
    def product(self) -> float:
        """A product and a sum within a product of float32 matrices."""
        a = np.ones((1024, 512), "float32")
        return _second(lambda: a @ a.T)[1] / (1024 * 1024 * 512)

    @cached_property
    def power(self) -> float:
        """An exponential, with what a Parzen window does around it."""
        x = np.linspace(-9.0, 0.0, 2**18)
        return 3 * _second(lambda: np.exp(x))[1] / len(x)

    @cached_property
    def likeness(self) -> float:
        """The MS-SSIM of two images."""
        from keras_gans import metrics

        first = self.batch.images[0]
        return _second(lambda: metrics.ms_ssim(first, first))[1]

    @cached_property
    def step(self) -> float:
        """A step in which a classifier learns from 100 samples."""
        from keras_gans.api.measures import classifier_for

        images = np.zeros((500, *self.batch.images[0].shape), "uint8")
        classes = 2 if self.batch.labels is None else max(2, int(self.batch.labels.max()) + 1)
        labels, classifier = np.arange(500) % classes, classifier_for(images.shape[1:], classes, 0)
        return _second(lambda: classifier.fit(images, labels, batch_size=100, epochs=1, verbose=0))[1] / 5

    def real(self, *splits: str | None) -> int:
        """How many real images these splits have."""
        return sum(self.subject.real(split).count() for split in splits)

    def opening(self, split: str | None) -> float:
        """To decode the real images of a split, where these are files."""
        images = self.subject.real(split)
        if images.encoded is None:
            return _OPEN + _DECODE * images.count() if images.name.startswith("tfds:") else 0.0
        shape = getattr(self.subject.fake, "image_shape", (64, 64, 3))
        few = sources.Files(images, min(32, images.count()), shape)
        return images.count() * _an_image(few)

    @cached_property
    def reading(self) -> float:
        """To take the features of the real images."""
        if self.unread is None or not self.unread.n:
            return 0.0
        return self.unread.n * (_an_image(self.unread) + self.read)


def _second(run: Callable[[], Any]) -> tuple[Any, float]:
    """(what it gives, seconds) of the second time: the first one builds what it needs."""
    run()
    began = time.perf_counter()
    return run(), time.perf_counter() - began


def _an_image(source: sources.Source) -> float:
    """Seconds that an image of a source takes to be there."""
    batch, seconds = _second(lambda: next(iter(source.batches(32))))
    return seconds / len(batch.images)


class Cost(NamedTuple):
    """own: the seconds that a metric takes by itself, for one seed; splits: of the real images, that it looks at."""

    own: Callable[[Paces, int], float]
    splits: tuple[str | None, ...] = ()


def _fid(p: Paces, n: int) -> float:
    return (n * p.d**2 + 20 * p.d**3) * p.product


def _kid(p: Paces, n: int) -> float:
    return 300 * min(n, 1000) ** 2 * (2 * p.d * p.product + p.power)


def _prdc(p: Paces, n: int) -> float:
    return 6 * min(n, 5000) ** 2 * (p.d * p.product + p.power)


def _support(p: Paces, n: int) -> float:
    return 2 * min(n, 5000) ** 2 * p.d * p.product


def _inception_score(p: Paces, n: int) -> float:
    return n * (p.draw + p.judge)


def _accuracy(p: Paces, n: int) -> float:
    return n * p.judge


def _swd(p: Paces, n: int) -> float:
    """2,000 images a side, 32 patches an image, 256 directions, down to 16 pixels."""
    levels = max(1, int(np.log2(p.batch.images.shape[1])) - 3)
    return levels * 2 * min(n, 2000) * 32 * 256 * _SORT


def _parzen(p: Paces, n: int) -> float:
    """Ten widths on 1,000 images, one on all of the test's."""
    tests = p.real("test")
    return n * p.draw + (tests + 10_000) * n * p.power + 2 * (tests + 1000) * n * p.pixels * p.product


def _cas(p: Paces, n: int) -> float:
    if p.batch.labels is None:
        return 0.0
    return max(_CAS_STEPS, n // 100) * p.step


def _one_nn(p: Paces, n: int) -> float:
    return p.real("test") * n * p.pixels * p.product


def _memorized(p: Paces, n: int) -> float:
    """10,000 real images and 1,000 samples, to all real ones; where products leave something open, again."""
    count = p.real(None)
    return 1.7 * (min(count, 10_000) + min(n, 1000)) * count * p.pixels * p.product


def _ms_ssim(p: Paces, n: int) -> float:
    return min(1000, n * (n - 1) / 2) * p.likeness


def _probe(p: Paces, n: int) -> float:
    if not hasattr(p.subject.fake, "feature_layers"):
        return 0.0
    count, (numbers, seconds) = p.real("train", "test"), p.discriminator
    return count * (seconds + numbers * (_PROBE_PRODUCTS + numbers) * p.product)


COSTS = {
    "fid": Cost(_fid),
    "kid": Cost(_kid),
    "prdc": Cost(_prdc),
    "support": Cost(_support),
    "is": Cost(_inception_score),
    "accuracy": Cost(_accuracy),
    "swd": Cost(_swd, (None,)),
    "parzen": Cost(_parzen, ("test", "train[-10000:]")),
    "cas": Cost(_cas, ("test",)),
    "one_nn": Cost(_one_nn, ("test",)),
    "ms_ssim": Cost(_ms_ssim),
    "memorized": Cost(_memorized, (None,)),
    "probe": Cost(_probe, ("train", "test")),
}


def said(subject: Any, names: Sequence[str], seeds: int, unread: sources.Source | None = None) -> str:
    """What will be done and how long it takes: "fid, kid: 5 x 10,000 samples, about 2 min".

    Args:
        subject: what is measured (`keras_gans.api.measures.Subject`).
        names: of metrics, keys of `COSTS`.
        seeds: how many sampling seeds.
        unread: the source of real images that features are still to be taken of, or None.
    """
    paces, text = Paces(subject, unread), ", ".join(names)
    drawn = hasattr(subject.fake, "generate")
    if not paces.n:
        return f"{text}: as many images as come"
    text += f": {seeds} x {paces.n:,} samples" if drawn else f": {paces.n:,} images"
    if unread is not None and unread.n:
        text += f" and {unread.n:,} real ones"
    return f"{text}, about {duration(seconds(paces, names, seeds))}"


def seconds(paces: Paces, names: Sequence[str], seeds: int) -> float:
    """The sum. What cannot be measured counts nothing here: it says so when its turn comes."""
    from keras_gans.api.measures import MEASURES

    n = paces.n or 0
    looks = {MEASURES[name].looks_at for name in names}
    parts: list[Callable[[], float]] = [partial(paces.opening, split) for split in _splits(names)]
    if "features" in looks:
        parts += [lambda: paces.reading, lambda: seeds * n * (paces.draw + paces.read)]
    if "images" in looks:
        parts.append(lambda: seeds * n * paces.draw)
    for name in names:
        times = 1 if MEASURES[name].once else seeds
        parts += [partial(COSTS[name].own, paces, n)] * times
    total = 0.0
    for part in parts:
        with suppress(KerasGansError, ValueError):
            total += part()
    return total


def _splits(names: Sequence[str]) -> list[str | None]:
    return list(dict.fromkeys(split for name in names for split in COSTS[name].splits))


def said_of_pairs(model: Any, folder: Any, names: Sequence[str]) -> str:
    """The same of a model that upscales, on a folder with HR/ and LRx4/: "psnr, ssim: 14 images, about 20 s"."""
    from keras_gans import metrics
    from keras_gans.api.pairs import pairs

    found, area = pairs(folder, model.scale), 0
    for name, path, _ in found:
        with suppress(KerasGansError):  # which is said when its turn comes
            height, width, _ = data.images.header(path, name)
            area += height * width
    small = np.zeros((48, 48, 3), "uint8")

    def measure() -> None:
        large = model.upscale(small)
        for image in (large, data.bicubic(small, scale=model.scale)):
            metrics.ssim(image, large)

    total = _second(measure)[1] * area / small[..., 0].size
    return f"{', '.join(names)}: {len(found)} images, about {duration(total)}"


def duration(seconds: float) -> str:
    """ "90 s", "3 min", "2 h"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
