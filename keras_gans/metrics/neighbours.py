"""1-nearest-neighbour accuracy of a conditional model, as in DCGAN's table of MNIST (Radford et al. 2015, appendix).

Samples, with the classes that were asked for, are the training set of a nearest-neighbour classifier, and real test
images are what it is tested on: samples that look like their class, in all its forms, classify well.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import pair
from keras_gans.metrics.nearest import nearest


class OneNearest(NamedTuple):
    """accuracy: share of test rows whose nearest training row has their class; distance: mean Euclidean one to it."""

    accuracy: float
    distance: float


def one_nearest_neighbour(train: tuple[Any, Any], test: tuple[Any, Any]) -> OneNearest:
    """Of (rows (n, ...), labels (n,)) on both sides: images, which are flattened, or features. Else MetricError."""
    x, other = pair(train[0], test[0], "images or features")
    labels, wanted = (np.asarray(side[1]).reshape(-1) for side in (train, test))
    if len(labels) != len(x) or len(wanted) != len(other):
        raise MetricError(
            f"One label a row was wanted, and {len(labels)} and {len(wanted)} came for {len(x)} and {len(other)} rows."
        )
    found = nearest(other, x)
    return OneNearest(float(np.mean(labels[found.indices] == wanted)), float(found.distances.mean()))
