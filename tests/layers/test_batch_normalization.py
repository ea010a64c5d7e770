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


def _twins(shape, seed=0):
    """Our layer and Keras's of equal weights, none of them as at the beginning."""
    rng = np.random.default_rng(seed)
    found = []
    for kind in (layers.BatchNormalization, keras.layers.BatchNormalization):
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


def test_its_gradients_are_keras_own():
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
    layer = layers.BatchNormalization(dtype="mixed_bfloat16")
    images = _images((16, 8, 8, 4))
    found = layer(images, training=True)
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
    wanted = keras.layers.BatchNormalization()(images, training=True)
    np.testing.assert_allclose(keras.ops.cast(found, "float32"), wanted, atol=0.03)


def test_a_penaltys_gradient_is_the_same_for_the_one_operation_and_for_the_formula(rng):
    x, mix, weighting = (
        tf.constant(rng.normal(size=shape).astype("float32")) for shape in ((8, 16, 3), (16, 16), (8, 16, 3))
    )

    def penalty(layer, shape, w):
        with tf.GradientTape() as tape:
            tape.watch(x)
            mixed = tf.reshape(w * tf.einsum("pq,nqc->npc", mix / 4, x), shape)
            total = tf.reduce_sum(tf.reshape(weighting, shape) * tf.square(layer(mixed, training=True) + 0.3))
        return tf.reduce_sum(tf.square(tape.gradient(total, x)))

    found = []
    for shape in ((8, 4, 4, 3), (8, 16, 3)):  # images by the one operation, rows by the formula
        layer, w = layers.BatchNormalization(epsilon=0.5), tf.Variable(np.array([0.5, 1.0, 2.0], "float32"))
        layer.build(shape)
        with tf.GradientTape() as tape:
            value = penalty(layer, shape, w)
        found.append(tape.gradient(value, w).numpy())
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)


def operations(layer, images):
    """The names of what TensorFlow computes for a batch."""
    graph = tf.function(lambda x: layer(x, training=True)).get_concrete_function(images).graph
    return {node.type for node in graph.get_operations()}


@pytest.mark.parametrize(
    ("arguments", "shape", "fused"),
    [
        ({}, (4, 3, 5, 6), True),
        ({"center": False, "scale": False}, (4, 3, 5, 6), True),
        ({"dtype": "mixed_bfloat16"}, (4, 3, 5, 6), True),
        ({"dtype": "float64"}, (4, 3, 5, 6), False),
        ({"synchronized": True}, (4, 3, 5, 6), False),
        ({"axis": 1}, (4, 3, 5, 6), False),
        ({"renorm": True}, (4, 3, 5, 6), False),
        ({}, (4, 6), False),
    ],
    ids=str,
)
def test_images_are_normalised_by_one_operation(arguments, shape, fused):
    layer = layers.BatchNormalization(**arguments)
    images = _images(shape)
    assert ("FusedBatchNormV3" in operations(layer, images)) == fused
    kept = keras.layers.BatchNormalization(**arguments)
    np.testing.assert_allclose(
        keras.ops.cast(layer(images, training=True), "float32"),
        keras.ops.cast(kept(images, training=True), "float32"),
        rtol=2e-2 if "bfloat16" in str(arguments) else 1e-4,
        atol=2e-2 if "bfloat16" in str(arguments) else 1e-4,
    )
