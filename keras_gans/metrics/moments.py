"""Mean and covariance of features that come in batches: constant memory, float64."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import rows

_CHUNK = 4096


class Moments(NamedTuple):
    """n; mean float64 (d,); covariance float64 (d, d), with n - 1 in its denominator."""

    n: int
    mean: np.ndarray
    covariance: np.ndarray


class Accumulator:
    """Adds up batches of features.

    Sums are of differences to the first batch's mean, so that features far from 0 lose no digits: with a constant c,
    sum (x - c)(x - c)^T = (n - 1) covariance + n (mean - c)(mean - c)^T.
    """

    def __init__(self) -> None:
        self.n = 0
        self._shift: np.ndarray | None = None

    def add(self, features: Any) -> None:
        """Features (b, d) of any real dtype, b of at least 1. MetricError if they are not finite or of another d."""
        x = rows(features, "features")
        if self._shift is None:
            self._shift = x.mean(axis=0)
            self._sum = np.zeros(x.shape[1])
            self._products = np.zeros((x.shape[1], x.shape[1]))
        elif x.shape[1] != len(self._shift):
            raise MetricError(
                f"Features of {len(self._shift)} numbers were wanted and {x.shape[1]} came: give one kind."
            )
        x -= self._shift  # which `rows` made for us
        self.n += len(x)
        self._sum += x.sum(axis=0)
        self._products += x.T @ x

    def moments(self) -> Moments:
        """What was added so far. MetricError for fewer than two rows."""
        if self.n < 2 or self._shift is None:
            raise MetricError(f"A covariance takes at least 2 rows of features, and {self.n} came: give more images.")
        mean = self._sum / self.n
        covariance = (self._products - self.n * np.outer(mean, mean)) / (self.n - 1)
        return Moments(self.n, mean + self._shift, (covariance + covariance.T) / 2)


def moments(features: Any) -> Moments:
    """`Moments` of features (n, d), read a piece at a time: an array, or one that is mapped from a file."""
    return accumulated(features[start : start + _CHUNK] for start in range(0, len(features), _CHUNK))


def accumulated(batches: Iterable[Any]) -> Moments:
    """`Moments` of features that come in batches (b, d)."""
    total = Accumulator()
    for batch in batches:
        total.add(batch)
    return total.moments()
