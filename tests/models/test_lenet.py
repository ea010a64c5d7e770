"""The reader of digits."""

import keras
import numpy as np
import pytest

import keras_gans
from keras_gans.models.lenet import LeNet


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (20, 28, 28, 1), dtype="uint8")


def test_it_learns_and_round_trips(images, tmp_path):
    model = LeNet(num_classes=2, widths=(4, 4), units=8)
    labels = np.arange(20) % 2
    images[labels == 1, 10:18, 10:18] = 255
    images[labels == 0, 10:18, 10:18] = 0
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    model.fit(images, labels, epochs=20, verbose=0)
    np.testing.assert_array_equal(model.classify(images), labels)
    assert model.features(images).shape == (20, 8)
    model.save_pretrained(tmp_path)
    loaded = keras_gans.load(tmp_path)
    np.testing.assert_array_equal(loaded.features(images), model.features(images))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.features(images), model.features(images))


def test_wrong_images_are_refused(images):
    model = LeNet(widths=(2, 2), units=4)
    with pytest.raises(
        keras_gans.DataError, match=r"reads uint8 images of shape \(n, 28, 28, 1\), and these are float32"
    ):
        model.classify(images.astype("float32"))
    assert model.classify(images[:0]).shape == (0,)
