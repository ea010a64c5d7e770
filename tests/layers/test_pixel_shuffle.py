"""PixelShuffle against a loop in NumPy, and the weights that make it repeat pixels at first."""

import keras
import numpy as np
import pytest

from keras_gans.layers import ICNR, PixelShuffle
from keras_gans.layers import pixel_shuffle as module


def _shuffled(x, scale):
    n, h, w, channels = x.shape
    out = np.zeros((n, h * scale, w * scale, channels // scale**2), x.dtype)
    for y in range(out.shape[1]):
        for z in range(out.shape[2]):
            for k in range(out.shape[3]):
                place = (y % scale) * scale + z % scale
                out[:, y, z, k] = x[:, y // scale, z // scale, place * out.shape[3] + k]
    return out


@pytest.fixture(params=["one operation", "of any backend"])
def backend(request, monkeypatch):
    """Both ways through the layer."""
    if request.param == "of any backend":
        monkeypatch.setattr(module.keras.backend, "backend", lambda: "another")


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_it_is_what_a_loop_gives(scale, rng, backend):
    x = rng.normal(size=(2, 3, 5, 2 * scale**2)).astype("float32")
    np.testing.assert_array_equal(PixelShuffle(scale)(x), _shuffled(x, scale))


@pytest.mark.parametrize("scale", [2, 3])
def test_sides_may_be_open(scale, rng, backend):
    """Within a model of any height and width, which is where it stands."""
    image = keras.Input((None, None, 3 * scale**2))
    model = keras.Model(image, PixelShuffle(scale)(image))
    assert model.output_shape == (None, None, None, 3)
    for h, w in ((2, 5), (4, 1)):
        x = rng.normal(size=(1, h, w, 3 * scale**2)).astype("float32")
        np.testing.assert_array_equal(model(x), _shuffled(x, scale))


def test_the_shape_that_it_promises():
    layer = PixelShuffle(3)
    assert layer.compute_output_shape((None, None, None, 18)) == (None, None, None, 2)
    assert layer.compute_output_shape((4, 5, None, 9)) == (4, 15, None, 1)
    assert layer.compute_output_shape((4, None, 7, 9)) == (4, None, 21, 1)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_icnr_repeats_each_pixel(scale, rng):
    """The convolution's map, made small again, is that of one place's weights."""
    layer = keras.layers.Conv2D(5 * scale**2, 3, padding="same", kernel_initializer=ICNR(scale))
    x = rng.normal(size=(2, 6, 4, 3)).astype("float32")
    large = np.asarray(PixelShuffle(scale)(layer(x)))
    one = keras.layers.Conv2D(5, 3, padding="same")
    one.build(x.shape)
    one.kernel.assign(layer.kernel[..., :5])
    small = np.asarray(one(x))
    np.testing.assert_allclose(large, small.repeat(scale, axis=1).repeat(scale, axis=2), rtol=1e-4, atol=1e-5)
    assert small.std() > 0.1  # not all the same anyway
    assert large.shape == (2, 6 * scale, 4 * scale, 5)


def test_icnr_draws_one_place_as_its_initializer_does():
    inner = keras.initializers.RandomNormal(0.0, 0.5, seed=3)
    whole = np.asarray(ICNR(2, inner)((3, 3, 4, 8), "float32"))
    again = keras.initializers.RandomNormal(0.0, 0.5, seed=3)
    np.testing.assert_array_equal(whole[..., :2], again((3, 3, 4, 2), "float32"))
    assert whole.dtype == np.float32


def test_both_survive_serialisation(rng):
    layer = keras.layers.deserialize(keras.layers.serialize(PixelShuffle(3, name="up")))
    assert (type(layer), layer.scale, layer.name) == (PixelShuffle, 3, "up")
    inner = keras.initializers.RandomNormal(0.0, 0.5, seed=3)
    copy = keras.initializers.deserialize(keras.initializers.serialize(ICNR(3, inner)))
    assert (type(copy), copy.scale) == (ICNR, 3)
    np.testing.assert_array_equal(copy((1, 1, 2, 9)), ICNR(3, inner)((1, 1, 2, 9)))
    assert copy.initializer.stddev == 0.5
