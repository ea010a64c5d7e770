"""Fréchet distance between two sets of features (Heusel et al. 2017, equation 6), each taken for a Gaussian."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import check_asked
from keras_gans.metrics.features import BATCH, Progress, feature_batches
from keras_gans.metrics.gathered import seed_of
from keras_gans.metrics.moments import Moments, accumulated
from keras_gans.metrics.score import Score, protocol
from keras_gans.metrics.statistics import reference


def frechet_distance(
    fake: Any,
    real: Any,
    features: Any = None,
    *,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> Score:
    """The Fréchet distance of samples to real images: "fid". 0 for equal moments; lower is better.

    Constant memory in the number of images: both sides are gone through once, and only sums are kept, in float64.

    Args:
        fake: features (n, d); or, with `features`, images (n, h, w, c), uint8 or float in [-1, 1], a folder, an
            archive, "tfds:NAME", `keras_gans.data.Images`, a tf.data.Dataset of batches, or a model that generates.
        real: the same, or a `Reference`: all of it is taken.
        features: an extractor, as `keras_gans.feature_extractor` gives; None: both sides are features.
        n: how many samples; a model has to be told, of others None takes all.
        seed: of a model's samples.
        batch_size: images at once.
        progress: function (done, of how many), called for every batch.

    Returns:
        `Score`.

    Raises:
        MetricError: a side has no more images than features have numbers, or is not as above.
        DataError: images that can not be read.
    """
    check_asked(n, seed, batch_size)
    side = reference(real, features, seed=seed, batch_size=batch_size, progress=progress, kept=1)
    check_enough(len(side.moments.mean), side.n, n)
    _, batches = feature_batches(fake, features, n, seed, batch_size, progress)
    found, (name, sha) = accumulated(batches), side.taken_by(features)
    return Score(
        "fid",
        protocol("fid", name, found.n, side.identity),
        distance(found, side.moments),
        n_real=side.n,
        n_fake=found.n,
        seed=seed_of(fake, seed),
        features=name,
        features_sha256=sha,
    )


def distance(a: Moments, b: Moments) -> float:
    """|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)), at least 0.

    Raises:
        MetricError: the features differ in length, or a side has fewer rows than features have numbers: its
            covariance then has no full rank, and the distance depends on n more than on the images.
    """
    d = len(a.mean)
    if len(b.mean) != d:
        raise MetricError(f"Both sides need features of one length, and {d} and {len(b.mean)} came: give one kind.")
    check_enough(d, a.n, b.n)
    gap = a.mean - b.mean
    total = gap @ gap + np.trace(a.covariance) + np.trace(b.covariance)
    return max(0.0, float(total - 2.0 * trace_of_root(a.covariance, b.covariance)))


def check_enough(d: int, *counts: int | None) -> None:
    """MetricError where one of the numbers of images, as far as they are known, is not above d."""
    for n in counts:
        if n is not None and n <= d:
            raise MetricError(
                f"The Fréchet distance of features of {d} numbers takes more than {d} images a side, and {n} came: "
                "take the kernel distance, which has no such bound, or more images."
            )


def trace_of_root(s: np.ndarray, t: np.ndarray) -> float:
    """tr((S T)^(1/2)) of two covariances (d, d).

    S T has the eigenvalues of L^T T L, where S = L L^T: that is symmetric, so they come exact and at a fraction of the
    cost of a matrix square root.
    """
    try:
        product = _lower_half(np.linalg.cholesky(s), t)
    except np.linalg.LinAlgError:  # S has no full rank: a feature that is always 0
        eigenvalues, vectors = np.linalg.eigh(s)
        left = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))
        product = left.T @ t @ left
    return float(np.sqrt(np.maximum(np.linalg.eigvalsh(product), 0.0)).sum())  # what is below 0 is rounding


def _lower_half(left: np.ndarray, t: np.ndarray) -> np.ndarray:
    """L^T T L of a lower triangular L, but for a quarter above the diagonal, which `eigvalsh` does not read.

    In four blocks: three eighths of the arithmetic are products with the zeros of L, or that quarter.
    """
    h = len(left) // 2
    a, b, c = left[:h, :h], left[h:, :h], left[h:, h:]
    first, last = t[:, :h] @ a + t[:, h:] @ b, t[:, h:] @ c  # T L
    found = np.zeros_like(t)
    found[:h, :h] = a.T @ first[:h] + b.T @ first[h:]
    found[h:, :h] = c.T @ first[h:]
    found[h:, h:] = c.T @ last[h:]
    return found
