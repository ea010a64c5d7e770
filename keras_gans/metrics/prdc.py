"""Are samples like real images, and are all real images drawn? Two pairs of answers from nearest neighbours.

Improved precision and recall (Kynkäänniemi et al. 2019): the share of samples within a ball around some real image
that reaches to its k-th neighbour, and the same with the sides exchanged; k = 3. Density and coverage (Naeem et al.
2020): in how many of those balls a sample lies, over k, and the share of balls with a sample in them; k = 5.

A ball does not hold its edge, as in the released code of density and coverage (the package `prdc`), which has all four:
so a copy of the k-th neighbour itself lies outside. The released code of precision and recall counts the edge; where no
row comes twice, that makes no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import check_asked, pair
from keras_gans.metrics.features import BATCH, Progress, features_of
from keras_gans.metrics.gathered import seed_of
from keras_gans.metrics.score import Score, count, protocol
from keras_gans.metrics.statistics import Reference, reference

_CHUNK = 2048  # rows at a time: 2,048 x 10,000 distances are 164 MB in float64
_ROWS = 256  # of them at a time, where a pair's rounding counts
_CELLS = 2**22  # numbers at a time where differences are taken, 32 MiB
_ROUNDING = 4.0 * float(np.finfo("float64").eps)  # of |a|^2 + |b|^2, for each of d products


class PrecisionRecall(NamedTuple):
    """Two scores in [0, 1]."""

    precision: Score
    recall: Score


class DensityCoverage(NamedTuple):
    """Two scores: density is at least 0 and exactly 1 for a set against itself, if no row comes twice; coverage in
    [0, 1]."""

    density: Score
    coverage: Score


def precision_recall(
    fake: Any,
    real: Any,
    features: Any = None,
    *,
    k: int = 3,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> PrecisionRecall:
    """Improved precision and recall; higher is better. Of real images at most 5,000 are taken.

    Args:
        k: neighbours that a ball reaches to; both sides need more images than that.

    Other arguments, `Score` and errors are those of `frechet_distance`. Memory grows with the features of both sides;
    distances are taken a piece at a time.
    """
    side, rows = _measured(fake, real, features, n, seed, batch_size, progress, k)
    found = shares(rows, side.rows, k)
    return PrecisionRecall(*_scores(("precision", "recall"), found, k, rows, side, features, seed_of(fake, seed)))


def density_coverage(
    fake: Any,
    real: Any,
    features: Any = None,
    *,
    k: int = 5,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> DensityCoverage:
    """Density and coverage; higher is better. Arguments and errors are those of `precision_recall`."""
    side, rows = _measured(fake, real, features, n, seed, batch_size, progress, k)
    found = balls(rows, side.rows, k)
    return DensityCoverage(*_scores(("density", "coverage"), found, k, rows, side, features, seed_of(fake, seed)))


def _measured(
    fake: Any, real: Any, features: Any, n: int | None, seed: int, batch_size: int, progress: Progress | None, k: int
) -> tuple[Reference, np.ndarray]:
    check_asked(n, seed, batch_size)
    check_enough((k,), n)
    side = reference(real, features, seed=seed, batch_size=batch_size, progress=progress)
    check_enough((k,), len(side.rows))
    return side, features_of(fake, features, n, seed, batch_size, progress)[1]


def _scores(
    names: tuple[str, str],
    values: tuple[float, float],
    k: int,
    rows: np.ndarray,
    side: Reference,
    features: Any,
    seed: int | None,
) -> list[Score]:
    taken, sha = side.taken_by(features)
    facts = (taken, len(rows), side.identity, f"{count(len(side.rows))} real", f"k={k}")
    return [
        Score(
            name,
            protocol(name, *facts),
            value,
            n_real=len(side.rows),
            n_fake=len(rows),
            seed=seed,
            features=taken,
            features_sha256=sha,
        )
        for name, value in zip(names, values, strict=True)
    ]


def four_scores(rows: np.ndarray, side: Reference, features: Any, seed: int | None = None) -> list[Score]:
    """`precision_recall` and `density_coverage` of features (n, d) that are there already, at half the cost of both.

    seed: by which they were drawn; None: they were not.
    """
    precision, recall, density, coverage = all_four(rows, side.rows)
    return [
        *_scores(("precision", "recall"), (precision, recall), 3, rows, side, features, seed),
        *_scores(("density", "coverage"), (density, coverage), 5, rows, side, features, seed),
    ]


def shares(fake: Any, real: Any, k: int) -> tuple[float, float]:
    """(precision, recall) of features (n, d) and (m, d), both of more than k rows. MetricError otherwise."""
    return _answers(fake, real, k, None)[:2]


def balls(fake: Any, real: Any, k: int) -> tuple[float, float]:
    """(density, coverage) of features (n, d) and (m, d), both of more than k rows. MetricError otherwise."""
    return _answers(fake, real, None, k)[2:]


def all_four(fake: Any, real: Any, k: int = 3, k_balls: int = 5) -> tuple[float, float, float, float]:
    """(precision, recall, density, coverage): as `shares` and `balls`, at half the cost of both."""
    return _answers(fake, real, k, k_balls)


def _answers(fake: Any, real: Any, k: int | None, k_balls: int | None) -> tuple[float, float, float, float]:
    """All four, of the neighbours that are asked for: what needs a k that is None is 0."""
    asked = [k for k in (k, k_balls) if k is not None]
    fake, real = _sides(fake, real, asked)
    reach = dict(zip(asked, neighbour_distances(real, asked), strict=True))
    fake_reach = np.zeros(0) if k is None else neighbour_distances(fake, [k])[0]
    precise, recalled, covered = np.zeros(len(fake), bool), np.zeros(len(real), bool), np.zeros(len(real), bool)
    inside = 0
    for start in range(0, len(real), _CHUNK):  # of the real rows: each of their balls is complete in its chunk
        part = slice(start, start + _CHUNK)
        across = _Across(real[part], fake)
        if k is not None:
            precise |= across.nearer_than(reach[k][part, None]).any(axis=0)
            recalled[part] = across.nearer_than(fake_reach).any(axis=1)
        if k_balls is not None:
            within = across.nearer_than(reach[k_balls][part, None])
            inside += int(within.sum())
            covered[part] = within.any(axis=1)
    density = inside / ((k_balls or 1) * len(fake))
    return float(precise.mean()), float(recalled.mean()), density, float(covered.mean())


def neighbour_distances(x: np.ndarray, ks: Sequence[int]) -> np.ndarray:
    """The squared distance of each row (n, d) to its k-th nearest other, for each k: float64 (len(ks), n)."""
    found = np.empty((len(ks), len(x)))
    for start in range(0, len(x), _CHUNK):
        part = x[start : start + _CHUNK]
        squared, own = _squared(part, x), np.arange(len(part))
        squared[own, start + own] = -1.0  # itself comes first, before twins
        order = squared.argpartition(ks, axis=1)[:, ks].T
        for number, neighbour in enumerate(order):
            found[number, start : start + _CHUNK] = _from_differences(part, x, own, neighbour)
    return found


class _Across:
    """Which rows of a are nearer to which of b than so much.

    Products say it of all pairs but those that rounding leaves open, which are held to their differences: so a copy of
    a row is exactly as near as that row.
    """

    def __init__(self, a: np.ndarray, b: np.ndarray) -> None:
        self._a, self._b, self._squared = a, b, _squared(a, b)
        self._squares = tuple(np.einsum("ij,ij->i", x, x) for x in (a, b))

    def nearer_than(self, reach: np.ndarray) -> np.ndarray:
        """bool (len(a), len(b)): a squared distance below `reach`, which is (len(a), 1) or (len(b),)."""
        reach = np.broadcast_to(reach, self._squared.shape)
        nearer = np.empty(reach.shape, bool)
        for start in range(0, len(reach), _ROWS):
            rows = slice(start, start + _ROWS)
            slack = _ROUNDING * self._a.shape[1] * (self._squares[0][rows, None] + self._squares[1])
            nearer[rows] = self._squared[rows] < reach[rows] - slack
            i, j = np.nonzero((self._squared[rows] <= reach[rows] + slack) & ~nearer[rows])
            i += start
            nearer[i, j] = _from_differences(self._a, self._b, i, j) < reach[i, j]
        return nearer


def _squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a|^2 + |b|^2 - 2 a.b, at least 0: float64 (len(a), len(b))."""
    squares = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)
    squares -= 2.0 * (a @ b.T)
    return np.maximum(squares, 0.0, out=squares)


def _from_differences(a: np.ndarray, b: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The squared distances of pairs of rows, the same to the last digit for equal rows: float64 (pairs,)."""
    found, step = np.empty(len(rows)), max(1, _CELLS // a.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        differences = a[rows[part]] - b[columns[part]]
        found[part] = np.einsum("ij,ij->i", differences, differences)
    return found


def check_enough(ks: Sequence[int], *counts: int | None) -> None:
    """MetricError where k is no number of neighbours, or a number of rows, as far as it is known, is not above it."""
    for k in ks:
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise MetricError(f"k is a number of neighbours, and {k!r} came: give a whole number above 0.")
    for n in counts:
        if n is not None and n <= max(ks):
            raise MetricError(f"At least {max(ks) + 1} rows of features were wanted on each side, and {n} came.")


def _sides(fake: Any, real: Any, ks: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 (n, d), counted from a real row in the middle: far from 0, products would lose digits.

    A row, not the mean: whole numbers stay whole, and products of them exact.
    """
    check_enough(ks)
    fake, real = pair(fake, real, least=max(ks) + 1)
    fake, real = fake.astype("float64"), real.astype("float64")
    origin = real[int(_squared(real, real.mean(axis=0, keepdims=True)).argmin())].copy()
    fake -= origin
    real -= origin
    return fake, real
