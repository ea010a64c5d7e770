"""Nearest neighbours, against SciPy-free brute force in float64."""

import numpy as np
import pytest

from keras_gans.metrics import nearest


def _brute(points, reference):
    points, reference = (x.reshape(len(x), -1).astype("float64") for x in (points, reference))
    return np.sqrt(((points[:, None] - reference[None]) ** 2).sum(-1))


def test_nearest_finds_the_nearest_in_several_chunks(rng, monkeypatch):
    monkeypatch.setattr(nearest, "_CHUNK", 7)
    points, reference = rng.normal(size=(30, 2, 3)), rng.normal(size=(50, 2, 3))
    found = nearest.nearest(points, reference)
    expected = _brute(points, reference)
    np.testing.assert_array_equal(found.indices, expected.argmin(1))
    np.testing.assert_allclose(found.distances, expected.min(1), rtol=1e-5)


def test_no_row_is_its_own_neighbour(rng, monkeypatch):
    monkeypatch.setattr(nearest, "_CHUNK", 7)
    x = rng.integers(0, 256, (40, 4, 4, 3), dtype="uint8")
    expected = _brute(x, x) + np.diag(np.full(40, np.inf))
    found = nearest.nearest(x, x, itself=True)
    np.testing.assert_array_equal(found.indices, expected.argmin(1))
    np.testing.assert_allclose(found.distances, expected.min(1), rtol=1e-5)


def test_some_rows_of_many_are_not_their_own_neighbours(rng, monkeypatch):
    monkeypatch.setattr(nearest, "_CHUNK", 4)
    x, rows = rng.normal(size=(30, 5)), np.array([0, 3, 4, 11, 28, 29])
    expected = (_brute(x, x) + np.diag(np.full(30, np.inf)))[rows]
    found = nearest.nearest(x[rows], x, itself=True, rows=rows)
    np.testing.assert_array_equal(found.indices, expected.argmin(1))


def test_the_threshold_can_come_from_some_of_the_training_images(rng):
    training, samples = rng.normal(size=(200, 4)), rng.normal(size=(20, 4))
    distances = (_brute(training, training) + np.diag(np.full(200, np.inf))).min(1)
    chosen = np.linspace(0, 199, 50).astype(int)
    found = nearest.memorization(samples, training, percentile=10, asked=50)
    assert found.threshold == pytest.approx(np.percentile(distances[chosen], 10), rel=1e-5)


def test_twins_have_a_distance_of_exactly_zero(rng):
    x = 1000.0 + rng.normal(size=(5, 300))
    assert (nearest.nearest(x, x).distances == 0).all()


def test_copies_are_memorised_and_strangers_are_not(rng):
    training = rng.normal(size=(400, 10))
    copies = training[:50] + rng.normal(size=(50, 10)) * 1e-3
    strangers = rng.normal(size=(2000, 10))
    both = nearest.memorization(np.concatenate([copies, strangers[:50]]), training)
    assert 0.48 <= both.share <= 0.56
    own = np.sort(_brute(training, training) + np.diag(np.full(400, np.inf)), axis=1)[:, 0]
    assert both.threshold == pytest.approx(np.percentile(own, 1), rel=1e-5)
    # 1 % is what chance gives, within four standard errors of a share of 2,000 and the percentile's own error of 400
    assert nearest.memorization(strangers, training).share < 0.035


def test_wrong_sizes_are_one_sentence(rng):
    with pytest.raises(ValueError, match="rows of one size were wanted, got 3 and 4 numbers"):
        nearest.nearest(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="at least 2 rows to be near to were wanted, got 1"):
        nearest.nearest(np.zeros((1, 3)), np.zeros((1, 3)), itself=True)
    with pytest.raises(ValueError, match="at least one sample was wanted, got none"):
        nearest.memorization(np.zeros((0, 3)), np.zeros((3, 3)))
