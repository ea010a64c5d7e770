"""Classification accuracy score: what a classifier learns from samples, on real images."""

import keras
import numpy as np
import pytest

import keras_gans
from keras_gans import metrics
from keras_gans.artifacts import DataError, MetricError
from keras_gans.metrics import classification


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
    with pytest.raises(DataError, match=r"One label an image, shape \(99,\), was wanted and shape \(98,\) came"):
        metrics.classification_accuracy(_classifier(), (images, labels), (images, labels[:98]))
    with pytest.raises(MetricError, match="cas takes real images with labels and they came without"):
        metrics.classification_accuracy(_classifier(), (images, labels), images)
    with pytest.raises(MetricError, match="cas takes samples with labels and they came without"):
        metrics.classification_accuracy(_classifier(), np.repeat(images, 2, 0), (images, labels))
    with pytest.raises(MetricError, match="steps is a whole number of at least 1, and 0 came"):
        metrics.classification_accuracy(_classifier(), (images, labels), (images, labels), steps=0)


def test_progress_is_of_what_is_read_and_then_of_what_is_learnt(rng):
    told = []
    samples, test = _bars(150, rng), _bars(9, rng)
    metrics.classification_accuracy(
        _classifier(), samples, test, steps=4, batch_size=100, progress=lambda *at: told.append(at)
    )
    assert told == [(9, 9), (100, 150), (150, 150), (150, 450), (300, 450), (450, 450)]


class Brightest:
    """Which third of an image is the lightest."""

    name, sha256, image_shape = "brightest-v1", "b" * 64, (28, 28, 1)

    def probabilities(self, images):
        light = images[:, :27].reshape(len(images), 3, -1).mean(2).astype("float64")
        return light / light.sum(1, keepdims=True)


def test_the_share_of_samples_that_are_read_as_asked(rng):
    found = metrics.conditional_accuracy(_bars(90, rng, wrong=18), Brightest(), batch_size=40)
    assert (found.metric, found.value, found.n_fake, found.seed) == ("accuracy", 0.8, 90, None)
    assert found.protocol == "accuracy[brightest-v1, 90]"
    assert found.features_sha256 == "b" * 64


def test_a_classifier_of_other_classes_is_refused():
    classification.check_classes(Brightest(), 3)
    for classes in (2, 10):
        with pytest.raises(MetricError, match=f"classifier of the model's {classes} classes, and brightest-v1 has 3"):
            classification.check_classes(Brightest(), classes)


def test_what_has_no_classes_is_not_read(rng):
    images, labels = _bars(9, rng)
    for samples, classifier, text in (
        (images, Brightest(), "with the labels that were asked for and they came without"),
        ((images, labels + 1), Brightest(), "label 3 came with one of 3 classes"),
        ((images, labels), metrics.Pixels(), "pixels has no probabilities"),
        (
            keras_gans.DCGAN(size=28, channels=1, width=2),
            Brightest(),
            "takes a class-conditional model, and dcgan draws",
        ),
    ):
        with pytest.raises(MetricError, match=text):
            metrics.conditional_accuracy(samples, classifier, n=9)
