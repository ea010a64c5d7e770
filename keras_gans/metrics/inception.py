"""Inception score (Salimans et al. 2016, section 4): exp of the mean divergence of p(y|x) from p(y)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics import sources
from keras_gans.metrics.arrays import check_asked, check_whole, first, rows
from keras_gans.metrics.features import BATCH, Progress, batches
from keras_gans.metrics.gathered import seed_of
from keras_gans.metrics.score import Score, protocol

SPLITS = 10


def inception_score(
    fake: Any,
    classifier: Any = None,
    *,
    n: int | None = None,
    splits: int = SPLITS,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> Score:
    """The Inception score: "is". 1 at the least, the number of classes at the most; higher is better.

    Comparable to published ones with `keras_gans.feature_extractor("inception2015")` and 50,000 samples alone.

    Args:
        fake: probabilities (n, classes); or, with `classifier`, images as `frechet_distance` takes them.
        classifier: an extractor that has `probabilities`.
        n, batch_size, progress: as for `frechet_distance`.
        splits: parts, shuffled, over which the score is averaged; their deviation is in `details`.
        seed: of a model's samples, and of the shuffling.

    Returns:
        `Score`.

    Raises:
        MetricError: fewer images than splits, or not as above.
    """
    check_asked(n, seed, batch_size)
    check_whole("splits", splits, 1)
    if classifier is None:
        given = first(rows(fake, "probabilities"), n, "probabilities")
        found, count = of_probabilities([given], len(given), splits, seed), len(given)
    else:
        if not hasattr(classifier, "probabilities"):
            raise MetricError(f"The Inception score takes a classifier, and {classifier.name} has no probabilities.")
        source = sources.open_source(fake, n, seed, classifier.image_shape)
        if source.n is None:
            raise MetricError("The Inception score of a tf.data.Dataset has to know its length: say n=.")
        read = batches(source, classifier.probabilities, classifier.image_shape, batch_size, progress)
        found, count = of_probabilities(read, source.n, splits, seed), source.n
    name = None if classifier is None else classifier.name
    return Score(
        "is",
        protocol("is", name, count, f"{splits} splits"),
        float(found.mean()),
        n_fake=count,
        seed=seed_of(fake, seed),
        features=name,
        features_sha256=getattr(classifier, "sha256", None),
        details={"split_deviation": float(found.std())},
    )


def of_probabilities(batches: Iterable[Any], n: int, splits: int = SPLITS, seed: int = 0) -> np.ndarray:
    """The score of each split: float64 (splits,), whose mean is the score and whose deviation the papers print.

    The released code takes splits in the order of the samples; they are shuffled here, for where samples come sorted
    by class each of its splits sees one class.

    Args:
        batches: probabilities (b, classes), n rows in all. Only sums are kept.
        n: how many rows.
        splits: parts of (nearly) equal size.
        seed: of the shuffling.

    Raises:
        MetricError: fewer rows than splits, other than n rows, or rows that are no probabilities.
    """
    check_whole("splits", splits, 1)
    check_whole("seed", seed, 0)
    check_enough(n, splits)
    part = np.random.default_rng(seed).permutation(n) % splits
    sums, negentropy, seen = None, np.zeros(splits), 0
    for batch in batches:
        p = _checked(batch)
        sums = np.zeros((splits, p.shape[1])) if sums is None else sums
        if p.shape[1] != sums.shape[1] or seen + len(p) > n:
            raise MetricError(f"{n} rows of {sums.shape[1]} probabilities were wanted, and other ones came.")
        where = part[seen : seen + len(p)]
        np.add.at(sums, where, p)
        np.add.at(negentropy, where, _sum_p_log_p(p))
        seen += len(p)
    if sums is None or seen != n:
        raise MetricError(f"{n} rows of probabilities were wanted, and {seen} came.")
    sizes = np.bincount(part, minlength=splits)
    return np.exp(negentropy / sizes - _sum_p_log_p(sums / sizes[:, None]))


def check_enough(n: int, splits: int = SPLITS) -> None:
    """MetricError for fewer images than splits."""
    if n < splits:
        raise MetricError(f"The Inception score takes at least one image for each of {splits} splits, and {n} came.")


def _checked(batch: Any) -> np.ndarray:
    p = rows(batch, "probabilities")
    if p.min() < 0 or np.abs(p.sum(axis=1) - 1.0).max() > 1e-3:
        raise MetricError("Probabilities that add up to 1 in each row were wanted, and others came: give a softmax.")
    return p


def _sum_p_log_p(p: np.ndarray) -> np.ndarray:
    """Over the last axis; 0 log 0 is 0."""
    return np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=-1)
