"""The linear probe: optimal by its own optimality conditions, and as good as it should be on easy data."""

import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.artifacts import MetricError


def _blobs(rng, n, d=6, classes=3):
    y = np.arange(n) % classes
    return rng.normal(size=(n, d)) + 4.0 * np.eye(classes, d)[y], y


def test_the_gradient_vanishes_at_the_solution(rng):
    x, y = _blobs(rng, 200)
    svm = metrics.LinearSVM.fit(x, y, c=0.1, standardize=False)
    rows, w = np.hstack([x, np.ones((200, 1))]), svm.weights.astype("float64")
    targets = np.where(y[:, None] == np.arange(3), 1.0, -1.0)
    slack = np.maximum(0, 1 - targets * (rows @ w))
    gradient = w - 2 * 0.1 * rows.T @ (targets * slack)
    start = np.linalg.norm(2 * 0.1 * rows.T @ targets, axis=0)
    assert (np.linalg.norm(gradient, axis=0) < 2e-3 * start).all()


def test_no_other_weights_do_better(rng):
    x, y = _blobs(rng, 120)
    svm = metrics.LinearSVM.fit(x, y, c=0.5, standardize=False)
    rows, targets = np.hstack([x, np.ones((120, 1))]), np.where(y[:, None] == np.arange(3), 1.0, -1.0)

    def objective(w):
        return (w**2).sum(0) / 2 + 0.5 * (np.maximum(0, 1 - targets * (rows @ w)) ** 2).sum(0)

    found = objective(svm.weights.astype("float64"))
    for _ in range(50):
        assert (objective(svm.weights + 0.02 * rng.normal(size=svm.weights.shape)) > found).all()


def test_separable_classes_are_told_apart_whatever_their_labels(rng):
    x, y = _blobs(rng, 300)
    labels = np.array([7, 2, 40])[y]
    svm = metrics.LinearSVM.fit(x[:200], labels[:200], c=1.0)
    assert set(svm.predict(x)) == {7, 2, 40}
    assert svm.accuracy(x[200:], labels[200:]) > 0.95


def test_c_is_chosen_on_images_that_were_held_out(rng):
    x, y = _blobs(rng, 400)
    found = metrics.probe((x[:300], y[:300]), (x[300:], y[300:]), grid=(1e-6, 1e-2))
    assert found.c == max(found.validation, key=found.validation.get)
    assert set(found.validation) == {1e-6, 1e-2}
    assert 0.95 < found.accuracy <= 1.0


def test_constant_features_do_no_harm(rng):
    x, y = _blobs(rng, 90)
    x = np.hstack([x, np.full((90, 1), 5.0)])
    assert metrics.LinearSVM.fit(x, y).accuracy(x, y) > 0.8


def test_labels_that_do_not_fit_are_one_sentence(rng):
    x, y = _blobs(rng, 20)
    with pytest.raises(MetricError, match=r"One whole number a row was wanted as its class, and int64 \(19,\) came"):
        metrics.LinearSVM.fit(x, y[:19])
    with pytest.raises(MetricError, match="at least two classes, and 1 came"):
        metrics.LinearSVM.fit(x, np.zeros(20, int))
