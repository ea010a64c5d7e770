"""Classification accuracy score: what a classifier learns from samples, on real images."""

import keras
import numpy as np
import pytest

import keras_gans
from keras_gans import metrics
from keras_gans.artifacts import MetricError


def _bars(n, rng, wrong=0):
    """Images with a bright third, and which one it is; the labels of the first `wrong` are another's."""
    labels = np.arange(n) % 3
    images = rng.integers(0, 60, (n, 28, 28, 1), dtype="uint8")
    for image, label in zip(images, labels, strict=True):
        image[9 * label : 9 * label + 9] += 180
    labels[:wrong] = (labels[:wrong] + 1) % 3
    return images, labels


def _classifier(units=8):
    model = keras_gans.LeNet(num_classes=3, widths=(4, 4), units=units)
    model.compile(keras.optimizers.Adam(3e-3), run_eagerly=True)
    return model


def test_good_samples_teach_and_wrong_ones_do_not(rng):
    test = _bars(90, rng)
    good = metrics.classification_accuracy(_classifier(), _bars(300, rng), test, steps=40, identity="bars")
    bad = metrics.classification_accuracy(_classifier(), _bars(300, rng, wrong=300), test, steps=40)
    assert good.value > 0.9
    assert bad.value < 0.1
    assert good.protocol.startswith("cas[LeNet-")
    assert good.protocol.endswith(", 300, bars]")


def test_the_protocol_holds_the_classifier_and_its_training(rng):
    samples, test = _bars(100, rng), _bars(9, rng)

    def protocol(units=8, steps=1):
        return metrics.classification_accuracy(_classifier(units), samples, test, steps=steps).protocol

    assert protocol() == protocol()
    assert protocol() != protocol(units=9)
    assert protocol() != protocol(steps=2)


def test_sides_that_do_not_fit_are_one_sentence(rng):
    images, labels = _bars(99, rng)
    with pytest.raises(MetricError, match="at least 100 samples to learn from, and 99 came"):
        metrics.classification_accuracy(_classifier(), (images, labels), (images, labels))
    with pytest.raises(MetricError, match="One label an image was wanted, and 98 came for 99"):
        metrics.classification_accuracy(_classifier(), (images, labels), (images, labels[:98]))
