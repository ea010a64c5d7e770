"""Conv2D and Conv2DTranspose: Keras's layers, whose kernels get the same gradients another way."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gans import _processor, layers
from keras_gans.autodiff import input_gradient
from keras_gans.layers import kernel_gradient
from keras_gans.models.dcgan import DCGAN


@pytest.fixture
def asked_for(monkeypatch):
    """As if this processor were one on which it pays, and every batch and depth enough."""
    monkeypatch.setattr(kernel_gradient, "_is_asked_for", lambda: True)
    for name in ("IMAGES", "THIN", "WIDE"):
        monkeypatch.setattr(kernel_gradient, name, 1)


def random(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape).astype("float32"))


@pytest.mark.parametrize("way", ["by_convolution", "by_eigen"])
@pytest.mark.parametrize(
    ("side", "size", "strides"),
    [
        ((8, 8), (5, 5), (2, 2)),
        ((8, 8), (4, 4), (2, 2)),
        ((7, 9), (5, 4), (2, 2)),
        ((6, 5), (3, 3), (1, 1)),
        ((9, 8), (3, 5), (3, 2)),
        ((5, 5), (2, 2), (3, 3)),
    ],
    ids=str,
)
def test_a_kernels_gradient_is_tensorflows(way, side, size, strides):
    images, kernel = random(4, *side, 3), random(*size, 3, 5, seed=1)
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        maps = tf.nn.conv2d(images, kernel, strides, "SAME")
        weighting = random(*maps.shape, seed=2)
        total = tf.reduce_sum(weighting * maps)
    found = getattr(kernel_gradient, way)(images, weighting, size, strides)
    np.testing.assert_allclose(found, tape.gradient(total, kernel), rtol=1e-4, atol=1e-4)


def twins(transposed, **arguments):
    """Our layer and Keras's with equal weights."""
    name = "Conv2DTranspose" if transposed else "Conv2D"
    ours, theirs = (getattr(module, name)(5, padding="same", **arguments) for module in (layers, keras.layers))
    for layer in (ours, theirs):
        layer.build((None, 8, 8, 3))
    theirs.set_weights([x + 0.1 for x in ours.get_weights()])
    ours.set_weights(theirs.get_weights())
    return ours, theirs


def gradients(layer, x):
    """Of images and weights."""
    weights = [variable.value for variable in layer.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        total = tf.reduce_sum(random(*y.shape, seed=3) * tf.square(y))
    return [y, *tape.gradient(total, [x, *weights])]


@pytest.mark.parametrize("small", [24, 2], ids=["by a convolution", "by Eigen"])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    "arguments",
    [
        {"kernel_size": 4, "strides": 2},
        {"kernel_size": 5, "strides": 2, "activation": "tanh"},
        {"kernel_size": 3, "use_bias": False},
    ],
    ids=str,
)
def test_layers_give_keras_values_and_gradients(asked_for, monkeypatch, small, transposed, arguments):
    monkeypatch.setattr(kernel_gradient, "SMALL", small)
    ours, theirs = twins(transposed, **arguments)
    for mine, other in zip(*(gradients(layer, random(4, 8, 8, 3)) for layer in (ours, theirs)), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)


def test_the_other_way_is_the_one_taken(asked_for):
    """Of a batch whose size nobody knows yet."""
    layer, _ = twins(False, kernel_size=4, strides=2)

    def back(x):
        with tf.GradientTape() as tape:
            y = layer(x)
        return tape.gradient(y, layer.kernel.value)

    function = tf.function(back).get_concrete_function(tf.TensorSpec((None, 8, 8, 3)))
    assert "Conv2DBackpropFilter" not in {node.type for node in function.graph.get_operations()}
    images = random(4, 8, 8, 3)
    np.testing.assert_allclose(function(images), back(images), rtol=1e-4, atol=1e-5)


def penaltys_gradients(layer, x):
    """Of the layer's weights, through a gradient of images."""
    weights = [variable.value for variable in layer.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(weights)
        penalty = tf.reduce_sum(tf.square(input_gradient(lambda v: tf.tanh(layer(v)), x)))
    return tape.gradient(penalty, weights)


@pytest.mark.parametrize("transposed", [False, True])
def test_under_a_gradient_penalty_too(asked_for, transposed):
    found = [penaltys_gradients(layer, random(4, 8, 8, 3)) for layer in twins(transposed, kernel_size=4, strides=2)]
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)


def stepped():
    """The weights of a DCGAN after a step of plain descent."""
    keras.utils.set_random_seed(0)
    gan = DCGAN(size=32, width=8, kernel=4)
    gan.compile(
        generator_optimizer=keras.optimizers.SGD(0.1), discriminator_optimizer=keras.optimizers.SGD(0.1), seed=0
    )
    images = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), "uint8")
    gan.fit(images, batch_size=16, epochs=1, verbose=0)
    return [variable.numpy() for player in (gan.generator, gan.discriminator) for variable in player.weights]


@pytest.mark.slow
def test_a_game_takes_the_same_step(monkeypatch):
    usual = stepped()
    monkeypatch.setattr(kernel_gradient, "_is_asked_for", lambda: True)
    for mine, other in zip(stepped(), usual, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "images", "maps", "way"),
    [
        ({}, (16, 16, 16, 64), (16, 8, 8, 128), "by_convolution"),
        ({}, (None, 16, 16, 64), (None, 8, 8, 128), "by_convolution"),
        ({}, (8, 16, 16, 64), (8, 8, 8, 128), None),
        ({}, (16, 16, 16, 64), (16, 8, 8, 16), None),
        ({}, (16, 96, 96, 64), (16, 48, 48, 64), "by_eigen"),
        ({}, (16, 96, 96, 64), (16, 48, 48, 32), None),
        ({}, (16, None, None, 64), (16, None, None, 64), None),
        ({"kernel_size": 1}, (16, 8, 8, 64), (16, 8, 8, 128), None),
        ({"padding": "valid"}, (16, 16, 16, 64), (16, 8, 8, 128), None),
        ({"groups": 2}, (16, 16, 16, 64), (16, 8, 8, 128), None),
        ({"dtype": "mixed_bfloat16"}, (16, 16, 16, 64), (16, 8, 8, 128), None),
    ],
    ids=str,
)
def test_which_way_is_taken(monkeypatch, layer, images, maps, way):
    monkeypatch.setattr(kernel_gradient, "_is_asked_for", lambda: True)
    layer = layers.Conv2D(**{"filters": 8, "kernel_size": 4, "padding": "same", **layer})
    found = kernel_gradient.fastest(layer, images, maps)
    assert getattr(found, "__name__", None) == way


@pytest.mark.parametrize(
    ("setting", "flags", "asked"),
    [
        ("1", {"avx2", "fma"}, True),
        ("1", {"avx2", "avx512f"}, False),
        ("1", set(), False),
        ("0", {"avx2"}, False),
        (None, {"avx2"}, False),
    ],
)
def test_it_is_for_onednn_on_processors_with_avx2_and_no_more(monkeypatch, setting, flags, asked):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if setting is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", setting)
    monkeypatch.setattr(_processor, "flags", lambda: flags)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    assert kernel_gradient._is_asked_for.__wrapped__() == asked
