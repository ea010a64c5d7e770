"""Spectral normalisation against NumPy's singular values."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gans import layers

X = np.random.default_rng(3).normal(size=(2, 6, 6, 4)).astype("float32")
# name: (layer, the plain layer it is, kernel -> matrix (outputs, the rest))
CASES = {
    "dense": (layers.SpectralDense, keras.layers.Dense, {"units": 5}, lambda w: w.T),
    "convolution": (
        layers.SpectralConv2D,
        keras.layers.Conv2D,
        {"filters": 5, "kernel_size": 3, "strides": 2, "padding": "same"},
        lambda w: w.reshape(-1, w.shape[-1]).T,
    ),
    "transposed": (
        layers.SpectralConv2DTranspose,
        keras.layers.Conv2DTranspose,
        {"filters": 5, "kernel_size": 3, "strides": 2, "padding": "same"},
        lambda w: np.moveaxis(w, 2, 0).reshape(w.shape[2], -1),
    ),
}
EVERY = pytest.mark.parametrize("case", CASES)


def made(case, **arguments):
    ours, plain, own, matrix = CASES[case]
    return ours(**{**own, **arguments}), plain(**{**own, **arguments}), matrix


def sigma(matrix):
    return np.linalg.svd(matrix, compute_uv=False)[0]


def settle(layer, x=X):
    for _ in range(300):
        layer(x, training=True)


@EVERY
@pytest.mark.parametrize("activation", [None, "tanh"])
def test_it_is_the_plain_layer_with_a_kernel_of_norm_one(case, activation, rng):
    layer, plain, matrix = made(case, activation=activation)
    layer.build(X.shape)
    kernel, bias = rng.normal(size=layer.kernel.shape).astype("float32"), np.arange(5, dtype="float32")
    layer.kernel.assign(kernel)
    layer.bias.assign(bias)
    settle(layer)
    plain.build(X.shape)
    plain.kernel.assign(kernel / sigma(matrix(kernel)))
    plain.bias.assign(bias)
    np.testing.assert_allclose(layer(X), plain(X), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)  # is never written to
    assert isinstance(layer, type(plain))
    assert layer.compute_output_shape(X.shape) == plain(X).shape


@EVERY
def test_one_step_of_power_iteration_a_training_forward_and_none_at_inference(case):
    layer, _, matrix = made(case)
    layer.build(X.shape)
    u, w = layer.u.numpy(), matrix(layer.kernel.numpy())
    np.testing.assert_allclose(np.linalg.norm(u), 1, rtol=1e-5)
    before = layer(X).numpy()
    np.testing.assert_array_equal(layer(X).numpy(), before)
    np.testing.assert_array_equal(layer.u.numpy(), u)
    np.testing.assert_array_equal(layer(X, training=True).numpy(), before)
    v = w.T @ u / np.linalg.norm(w.T @ u)
    np.testing.assert_allclose(layer.u.numpy(), w @ v / np.linalg.norm(w @ v), rtol=1e-4, atol=1e-6)
    layer.trainable = False
    after = layer.u.numpy()
    layer(X, training=True)
    np.testing.assert_array_equal(layer.u.numpy(), after)


@EVERY
def test_the_gradient_flows_through_sigma(case):
    """Against the derivative of kernel / sigma by differences, with exact singular values (equation 12)."""
    layer, plain, matrix = made(case, use_bias=False)
    settle(layer)
    kernel = layer.kernel.numpy()
    plain.build(X.shape)
    weights = np.random.default_rng(0).normal(size=plain(X).shape).astype("float32")
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(X) * weights)
    gradient = tape.gradient(total, layer.kernel.value).numpy()

    def value(w):
        plain.kernel.assign(w / sigma(matrix(w)))
        return float(tf.reduce_sum(tf.cast(plain(X), "float64") * weights))

    for direction in np.random.default_rng(1).normal(size=(3, *kernel.shape)).astype("float32"):
        slope = (value(kernel + 1e-3 * direction) - value(kernel - 1e-3 * direction)) / 2e-3
        np.testing.assert_allclose((gradient * direction).sum(), slope, rtol=1e-2, atol=2e-2)
    # A kernel's own direction changes nothing.
    assert abs((gradient * kernel).sum()) < 1e-3 * np.linalg.norm(gradient) * np.linalg.norm(kernel)


@EVERY
def test_a_kernel_of_zeros_gives_zeros(case):
    layer, _, _ = made(case, kernel_initializer="zeros")
    assert not layer(X, training=True).numpy().any()
    assert np.isfinite(layer.u.numpy()).all()


@EVERY
def test_sigma_is_of_the_float32_kernel_in_mixed_precision(case):
    """A kernel's rounding to bfloat16 moves its values by up to 2**-9; sigma does not see it."""
    exact, coarse = made(case)[0], made(case, dtype="mixed_bfloat16")[0]
    for layer in (exact, coarse):
        layer.build(X.shape)
    coarse.kernel.assign(exact.kernel)
    coarse.u.assign(exact.u)
    expected = exact(X, training=True)
    y = coarse(X, training=True)
    assert y.dtype == "bfloat16"
    assert coarse.u.dtype == coarse.kernel.dtype == "float32"
    np.testing.assert_array_equal(coarse.u.numpy(), exact.u.numpy())
    np.testing.assert_allclose(tf.cast(y, "float32"), expected, atol=0.05)


def test_the_projection_head_normalises_both_maps():
    layer = layers.SpectralProjection(4)
    f, labels = X[:, 0, 0], np.array([2, 0])
    settle(layer, [f, labels])
    w, v = layer.kernel.numpy(), layer.classes.numpy()
    w, v = w / sigma(w), v / sigma(v)
    np.testing.assert_allclose(layer([f, labels]), f @ w + (f * v[labels]).sum(1, keepdims=True), rtol=1e-4)
    assert [x.name for x in layer.weights] == ["kernel", "bias", "classes", "u", "u_classes"]


@pytest.mark.parametrize("case", [*CASES, "projection"])
def test_they_survive_serialisation_and_files_hold_the_vector(case, tmp_path):
    if case == "projection":
        x, label = keras.Input((4,)), keras.Input((), dtype="int32")
        layer = layers.SpectralProjection(4, name="head")
        model, inputs = keras.Model([x, label], layer([x, label])), [X[:, 0, 0], np.array([2, 0])]
    else:
        layer, x, inputs = made(case, name="head")[0], keras.Input((6, 6, 4)), X
        model = keras.Model(x, layer(x))
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(copy) is type(layer)
    assert copy.get_config() == layer.get_config()
    model(inputs, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    np.testing.assert_array_equal(loaded.get_layer("head").u.numpy(), layer.u.numpy())
    assert {"head/kernel", "head/bias", "head/u"} <= {v.path for v in model.weights}
