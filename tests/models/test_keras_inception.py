"""Keras Applications' Inception as a feature network: with random weights, and without a network."""

import keras
import numpy as np
import pytest

from keras_gans.artifacts import DataError, DownloadError, IncompatibleWeightsError, OfflineError, sha256
from keras_gans.models import keras_inception
from keras_gans.models.keras_inception import KerasInception


@pytest.fixture(scope="module")
def model():
    return KerasInception(weights=None)


def test_it_is_a_feature_network_as_metrics_take_one(model, rng):
    assert (model.name, model.dim, model.image_shape, model.sha256) == ("keras_inception", 2048, None, None)
    images = rng.integers(0, 256, (2, 30, 20, 3), dtype="uint8")
    features, probabilities = model.features_and_probabilities(images)
    assert features.dtype == probabilities.dtype == np.float32
    assert features.shape == (2, 2048)
    assert probabilities.shape == (2, 1000)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)
    with pytest.raises(DataError, match="reads uint8 images"):
        model.features(images / 255.0)


def test_images_of_several_sizes_are_resized_each_by_itself(model, rng):
    images = [rng.integers(0, 256, shape, dtype="uint8") for shape in [(30, 20, 3), (12, 40, 1), (30, 20, 3)]]
    alone = np.concatenate([model.features(image[None]) for image in images])
    np.testing.assert_allclose(model.features(images), alone, rtol=1e-4, atol=1e-5)
    with pytest.raises(DataError, match="reads uint8 images"):
        model.features([images[0], images[1] / 255.0])


def test_it_is_kerass_own_network(model, rng):
    assert model.network.count_params() == 23_851_784  # as https://keras.io/api/applications/ has it: 23.9 M
    x = rng.uniform(-1, 1, (1, 299, 299, 3)).astype("float32")
    whole = keras.Model(model.network.input, model.network.output[1])
    middle = keras.Model(model.network.input, model.network.get_layer("mixed10").output)
    features, logits = (np.asarray(found) for found in model.network(x, training=False))
    np.testing.assert_allclose(features, np.asarray(middle(x, training=False)).mean(axis=(1, 2)), rtol=1e-4, atol=1e-5)
    kernel, bias = model.network.layers[-1].get_weights()
    np.testing.assert_allclose(logits, features @ kernel + bias, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(np.asarray(whole(x, training=False)), logits, rtol=1e-5, atol=1e-6)


def test_pixels_are_resized_between_centres_and_scaled(model):
    image = np.zeros((1, 1, 2, 3), "uint8")
    image[:, :, 1] = 255
    row = np.asarray(model.prepare(image))[0, 0, :, 0]
    centres = (np.arange(299) + 0.5) * 2 / 299 - 0.5
    np.testing.assert_allclose(row, np.interp(centres, [0, 1], [-1, 1]), atol=1e-5)


def test_weights_of_a_file(tmp_path, rng):
    weights = keras.applications.InceptionV3(weights=None)
    path = tmp_path / "mine.weights.h5"
    weights.save_weights(path)
    model = KerasInception(path)
    assert model.sha256 == sha256(path)
    first = next(layer for layer in weights.layers if layer.weights).get_weights()[0]
    np.testing.assert_array_equal(next(x for x in model.network.layers if x.weights).get_weights()[0], first)


def sentence(error):
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


def test_files_that_are_not_it_are_one_sentence(tmp_path):
    with pytest.raises(IncompatibleWeightsError, match="is no file with the weights of Keras's InceptionV3"):
        KerasInception(tmp_path / "missing.h5")
    (tmp_path / "noise.h5").write_bytes(b"noise" * 100)
    with pytest.raises(IncompatibleWeightsError, match="does not hold the weights of Keras's InceptionV3") as error:
        KerasInception(tmp_path / "noise.h5")
    assert "noise.h5" in sentence(error)


def test_weights_that_cannot_be_fetched_are_one_sentence(monkeypatch, tmp_path):
    def unreachable(*args, **kwargs):
        raise Exception("URL fetch failure on https://x: None -- [Errno -3]\nName resolution")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.utils, "get_file", unreachable)
    with pytest.raises(DownloadError, match=r"could not be fetched \(URL fetch failure on https://x") as error:
        KerasInception()
    assert str(tmp_path / "models") in sentence(error)
    monkeypatch.setenv("KERAS_GANS_OFFLINE", "1")
    with pytest.raises(OfflineError, match="KERAS_GANS_OFFLINE is set: put inception_v3_weights") as error:
        KerasInception()
    assert str(tmp_path / "models") in sentence(error)


def test_weights_that_are_there_are_used(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_GANS_OFFLINE", "1")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / keras_inception.FILE).write_bytes(b"weights")
    asked = []
    monkeypatch.setattr(keras.utils, "get_file", lambda *args, **kwargs: asked.append((args, kwargs)) or "path")
    assert keras_inception._fetched() == "path"
    assert asked[0][1] == {"cache_subdir": "models", "cache_dir": str(tmp_path), "file_hash": keras_inception.MD5}
