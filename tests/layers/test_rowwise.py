"""RowwiseConv2D is Keras's Conv2D, with its weights and its gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gans.layers import RowwiseConv2D


def both(x, *arguments, **options):
    """The same convolution, ours and Keras's, with the same weights."""
    ours, kerass = RowwiseConv2D(*arguments, **options), keras.layers.Conv2D(*arguments, **options)
    for layer in (ours, kerass):
        layer.build(x.shape)
    for ours_own, other in zip(ours.weights, kerass.weights, strict=True):
        assert (ours_own.name, ours_own.shape) == (other.name, other.shape)
        other.assign(keras.random.normal(other.shape, seed=1))
        ours_own.assign(other)
    return ours, kerass


@pytest.mark.parametrize("kernel", [(9, 9), (1, 1), (1, 4), (5, 2), (2, 1)])
@pytest.mark.parametrize("options", [{}, {"use_bias": False, "activation": "tanh"}])
def test_it_is_kerass(kernel, options, rng):
    x = rng.normal(size=(2, 13, 11, 4)).astype("float32")
    ours, kerass = both(x, 3, kernel, **options)
    np.testing.assert_allclose(ours(x), kerass(x), rtol=1e-4, atol=1e-4)
    assert ours.compute_output_shape(x.shape) == tuple(ours(x).shape)


def test_gradients_are_kerass(rng):
    x = tf.constant(rng.normal(size=(2, 13, 11, 4)), "float32")
    found = []
    for layer in both(x, 3, 9):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x) ** 2)
        found.append(tape.gradient(loss, [x, *layer.trainable_variables]))
    for ours, kerass in zip(*found, strict=True):
        np.testing.assert_allclose(ours, kerass, rtol=1e-4, atol=1e-4 * np.abs(kerass).max())


def test_any_size_goes_through_one_graph(rng):
    image = keras.Input((None, None, 2))
    network = keras.Model(image, RowwiseConv2D(3, 5)(image))
    assert network.output_shape == (None, None, None, 3)
    for height, width in ((5, 5), (9, 6)):
        x = rng.normal(size=(1, height, width, 2)).astype("float32")
        assert network.predict(x, verbose=0).shape == (1, height - 4, width - 4, 3)


def test_it_is_saved_and_read(tmp_path, rng):
    network = keras.Sequential([keras.Input((8, 8, 2)), RowwiseConv2D(3, 5)])
    network.save(tmp_path / "x.keras")
    x = rng.normal(size=(1, 8, 8, 2)).astype("float32")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "x.keras")(x), network(x))


@pytest.mark.parametrize(
    "options", [{"padding": "same"}, {"strides": 2}, {"dilation_rate": 2}, {"data_format": "channels_first"}]
)
def test_what_it_does_not_compute_is_refused(options):
    with pytest.raises(ValueError, match="padding 'valid'"):
        RowwiseConv2D(3, 5, **options)
