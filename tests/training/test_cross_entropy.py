"""Cross-entropy and accuracy, of labels and of shares, against NumPy."""

import keras
import numpy as np
import pytest

from keras_gans.training.cross_entropy import Accuracy, CrossEntropy


@pytest.fixture
def case(rng):
    """Logits (6, 4), labels (6,), and shares (6, 4)."""
    return rng.normal(size=(6, 4)).astype("float32"), np.arange(6) % 4, rng.dirichlet(np.ones(4), 6).astype("float32")


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_cross_entropy_is_that_of_numpy(case, smoothing):
    logits, labels, shares = case
    log = logits - np.log(np.exp(logits.astype("float64")).sum(1, keepdims=True))
    loss = CrossEntropy(label_smoothing=smoothing)
    for target, soft in ((labels, np.eye(4)[labels]), (labels[:, None], np.eye(4)[labels]), (shares, shares)):
        expected = -(((1 - smoothing) * soft + smoothing / 4) * log).sum(1)
        np.testing.assert_allclose(loss(target, logits), expected.mean(), rtol=1e-5)
        weights = np.arange(6.0)
        np.testing.assert_allclose(
            loss(target, logits, sample_weight=weights), (weights * expected).sum() / 6, rtol=1e-5
        )
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert copy.get_config() == loss.get_config()


def test_accuracy_counts_hits(case):
    logits, labels, shares = case
    metric = Accuracy()
    metric.update_state(labels, logits)
    hits = (logits.argmax(1) == labels).mean()
    np.testing.assert_allclose(metric.result(), hits)
    metric.update_state(shares, logits)
    np.testing.assert_allclose(metric.result(), (hits + (logits.argmax(1) == shares.argmax(1)).mean()) / 2, rtol=1e-6)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert (type(copy), copy.name) == (Accuracy, "accuracy")


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, True])
def test_wrong_smoothing_is_named(smoothing):
    with pytest.raises(ValueError, match="label_smoothing must be a number of at least 0 and less than 1, got"):
        CrossEntropy(label_smoothing=smoothing)
