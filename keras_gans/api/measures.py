"""What `evaluate` can measure, by name: each a function of a `Subject` and a sampling seed that gives scores."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from keras_gans import metrics
from keras_gans.artifacts import MetricError
from keras_gans.metrics import prdc, sources
from keras_gans.metrics.features import Progress, features_of
from keras_gans.metrics.score import Score, protocol

log = logging.getLogger("keras_gans")


class Subject:
    """What is measured, and against what; each part is made when it is first asked for.

    Args:
        fake: what draws or holds the samples, as metrics take it.
        n: how many samples of a model; None: all that `fake` holds.
        extractor: of features; None where nothing asks for one.
        side: function that gives the `Reference` of the real images.
        real: function of a split's name that gives real images (`keras_gans.data.Images`), or None where only their
            statistics are known.
        batch_size, progress: as for the metrics.
    """

    def __init__(
        self,
        fake: Any,
        n: int | None,
        extractor: Any,
        side: Callable[[], Any],
        real: Callable[[str | None], Any] | None,
        batch_size: int,
        progress: Progress | None,
    ) -> None:
        self.fake, self.n, self.extractor, self.batch_size, self.progress = fake, n, extractor, batch_size, progress
        self._side, self._real = side, real
        self._features: tuple[int, np.ndarray] | None = None

    @cached_property
    def side(self) -> Any:
        return self._side()

    def real(self, split: str | None = None) -> Any:
        """The real images themselves. MetricError where only their statistics are known."""
        if self._real is None:
            raise MetricError(
                "This metric looks at the real images and only their statistics are at hand: say where they are, as in "
                "against='tfds:mnist' or a folder."
            )
        return self._real(split)

    def features(self, seed: int) -> np.ndarray:
        """The samples' features (n, d), drawn and read once a seed."""
        if self._features is None or self._features[0] != seed:
            _, rows = features_of(self.fake, self.extractor, self.n, seed, self.batch_size, self.progress)
            self._features = seed, rows
        return self._features[1]

    def images(self, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
        """(samples (n, h, w, c), their labels or None)."""
        opened = sources.open_source(self.fake, self.n, seed)
        batches = list(opened.batches(self.batch_size))
        labels = [batch.labels for batch in batches if batch.labels is not None]
        return np.concatenate([batch.images for batch in batches]), np.concatenate(labels) if labels else None

    def scores_of(self, measured: Any, seed: int) -> list[Score]:
        """Scores taken on bare features, with the names and hashes that their protocol needs."""
        found = measured(self.features(seed), self.side, seed=seed)
        parts = [found] if isinstance(found, Score) else list(found)
        return [_named(part, self.extractor, seed) for part in parts]


def _named(score: Score, extractor: Any, seed: int) -> Score:
    from dataclasses import replace

    text = score.protocol.replace("[", f"[{extractor.name}, ", 1)
    return replace(score, protocol=text, features=extractor.name, features_sha256=extractor.sha256, seed=seed)


def _fid(subject: Subject, seed: int) -> list[Score]:
    return subject.scores_of(metrics.frechet_distance, seed)


def _kid(subject: Subject, seed: int) -> list[Score]:
    return subject.scores_of(metrics.kernel_distance, seed)


def _prdc(subject: Subject, seed: int) -> list[Score]:
    """Of as many samples as there are real rows: neighbours' distances depend on how many there are."""
    rows = subject.features(seed)[: len(subject.side.rows)]
    return prdc.four_scores(rows, subject.side, subject.extractor, seed)


def _inception_score(subject: Subject, seed: int) -> list[Score]:
    found = metrics.inception_score(
        subject.fake,
        subject.extractor,
        n=subject.n,
        seed=seed,
        batch_size=subject.batch_size,
        progress=subject.progress,
    )
    return [found]


def _swd(subject: Subject, seed: int) -> list[Score]:
    """2,000 of each at most, 32 patches an image and 256 directions: minutes become seconds, and it stays steady."""
    images, _ = subject.images(seed)
    real = subject.real()
    count = min(2000, len(images), len(real))
    chosen = np.sort(np.random.default_rng(0).permutation(len(real))[:count])
    found = metrics.sliced_wasserstein(images[:count], _uint8(real.images[chosen]), patches=32, directions=256)
    identity = sources.Stored(real, None).identity()
    details = {f"level_{level}": value for level, value in found.items() if level != "mean"}
    text = protocol("swd", count, identity, "32 patches")
    return [Score("swd", text, found["mean"], n_real=count, n_fake=count, seed=seed, details=details)]


def _parzen(subject: Subject, seed: int) -> list[Score]:
    log.warning("%s", metrics.PARZEN_CAVEAT)
    test, validation = subject.real("test"), subject.real("train[-10000:]")
    if test.fingerprint() == validation.fingerprint():
        raise MetricError("parzen chooses its width on other real images than it tests: give against='tfds:NAME'.")
    found = metrics.parzen(subject.fake, test, validation, n=subject.n, seed=seed, progress=subject.progress)
    return [found]


def _accuracy(subject: Subject, seed: int) -> list[Score]:
    """Of a class-conditional model: the share of samples that the classifier reads as what was asked for."""
    images, labels = subject.images(seed)
    if labels is None or not hasattr(subject.extractor, "probabilities"):
        raise MetricError("accuracy takes a class-conditional model and a classifier of its classes: leave it out.")
    shaped = sources.brought_to(images, subject.extractor.image_shape)
    read = np.concatenate([subject.extractor.probabilities(shaped[i : i + 256]) for i in range(0, len(shaped), 256)])
    text = protocol("accuracy", subject.extractor.name, len(images))
    value = float(np.mean(read.argmax(axis=1) == labels))
    name, sha = subject.extractor.name, subject.extractor.sha256
    return [Score("accuracy", text, value, n_fake=len(images), seed=seed, features=name, features_sha256=sha)]


def classifier_for(image_shape: tuple[int, int, int], classes: int, seed: int) -> Any:
    """What learns from samples: a reader of digits for pictures of their shape, elsewhere a small residual network."""
    import keras

    from keras_gans import models

    keras.utils.set_random_seed(seed)
    if image_shape == models.LeNet.image_shape:
        classifier = models.LeNet(num_classes=classes)
    else:
        size, _, channels = image_shape
        classifier = models.ResidualNet(classes, size, channels, widths=(32, 64, 128), blocks=(1, 1, 1))
    classifier.compile(keras.optimizers.Adam(1e-3))
    return classifier


def _cas(subject: Subject, seed: int) -> list[Score]:
    images, labels = subject.images(seed)
    real = subject.real("test")
    if labels is None or real.labels is None:
        raise MetricError("cas takes a class-conditional model and real images with labels: leave it out.")
    classifier = classifier_for(images.shape[1:], int(real.labels.max()) + 1, seed)
    test = (_uint8(real.images[:]), real.labels)
    identity = sources.Stored(real, None).identity()
    return [metrics.classification_accuracy(classifier, (images, labels), test, identity=identity, seed=seed)]


def _one_nn(subject: Subject, seed: int) -> list[Score]:
    """Radford et al. 2015: samples and their classes teach a nearest-neighbour classifier of real test images."""
    images, labels = subject.images(seed)
    real = subject.real("test")
    if labels is None or real.labels is None:
        raise MetricError("one_nn takes a class-conditional model and real images with labels: leave it out.")
    found = metrics.one_nearest_neighbour((images, labels), (_uint8(real.images[:]), real.labels))
    text = protocol("one_nn", "pixels", len(images), sources.Stored(real, None).identity())
    details = {"distance": found.distance}
    return [Score("one_nn", text, found.accuracy, n_real=len(real), n_fake=len(images), seed=seed, details=details)]


def _memorized(subject: Subject, seed: int) -> list[Score]:
    """The share of 1,000 samples that are closer to a training image than 99 % of these to their nearest other."""
    images, _ = subject.images(seed)
    real = subject.real()
    images = images[:1000]
    found = metrics.memorization(images, _uint8(real.images[:]))
    text = protocol("memorized", "pixels", len(images), sources.Stored(real, None).identity())
    return [Score("memorized", text, found.share, n_real=len(real), n_fake=len(images), seed=seed)]


def _support(subject: Subject, seed: int) -> list[Score]:
    """By the birthday paradox; real images say what a duplicate is. Where none is found, a lower bound."""
    rows = subject.features(seed)[:5000]
    found = metrics.birthday(rows, subject.side.rows)
    text = protocol("support", subject.extractor.name, len(rows), subject.side.identity)
    details = {"low": found.support.low, "collisions": found.support.collisions}
    value = found.support.value if np.isfinite(found.support.value) else found.support.low
    name, sha = subject.extractor.name, subject.extractor.sha256
    return [
        Score("support", text, value, n_fake=len(rows), seed=seed, features=name, features_sha256=sha, details=details)
    ]


def _ms_ssim(subject: Subject, seed: int) -> list[Score]:
    images, _ = subject.images(seed)
    found = metrics.diversity(images, seed=seed)
    text = protocol("ms_ssim", f"{found.scales} scales", f"{found.pairs} pairs")
    return [Score("ms_ssim", text, found.value, n_fake=len(images), seed=seed)]


def _uint8(images: np.ndarray) -> np.ndarray:
    from keras_gans.data import to_uint8

    return images if images.dtype == np.uint8 else to_uint8(images, -1.0, 1.0)


#: name -> (function, whether it needs features, what it is).
MEASURES: dict[str, tuple[Callable[[Subject, int], list[Score]], bool, str]] = {
    "fid": (_fid, True, "Fréchet distance"),
    "kid": (_kid, True, "kernel distance"),
    "prdc": (_prdc, True, "precision, recall, density, coverage"),
    "is": (_inception_score, True, "Inception score"),
    "accuracy": (_accuracy, True, "samples read as the class that was asked for"),
    "swd": (_swd, False, "sliced Wasserstein distance"),
    "parzen": (_parzen, False, "Parzen-window log-likelihood"),
    "cas": (_cas, False, "classification accuracy of real images by a classifier that saw samples alone"),
    "support": (_support, True, "how many different images it draws"),
    "ms_ssim": (_ms_ssim, False, "likeness of samples to one another"),
    "one_nn": (_one_nn, False, "1-nearest-neighbour accuracy, trained on samples"),
    "memorized": (_memorized, False, "samples that repeat training images"),
}
