"""Batch normalisation under a gradient penalty."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gans import layers
from keras_gans.autodiff import input_gradient


def penalty(layer, mix, x, w):
    """The squared gradient of a scale, a map of the places (as a convolution is), a normalisation and a square."""

    def network(v):
        return tf.square(layer(tf.einsum("pq,nqc->npc", mix, w * v), training=True))

    return tf.reduce_sum(tf.square(input_gradient(network, x)))


@pytest.mark.parametrize("synchronized", [False, True])
def test_a_penaltys_gradient_is_its_difference_quotient(rng, synchronized):
    layer = layers.BatchNormalization(epsilon=0.5, dtype="float64", synchronized=synchronized)
    layer.build((4, 5, 3))
    mix, x = tf.constant(rng.normal(size=(5, 5))), tf.constant(rng.normal(size=(4, 5, 3)))
    w = tf.Variable(np.array([0.5, 1.0, 2.0]))
    with tf.GradientTape() as tape:
        value = penalty(layer, mix, x, w)
    step = 1e-5
    for i, known in enumerate(tape.gradient(value, w).numpy()):
        far = np.eye(3)[i] * step
        quotient = (penalty(layer, mix, x, w + far) - penalty(layer, mix, x, w - far)) / (2 * step)
        np.testing.assert_allclose(known, quotient, rtol=1e-6)


@pytest.mark.parametrize("shape", [(6, 3), (4, 5, 5, 3)])
def test_values_and_statistics_are_keras_own(rng, shape):
    ours, theirs = (cls(momentum=0.5) for cls in (layers.BatchNormalization, keras.layers.BatchNormalization))
    x = rng.normal(100, 2, shape).astype("float32")
    for training in (True, False):
        np.testing.assert_allclose(ours(x, training=training), theirs(x, training=training), rtol=1e-4, atol=1e-4)
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
