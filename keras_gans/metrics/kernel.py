"""Kernel distance between two sets of features: the unbiased squared maximum mean discrepancy (Binkowski et al. 2018).

The kernel is (x.y / d + 1)^3. The estimate has no bias for any n, so it can be below 0, and it serves where there are
fewer images than the Fréchet distance needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import check_asked, check_whole, checked
from keras_gans.metrics.features import BATCH, Progress, features_of
from keras_gans.metrics.gathered import seed_of
from keras_gans.metrics.score import Score, count, protocol
from keras_gans.metrics.statistics import reference

SUBSETS, SIZE = 100, 1000


def kernel_distance(
    fake: Any,
    real: Any,
    features: Any = None,
    *,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> Score:
    """The kernel distance of samples to real images: "kid". 0 in the mean for equal sets; lower is better.

    The mean over 100 subsets of min(1000, n) images a side, drawn from at most 5,000 real ones; the deviation over
    subsets is in `details`.

    Arguments, `Score` and errors are those of `frechet_distance`, but that two images a side are enough.
    """
    check_asked(n, seed, batch_size)
    side = reference(real, features, seed=seed, batch_size=batch_size, progress=progress)
    subset_size(len(side.rows) if n is None else n, len(side.rows))
    _, rows = features_of(fake, features, n, seed, batch_size, progress)
    found = of_features(rows, side.rows, seed=seed)
    size = subset_size(len(rows), len(side.rows))
    name, sha = side.taken_by(features)
    facts = (name, len(rows), side.identity, f"{count(len(side.rows))} real", f"{len(found)}x{size}")
    return Score(
        "kid",
        protocol("kid", *facts),
        float(found.mean()),
        n_real=side.n,
        n_fake=len(rows),
        seed=seed_of(fake, seed),
        features=name,
        features_sha256=sha,
        details={"subset_deviation": float(found.std())},
    )


def subset_size(n_fake: int, n_real: int, size: int = SIZE) -> int:
    """min(size, n): images of each side in a subset. MetricError where there are fewer than two."""
    least = min(n_fake, n_real, size)
    if least < 2:
        raise MetricError(f"The kernel distance takes at least 2 images a side, and {least} came: give more.")
    return least


def subsets(n_fake: int, n_real: int, count: int, size: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """`count` pairs of row numbers, (size,) each, drawn without repetition within a subset."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield rng.permutation(n_fake)[:size], rng.permutation(n_real)[:size]


def of_features(fake: Any, real: Any, count: int | None = None, size: int = SIZE, seed: int = 0) -> np.ndarray:
    """The distance of each subset: float64 (count,), whose mean is the score.

    Args:
        fake, real: features (n, d), arrays or mapped from files; rows are read a subset at a time.
        count: subsets; None: 100.
        size: rows a side in a subset; fewer where there are fewer.
        seed: of the subsets.

    Raises:
        MetricError: a side has fewer than two rows, or rows differ in length or are not finite.
    """
    count = SUBSETS if count is None else count
    for name, value, least in (("count", count, 1), ("size", size, 2), ("seed", seed, 0)):
        check_whole(name, value, least)
    size = subset_size(len(fake), len(real), size)
    found = []
    for i, j in subsets(len(fake), len(real), count, size, seed):
        x, y = checked(fake[np.sort(i)], "features"), checked(real[np.sort(j)], "features")
        if x.shape[1] != y.shape[1]:
            raise MetricError(
                f"Both sides need features of one length, and {x.shape[1]} and {y.shape[1]} came: give one kind."
            )
        found.append(_unbiased(x.astype("float64"), y.astype("float64")))
    return np.array(found)


def _unbiased(x: np.ndarray, y: np.ndarray) -> float:
    """Means of the kernel over pairs of different rows within each side, less twice that between them."""
    n, m = len(x), len(y)
    within_x, within_y, between = _kernel(x, x), _kernel(y, y), _kernel(x, y)
    same = (within_x.sum() - np.trace(within_x)) / (n * (n - 1)) + (within_y.sum() - np.trace(within_y)) / (m * (m - 1))
    return float(same - 2.0 * between.mean())


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    k = x @ y.T / x.shape[1] + 1.0
    return k * k * k
