"""Multi-scale SSIM, against a definition that convolves pixel by pixel, and what diversity must say of known sets."""

import math

import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.artifacts import MetricError
from keras_gans.metrics.multiscale import _unranked, most_scales, ms_ssim
from keras_gans.metrics.multiscale import of_images as diversity
from keras_gans.metrics.psnr_ssim import ssim

PUBLISHED = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def _slow(a, b, scales):
    """(h, w) floats. Each window's weighted moments, with a two-dimensional Gaussian; scales by averaging in loops."""
    g = np.array([[math.exp(-(i * i + j * j) / 4.5) for j in range(-5, 6)] for i in range(-5, 6)])
    g /= g.sum()
    weights = PUBLISHED[:scales]
    if scales < 5:
        weights = [w / sum(weights) for w in weights]
    value = 1.0
    for scale, weight in enumerate(weights):
        structures, whole = [], []
        for y in range(a.shape[0] - 10):
            for x in range(a.shape[1] - 10):
                p, q = a[y : y + 11, x : x + 11], b[y : y + 11, x : x + 11]
                mp, mq = (g * p).sum(), (g * q).sum()
                vp, vq, both = (g * (p - mp) ** 2).sum(), (g * (q - mq) ** 2).sum(), (g * (p - mp) * (q - mq)).sum()
                structures.append((2 * both + 7.65**2) / (vp + vq + 7.65**2))
                whole.append(structures[-1] * (2 * mp * mq + 2.55**2) / (mp**2 + mq**2 + 2.55**2))
        value *= max(0.0, np.mean(whole if scale == scales - 1 else structures)) ** weight
        a, b = (
            np.array(
                [
                    [side[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].mean() for x in range(side.shape[1] // 2)]
                    for y in range(side.shape[0] // 2)
                ]
            )
            for side in (a, b)
        )
    return value


def _pictures(rng, n, side=32, cells=4):
    small = rng.integers(0, 256, (n, cells, cells, 3))
    return np.kron(small, np.ones((1, side // cells, side // cells, 1))).astype("uint8")


@pytest.mark.parametrize(("shape", "scales"), [((23, 26), 2), ((23, 26), 1), ((47, 44), 3)])
def test_it_is_the_definitions(rng, shape, scales):
    a = np.kron(rng.integers(0, 256, (6, 7)), np.ones((8, 8)))[: shape[0], : shape[1]]
    b = np.clip(a + rng.normal(0, 30, shape), 0, 255).astype("uint8")
    a = a.astype("uint8")
    found = ms_ssim(a, b, scales=scales)
    assert type(found) is float
    assert found == pytest.approx(_slow(a.astype("float64"), b.astype("float64"), scales), abs=1e-12)


def test_all_five_scales_keep_their_published_weights():
    # Flat images have structure 1 at each scale, and differ in luminance at the coarsest alone.
    a, b = np.full((176, 180), 50, "uint8"), np.full((176, 180), 200, "uint8")
    luminance = (2 * 50 * 200 + 2.55**2) / (50**2 + 200**2 + 2.55**2)
    assert ms_ssim(a, b) == pytest.approx(luminance**0.1333, abs=1e-12)
    assert ms_ssim(a, b, scales=4) == pytest.approx(luminance ** (0.2363 / 0.8668), abs=1e-12)
    assert ms_ssim(a, b, scales=1) == pytest.approx(luminance, abs=1e-12)


def test_one_scale_is_ssim(rng):
    a, b = rng.integers(0, 256, (2, 16, 20, 3), "uint8")
    b = (a // 2 + b // 2).astype("uint8")
    assert ms_ssim(a, b) == pytest.approx(ssim(a, b, luma=False), abs=1e-12)


def test_how_many_scales_there_is_room_for():
    room = {10: 0, 11: 1, 21: 1, 22: 2, 28: 2, 32: 2, 43: 2, 44: 3, 64: 3, 88: 4, 175: 4, 176: 5, 5000: 5}
    assert {side: most_scales(side, 5000) for side in room} == room
    assert most_scales(5000, 28) == 2


def test_a_batch_is_its_pairs(rng):
    a, b = _pictures(rng, 3), _pictures(rng, 3)
    found = ms_ssim(a, b)
    assert (found.dtype, found.shape) == (np.float64, (3,))
    np.testing.assert_array_equal(found, [ms_ssim(x, y) for x, y in zip(a, b, strict=True)])
    channels = [[ms_ssim(x[..., c], y[..., c]) for c in range(3)] for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(found, np.mean(channels, axis=1), rtol=0, atol=1e-12)


def test_equal_is_one_and_opposite_is_zero(rng):
    a = _pictures(rng, 1)[0]
    assert ms_ssim(a, a) == 1
    assert ms_ssim(a, 255 - a) == 0  # a negative mean has no real power


# --- diversity ----------------------------------------------------------------------------------------


def test_all_pairs_where_they_are_few(rng):
    x = _pictures(rng, 5)
    found = diversity(x)
    every = [ms_ssim(x[i], x[j]) for i in range(5) for j in range(i)]
    assert found.value == pytest.approx(np.mean(every), abs=1e-12)
    assert (found.scales, found.pairs) == (2, 10)
    assert diversity(x, pairs=10) == found
    assert diversity(x, seed=7) == found


def test_random_pairs_are_of_different_images_and_none_comes_twice(rng, monkeypatch):
    drawn = []
    monkeypatch.setattr("keras_gans.metrics.multiscale._ms_ssim", lambda a, b, scales: drawn.append((a, b)) or 0.5)
    x = np.broadcast_to(np.arange(40, dtype="uint8")[:, None, None, None], (40, 11, 11, 1))
    found = diversity(x, pairs=500)
    pairs = {(int(a.max()), int(b.max())) for a, b in drawn}
    assert (found.value, found.pairs, len(pairs)) == (0.5, 500, 500)
    assert all(i < j for i, j in pairs)
    counts = np.bincount([i for pair in pairs for i in pair], minlength=40)
    assert counts.min() > 10  # 25 on average
    assert counts.max() < 39
    first, drawn[:] = list(pairs), []
    diversity(x, pairs=500)
    assert {(int(a.max()), int(b.max())) for a, b in drawn} == set(first)
    drawn.clear()
    diversity(x, pairs=500, seed=1)
    assert {(int(a.max()), int(b.max())) for a, b in drawn} != set(first)


def test_pairs_are_numbered_without_gaps():
    assert [_unranked(k) for k in range(6)] == [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
    n = 10**9  # where floats would be off by one
    total = n * (n - 1) // 2
    assert _unranked(total - 1) == (n - 2, n - 1)
    assert _unranked(total) == (0, n)


def test_a_collapsed_set_is_less_diverse(rng):
    x = _pictures(rng, 30)
    collapsed = np.clip(x[:1] + rng.normal(0, 8, x.shape), 0, 255).astype("uint8")
    half = np.concatenate([x[:15], collapsed[:15]])
    values = [diversity(side, pairs=200).value for side in (x, half, collapsed)]
    assert values[0] < values[1] - 0.1 < values[2] - 0.2 < 0.8
    assert diversity(np.repeat(x[:1], 4, 0)).value == 1


# --- hostile input ------------------------------------------------------------------------------------


def test_wrong_pairs_are_one_sentence():
    a = np.zeros((32, 32, 3), "uint8")
    wrong = [
        (a.astype(float), a, {}, "float64 came"),
        (a, a[:31], {}, "of one shape"),
        (a[:10], a[:10], {}, "at least 11 x 11 pixels, and 10 x 32 came"),
        (a[:0], a[:0], {}, r"\(0, 32, 3\) came"),
        (a, a, {"scales": 3}, "In 32 x 32 pixels there is room for scales of 1 to 2, and 3 came"),
        (a, a, {"scales": 0}, "0 came"),
        (a, a, {"scales": 1.5}, "1.5 came"),
        (a, a, {"scales": True}, "True came"),
        (np.zeros((400, 400), "uint8"), np.zeros((400, 400), "uint8"), {"scales": 6}, "scales of 1 to 5, and 6 came"),
    ]
    for x, y, options, text in wrong:
        with pytest.raises(MetricError, match=text):
            ms_ssim(x, y, **options)


def test_wrong_sets_are_one_sentence():
    x = np.zeros((4, 16, 16, 3), "uint8")
    wrong = [
        (x[:0], {}, r"\(0, 16, 16, 3\) came"),
        (x[:1], {}, "At least 2 images"),
        (x[0], {}, "At least 2 images"),
        (x.astype("float32") * np.nan, {}, "float32 came"),
        (x[:, :8], {}, "8 x 16 came"),
        (x, {"pairs": 0}, "pairs is a whole number of at least 1, and 0 came"),
        (x, {"pairs": 2.0}, "2.0 came"),
        (x, {"seed": -1}, "-1 came"),
        (x, {"seed": None}, "None came"),
        (x, {"scales": 2}, "scales of 1 to 1, and 2 came"),
        (None, {}, "object came"),
    ]
    for images, options, text in wrong:
        with pytest.raises(MetricError, match=text):
            diversity(images, **options)


def test_diversity_is_a_score(rng):
    x = _pictures(rng, 9)
    found, expected = metrics.diversity(x, pairs=20, seed=4), diversity(x, pairs=20, seed=4)
    assert (found.metric, found.value, found.n_fake, found.seed) == ("ms_ssim", expected.value, 9, None)
    assert found.details == {"scales": 2, "pairs": 20}
    assert found.protocol == "ms_ssim[32x32x3, 9, 2 scales, 20 pairs]"
    assert metrics.diversity(x[:, :28, :28, :1]).protocol == "ms_ssim[28x28x1, 9, 2 scales, 36 pairs]"


def test_never_nan(rng):
    for _ in range(20):
        x = rng.choice([0, 1, 254, 255], (3, 22, 25, 1)).astype("uint8") * rng.integers(0, 2, (3, 1, 1, 1), "uint8")
        value = diversity(x).value
        assert 0 <= value <= 1
