"""Accuracies by a classifier: is a sample read as what was asked for, and what do samples teach about real images?

Classification accuracy score (Ravuri and Vinyals 2019): a classifier learns from samples and reads real images.
Samples that look right and are as varied as real images teach as much as these. The classifier is part of the protocol.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import check_asked, check_whole, checked
from keras_gans.metrics.features import BATCH as READ_AT_ONCE
from keras_gans.metrics.features import Progress
from keras_gans.metrics.gathered import check_conditional, labels_of, pictures_of, seed_of
from keras_gans.metrics.score import Score, protocol
from keras_gans.metrics.sources import brought_to, open_source

BATCH = 100  # that a classifier learns from


def conditional_accuracy(
    fake: Any,
    classifier: Any,
    *,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = READ_AT_ONCE,
    progress: Progress | None = None,
) -> Score:
    """The share of samples that a classifier reads as the class that was asked for: "accuracy". Higher is better.

    Args:
        fake: a class-conditional model, whose classes are asked for in turn; or whatever `frechet_distance` takes for
            images that has labels: a pair (images, labels), a folder with a subfolder for each class, ...
        classifier: an extractor that has `probabilities`, as `keras_gans.feature_extractor("lenet_mnist")`: class k is
            its k-th.
        n, seed, batch_size, progress: as for `frechet_distance`.

    Raises:
        MetricError: there are no labels, or the classifier has no probabilities or fewer classes.
        DataError: images that cannot be read.
    """
    check_asked(n, seed, batch_size)
    check_conditional(fake, "accuracy")
    check_reads(classifier, "accuracy")
    source = open_source(fake, n, seed, classifier.image_shape)
    hit = done = 0
    for batch in source.batches(batch_size):
        if batch.labels is None:
            raise MetricError(
                "accuracy takes samples with the labels that were asked for and they came without: give a "
                "class-conditional model or a pair (images, labels)."
            )
        read = checked(classifier.probabilities(brought_to(batch.images, classifier.image_shape)), "probabilities")
        if batch.labels.max() >= read.shape[1]:
            raise MetricError(
                f"A classifier of the samples' classes was wanted, and label {batch.labels.max()} came with one of "
                f"{read.shape[1]} classes: take another classifier."
            )
        hit, done = hit + int(np.sum(read.argmax(axis=1) == batch.labels)), done + len(read)
        if progress is not None:
            progress(done, source.n)
    if not done:
        raise MetricError("Images were wanted and none came: give some.")
    return Score(
        "accuracy",
        protocol("accuracy", classifier.name, done),
        hit / done,
        n_fake=done,
        seed=seed_of(fake, seed),
        features=classifier.name,
        features_sha256=getattr(classifier, "sha256", None),
    )


def check_classes(extractor: Any, classes: int) -> None:
    """MetricError unless the classifier tells as many classes as the model draws: its k-th is the model's k-th."""
    grey = np.full((1, *extractor.image_shape), 128, "uint8") if extractor.image_shape else None
    known = None if grey is None else np.shape(extractor.probabilities(grey))[1]
    if known is not None and known != classes:
        raise MetricError(
            f"accuracy takes a classifier of the model's {classes} classes, and {extractor.name} has {known} of its "
            "own: name another, or leave it out."
        )


def check_reads(extractor: Any, metric: str) -> None:
    """MetricError unless the extractor has `probabilities`."""
    if not hasattr(extractor, "probabilities"):
        name = getattr(extractor, "name", type(extractor).__name__)
        raise MetricError(
            f"{metric} takes a classifier of the samples' classes, and {name} has no probabilities: name another, or "
            "leave it out."
        )


def classification_accuracy(
    classifier: Any,
    fake: Any,
    test: Any,
    *,
    steps: int = 2000,
    identity: str | None = None,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = READ_AT_ONCE,
    progress: Progress | None = None,
) -> Score:
    """The share of real test images that a classifier reads rightly which only ever saw samples: "cas".

    Args:
        classifier: a fresh, compiled one of `keras_gans.models` ("classify" among its methods): it is trained here.
        fake: a class-conditional model; or whatever `frechet_distance` takes for images that has labels: a pair
            (images, labels), a folder with a subfolder for each class, ... At least 100.
        test: real images in one of these forms, with labels; files are brought to the classifier's size.
        steps: of 100 images, epoch after epoch.
        identity: what the protocol calls the test images; None: what they say of themselves.
        n, seed, batch_size: as for `frechet_distance`.
        progress: function (done, of how many): images read, then images learnt from.

    Returns:
        `Score`; its protocol holds a hash of the classifier, its optimizer and the steps.

    Raises:
        MetricError: a side has no labels, or there are fewer samples than a batch.
        DataError: images that cannot be read, or that the classifier does not take.
    """
    check_whole("steps", steps, 1)
    check_conditional(fake, "cas")
    check_enough(n)
    shape = getattr(classifier, "image_shape", None)
    real = pictures_of(test, None, 0, batch_size, progress, shape)
    wanted = labels_of(real, "cas", "real images")
    samples = pictures_of(fake, n, seed, batch_size, progress, shape)
    labels, count = labels_of(samples, "cas", "samples"), len(samples.images)
    check_enough(count)
    recipe = _recipe(classifier, steps)
    epochs = max(1, round(steps * BATCH / count))
    told = [] if progress is None else [_told(progress, count, epochs)]
    classifier.fit(samples.images, labels, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=told)
    value = float(np.mean(classifier.classify(real.images) == wanted))
    name = f"{type(classifier).__name__}-{recipe}"
    return Score(
        "cas",
        protocol("cas", name, count, identity or real.identity),
        value,
        n_real=len(wanted),
        n_fake=count,
        seed=seed_of(fake, seed),
    )


def check_enough(n: int | None) -> None:
    """MetricError where n samples, if it is known how many, are fewer than a classifier takes at once."""
    if n is not None and n < BATCH:
        raise MetricError(f"A classifier takes at least {BATCH} samples to learn from, and {n} came: give more.")


def _told(progress: Progress, count: int, epochs: int) -> Any:
    """A Keras callback that says after each epoch how many images were learnt from."""
    import keras

    return keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: progress((epoch + 1) * count, epochs * count)
    )


def _recipe(classifier: Any, steps: int) -> str:
    """Eight digits that stand for all that decides what the classifier learns."""
    optimizer = {key: str(value) for key, value in sorted(classifier.optimizer.get_config().items()) if key != "name"}
    parts = [classifier.architecture(), type(classifier.optimizer).__name__, optimizer, steps, BATCH]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:8]
