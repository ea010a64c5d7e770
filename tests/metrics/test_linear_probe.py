"""The linear probe: optimal by its own optimality conditions, and as good as it should be on easy data."""

import re

import numpy as np
import pytest

import keras_gans
from keras_gans import metrics
from keras_gans.artifacts import MetricError
from keras_gans.metrics import linear_probe


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
    found = linear_probe.of_features((x[:300], y[:300]), (x[300:], y[300:]), grid=(1e-6, 1e-2))
    assert found.c == max(found.validation, key=found.validation.get)
    assert set(found.validation) == {1e-6, 1e-2}
    assert 0.95 < found.accuracy <= 1.0


def test_c_is_chosen_on_all_classes_whatever_their_order(rng):
    """A folder of classes comes sorted: its last images are of one class, which nothing else was learnt of."""
    x, y = _blobs(rng, 400)
    order = np.argsort(y, kind="stable")
    found = linear_probe.of_features((x[order], y[order]), (x, y), grid=(1e-6, 1e-2))
    assert min(found.validation.values()) > 0.5
    assert found.c == linear_probe.of_features((x, y), (x, y), grid=(1e-6, 1e-2)).c


def test_the_probe_is_a_score(rng):
    x, y = _blobs(rng, 400)
    train, test = (x[:300], y[:300]), (x[300:], y[300:])
    found, expected = metrics.probe(train, test, held_out=50), linear_probe.of_features(train, test, held_out=50)
    assert (found.metric, found.value, found.n_real) == ("probe", expected.accuracy, 100)
    assert found.details == {"c": expected.c, "validation": expected.validation[expected.c]}
    named = r"probe\[given@\w{8}, given@\w{8}, L2-SVM, C by 50 held out among 4 in 1e-06\.\.0\.001\]"
    assert re.fullmatch(named, found.protocol)
    other = metrics.probe((x[:300], (y[:300] + 1) % 3), test, held_out=50)
    assert other.protocol != found.protocol, "labels have a part in it"
    assert metrics.probe(train, test, grid=(0.1,)).protocol.endswith("C by 60 held out among 1 in 0.1..0.1]")


def test_the_probe_of_a_discriminator_reads_images(rng):
    gan, told = keras_gans.DCGAN(size=28, channels=1, width=2), []
    images, labels = rng.integers(0, 256, (40, 28, 28, 1), dtype="uint8"), np.arange(40) % 2
    images[labels == 1] //= 4
    extractor = metrics.Discriminator(gan)
    found = metrics.probe((images, labels), (images[:20], labels[:20]), extractor, progress=lambda *at: told.append(at))
    seen = gan.features(images)
    assert found.value == linear_probe.of_features((seen, labels), (seen[:20], labels[:20])).accuracy
    assert (found.features, found.features_sha256) == ("discriminator trained on nothing", extractor.sha256)
    assert told == [(40, 40), (20, 20)]


def test_arguments_that_are_none_are_one_sentence(rng):
    x, y = _blobs(rng, 30)
    for options, text in (
        ({"grid": ()}, "At least one value of C was wanted and none came"),
        ({"grid": (-1,)}, r"C is a number in 1e-12\.\.1e\+06, and -1 came"),
        ({"grid": (np.nan,)}, "nan came"),
        ({"grid": 0.1}, r"Values of C were wanted and 0\.1 came"),
        ({"held_out": 30}, "Some of 30 training images were wanted to choose C, and 30 came"),
        ({"held_out": 2.5}, "held_out is a whole number of at least 0, and 2.5 came"),
    ):
        with pytest.raises(MetricError, match=text):
            metrics.probe((x, y), (x, y), **options)
    with pytest.raises(MetricError, match="and -1 came"):
        metrics.LinearSVM.fit(x, y, c=-1)
    with pytest.raises(MetricError, match="probe takes real images with labels and they came without"):
        metrics.probe(x, (x, y))


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
