"""1-nearest-neighbour accuracy of a conditional model, as in DCGAN's table of MNIST (Radford et al. 2015, appendix).

Samples, with the classes that were asked for, are the training set of a nearest-neighbour classifier, and real test
images are what it is tested on: samples that look like their class, in all its forms, classify well.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from keras_gans.metrics.arrays import classes, pair
from keras_gans.metrics.features import BATCH, Progress
from keras_gans.metrics.gathered import check_conditional, labels_of, rows_of, seed_of
from keras_gans.metrics.nearest import nearest
from keras_gans.metrics.score import Score, protocol


class OneNearest(NamedTuple):
    """accuracy: share of test rows whose nearest training row has their class; distance: mean Euclidean one to it."""

    accuracy: float
    distance: float


def one_nearest_neighbour(
    fake: Any,
    test: Any,
    features: Any = None,
    *,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> Score:
    """How well samples classify real images by the nearest of them: "one_nn". In [0, 1]; higher is better.

    Args:
        fake: a class-conditional model; or whatever `frechet_distance` takes that has labels: a pair (images, labels)
            or (features (n, d), labels), a folder with a subfolder for each class, ...
        test: real images in one of these forms, with labels; files are brought to the model's size.
        features: an extractor; None: pixels, where images come.
        n, seed, batch_size, progress: as for `frechet_distance`.

    Returns:
        `Score`, with the mean distance to the nearest sample in `details`: of pixels in units of their 256 levels.

    Raises:
        MetricError: a side has no labels, or the sides differ in size.
        DataError: images that cannot be read.
    """
    check_conditional(fake, "one_nn")
    real = rows_of(test, features, None, 0, batch_size, progress, getattr(fake, "image_shape", None))
    wanted = labels_of(real, "one_nn", "real images")
    samples = rows_of(fake, features, n, seed, batch_size, progress)
    found = of_rows((samples.rows, labels_of(samples, "one_nn", "samples")), (real.rows, wanted))
    return Score(
        "one_nn",
        protocol("one_nn", samples.features, len(samples.rows), real.identity),
        found.accuracy,
        n_real=len(real.rows),
        n_fake=len(samples.rows),
        seed=seed_of(fake, seed),
        features=samples.features,
        features_sha256=samples.sha256,
        details={"distance": found.distance},
    )


def of_rows(train: tuple[Any, Any], test: tuple[Any, Any]) -> OneNearest:
    """Of (rows (n, ...), labels (n,)) on both sides: images, which are flattened, or features. Else MetricError."""
    x, other = pair(train[0], test[0], "images or features")
    labels, wanted = classes(train[1], len(x)), classes(test[1], len(other))
    found = nearest(other, x)
    return OneNearest(float(np.mean(labels[found.indices] == wanted)), float(found.distances.mean()))
