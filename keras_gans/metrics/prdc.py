"""Are samples like real images, and are all real images drawn? Two pairs of answers from nearest neighbours.

Improved precision and recall (Kynkäänniemi et al. 2019): the share of samples within a ball around some real image
that reaches to its k-th neighbour, and the same with the sides exchanged; k = 3. Density and coverage (Naeem et al.
2020): in how many of those balls a sample lies, over k, and the share of balls with a sample in them; k = 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import pair
from keras_gans.metrics.features import BATCH, Progress, features_of, named
from keras_gans.metrics.score import Score, count, protocol
from keras_gans.metrics.statistics import Reference, reference

_CHUNK = 2048  # rows at a time: 2,048 x 10,000 distances are 164 MB in float64


class PrecisionRecall(NamedTuple):
    """Two scores in [0, 1]."""

    precision: Score
    recall: Score


class DensityCoverage(NamedTuple):
    """Two scores: density is at least 0 and about 1 for equal sets, coverage in [0, 1]."""

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
    side, rows = _measured(fake, real, features, n, seed, batch_size, progress)
    found = shares(rows, side.rows, k)
    return PrecisionRecall(*_scores(("precision", "recall"), found, k, rows, side, features, seed))


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
    side, rows = _measured(fake, real, features, n, seed, batch_size, progress)
    found = balls(rows, side.rows, k)
    return DensityCoverage(*_scores(("density", "coverage"), found, k, rows, side, features, seed))


def _measured(
    fake: Any, real: Any, features: Any, n: int | None, seed: int, batch_size: int, progress: Progress | None
) -> tuple[Reference, np.ndarray]:
    side = reference(real, features, seed=seed, batch_size=batch_size, progress=progress)
    return side, features_of(fake, features, n, seed, batch_size, progress)[1]


def _scores(
    names: tuple[str, str],
    values: tuple[float, float],
    k: int,
    rows: np.ndarray,
    side: Reference,
    features: Any,
    seed: int,
) -> list[Score]:
    facts = (named(features), len(rows), side.identity, f"{count(len(side.rows))} real", f"k={k}")
    return [
        Score(
            name,
            protocol(name, *facts),
            value,
            n_real=len(side.rows),
            n_fake=len(rows),
            seed=seed,
            features=named(features),
            features_sha256=getattr(features, "sha256", None),
        )
        for name, value in zip(names, values, strict=True)
    ]


def four_scores(rows: np.ndarray, side: Reference, features: Any, seed: int = 0) -> list[Score]:
    """`precision_recall` and `density_coverage` of features (n, d) that are there already, at half the cost of both."""
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
    fake_reach = None if k is None else neighbour_distances(fake, [k])[0]
    precise, recalled, covered = np.zeros(len(fake), bool), np.zeros(len(real), bool), np.zeros(len(real), bool)
    inside = 0
    for start in range(0, len(real), _CHUNK):  # of the real rows: each of their balls is complete in its chunk
        part = slice(start, start + _CHUNK)
        squared = _squared(real[part], fake)
        if k is not None:
            precise |= (squared <= reach[k][part, None]).any(axis=0)
            recalled[part] = (squared <= fake_reach).any(axis=1)
        if k_balls is not None:
            within = squared <= reach[k_balls][part, None]
            inside += int(within.sum())
            covered[part] = within.any(axis=1)
    density = inside / ((k_balls or 1) * len(fake))
    return float(precise.mean()), float(recalled.mean()), density, float(covered.mean())


def neighbour_distances(x: np.ndarray, ks: Sequence[int]) -> np.ndarray:
    """The squared distance of each row (n, d) to its k-th nearest other, for each k: float64 (len(ks), n)."""
    found = np.empty((len(ks), len(x)))
    for start in range(0, len(x), _CHUNK):
        squared = _squared(x[start : start + _CHUNK], x)
        squared[np.arange(len(squared)), start + np.arange(len(squared))] = -1.0  # itself comes first, before twins
        squared.partition(ks, axis=1)
        found[:, start : start + _CHUNK] = squared[:, ks].T
    return found


def _squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a|^2 + |b|^2 - 2 a.b, at least 0: float64 (len(a), len(b))."""
    squares = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)
    squares -= 2.0 * (a @ b.T)
    return np.maximum(squares, 0.0, out=squares)


def _sides(fake: Any, real: Any, ks: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    for k in ks:
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise MetricError(f"k is a number of neighbours, and {k!r} came: give a whole number above 0.")
    fake, real = pair(fake, real, least=max(ks) + 1)
    return fake.astype("float64"), real.astype("float64")
