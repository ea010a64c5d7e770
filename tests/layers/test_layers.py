"""Layers against NumPy."""

import keras
import numpy as np
import pytest

from keras_gans import layers, random


def test_maxout(rng):
    layer = layers.Maxout(3, pieces=4)
    x = rng.normal(size=(5, 6)).astype("float32")
    got = layer(x)
    pieces = (x @ layer.kernel.numpy() + layer.bias.numpy()).reshape(5, 3, 4)
    np.testing.assert_allclose(got, pieces.max(axis=2), rtol=1e-5)


def test_append_labels_fills_the_plane(rng):
    x, y = rng.normal(size=(2, 4, 4, 3)).astype("float32"), np.eye(2, dtype="float32")
    got = layers.AppendLabels()([x, y]).numpy()
    np.testing.assert_array_equal(got[..., :3], x)
    np.testing.assert_array_equal(got[1, :, :, 3:], np.broadcast_to([0, 1], (4, 4, 2)))
    assert layers.AppendLabels()([x[:, 0, 0], y]).shape == (2, 5)


def test_one_hot():
    np.testing.assert_array_equal(layers.OneHot(3)(np.array([2, 0])), [[0, 0, 1], [1, 0, 0]])


def test_conditional_batch_normalization(rng):
    layer = layers.ConditionalBatchNormalization(2, epsilon=1e-5)
    x, labels = rng.normal(3, 2, (8, 4, 4, 3)).astype("float32"), np.arange(8) % 2
    layer([x, labels])
    gain, offset = rng.normal(size=(2, 2, 3)).astype("float32")
    layer.gain.assign(gain)
    layer.offset.assign(offset)
    got = layer([x, labels], training=True)
    normal = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)
    expected = normal * gain[labels][:, None, None] + offset[labels][:, None, None]
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_projection(rng):
    layer = layers.Projection(3)
    f, labels = rng.normal(size=(4, 5)).astype("float32"), np.array([0, 2, 1, 2])
    got = layer([f, labels])
    w, v = layer.kernel.numpy(), layer.classes.numpy()
    np.testing.assert_allclose(got, f @ w + (f * v[labels]).sum(1, keepdims=True), rtol=1e-4)


def test_dropout_takes_its_mask_from_the_turn():
    layer, x = layers.Dropout(0.25), np.ones((64, 50), "float32")
    np.testing.assert_array_equal(layer(x, training=False), x)
    with random.scope(random.Noise(0, 0, 3)):
        first = layer(x, training=True).numpy()
        second = layer(x, training=True).numpy()
    with random.scope(random.Noise(0, 0, 3)):
        np.testing.assert_array_equal(layer(x, training=True), first)
    assert (first != second).any()
    np.testing.assert_allclose(np.unique(first), [0, 1 / 0.75])
    assert abs((first == 0).mean() - 0.25) < 0.03
    assert 0 < (layer(x, training=True).numpy() == 0).mean() < 1  # outside a turn too
    with pytest.raises(ValueError, match="rate must be a number of at least 0 and less than 1, got 1"):
        layers.Dropout(1)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Maxout(3, 2, kernel_initializer=keras.initializers.RandomUniform(-0.1, 0.1)),
        layers.OneHot(4),
        layers.AppendLabels(),
        layers.ConditionalBatchNormalization(4, momentum=0.8),
        layers.Projection(4),
        layers.Dropout(0.3),
    ],
)
def test_they_survive_serialisation(layer):
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(copy) is type(layer)
    assert copy.get_config() == layer.get_config()
