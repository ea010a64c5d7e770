"""What `evaluate` can measure, by name: each a function of a `Subject` and a sampling seed that gives scores."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

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
        self._splits: dict[str | None, Any] = {}
        self._features: tuple[int, np.ndarray] | None = None
        self._images: tuple[int, np.ndarray, np.ndarray | None] | None = None

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
        if split not in self._splits:
            self._splits[split] = self._real(split)
        return self._splits[split]

    def features(self, seed: int) -> np.ndarray:
        """The samples' features (n, d), drawn and read once a seed."""
        if self._features is None or self._features[0] != seed:
            _, rows = features_of(self.fake, self.extractor, self.n, seed, self.batch_size, self.progress)
            self._features = seed, rows
        return self._features[1]

    def images(self, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
        """(samples (n, h, w, c), their labels or None), drawn once a seed."""
        if self._images is None or self._images[0] != seed:
            batches = list(sources.open_source(self.fake, self.n, seed).batches(self.batch_size))
            labels = [batch.labels for batch in batches if batch.labels is not None]
            drawn = np.concatenate([batch.images for batch in batches])
            self._images = seed, drawn, np.concatenate(labels) if labels else None
        return self._images[1:]

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
    if seed == 0:  # once a measurement
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
    text = protocol("one_nn", metrics.Pixels(images.shape[1:]).name, len(images), sources.Stored(real, None).identity())
    details = {"distance": found.distance}
    return [Score("one_nn", text, found.accuracy, n_real=len(real), n_fake=len(images), seed=seed, details=details)]


def _memorized(subject: Subject, seed: int) -> list[Score]:
    """The share of 1,000 samples that are closer to a training image than 99 % of these to their nearest other."""
    images, _ = subject.images(seed)
    real = subject.real()
    images = images[:1000]
    found = metrics.memorization(images, _uint8(real.images[:]))
    text = protocol(
        "memorized", metrics.Pixels(images.shape[1:]).name, len(images), sources.Stored(real, None).identity()
    )
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


def _probe(subject: Subject, seed: int) -> list[Score]:
    """Radford et al. 2015, section 5.1: what a linear classifier makes of the discriminator's features."""
    if not hasattr(subject.fake, "feature_layers"):
        raise MetricError("probe is of a model's discriminator, and images came: leave it out.")
    train, test = subject.real("train"), subject.real("test")
    if train.labels is None or test.labels is None:
        raise MetricError("probe takes real images with labels: leave it out.")
    sides = [(subject.fake.features(side.without_labels()), side.labels) for side in (train, test)]
    found = metrics.probe(*sides)
    text = protocol("probe", "discriminator", len(train), sources.Stored(test, None).identity(), "L2-SVM")
    return [Score("probe", text, found.accuracy, n_real=len(test), details={"c": found.c})]


class Measure(NamedTuple):
    """One name that `evaluate` takes.

    run: function of a `Subject` and a sampling seed.
    words: what it is.
    looks_at: "features" or "images", which are drawn once for all measures that look at them; "probabilities" or
        "pixels", drawn for this one; or "nothing" that is drawn.
    extractor: whether it needs one.
    once: no seed moves it.
    """

    run: Callable[[Subject, int], list[Score]]
    words: str
    looks_at: str
    extractor: bool = False
    once: bool = False


MEASURES = {
    "fid": Measure(_fid, "Fréchet distance", "features", extractor=True),
    "kid": Measure(_kid, "kernel distance", "features", extractor=True),
    "prdc": Measure(_prdc, "precision, recall, density, coverage", "features", extractor=True),
    "support": Measure(_support, "how many different images it draws", "features", extractor=True),
    "is": Measure(_inception_score, "Inception score", "probabilities", extractor=True),
    "accuracy": Measure(_accuracy, "samples read as the class that was asked for", "images", extractor=True),
    "swd": Measure(_swd, "sliced Wasserstein distance", "images"),
    "parzen": Measure(_parzen, "Parzen-window log-likelihood", "pixels"),
    "cas": Measure(_cas, "accuracy on real images of a classifier that saw samples alone", "images"),
    "one_nn": Measure(_one_nn, "1-nearest-neighbour accuracy, trained on samples", "images"),
    "ms_ssim": Measure(_ms_ssim, "likeness of samples to one another", "images"),
    "memorized": Measure(_memorized, "samples that repeat training images", "images"),
    "probe": Measure(_probe, "linear classifier on the discriminator's features", "nothing", once=True),
}
