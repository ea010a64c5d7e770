"""Kernel distance, against the definition in double loops."""

import itertools

import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.artifacts import MetricError
from keras_gans.metrics import kernel


def _by_definition(x, y):
    def k(a, b):
        return (np.dot(a, b) / len(a) + 1.0) ** 3

    def within(x):
        pairs = [k(x[i], x[j]) for i, j in itertools.permutations(range(len(x)), 2)]
        return np.mean(pairs)

    return within(x) + within(y) - 2 * np.mean([k(a, b) for a in x for b in y])


def test_a_subset_is_the_definition(rng):
    x, y = rng.normal(size=(9, 4)), rng.normal(size=(9, 4)) + 0.5
    found = kernel.of_features(x, y, count=1, size=1000)
    assert found == pytest.approx([_by_definition(x, y)], rel=1e-10)


def test_subsets_are_what_their_seed_says(rng):
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(40, 3))
    found = kernel.of_features(x, y, count=3, size=10, seed=5)
    expected = [_by_definition(x[i], y[j]) for i, j in kernel.subsets(30, 40, 3, 10, 5)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert not np.allclose(found, kernel.of_features(x, y, count=3, size=10, seed=6))
    for i, j in kernel.subsets(30, 40, 3, 10, 5):
        assert len(set(i)) == len(set(j)) == 10


def test_equal_distributions_are_0_apart_in_the_mean(rng):
    draws = [metrics.kernel_distance(rng.normal(size=(60, 5)), rng.normal(size=(60, 5))).value for _ in range(40)]
    error = np.std(draws) / np.sqrt(40)
    assert abs(np.mean(draws)) < 4 * error  # unbiased
    assert min(draws) < 0 < max(draws)
    shifted = metrics.kernel_distance(rng.normal(size=(60, 5)) + 1, rng.normal(size=(60, 5)))
    assert shifted.value > 8 * np.std(draws)
    assert shifted.protocol.endswith(", 60 real, 100x60]")


def test_the_protocol_says_from_how_many_real_rows_it_draws(rng, monkeypatch):
    side = metrics.reference(rng.normal(size=(60, 5)), kept=40)
    found = metrics.kernel_distance(rng.normal(size=(50, 5)), side)
    assert found.protocol == f"kid[50, {side.identity}, 40 real, 100x40]"
    assert (found.n_real, found.seed) == (60, None)
    monkeypatch.setattr(kernel, "SUBSETS", 5)
    assert metrics.kernel_distance(rng.normal(size=(50, 5)), side).protocol.endswith("5x40]")


def test_one_image_is_too_few(rng):
    with pytest.raises(MetricError, match="at least 2 images a side, and 1 came"):
        metrics.kernel_distance(rng.normal(size=(1, 5)), rng.normal(size=(60, 5)))
    with pytest.raises(MetricError, match="count is a whole number of at least 1, and 0 came"):
        kernel.of_features(rng.normal(size=(9, 5)), rng.normal(size=(9, 5)), count=0)
