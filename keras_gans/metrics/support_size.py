"""How many different images can a model draw? The birthday paradox test (Arora and Zhang 2017, arXiv 1706.08224).

Among 23 people two share a birthday with probability one half, though a year has 365 days. So if a batch of s samples
holds two of the same with probability one half, the model draws about s^2 different images. The paper tries batch sizes
until that is so, and a person looks at the 20 most similar pairs of each. Here all pairs of one large set are counted:
where two samples are the same with probability p, the support is 1 / p, or the number of equally likely images that
would repeat as often. That takes no search for s, and comes with an interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import check_real, check_whole, checked
from keras_gans.metrics.features import BATCH, Progress
from keras_gans.metrics.gathered import Rows, rows_of, seed_of
from keras_gans.metrics.nearest import nearest
from keras_gans.metrics.score import Score, count, protocol
from keras_gans.metrics.statistics import Reference, reference

CLOSEST, PERCENTILE = 20, 0.1
_Z = 1.959964  # of a normal distribution, 95 % lie within
_CELLS = 2**24  # numbers in a block of rows, 128 MiB in float64
_MOST = 1e15  # of a feature: where float64 has digits left for what is the same


class Support(NamedTuple):
    """An estimate of how many different images there are.

    value: 1 / the share of pairs that are the same; infinity where none is.
    low, high: its 95 % interval. Where no pair is the same: more than `low`, and `high` is infinity.
    collisions, pairs: how many pairs are the same, of how many.
    """

    value: float
    low: float
    high: float
    collisions: int
    pairs: int


class Birthday(NamedTuple):
    """What `of_rows` found.

    support: `Support` of the samples.
    batch: the smallest batch that holds two of the same with probability one half: 23 for a support of 365. Its square,
        which the paper quotes, is 1.4 times the support.
    threshold: the Euclidean distance up to which two count as the same.
    closest: int64 (k, 2), the pairs i < j of samples that are nearest to each other, nearest first: look at them.
    distances: float64 (k,) of those pairs.
    real: `Support` of the real images by the same threshold, or None. It is the most that this measure can see: a
        support of samples near it or above says that they vary as the real ones do.
    """

    support: Support
    batch: float
    threshold: float
    closest: np.ndarray
    distances: np.ndarray
    real: Support | None


def birthday(
    fake: Any,
    real: Any = None,
    features: Any = None,
    *,
    threshold: float | None = None,
    percentile: float = PERCENTILE,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> Score:
    """How many different images a model draws, by how often two samples are the same: "support". Higher is better.

    `of_rows` says what is the same, and gives the closest pairs: look at them. Where no two are the same, the value is
    a lower bound, its interval has no end, and it is shown as "> 3e+06". All rows of both sides are held in memory.

    Args:
        fake: as for `frechet_distance`, at least 2; best 2,000 or more.
        real: real images in the same forms, or a `Reference`, of which the rows that it keeps are taken. They say what
            is the same, unless `threshold` does. Files are brought to the model's size.
        features: an extractor; None: pixels, where images come.
        threshold, percentile: as for `of_rows`.
        n, seed, batch_size, progress: as for `frechet_distance`.

    Returns:
        `Score`, whose interval is the estimate's own; in `details` how many pairs are the same, of how many, by which
        distance, and how many real ones are ("real_collisions").

    Raises:
        MetricError: there are too few, or of different sizes, or an argument is not as above.
        DataError: images that cannot be read.
    """
    _check_threshold(threshold, percentile, real is not None)
    theirs = _real_rows(real, features, getattr(fake, "image_shape", None), batch_size, progress)
    ours = rows_of(fake, features, n, seed, batch_size, progress)
    found = of_rows(ours.rows, None if theirs is None else theirs.rows, threshold, percentile, closest=0)
    support = found.support
    sided = (None, None) if theirs is None else (theirs.identity, f"{count(len(theirs.rows))} real")
    same = f"{percentile:g} %" if threshold is None else f"within {threshold:g}"
    details = {"collisions": support.collisions, "pairs": support.pairs, "threshold": found.threshold}
    return Score(
        "support",
        protocol("support", ours.features, len(ours.rows), *sided, same),
        support.value if math.isfinite(support.value) else support.low,
        interval=(support.low, support.high),
        n_real=None if theirs is None else len(theirs.rows),
        n_fake=len(ours.rows),
        seed=seed_of(fake, seed),
        features=ours.features,
        features_sha256=ours.sha256,
        details=details if found.real is None else {**details, "real_collisions": found.real.collisions},
    )


def _real_rows(real: Any, features: Any, shape: Any, batch_size: int, progress: Progress | None) -> Rows | None:
    """What says what is the same, at least 2 rows; None where nothing came."""
    if real is None:
        return None
    if isinstance(real, Reference):
        side = reference(real, features)
        found = Rows(side.rows, None, side.identity, side.features, side.features_sha256)
    else:
        found = rows_of(real, features, None, 0, batch_size, progress, shape)
    _rows(found.rows, "real images")
    return found


def of_rows(
    samples: Any,
    real: Any = None,
    threshold: float | None = None,
    percentile: float = PERCENTILE,
    same: Callable[[int, int], bool] | None = None,
    closest: int = CLOSEST,
) -> Birthday:
    """Estimates how many different images there are, from how often two samples are the same.

    What "the same" is decides the result, and no distance knows it as a person does. By default it is as near as real
    images hardly ever come: one in a thousand has another so near (`percentile`). For m real images that makes m / 2000
    pairs or a few more, and so a support of 500 m to 1000 m. What varies more than that cannot be told from the real
    ones; with the 1 % of `memorization` the end would be at 100 m, too early for a model of faces and 5,000 real ones.
    Look at `closest`: where these differ, the support is larger than it says; where pairs beyond the threshold are the
    same to the eye, it is smaller.

    The interval takes pairs for independent as long as no sample is in two of them. Where samples share partners, as
    with one image that is drawn often, it is widened by the variance that this adds. Drawn from known sets of 1.2 to a
    million images, even or uneven, 2,000 samples gave intervals of which 93 to 99 in a hundred held the truth; 50
    samples of uneven sets, as few as 85.

    Args:
        samples: uint8 images or float features (n, ...) of generated images, drawn independently; n of at least 2, and
            best 2,000 or more: without a collision n samples show a support of more than n^2 / 8.
        real: (m, ...) the same of real images, all of them different; m of at least 2. Copies among them make the
            threshold 0, which only exact copies meet.
        threshold: Euclidean distance of flattened rows up to which two count as the same. One of `real` and `threshold`
            is needed; with both, `threshold` decides and `real` is measured with it.
        percentile: in 0..100, of the real images' distances to their nearest other.
        same: (i, j) -> bool, the last word on each pair of samples i < j within the threshold, as by a person who
            looks. It is not asked about real images.
        closest: how many of the closest pairs to return, at least 0.

    Returns:
        `Birthday`.

    Raises:
        MetricError: there are too few rows, rows differ in size or are not finite, or an argument is not as above.
    """
    _check_threshold(threshold, percentile, real is not None)
    check_whole("closest", closest, 0)
    x = _rows(samples, "samples")
    others = None if real is None else _rows(real, "real images")
    if others is not None and others.shape[1] != x.shape[1]:
        raise MetricError(
            f"Samples and real images of one size were wanted, and rows of {x.shape[1]} and {others.shape[1]} came."
        )
    limit = _threshold(threshold, percentile, others)
    partners, near = _scan(x, limit, int(closest), same)
    support = _support(partners)
    yardstick = None if others is None else _support(_scan(others, limit, 0)[0])
    return Birthday(support, _batch(support.value), limit, near, _distances(x, near), yardstick)


def _rows(x: Any, what: str) -> np.ndarray:
    """(n, d) in the dtype that it has."""
    rows = checked(x, what)
    check_enough(what, len(rows))
    if max(float(rows.max()), -float(rows.min())) > _MOST:
        raise MetricError(f"Numbers of at most {_MOST:.0e} were wanted in {what}, and larger ones came: scale them.")
    return rows


def check_enough(what: str, n: int) -> None:
    """MetricError for fewer than two."""
    if n < 2:
        raise MetricError(f"At least 2 {what} were wanted, and {n} came: give more.")


def _check_threshold(threshold: Any, percentile: Any, has_real: bool) -> None:
    if threshold is not None:
        check_real("A threshold", threshold, 0, 1e100)
    elif not has_real:
        raise MetricError("Real images or a threshold were wanted, to say what counts as the same, and neither came.")
    else:
        check_real("percentile", percentile, 0, 100)


def _threshold(threshold: Any, percentile: Any, real: np.ndarray | None) -> float:
    if threshold is not None or real is None:
        return float(threshold)
    pairs = np.stack([np.arange(len(real)), nearest(real, real, itself=True).indices], axis=1)
    # A millionth above: rounding shall not part the threshold from the very pair that it was taken from.
    return float(np.percentile(_distances(real, pairs), percentile)) * (1.0 + 1e-6)


# --- from counts to a support -------------------------------------------------------------------------


def _support(partners: np.ndarray) -> Support:
    """From int64 (n,): how many others each row is the same as."""
    pairs = math.comb(len(partners), 2)
    collisions = int(partners.sum()) // 2
    share = collisions / pairs
    least, most = _wilson(share, _independent(partners, share))
    if collisions == 0:
        return Support(math.inf, 1.0 / most, math.inf, collisions, pairs)
    value = pairs / collisions
    return Support(value, min(value, 1.0 / most), max(value, 1.0 / least), collisions, pairs)


def _independent(partners: np.ndarray, share: float) -> float:
    """How many independent pairs would tell `share` as well as all pairs of n rows do.

    The count of collisions has the variance of independent pairs plus that of pairs which share a row. Without
    collisions nothing is shared; where all collide nothing can be estimated, and n / 2 pairs share no row for certain.
    """
    n, pairs = len(partners), math.comb(len(partners), 2)
    if share in (0.0, 1.0):
        return float(pairs if share == 0.0 else n // 2)
    alone = pairs * share * (1.0 - share)
    together = float((partners * (partners - 1) // 2).sum()) - n * math.comb(n - 1, 2) * share**2
    return pairs * alone / (alone + 2.0 * max(0.0, together))


def _wilson(share: float, n: float) -> tuple[float, float]:
    """The 95 % interval of a probability (Wilson 1927) that n independent trials showed as `share`."""
    centre = share + _Z**2 / (2.0 * n)
    half = _Z * math.sqrt(share * (1.0 - share) / n + _Z**2 / (4.0 * n * n))
    whole = 1.0 + _Z**2 / n
    most = (centre + half) / whole
    return share**2 / (whole * most), most  # the product of both ends; centre - half would lose digits


def _batch(support: float) -> float:
    """The least s with 1 - exp(-s (s - 1) / (2 support)) of at least one half."""
    size = (1.0 + math.sqrt(1.0 + 8.0 * math.log(2.0) * support)) / 2.0
    return float(math.ceil(size)) if math.isfinite(size) else math.inf


# --- all pairs ----------------------------------------------------------------------------------------


def _scan(
    x: np.ndarray, limit: float, keep: int, same: Callable[[int, int], bool] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Counts each row's partners within `limit`, and finds the `keep` closest pairs.

    Returns:
        int64 (n,), and int64 (at most keep, 2), the closest first.
    """
    partners = np.zeros(len(x), "int64")
    near, squares_of_near = np.zeros((0, 2), "int64"), np.zeros(0)
    for rows, columns, squares, slack in _blocks(x):
        within = _within(x, rows, columns, squares, slack, limit)
        if same is not None:
            for i, j in np.argwhere(within):
                within[i, j] = bool(same(int(rows[i]), int(columns[j])))
        partners[rows] += within.sum(axis=1)
        partners[columns] += within.sum(axis=0)
        found = _least(squares, keep)
        near = np.concatenate([near, np.stack([rows[found[0]], columns[found[1]]], axis=1)])
        squares_of_near = np.concatenate([squares_of_near, squares[found]])
        best = np.argsort(squares_of_near, kind="stable")[:keep]
        near, squares_of_near = near[best], squares_of_near[best]
    return partners, near[np.lexsort((near[:, 1], near[:, 0], _distances(x, near)))]


def _blocks(x: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, float]]:
    """Row numbers (a,), row numbers (b,), squared distances float64 (a, b), and how far rounding can carry these.

    Distances are infinite unless i < j. Rows are counted from the first one as their origin, which keeps digits where
    all lie far from 0, and whole numbers whole: small ones have no rounding.
    """
    exact = x.dtype.kind != "f" and x.dtype.itemsize <= 2
    slack = 0.0 if exact else 8.0 * x.shape[1] * float(np.finfo("float64").eps)
    n, step = len(x), max(1, min(1024, _CELLS // x.shape[1]))
    blocks = [np.arange(s, min(s + step, n)) for s in range(0, n, step)]
    origin = x[0].astype("float64")
    for number, rows in enumerate(blocks):
        a = x[rows].astype("float64") - origin
        for columns in blocks[number:]:
            b = a if columns is rows else x[columns].astype("float64") - origin
            long, wide = _norms(a)[:, None], _norms(b)
            squares = long + wide - 2.0 * (a @ b.T)
            squares[rows[:, None] >= columns] = np.inf
            yield rows, columns, squares, slack * max(float(long.max()), float(wide.max()))


def _norms(a: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", a, a)


def _within(
    x: np.ndarray, rows: np.ndarray, columns: np.ndarray, squares: np.ndarray, slack: float, limit: float
) -> np.ndarray:
    """bool (a, b): pairs within `limit`. What rounding leaves open is computed again from differences."""
    within = np.sqrt(np.maximum(squares, 0.0)) <= limit
    open_ = np.argwhere(np.abs(squares - limit * limit) < slack)
    if len(open_):
        pairs = np.stack([rows[open_[:, 0]], columns[open_[:, 1]]], axis=1)
        within[open_[:, 0], open_[:, 1]] = _distances(x, pairs) <= limit
    return within


def _least(squares: np.ndarray, keep: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the `keep` least finite values are."""
    flat = squares.ravel()
    chosen = np.argpartition(flat, keep - 1)[:keep] if 0 < keep < len(flat) else np.arange(len(flat) if keep else 0)
    chosen = chosen[np.isfinite(flat[chosen])]
    rows, columns = np.unravel_index(chosen, squares.shape)
    return rows, columns


def _distances(x: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Euclidean, from differences: float64 (k,) of pairs (k, 2)."""
    step = max(1, _CELLS // x.shape[1])
    parts = [np.zeros(0)]
    for start in range(0, len(pairs), step):
        i, j = pairs[start : start + step].T
        parts.append(np.sqrt(_norms(x[i].astype("float64") - x[j].astype("float64"))))
    return np.concatenate(parts)
