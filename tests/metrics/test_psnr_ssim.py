"""PSNR and SSIM, against a window at a time in plain Python, and values worked out by hand."""

import math

import numpy as np
import pytest

from keras_gans.artifacts import MetricError
from keras_gans.metrics.psnr_ssim import luma, psnr, ssim


def _slow_luma(image):
    return [[16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255 for r, g, b in row] for row in image.tolist()]


def _slow_psnr(a, b):
    differences = [(p - q) ** 2 for row, other in zip(a, b, strict=True) for p, q in zip(row, other, strict=True)]
    return 20 * math.log10(255 / math.sqrt(math.fsum(differences) / len(differences)))


def _slow_ssim(a, b):
    """Two lists of rows, by the sums of Wang et al. 2004, equations 13 to 16: deviations from the window's mean."""
    places = [(i, j) for i in range(11) for j in range(11)]
    weights = [math.exp(-((i - 5) ** 2 + (j - 5) ** 2) / (2 * 1.5**2)) for i, j in places]
    weights = [w / sum(weights) for w in weights]
    c1, c2, values = 2.55**2, 7.65**2, []
    for y in range(len(a) - 10):
        for x in range(len(a[0]) - 10):
            p, q = ([side[y + i][x + j] for i, j in places] for side in (a, b))
            mp, mq = (math.fsum(w * v for w, v in zip(weights, side, strict=True)) for side in (p, q))
            vp = math.fsum(w * (v - mp) ** 2 for w, v in zip(weights, p, strict=True))
            vq = math.fsum(w * (v - mq) ** 2 for w, v in zip(weights, q, strict=True))
            both = math.fsum(w * (v - mp) * (u - mq) for w, v, u in zip(weights, p, q, strict=True))
            values.append((2 * mp * mq + c1) * (2 * both + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    return math.fsum(values) / len(values)


def _pair(rng, *shape):
    a = rng.integers(0, 256, shape)
    return a.astype("uint8"), np.clip(a + rng.normal(0, 20, shape), 0, 255).astype("uint8")


# --- luma ---------------------------------------------------------------------------------------------


def test_luma_of_known_colours():
    # White, black, red, green, blue: the values of BT.601, and what MATLAB's rgb2ycbcr rounds to 235 16 81 145 41.
    colours = np.array([[[255] * 3, [0] * 3, [255, 0, 0], [0, 255, 0], [0, 0, 255]]], "uint8")
    np.testing.assert_allclose(luma(colours)[0], [235, 16, 81.481, 144.553, 40.966], rtol=0, atol=1e-12)


def test_grey_stays_as_it_is_and_grey_in_colour_is_colour(rng):
    grey = rng.integers(0, 256, (4, 5), "uint8")
    for form in (grey, grey[..., None]):
        np.testing.assert_array_equal(luma(form), grey)
    np.testing.assert_allclose(luma(np.repeat(grey[..., None], 3, -1)), 16 + grey * (219 / 255), rtol=0, atol=1e-12)
    assert luma(grey[None, ..., None]).shape == (1, 4, 5)


# --- PSNR ---------------------------------------------------------------------------------------------


def test_psnr_of_a_known_error():
    a = np.full((8, 8), 100, "uint8")
    assert psnr(a, a + 5, luma=False) == pytest.approx(20 * math.log10(255 / 5), abs=1e-12)
    assert psnr(a, a + 5) == psnr(a, a + 5, luma=False)
    # 219 of 255 levels: luma of grey in colour is 20 log10(255 / 219) = 1.322 dB better
    coloured = a[..., None].repeat(3, axis=-1)
    assert psnr(coloured, coloured + 5) - psnr(a, a + 5) == pytest.approx(1.3220, abs=1e-4)
    b = a.copy()
    b[0, 0] = 164  # one pixel of 64, off by 64: a mean square of 64
    assert psnr(a, b, luma=False) == pytest.approx(10 * math.log10(255**2 / 64), abs=1e-12)
    assert psnr(np.zeros((2, 2), "uint8"), np.full((2, 2), 255, "uint8"), luma=False) == 0


def test_psnr_is_the_definitions(rng):
    a, b = _pair(rng, 14, 17, 3)
    assert psnr(a, b) == pytest.approx(_slow_psnr(_slow_luma(a), _slow_luma(b)), rel=1e-12)
    flat = [x.reshape(14, -1).tolist() for x in (a, b)]
    assert psnr(a, b, luma=False) == pytest.approx(_slow_psnr(*flat), rel=1e-12)


def test_equal_images_have_no_noise(rng):
    a = rng.integers(0, 256, (2, 12, 12, 3), "uint8")
    b = a.copy()
    b[1] ^= 1
    found = psnr(a, b)
    assert found[0] == math.inf
    assert 45 < found[1] < 55
    assert psnr(a[0], a[0]) == math.inf


# --- SSIM ---------------------------------------------------------------------------------------------


def test_ssim_is_the_definitions(rng):
    a, b = _pair(rng, 14, 17, 3)
    assert ssim(a, b) == pytest.approx(_slow_ssim(_slow_luma(a), _slow_luma(b)), abs=1e-12)
    channels = [_slow_ssim(a[..., c].tolist(), b[..., c].tolist()) for c in range(3)]
    assert ssim(a, b, luma=False) == pytest.approx(np.mean(channels), abs=1e-12)


def test_ssim_of_known_images(rng):
    a = rng.integers(0, 256, (20, 20), "uint8")
    assert ssim(a, a) == 1
    assert ssim(np.zeros_like(a), np.zeros_like(a)) == 1
    # Flat images differ in luminance alone: (2 m n + C1) / (m^2 + n^2 + C1)
    m, n = np.full((11, 11), 50, "uint8"), np.full((11, 11), 200, "uint8")
    expected = (2 * 50 * 200 + 2.55**2) / (50**2 + 200**2 + 2.55**2)
    assert ssim(m, n, luma=False) == pytest.approx(expected, abs=1e-12)
    assert ssim(a, 255 - a, luma=False) < -0.5
    assert abs(ssim(a, rng.permuted(a), luma=False)) < 0.1


def test_ssim_is_symmetric_and_falls_with_noise(rng):
    a = np.kron(rng.integers(0, 256, (4, 4)), np.ones((8, 8)))
    noisy = [np.clip(a + rng.normal(0, s, a.shape), 0, 255).astype("uint8") for s in (2, 10, 40)]
    a = a.astype("uint8")
    values = [ssim(a, b) for b in noisy]
    assert 1 > values[0] > values[1] > values[2] > 0
    assert ssim(noisy[2], a) == pytest.approx(values[2], abs=1e-12)


# --- both ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_a_batch_is_its_pairs(rng, measure):
    a, b = _pair(rng, 3, 15, 16, 3)
    found = measure(a, b, border=2)
    assert found.dtype == np.float64
    assert found.shape == (3,)
    single = [measure(x, y, border=2) for x, y in zip(a, b, strict=True)]
    assert all(type(value) is float for value in single)
    np.testing.assert_array_equal(found, single)
    grey = measure(a[..., :1], b[..., :1])
    np.testing.assert_array_equal(grey, [measure(x[..., 0], y[..., 0]) for x, y in zip(a, b, strict=True)])


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_the_border_is_left_out(rng, measure):
    a, b = _pair(rng, 24, 20, 3)
    inside = measure(a[4:-4, 4:-4], b[4:-4, 4:-4])
    b[:4], b[-4:], b[:, :4], b[:, -4:] = 0, 0, 0, 0
    assert measure(a, b, border=4) == inside
    assert measure(a, b) < inside


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_hostile_input_is_one_sentence(measure):
    a = np.zeros((12, 12, 3), "uint8")
    wrong = [
        (a.astype("float32"), a, {}, "float32 came"),
        (a, a.astype("int64"), {}, "int64 came"),
        (np.full(a.shape, np.nan), a, {}, "float64 came"),
        (a, None, {}, "object came"),
        ([[1], [2, 3]], a, {}, "ragged list"),
        (a, a[:11], {}, r"\(12, 12, 3\) and \(11, 12, 3\)"),
        (a[None], a, {}, r"\(1, 12, 12, 3\) and"),
        (a[..., :2], a[..., :2], {}, "c of 1 or 3"),
        (a[..., 0][None], a[..., 0][None], {}, "c of 1 or 3"),
        (a[:0], a[:0], {}, r"\(0, 12, 3\) came"),
        (a[None][:0], a[None][:0], {}, r"\(0, 12, 12, 3\) came"),
        (a[0, 0], a[0, 0], {}, r"\(3,\) came"),
        (a, a, {"border": -1}, "-1 came"),
        (a, a, {"border": 1.0}, "1.0 came"),
        (a, a, {"border": True}, "True came"),
        (a, a, {"border": None}, "None came"),
        (a, a, {"border": 6}, "with a border of 6"),
    ]
    for x, y, options, text in wrong:
        with pytest.raises(MetricError, match=text):
            measure(x, y, **options)


def test_the_least_that_is_left():
    a = np.zeros((13, 12), "uint8")
    assert psnr(a[:3, :3], a[:3, :3] + 1, border=1) > 0
    assert ssim(a, a) == 1
    with pytest.raises(MetricError, match="At least 11 x 11 pixels were wanted"):
        ssim(a, a, border=1)


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_never_nan(rng, measure):
    for _ in range(30):
        shape = (*rng.integers(11, 16, 2), rng.choice([1, 3]))
        a, b = (rng.choice([0, 1, 254, 255], shape).astype("uint8") * rng.integers(0, 2, dtype="uint8") for _ in "ab")
        for form in (True, False):
            value = measure(a, b, luma=form)
            assert not math.isnan(value)
            assert value >= (0 if measure is psnr else -1)
            assert measure is psnr or value <= 1
