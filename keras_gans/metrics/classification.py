"""Classification accuracy score (Ravuri and Vinyals 2019): a classifier learns from samples and reads real images.

Samples that look right and are as varied as real images teach as much as these. The classifier is part of the protocol.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.score import Score, protocol

BATCH = 100


def classification_accuracy(
    classifier: Any,
    samples: tuple[Any, Any],
    test: tuple[Any, Any],
    *,
    steps: int = 2000,
    identity: str = "given",
    seed: int | None = None,
) -> Score:
    """The share of real test images that a classifier reads rightly which only ever saw samples: "cas".

    Args:
        classifier: a fresh, compiled one of `keras_gans.models` ("classify" among its methods): it is trained here.
        samples: (images, labels) of a class-conditional model, as the classifier's `fit` takes them.
        test: (images, labels), real.
        steps: of 100 images, epoch after epoch.
        identity: what the protocol calls the test images.
        seed: of the samples, for the score.

    Returns:
        `Score`; its protocol holds a hash of the classifier, its optimizer and the steps.

    Raises:
        MetricError: sides of other lengths, or fewer samples than a batch.
        DataError: images that the classifier does not take.
    """
    images, labels = samples
    for side in (samples, test):
        if len(side[0]) != len(side[1]):
            raise MetricError(f"One label an image was wanted, and {len(side[1])} came for {len(side[0])} images.")
    if len(images) < BATCH:
        raise MetricError(f"A classifier takes at least {BATCH} samples to learn from, and {len(images)} came.")
    recipe = _recipe(classifier, steps)
    epochs = max(1, round(steps * BATCH / len(images)))
    classifier.fit(images, labels, batch_size=BATCH, epochs=epochs, verbose=0)
    value = float(np.mean(classifier.classify(test[0]) == np.asarray(test[1])))
    name = f"{type(classifier).__name__}-{recipe}"
    return Score(
        "cas", protocol("cas", name, len(images), identity), value, n_real=len(test[0]), n_fake=len(images), seed=seed
    )


def _recipe(classifier: Any, steps: int) -> str:
    """Eight digits that stand for all that decides what the classifier learns."""
    optimizer = {key: str(value) for key, value in sorted(classifier.optimizer.get_config().items()) if key != "name"}
    parts = [classifier.architecture(), type(classifier.optimizer).__name__, optimizer, steps, BATCH]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:8]
