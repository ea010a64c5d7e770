"""Inception score, against its definition."""

import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.artifacts import MetricError
from keras_gans.metrics import inception


def _by_definition(p):
    marginal = p.mean(0)
    return np.exp(np.mean([sum(q * np.log(q / m) for q, m in zip(row, marginal, strict=True) if q > 0) for row in p]))


def _softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def test_each_split_is_the_definition(rng):
    p = _softmax(3 * rng.normal(size=(103, 7)))
    part = np.random.default_rng(4).permutation(103) % 10
    expected = [_by_definition(p[part == k]) for k in range(10)]
    found = inception.of_probabilities([p[:50], p[50:51], p[51:]], 103, seed=4)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    score = metrics.inception_score(p, seed=4)
    assert score.value == pytest.approx(np.mean(expected))
    assert score.details["split_deviation"] == pytest.approx(np.std(expected))


def test_the_bounds_are_1_and_the_number_of_classes():
    sure = np.eye(5)[np.arange(5000) % 5]
    assert metrics.inception_score(sure).value == pytest.approx(5.0, rel=1e-2)
    assert metrics.inception_score(np.full((100, 5), 0.2)).value == pytest.approx(1.0, rel=1e-12)
    assert metrics.inception_score(np.eye(5)[np.zeros(100, int)]).value == pytest.approx(1.0, rel=1e-12)


def test_samples_that_come_sorted_do_not_matter(rng):
    p = np.eye(10)[np.sort(rng.integers(0, 10, 4000))]
    assert metrics.inception_score(p).value > 9.5  # splits in order would give 1


def test_what_is_no_probability_is_refused(rng):
    with pytest.raises(MetricError, match="add up to 1"):
        metrics.inception_score(rng.normal(size=(100, 5)))
    with pytest.raises(MetricError, match="at least one image for each of 10 splits, and 4 came"):
        metrics.inception_score(np.full((4, 5), 0.2))
    for splits in (2.5, 0, True):
        with pytest.raises(MetricError, match="splits is a whole number of at least 1"):
            metrics.inception_score(np.full((40, 5), 0.2), splits=splits)
    with pytest.raises(MetricError, match="50 rows of probabilities were wanted and 40 came"):
        metrics.inception_score(np.full((40, 5), 0.2), n=50)
    with pytest.raises(MetricError, match="has no probabilities"):
        metrics.inception_score(np.zeros((10, 8, 8, 3), "uint8"), metrics.Pixels())
