"""Does a model repeat its training images? Distances from samples to the nearest of them, against what is usual among
the training images themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import check_real, check_whole, pair
from keras_gans.metrics.features import BATCH, Progress
from keras_gans.metrics.gathered import rows_of, seed_of
from keras_gans.metrics.score import Score, count, protocol

ASKED = 10_000  # training images whose nearest other is looked for
_CHUNK = 1024
_CELLS = 2**24  # numbers in a piece of rows, 128 MiB in float64


class Nearest(NamedTuple):
    """distances (n,) float64, Euclidean; indices (n,) of the nearest rows."""

    distances: np.ndarray
    indices: np.ndarray


class Memorization(NamedTuple):
    """What `of_rows` found.

    share: of the samples that lie closer to a training image than `threshold`.
    threshold: the percentile of the training images' distances to their own nearest others.
    nearest: `Nearest` of each sample.
    """

    share: float
    threshold: float
    nearest: Nearest


def memorization(
    fake: Any,
    real: Any,
    features: Any = None,
    *,
    percentile: float = 1.0,
    asked: int = ASKED,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> Score:
    """The share of samples that repeat training images: "memorized". In [0, 1]; lower is better.

    A sample counts if it is closer to a training image than these usually are to one another: see `of_rows`, which
    also gives the pairs. Everything is held in memory: n samples and all training images, as rows.

    Args:
        fake: as for `frechet_distance`.
        real: what the model was trained on, in the same forms; files are brought to the model's size.
        features: an extractor; None: pixels, where images come.
        percentile, asked: as for `of_rows`.
        n, seed, batch_size, progress: as for `frechet_distance`.

    Returns:
        `Score`, with the threshold in `details`: of pixels in units of their 256 levels.

    Raises:
        MetricError: there are too few, or of different sizes, or an argument is not as above.
        DataError: images that cannot be read.
    """
    _check_arguments(percentile, asked)
    training = rows_of(real, features, None, 0, batch_size, progress, getattr(fake, "image_shape", None))
    if len(training.rows) < 2:
        raise MetricError("At least 2 training images were wanted, and 1 came: give more.")
    samples = rows_of(fake, features, n, seed, batch_size, progress)
    found = of_rows(samples.rows, training.rows, percentile, asked)
    looked = None if asked >= len(training.rows) else f"{count(int(asked))} asked"
    facts = (samples.features, len(samples.rows), training.identity, f"{percentile:g} %", looked)
    return Score(
        "memorized",
        protocol("memorized", *facts),
        found.share,
        n_real=len(training.rows),
        n_fake=len(samples.rows),
        seed=seed_of(fake, seed),
        features=samples.features,
        features_sha256=samples.sha256,
        details={"threshold": found.threshold},
    )


def of_rows(samples: Any, training: Any, percentile: float = 1.0, asked: int = ASKED) -> Memorization:
    """The share of samples that are closer to a training image than training images usually are to one another.

    Args:
        samples: (n, ...) pixels or features of generated images, n of at least 1; rows are flattened.
        training: (m, ...) the same of the images that were trained on, m of at least 2.
        percentile: of the training images' distances to their nearest other, in 0..100: what counts as close. By chance
            alone about this percentage of new real images would lie closer.
        asked: of how many training images, spread over all, the nearest other is looked for: the cost of all grows
            with their square.

    Returns:
        `Memorization`.

    Raises:
        MetricError: as for `nearest`, or an argument is not as above.
    """
    _check_arguments(percentile, asked)
    samples, training = pair(samples, training, "images or features")
    rows = np.unique(np.linspace(0, len(training) - 1, min(int(asked), len(training))).astype("int64"))
    usual = nearest(training[rows], training, itself=True, rows=rows).distances
    threshold = float(np.percentile(usual, percentile))
    found = nearest(samples, training)
    return Memorization(float(np.mean(found.distances < threshold)), threshold, found)


def _check_arguments(percentile: Any, asked: Any) -> None:
    check_real("percentile", percentile, 0, 100)
    check_whole("asked", asked, 1)


def nearer(first: Nearest, second: Nearest) -> tuple[Nearest, np.ndarray]:
    """(of two answers for the same points the nearer one each, bool (n,): whether that is the second)."""
    turned = second.distances < first.distances
    distances = np.where(turned, second.distances, first.distances)
    return Nearest(distances, np.where(turned, second.indices, first.indices)), turned


def nearest(points: Any, reference: Any, itself: bool = False, rows: Any = None) -> Nearest:
    """The nearest row of `reference` to each row of `points`, wherever they lie; of equally near ones the first.

    Products are taken in float32, and again in float64 where float32 leaves open which row is the nearest. What float64
    leaves open differs by a hundred-millionth of how far the rows lie apart.

    Args:
        points: (n, ...) array of n of at least 1; rows are flattened.
        reference: (m, ...) of the same row size, m of at least 1 (2 with `itself`).
        itself: `points` is `reference`, and row i does not count as its own neighbour.
        rows: with `itself`, whole numbers (n,): `points` are these rows of `reference`; None: all of them.

    Returns:
        `Nearest`.

    Raises:
        MetricError: the rows differ in size or are not finite, or there are too few.
    """
    points, reference = pair(points, reference, "images or features")
    if len(reference) < 1 + itself:
        raise MetricError(
            f"At least {1 + itself} rows to be near to were wanted, and {len(reference)} came: give more."
        )
    own = (np.arange(len(points)) if rows is None else np.asarray(rows)) if itself else None
    frame = _Frame(points, reference)
    indices, left_open = _roughly(points, reference, own, frame)
    if len(left_open):
        indices[left_open] = _exactly(points[left_open], reference, None if own is None else own[left_open], frame)
    parts = [frame.distances(points[piece], reference[indices[piece]]) for piece in _pieces(points)]
    return Nearest(np.concatenate(parts), indices)


class _Frame:
    """Where rows are counted from and in which unit, so that all lie about 0 and below 1: there, squares have digits.

    The origin is a row. The unit is a power of two, which rounds nothing.
    """

    def __init__(self, points: np.ndarray, reference: np.ndarray) -> None:
        self._origin = reference[0].astype("float64")
        low, high = self._origin.min(), self._origin.max()
        furthest = max(max(float(x.max()) - low, high - float(x.min())) for x in (points, reference))
        self._power = math.frexp(furthest)[1]

    def of(self, x: np.ndarray) -> np.ndarray:
        """float64 (n, d)."""
        return _times_two_to(-self._power, x.astype("float64") - self._origin)

    def distances(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Between rows (n, d) and the same rows of b, from their differences: float64 (n,), in the unit that came."""
        differences = _times_two_to(-self._power, a.astype("float64") - b.astype("float64"))
        return _times_two_to(self._power, np.sqrt(_squares(differences)))


def _times_two_to(power: int, x: np.ndarray) -> np.ndarray:
    """In place, and in two steps, each of which is a number for whatever power of two is. `ldexp` takes far longer."""
    x *= 2.0 ** (power // 2)
    x *= 2.0 ** (power - power // 2)
    return x


def _squares(x: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", x, x, dtype="float64")


def _pieces(x: np.ndarray) -> Iterator[slice]:
    step = max(1, min(_CHUNK, _CELLS // x.shape[1]))
    return (slice(start, start + step) for start in range(0, len(x), step))


def _roughly(
    points: np.ndarray, reference: np.ndarray, own: np.ndarray | None, frame: _Frame
) -> tuple[np.ndarray, np.ndarray]:
    """(indices of the nearest (n,), the numbers of points for which rounding may have chosen).

    |r|^2 - 2 p r is compared, for |p|^2 is the same for all.
    """
    there = np.empty(reference.shape, "float32")
    for piece in _pieces(reference):
        there[piece] = frame.of(reference[piece])
    squares = _squares(there)
    furthest = math.sqrt(float(squares.max()))
    indices, left_open = np.empty(len(points), "int64"), []
    for piece in _pieces(points):
        here = frame.of(points[piece]).astype("float32")
        found = squares.astype("float32") - 2.0 * (here @ there.T)
        order = np.arange(len(here))
        if own is not None:
            found[order, own[piece]] = np.inf
        indices[piece] = best = found.argmin(axis=1)
        slack = _rounding(here, furthest)
        limit = (found[order, best] + slack).astype("float32")
        several = np.count_nonzero(found <= limit[:, None], axis=1) > 1
        left_open.append(piece.start + np.flatnonzero(several))
    return indices, np.concatenate(left_open)


def _rounding(here: np.ndarray, furthest: float) -> np.ndarray:
    """How far rounding in float32 can part two values of |r|^2 - 2 p r, which it does as a random walk: (n,)."""
    length = np.sqrt(_squares(here)) * math.sqrt(here.shape[1])
    return 4.0 * float(np.finfo("float32").eps) * furthest * (furthest + length)


def _exactly(points: np.ndarray, reference: np.ndarray, own: np.ndarray | None, frame: _Frame) -> np.ndarray:
    """Indices of the nearest (n,), by products in float64."""
    best, indices = np.full(len(points), np.inf), np.zeros(len(points), "int64")
    for part in _pieces(reference):
        there = frame.of(reference[part])
        squares = _squares(there)
        for piece in _pieces(points):
            found = squares - 2.0 * (frame.of(points[piece]) @ there.T)
            if own is not None:
                place = own[piece] - part.start
                inside = np.flatnonzero((place >= 0) & (place < len(there)))
                found[inside, place[inside]] = np.inf
            chosen = found.argmin(axis=1)
            value = found[np.arange(len(found)), chosen]
            nearer = value < best[piece]
            best[piece] = np.where(nearer, value, best[piece])
            indices[piece] = np.where(nearer, part.start + chosen, indices[piece])
    return indices
