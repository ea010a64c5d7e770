"""Does a model repeat its training images? Distances from samples to the nearest of them, against what is usual among
the training images themselves."""

from typing import NamedTuple

import numpy as np

_CHUNK = 1024


class Nearest(NamedTuple):
    """distances (n,) float64, Euclidean; indices (n,) of the nearest rows."""

    distances: np.ndarray
    indices: np.ndarray


class Memorization(NamedTuple):
    """What `memorization` found.

    share: of the samples that lie closer to a training image than `threshold`.
    threshold: the percentile of the training images' distances to their own nearest others.
    nearest: `Nearest` of each sample.
    """

    share: float
    threshold: float
    nearest: Nearest


def nearest(points, reference, itself=False, rows=None):
    """The nearest row of `reference` to each row of `points`, exactly.

    Args:
        points: (n, ...) array; rows are flattened, and taken as float32.
        reference: (m, ...) of the same row size, m of at least 1 (2 with `itself`).
        itself: `points` is `reference`, and row i does not count as its own neighbour.
        rows: with `itself`, whole numbers (n,): `points` are these rows of `reference`; None: all of them.

    Returns:
        `Nearest`.

    Raises:
        ValueError: the rows differ in size, or there are too few.
    """
    points, reference = _rows(points), _rows(reference)
    if points.shape[1] != reference.shape[1]:
        raise ValueError(f"rows of one size were wanted, got {points.shape[1]} and {reference.shape[1]} numbers")
    if len(reference) < 1 + itself:
        raise ValueError(f"at least {1 + itself} rows to be near to were wanted, got {len(reference)}")
    own = (np.arange(len(points)) if rows is None else np.asarray(rows)) if itself else None
    squares = np.einsum("ij,ij->i", reference, reference)
    indices = np.concatenate(
        [np.zeros(0, "int64"), *(_nearest_of(points, s, reference, squares, own) for s in _starts(points))]
    )
    # Differences anew: the expanded square loses the digits that matter between near twins.
    parts = [points[s : s + _CHUNK] - reference[indices[s : s + _CHUNK]] for s in _starts(points)]
    distances = [np.sqrt(np.einsum("ij,ij->i", part, part, dtype="float64")) for part in parts]
    return Nearest(np.concatenate([np.zeros(0), *distances]), indices)


def memorization(samples, training, percentile=1.0, asked=10_000):
    """The share of samples that are closer to a training image than training images usually are to one another.

    Args:
        samples: (n, ...) pixels or features of generated images, n of at least 1.
        training: (m, ...) the same of the images that were trained on, m of at least 2.
        percentile: of the training images' distances to their nearest other, in 0..100: what counts as close. By chance
            alone about this percentage of new real images would lie closer.
        asked: of how many training images, spread over all, the nearest other is looked for: the cost of all grows
            with their square.

    Returns:
        `Memorization`.

    Raises:
        ValueError: as for `nearest`, or there are no samples.
    """
    if len(samples) == 0:
        raise ValueError("at least one sample was wanted, got none")
    rows = np.unique(np.linspace(0, len(training) - 1, min(asked, len(training))).astype("int64"))
    usual = nearest(np.asarray(training)[rows], training, itself=True, rows=rows).distances
    threshold = float(np.percentile(usual, percentile))
    found = nearest(samples, training)
    return Memorization(float(np.mean(found.distances < threshold)), threshold, found)


def _rows(x):
    x = np.asarray(x)
    return x.reshape(len(x), -1).astype("float32")


def _starts(points):
    return range(0, len(points), _CHUNK)


def _nearest_of(points, start, reference, squares, own):
    """Indices of the nearest for one chunk of points: |r|^2 - 2 p r, for |p|^2 is the same for all."""
    chunk = points[start : start + _CHUNK]
    distances = squares - 2.0 * (chunk @ reference.T)
    if own is not None:
        distances[np.arange(len(chunk)), own[start : start + _CHUNK]] = np.inf
    return distances.argmin(axis=1)
