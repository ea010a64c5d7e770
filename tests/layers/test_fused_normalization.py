"""FusedBatchNormalization: Keras's layer in other steps."""

import keras
import numpy as np
import pytest

from keras_gans.layers import FusedBatchNormalization


def _twins(shape, seed=0):
    """Our layer and Keras's of equal weights, none of them as at the beginning."""
    rng = np.random.default_rng(seed)
    found = []
    for kind in (FusedBatchNormalization, keras.layers.BatchNormalization):
        layer = kind(momentum=0.9, epsilon=1e-5)
        layer.build((None, *shape[1:]))
        found.append(layer)
    weights = [rng.uniform(0.5, 1.5, x.shape).astype("float32") for x in found[0].weights]
    for layer in found:
        layer.set_weights(weights)
    return found


def _images(shape, seed=1):
    return np.random.default_rng(seed).normal(3.0, 2.0, shape).astype("float32")


@pytest.mark.parametrize("shape", [(4, 3, 5, 6), (1, 1, 1, 2)], ids=["a batch", "one value a channel"])
def test_it_gives_what_keras_gives_and_remembers_as_much(shape):
    ours, theirs = _twins(shape)
    images = _images(shape)
    np.testing.assert_allclose(ours(images, training=True), theirs(images, training=True), rtol=1e-4, atol=1e-4)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5)
    np.testing.assert_allclose(ours(images), theirs(images), rtol=1e-5, atol=1e-5)


def test_frozen_it_reads_by_what_it_remembers():
    ours, _ = _twins((4, 3, 5, 6))
    images, before = _images((4, 3, 5, 6)), ours.get_weights()
    ours.trainable = False
    np.testing.assert_array_equal(ours(images, training=True), ours(images))
    for now, then in zip(ours.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="gradients by TensorFlow's tape")
def test_its_gradients_are_keras_own():
    import tensorflow as tf

    images = tf.constant(_images((8, 4, 4, 3)))
    weighting = tf.constant(_images((8, 4, 4, 3), seed=2))
    found = []
    for layer in _twins((8, 4, 4, 3)):
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = tf.reduce_sum(weighting * layer(images, training=True))
        found.append(tape.gradient(total, [images, *(x.value for x in layer.trainable_weights)]))
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)


def test_half_precision_stays_close_to_single():
    layer = FusedBatchNormalization(dtype="mixed_bfloat16")
    images = _images((16, 8, 8, 4))
    found = layer(images, training=True)
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
    wanted = keras.layers.BatchNormalization()(images, training=True)
    np.testing.assert_allclose(keras.ops.cast(found, "float32"), wanted, atol=0.03)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="gradients by TensorFlow's tape")
def test_a_penaltys_gradient_is_that_of_the_exact_layer():
    import tensorflow as tf

    from keras_gans.layers import BatchNormalization

    rng = np.random.default_rng(0)
    x, mix, weighting = (
        tf.constant(rng.normal(size=shape).astype("float32")) for shape in ((8, 16, 3), (16, 16), (8, 4, 4, 3))
    )

    def penalty(layer, w):
        with tf.GradientTape() as tape:
            tape.watch(x)
            mixed = tf.reshape(w * tf.einsum("pq,nqc->npc", mix / 4, x), (8, 4, 4, 3))
            total = tf.reduce_sum(weighting * tf.square(layer(mixed, training=True) + 0.3))
        return tf.reduce_sum(tf.square(tape.gradient(total, x)))

    found = []
    for kind in (FusedBatchNormalization, BatchNormalization):
        layer, w = kind(epsilon=0.5), tf.Variable(np.array([0.5, 1.0, 2.0], "float32"))
        layer.build((8, 4, 4, 3))
        with tf.GradientTape() as tape:
            value = penalty(layer, w)
        found.append(tape.gradient(value, w).numpy())
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)
