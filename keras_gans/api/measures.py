"""What `evaluate` can measure, by name: each a function of a `Subject` and a sampling seed that gives scores.

Beside each stands what has to hold for it: that is looked at for all of them before anything is drawn, so that a
mistake costs no result. The real side comes first in everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from keras_gans import metrics
from keras_gans.artifacts import MetricError
from keras_gans.metrics import (
    classification,
    frechet,
    gathered,
    inception,
    kernel,
    multiscale,
    prdc,
    sources,
    support_size,
    swd,
)
from keras_gans.metrics.features import Progress, features_of
from keras_gans.metrics.score import Score


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

    @property
    def drawn(self) -> bool:
        """Whether the samples are a model's."""
        return hasattr(self.fake, "generate")

    @cached_property
    def count(self) -> int | None:
        """How many samples a seed has; None where that shows at the end only."""
        return self.n if self.drawn else sources.open_source(self.fake, self.n).n

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """(h, w, c) of the samples, of which a model needs to draw none."""
        return tuple(self.fake.image_shape) if self.drawn else self.images(0)[0].shape[1:]

    def features(self, seed: int) -> np.ndarray:
        """The samples' features (n, d), drawn and read once a seed."""
        if self._features is None or self._features[0] != seed:
            _, rows = features_of(self.fake, self.extractor, self.n, seed, self.batch_size, self.progress)
            self._features = seed, rows
        return self._features[1]

    def images(self, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
        """(samples (n, h, w, c), their labels or None), drawn once a seed."""
        if self._images is None or self._images[0] != seed:
            found = gathered.pictures_of(self.fake, self.n, seed, self.batch_size, self.progress)
            self._images = seed, found.images, found.labels
        return self._images[1:]

    def some(self, found: np.ndarray, count: int) -> np.ndarray:
        """`count` of the samples at most: of a model's the first, of images, which may lie in an order, a choice."""
        if self.drawn or len(found) <= count:
            return found[:count]
        return found[gathered.chosen(len(found), count)]

    def check_labels(self, metric: str) -> None:
        """MetricError unless the samples have labels."""
        gathered.check_conditional(self.fake, metric)
        if not self.drawn and self.images(0)[1] is None:
            raise MetricError(
                f"{metric} takes a class-conditional model, and images without labels came: leave it out."
            )

    def check_real_labels(self, metric: str, split: str) -> None:
        """MetricError unless these real images have labels, of at least two classes."""
        labels = self.real(split).labels
        if labels is None:
            raise MetricError(f"{metric} takes real images with labels, and these have none: leave it out.")
        if len(np.unique(labels)) < 2:
            raise MetricError(
                f"{metric} takes real images of at least two classes, and these are of one: leave it out."
            )

    def check_size(self, split: str | None = None) -> None:
        """MetricError unless these real images have the size of the samples."""
        gathered.check_alike(self.shape, self.real(split).shape)

    def scores_of(self, measured: Any, seed: int) -> list[Score]:
        """Scores taken on bare features, with the names and hashes that their protocol needs."""
        return [self.named(measured(self.features(seed), self.side, seed=seed), seed)]

    def named(self, score: Score, seed: int) -> Score:
        """A score of bare features, with the extractor in its protocol."""
        if score.features is not None:
            return self.marked(score, seed)
        text = score.protocol.replace("[", f"[{self.extractor.name}, ", 1)
        found = replace(score, protocol=text, features=self.extractor.name, features_sha256=self.extractor.sha256)
        return self.marked(found, seed)

    def marked(self, score: Score, seed: int) -> Score:
        """A score of images that were drawn by a seed, which they do not know themselves."""
        return replace(score, seed=seed if self.drawn else None)


def _fid(subject: Subject, seed: int) -> list[Score]:
    return subject.scores_of(metrics.frechet_distance, seed)


def _check_fid(subject: Subject) -> None:
    frechet.check_enough(len(subject.side.moments.mean), subject.side.n, subject.count)


def _kid(subject: Subject, seed: int) -> list[Score]:
    return subject.scores_of(metrics.kernel_distance, seed)


def _check_kid(subject: Subject) -> None:
    real = len(subject.side.rows)
    kernel.subset_size(real if subject.count is None else subject.count, real)


def _prdc(subject: Subject, seed: int) -> list[Score]:
    """Of as many samples as there are real rows: neighbours' distances depend on how many there are."""
    rows = subject.some(subject.features(seed), len(subject.side.rows))
    return [subject.marked(score, seed) for score in prdc.four_scores(rows, subject.side, subject.extractor)]


def _check_prdc(subject: Subject) -> None:
    prdc.check_enough((3, 5), len(subject.side.rows), subject.count)


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


def _check_inception_score(subject: Subject) -> None:
    classification.check_reads(subject.extractor, "is")
    if subject.count is not None:
        inception.check_enough(subject.count)


def _swd(subject: Subject, seed: int) -> list[Score]:
    """2,000 of each at most, 32 patches an image and 256 directions: minutes become seconds, and it stays steady."""
    images, real = subject.some(subject.images(seed)[0], 2000), subject.real()
    options = {"patches": 32, "directions": 256, "batch_size": subject.batch_size, "progress": subject.progress}
    return [subject.marked(metrics.sliced_wasserstein(images, real, seed=seed, **options), seed)]


def _check_swd(subject: Subject) -> None:
    swd.check_shape(subject.shape)
    subject.check_size()


def _parzen(subject: Subject, seed: int) -> list[Score]:
    test, validation = subject.real("test"), subject.real("train[-10000:]")
    options = {"batch_size": subject.batch_size, "progress": subject.progress}
    return [metrics.parzen(subject.fake, test, validation, n=subject.n, seed=seed, **options)]


def _check_parzen(subject: Subject) -> None:
    test, validation = subject.real("test"), subject.real("train[-10000:]")
    if test.fingerprint() == validation.fingerprint():
        raise MetricError("parzen chooses its width on other real images than it tests: give against='tfds:NAME'.")


def _accuracy(subject: Subject, seed: int) -> list[Score]:
    """Of a class-conditional model: the share of samples that the classifier reads as what was asked for."""
    options = {"batch_size": subject.batch_size, "progress": subject.progress}
    return [subject.marked(metrics.conditional_accuracy(subject.images(seed), subject.extractor, **options), seed)]


def _check_accuracy(subject: Subject) -> None:
    subject.check_labels("accuracy")
    classification.check_reads(subject.extractor, "accuracy")
    if subject.drawn:
        classification.check_classes(subject.extractor, subject.fake.num_classes)


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
    classifier = classifier_for(images.shape[1:], int(real.labels.max()) + 1, seed)
    options = {"batch_size": subject.batch_size, "progress": subject.progress}
    return [subject.marked(metrics.classification_accuracy(classifier, (images, labels), real, **options), seed)]


def _check_cas(subject: Subject) -> None:
    subject.check_labels("cas")
    classification.check_enough(subject.count)
    subject.check_real_labels("cas", "test")
    subject.check_size("test")


def _one_nn(subject: Subject, seed: int) -> list[Score]:
    """Radford et al. 2015: samples and their classes teach a nearest-neighbour classifier of real test images."""
    options = {"batch_size": subject.batch_size, "progress": subject.progress}
    return [subject.marked(metrics.one_nearest_neighbour(subject.images(seed), subject.real("test"), **options), seed)]


def _check_one_nn(subject: Subject) -> None:
    subject.check_labels("one_nn")
    subject.check_real_labels("one_nn", "test")
    subject.check_size("test")


def _memorized(subject: Subject, seed: int) -> list[Score]:
    """The share of 1,000 samples that are closer to a training image than 99 % of these to their nearest other."""
    images = subject.some(subject.images(seed)[0], 1000)
    options = {"batch_size": subject.batch_size, "progress": subject.progress}
    return [subject.marked(metrics.memorization(images, subject.real(), **options), seed)]


def _check_memorized(subject: Subject) -> None:
    support_size.check_enough("training images", len(subject.real()))
    subject.check_size()


def _support(subject: Subject, seed: int) -> list[Score]:
    """By the birthday paradox, of 5,000 samples at most; real images say what a duplicate is."""
    return [subject.named(metrics.birthday(subject.some(subject.features(seed), 5000), subject.side), seed)]


def _check_support(subject: Subject) -> None:
    support_size.check_enough("real images", len(subject.side.rows))
    if subject.count is not None:
        support_size.check_enough("samples", subject.count)


def _ms_ssim(subject: Subject, seed: int) -> list[Score]:
    return [subject.marked(metrics.diversity(subject.images(seed)[0], seed=seed), seed)]


def _check_ms_ssim(subject: Subject) -> None:
    multiscale.check_asked_of(subject.shape, subject.count)


def _probe(subject: Subject, seed: int) -> list[Score]:
    """Radford et al. 2015, section 5.1: what a linear classifier makes of the discriminator's features."""
    extractor = metrics.Discriminator(subject.fake)
    return [metrics.probe(subject.real("train"), subject.real("test"), extractor, progress=subject.progress)]


def _check_probe(subject: Subject) -> None:
    if not hasattr(subject.fake, "feature_layers"):
        raise MetricError("probe is of a model's discriminator, and images came: leave it out.")
    subject.check_real_labels("probe", "train")
    subject.check_real_labels("probe", "test")
    if subject.real("train").fingerprint() == subject.real("test").fingerprint():
        raise MetricError(
            "probe tests on other real images than it learns from: give against='tfds:NAME', or a folder with train/ "
            "and test/ in it."
        )


class Measure(NamedTuple):
    """One name that `evaluate` takes.

    run: function of a `Subject` and a sampling seed.
    check: function of a `Subject` that raises MetricError where `run` would: without drawing, so far as that goes.
    words: what it is.
    looks_at: "features" or "images", which are drawn once for all measures that look at them; "probabilities" or
        "pixels", drawn for this one; or "nothing" that is drawn.
    extractor: whether it needs one.
    once: no seed moves it.
    """

    run: Callable[[Subject, int], list[Score]]
    check: Callable[[Subject], None]
    words: str
    looks_at: str
    extractor: bool = False
    once: bool = False


MEASURES = {
    "fid": Measure(_fid, _check_fid, "Fréchet distance", "features", extractor=True),
    "kid": Measure(_kid, _check_kid, "kernel distance", "features", extractor=True),
    "prdc": Measure(_prdc, _check_prdc, "precision, recall, density, coverage", "features", extractor=True),
    "support": Measure(_support, _check_support, "how many different images it draws", "features", extractor=True),
    "is": Measure(_inception_score, _check_inception_score, "Inception score", "probabilities", extractor=True),
    "accuracy": Measure(
        _accuracy, _check_accuracy, "samples read as the class that was asked for", "images", extractor=True
    ),
    "swd": Measure(_swd, _check_swd, "sliced Wasserstein distance", "images"),
    "parzen": Measure(_parzen, _check_parzen, "Parzen-window log-likelihood", "pixels"),
    "cas": Measure(_cas, _check_cas, "accuracy on real images of a classifier that saw samples alone", "images"),
    "one_nn": Measure(_one_nn, _check_one_nn, "1-nearest-neighbour accuracy, trained on samples", "images"),
    "ms_ssim": Measure(_ms_ssim, _check_ms_ssim, "likeness of samples to one another", "images"),
    "memorized": Measure(_memorized, _check_memorized, "samples that repeat training images", "images"),
    "probe": Measure(_probe, _check_probe, "linear classifier on the discriminator's features", "nothing", once=True),
}


def check(measures: list[Measure], subject: Subject, features: bool = True) -> None:
    """Raises MetricError where one of them cannot be measured.

    features: whether also those that take the real images' features, which come last; else what takes no time.
    """
    for measure in sorted(measures, key=lambda measure: measure.looks_at == "features"):
        if features or measure.looks_at != "features":
            measure.check(subject)
