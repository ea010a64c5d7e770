"""Penalties on critics whose gradient is known."""

import numpy as np
import pytest
from keras import ops

from keras_gans import autodiff, penalties, random


@pytest.fixture
def images(rng):
    return rng.normal(size=(2, 6, 4, 4, 3)).astype("float32")


def quadratic(x):
    """Gradient 2x."""
    return ops.sum(ops.square(x), axis=(1, 2, 3), keepdims=False)


def slope(x):
    return autodiff.input_gradient(quadratic, x)


def test_input_gradient(images):
    x = ops.convert_to_tensor(images[0])
    np.testing.assert_allclose(slope(x), 2 * images[0], rtol=1e-6)
    values, more, gradient = autodiff.with_input_gradient(lambda y: (quadratic(y), y + 1), x)
    np.testing.assert_array_equal(values, quadratic(x))
    np.testing.assert_array_equal(more, images[0] + 1)
    np.testing.assert_allclose(gradient(), 2 * images[0], rtol=1e-6)


def test_r1_and_r2_are_half_the_squared_norm(images):
    real, fake = images
    x, y = ops.convert_to_tensor(real), ops.convert_to_tensor(fake)
    got = {name: float(penalties.PENALTIES[name](slope, x, y, None)) for name in ("r1", "r2")}
    for name, x in (("r1", real), ("r2", fake)):
        np.testing.assert_allclose(got[name], 0.5 * (4 * x**2).sum(axis=(1, 2, 3)).mean(), rtol=1e-5)


def test_gradient_penalty_lies_between_real_and_fake(images):
    real, fake = images
    mix = np.linspace(0, 1, 6, dtype="float32").reshape(6, 1, 1, 1)
    between = mix * real + (1 - mix) * fake
    norms = np.sqrt((4 * between**2).sum(axis=(1, 2, 3)))
    got = penalties.gradient_penalty(slope, ops.convert_to_tensor(real), ops.convert_to_tensor(fake), mix)
    np.testing.assert_allclose(float(got), ((norms - 1) ** 2).mean(), rtol=1e-5)


def test_gradient_penalty_has_a_finite_gradient_where_the_critic_is_flat(images):
    import tensorflow as tf

    scale = tf.Variable(0.0)
    x = tf.constant(images[0])
    with tf.GradientTape() as tape:
        value = penalties.gradient_penalty(lambda y: scale * slope(y), x, x, tf.zeros((6, 1, 1, 1)))
    assert np.isfinite(tape.gradient(value, scale).numpy())


def test_terms_are_weighted(images):
    x = ops.convert_to_tensor(images[0])
    noise = random.Noise(0, 0, 0)
    one, ten = (float(penalties.terms({"r1": w}, slope, x, x, noise)["r1"]) for w in (1.0, 10.0))
    np.testing.assert_allclose(ten, 10 * one, rtol=1e-6)
    assert penalties.terms({}, slope, x, x, noise) == {}


def test_images_of_a_generator_in_half_precision(images):
    real = ops.convert_to_tensor(images[0])
    fake = ops.cast(images[1], "float16")
    found = penalties.terms({"r2": 1.0, "gradient_penalty": 1.0}, slope, real, fake, random.Noise(0, 0, 0))
    assert [str(term.dtype.name) for term in found.values()] == ["float32"] * 2
    np.testing.assert_allclose(found["r2"], penalties.r2(slope, None, ops.cast(fake, "float32"), None), rtol=1e-6)


@pytest.mark.parametrize("wrong", [{"r3": 1.0}, {"r1": -1}, {"r1": "much"}, {"r1": float("nan")}])
def test_wrong_penalties_are_refused(wrong):
    with pytest.raises(ValueError, match=r"(penalties must be among|must be a number of at least 0)"):
        penalties.check(wrong)
