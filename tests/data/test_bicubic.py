"""Bicubic resizing, against a pixel at a time in plain Python and values worked out by hand."""

import math
import sys

import numpy as np
import pytest

from keras_gans.artifacts import DataError
from keras_gans.data.bicubic import bicubic, taps


def _kernel(t):
    t = abs(t)
    if t < 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0


def _neighbour(p, side, edges):
    if edges == "repeat":
        return min(max(p, 0), side - 1)
    while not 0 <= p < side:
        p = -1 - p if p < 0 else 2 * side - 1 - p
    return p


def _line(values, length, scale, edges):
    """One row of numbers, resized by the definition: in MATLAB's 1-based coordinates."""
    shrink, side, out = min(1.0, scale), len(values), []
    for x in range(1, length + 1):
        u = x / scale + 0.5 * (1 - 1 / scale)
        total = weights = 0.0
        for p in range(math.floor(u - 2 / shrink) - 1, math.ceil(u + 2 / shrink) + 2):
            w = _kernel(shrink * (u - p))
            total, weights = total + w * values[_neighbour(p - 1, side, edges)], weights + w
        out.append(total / weights)
    return out


def _slow(image, lengths, scales, edges, eight_bit):
    """(h, w) floats: the smaller scale first; 8 bits rounded after each axis."""

    def rounded(v):
        return float(min(255, max(0, math.floor(abs(v) + 0.5) * (1 if v > 0 else -1)))) if eight_bit else v

    for axis in sorted((0, 1), key=lambda k: scales[k]):
        lines = image.T if axis == 0 else image
        done = np.array([[rounded(v) for v in _line(x, lengths[axis], scales[axis], edges)] for x in lines.tolist()])
        image = done.T if axis == 0 else done
    return image


CASES = [(0.25, 0.25), (4, 4), (1 / 3, 1 / 3), (2.5, 2.5), (0.7, 1.3), (1.3, 0.7), (1, 0.5), (0.05, 3), (0.9, 0.9)]


@pytest.mark.parametrize("edges", ["mirror", "repeat"])
@pytest.mark.parametrize("scales", CASES)
def test_every_pixel_is_the_definitions(rng, monkeypatch, scales, edges):
    # The file by its name in sys.modules, for keras_gans.data may hold the function by the same name.
    monkeypatch.setattr(sys.modules["keras_gans.data.bicubic"], "_BAND", 5)  # several bands, the last one short
    x = rng.normal(size=(13, 18))
    lengths = tuple(math.ceil(s * n) for s, n in zip(scales, x.shape, strict=True))
    found = bicubic(x, scale=scales, edges=edges)
    assert found.shape == lengths
    np.testing.assert_allclose(found, _slow(x, lengths, scales, edges, False), rtol=0, atol=1e-12)


@pytest.mark.parametrize("scales", CASES)
def test_eight_bits_are_rounded_after_each_axis(rng, scales):
    x = rng.integers(0, 2, (13, 18), "uint8") * 255  # overshoots everywhere
    lengths = tuple(math.ceil(s * n) for s, n in zip(scales, x.shape, strict=True))
    found = bicubic(x, scale=scales)
    assert found.dtype == np.uint8
    wrong = np.abs(found - _slow(x.astype("float64"), lengths, scales, "mirror", True))
    exact = all(math.log2(s).is_integer() for s in scales)  # weights without rounding: halves are halves
    assert wrong.max() <= (0 if exact else 1)
    assert np.mean(wrong > 0) < 0.02


def test_rounding_once_at_the_end_is_something_else(rng):
    x = rng.integers(0, 256, (40, 40), "uint8")
    once = np.clip(np.floor(bicubic(x.astype("float64"), scale=0.25) + 0.5), 0, 255)
    assert 0.02 < np.mean(bicubic(x, scale=0.25) != once) < 0.5


def test_known_weights():
    # Keys at 1.25, .25, .75, 1.75: exact in binary. A pixel of a doubled image looks a quarter of a pixel away.
    places, weights = taps(np.array([0, 1]), 2.0)
    expected = {0: {-2: -3 / 128, -1: 29 / 128, 0: 111 / 128, 1: -9 / 128}, 1: {-1: -9 / 128, 0: 111 / 128}}
    for row, wanted in expected.items():
        found = dict(zip(places[row].tolist(), weights[row].tolist(), strict=True))
        assert {p: found[p] for p in wanted} == wanted
    # Halving: the same four at twice the distance, each half as much, on both sides.
    places, weights = taps(np.array([0]), 0.5)
    found = [w for w in weights[0].tolist() if w]
    assert found == [w / 256 for w in (-3, -9, 29, 111, 111, 29, -9, -3)]


def test_known_pixels():
    # An edge, doubled: the weights beyond it are -3, -9 and 29 - 3 of 128 at the three pixels before it.
    step = np.array([[0, 0, 0, 0, 255, 255, 255, 255]], "uint8")
    found = bicubic(step, size=(1, 16))[0]
    np.testing.assert_array_equal(found, [0, 0, 0, 0, 0, 0, 0, 52, 203, 255, 255, 255, 255, 255, 255, 255])
    exact = bicubic(step.astype("float64"), size=(1, 16))[0]
    low = 255 * np.array([-3, -9, 26]) / 128  # pixels 5, 6 and 7
    np.testing.assert_array_equal(exact[5:11], [*low, *(255 - low[::-1])])


@pytest.mark.parametrize("scale", [1e-3, 0.1, 0.25, 0.3, 0.99, 1, 1.01, 2, 3.7, 100])
def test_weights_add_up_to_one_and_balance(scale):
    places, weights = taps(np.arange(50), scale)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=0, atol=1e-12)
    centres = (weights * places).sum(1)
    # Not widened, Keys' kernel is exact for ramps; widened, its sampling leaves hundredths of a pixel of the result.
    atol = 1e-9 if scale >= 1 else 0.05 / scale
    np.testing.assert_allclose(centres, (np.arange(50) + 0.5) / scale - 0.5, rtol=0, atol=atol)


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 3), (2, 9, 7, 1)])
@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
@pytest.mark.parametrize("scale", [0.3, 1, 2.2])
def test_a_flat_image_stays_flat(shape, dtype, scale):
    x = np.full(shape, 77, dtype)
    found = bicubic(x, scale=scale)
    assert found.dtype == dtype
    assert found.ndim == x.ndim
    np.testing.assert_allclose(found, 77, rtol=1e-14 if dtype == "float64" else 0)


def test_a_ramp_is_exact_away_from_the_edges():
    y, x = np.mgrid[:30, :40].astype("float64")
    found = bicubic(2 * x - 3 * y, scale=(4, 2.5))
    down, right = np.mgrid[: 30 * 4, : 40 * 2.5]
    expected = 2 * ((right + 0.5) / 2.5 - 0.5) - 3 * ((down + 0.5) / 4 - 0.5)
    np.testing.assert_allclose(found[8:-8, 5:-5], expected[8:-8, 5:-5], rtol=0, atol=1e-10)
    assert abs(found - expected)[:8].max() > 0.01  # a mirror has no slope


def test_turning_and_mirroring_commute_with_resizing(rng):
    x = rng.normal(size=(12, 15, 3))
    y = bicubic(x, size=(5, 26))
    np.testing.assert_allclose(bicubic(x[::-1, ::-1], size=(5, 26)), y[::-1, ::-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(bicubic(x.swapaxes(0, 1), size=(26, 5)), y.swapaxes(0, 1), rtol=0, atol=1e-12)


def test_batches_and_channels_are_resized_one_by_one(rng):
    x = rng.integers(0, 256, (3, 10, 14, 3), "uint8")
    found = bicubic(x, size=(23, 5))
    assert found.shape == (3, 23, 5, 3)
    assert found.flags.c_contiguous
    for i in range(3):
        for c in range(3):
            np.testing.assert_array_equal(found[i, :, :, c], bicubic(x[i, :, :, c], size=(23, 5)))
    assert bicubic(x[:0], scale=2).shape == (0, 20, 28, 3)


def test_a_scale_of_one_changes_nothing_and_returns_a_copy(rng):
    x = rng.integers(0, 256, (6, 5), "uint8")
    found = bicubic(x, scale=1)
    np.testing.assert_array_equal(found, x)
    assert not np.shares_memory(found, x)
    assert bicubic(x.astype(float), size=(6, 5)).tolist() == x.tolist()


def test_a_given_scale_need_not_be_that_of_the_sides():
    x = np.arange(7.0)[None]
    assert bicubic(x, scale=0.5).shape == (1, 4)
    assert not np.allclose(bicubic(x, scale=0.5)[0, 3], bicubic(x, size=(1, 4))[0, 3])
    assert bicubic(np.zeros((100, 30)), scale=0.07).shape == (7, 3)  # 100 * .07 is 7.000000000000001
    assert bicubic(np.zeros((3, 3)), scale=0.001).shape == (1, 1)


def test_float_is_not_clipped():
    x = np.zeros((8, 8), "float32")
    x[4:, 4:] = 1
    found = bicubic(x, scale=4)
    over = 0.0732421875  # minus Keys' kernel at 1.375
    assert found.max() == pytest.approx((1 + over) ** 2, abs=1e-6)
    assert found.min() == pytest.approx(-over * (1 + over), abs=1e-6)


@pytest.mark.parametrize(
    ("images", "options", "text"),
    [
        (np.zeros((3, 3), "int32"), {"scale": 2}, "int32 came"),
        ([[1, 2], [3]], {"scale": 2}, "ragged list"),
        ("image", {"scale": 2}, "uint8 or float images were wanted"),
        (None, {"scale": 2}, "object came"),
        (np.zeros(3), {"scale": 2}, r"shape \(3,\) came"),
        (np.zeros((2, 0, 3, 1)), {"scale": 2}, r"shape \(2, 0, 3, 1\) came"),
        (np.zeros((1, 2, 3, 4, 5)), {"scale": 2}, "reshape them"),
        (np.array([[1.0, np.nan]]), {"scale": 2}, "NaN"),
        (np.array([[1.0, np.inf]]), {"scale": 2}, "infinity"),
        (np.array([[1.0, 6e4]], "float16"), {"scale": 2}, "next to it"),
        (np.zeros((3, 3)), {}, "neither came"),
        (np.zeros((3, 3)), {"scale": 2, "size": (3, 3)}, "both came"),
        (np.zeros((3, 3)), {"size": 3}, r"size is \(height, width\)"),
        (np.zeros((3, 3)), {"size": (3, 0)}, r"\(3, 0\) came"),
        (np.zeros((3, 3)), {"size": (3, 2.5)}, r"\(3, 2.5\) came"),
        (np.zeros((3, 3)), {"size": (3, True)}, r"\(3, True\) came"),
        (np.zeros((3, 3)), {"size": "ab"}, "'ab' came"),
        (np.zeros((3, 3)), {"size": np.array(3)}, r"array\(3\) came"),
        (np.zeros((3, 3)), {"scale": 0}, "0 came"),
        (np.zeros((3, 3)), {"scale": -1.0}, "-1.0 came"),
        (np.zeros((3, 3)), {"scale": float("nan")}, "nan came"),
        (np.zeros((3, 3)), {"scale": True}, "True came"),
        (np.zeros((3, 3)), {"scale": "2"}, "'2' came"),
        (np.zeros((3, 3)), {"scale": (1, 2, 3)}, r"\(1, 2, 3\) came"),
        (np.zeros((3, 3)), {"scale": 1e6}, r"\(3000000, 3000000\) came out"),
        (np.zeros((3, 3)), {"scale": 2, "edges": "wrap"}, "'wrap' came"),
    ],
)
def test_what_cannot_be_resized_is_one_sentence(images, options, text):
    with pytest.raises(DataError, match=text):
        bicubic(images, **options)


def test_sizes_and_scales_may_be_numpys():
    x = np.zeros((4, 6))
    assert bicubic(x, size=np.array([2, 3])).shape == (2, 3)
    assert bicubic(x, size=[np.int64(2), 3]).shape == (2, 3)
    assert bicubic(x, scale=np.float32(0.5)).shape == (2, 3)
    assert bicubic(x, scale=np.array([0.5, 1])).shape == (2, 6)
