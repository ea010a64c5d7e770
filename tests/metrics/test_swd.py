"""The sliced Wasserstein distance: its parts against known values, its whole against what must be far or near."""

import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.artifacts import MetricError
from keras_gans.metrics import swd
from keras_gans.metrics.sources import open_source


def _pictures(n, seed, side=32):
    """Smooth colour fields, no two alike."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (n, side // 8, side // 8, 3))
    smooth = np.kron(small, np.ones((1, 8, 8, 1)))
    return (smooth + rng.normal(0, 5, smooth.shape)).clip(0, 255).astype("uint8")


def test_the_pyramid_adds_up_to_the_images():
    x = _pictures(2, 0, side=64)
    fine, middle, coarse = swd._pyramid(x)
    assert [level.shape[1] for level in (fine, middle, coarse)] == [64, 32, 16]
    back = fine + swd._enlarged(middle + swd._enlarged(coarse))
    np.testing.assert_allclose(back, x / 127.5 - 1.0, atol=1e-5)


def test_blurring_leaves_flat_images_and_weighs_points_by_the_binomial():
    point = np.zeros((1, 16, 16, 1), "float32")
    point[0, 8, 8] = 16.0
    np.testing.assert_allclose(swd._blurred(point, 1)[0, 6:11, 8, 0], [1, 4, 6, 4, 1])
    flat = np.full((1, 16, 16, 1), 0.3, "float32")
    np.testing.assert_allclose(swd._enlarged(flat), np.full((1, 32, 32, 1), 0.3), rtol=1e-6)


def test_the_distance_of_shifted_points_is_the_shift_along_a_direction(rng):
    a = rng.normal(size=(500, 20)).astype("float32")
    shift = np.full(20, 0.5, "float32")
    found = swd._distance(a, a + shift, 2000, rng)
    # E |<shift, u>| for u uniform on the sphere: |shift| * Gamma(d / 2) / (sqrt(pi) Gamma((d + 1) / 2)), d = 20
    expected = np.linalg.norm(shift) * 362880.0 / (np.sqrt(np.pi) * 1133278.3889487855)
    assert found == pytest.approx(expected, rel=0.05)


def test_the_same_kind_is_near_and_another_is_far():
    a, b = _pictures(200, 1), _pictures(200, 2)
    near = swd.of_images(a, b, patches=32, directions=64)
    blurred = swd._blurred(swd._blurred(b.astype("float32"), 1), 2).astype("uint8")
    far = swd.of_images(a, blurred, patches=32, directions=64)
    assert set(near) == {32, 16, "mean"}
    assert near["mean"] == pytest.approx((near[32] + near[16]) / 2)
    assert swd.of_images(a, b, patches=32, directions=64) == near
    assert far[32] > 2 * near[32]  # blur takes the finest detail away
    assert far[16] < 1.5 * near[16]  # and leaves the coarse


def test_wrong_input_is_one_sentence():
    x = np.zeros((2, 32, 32, 3), "uint8")
    wrong = [
        (
            (x, x[:1]),
            {},
            r"Two sets of images of one shape were wanted, and \(2, 32, 32, 3\) and \(1, 32, 32, 3\) came",
        ),
        ((x.astype("float32"),) * 2, {}, "uint8 images"),
        ((x[:, :28, :28],) * 2, {}, r"a side of 16, 32, 64, \.\.\., and 28x28 came"),
        ((x[0], x[0]), {}, r"and uint8 of shape \(32, 32, 3\) came"),
        ((x[:0], x[:0]), {}, r"n and c above 0, and uint8 of shape \(0, 32, 32, 3\) came"),
        ((x, x), {"patches": 0}, "patches is a whole number of at least 1, and 0 came"),
        ((x, x), {"directions": 2.5}, "directions is a whole number of at least 1, and 2.5 came"),
        ((x, x), {"seed": -1}, "seed is a whole number of at least 0, and -1 came"),
    ]
    for sides, options, text in wrong:
        with pytest.raises(MetricError, match=text):
            swd.of_images(*sides, **options)


def test_it_is_a_score_of_as_many_of_both():
    a, b = _pictures(20, 1), _pictures(50, 2)
    chosen = np.sort(np.random.default_rng(0).permutation(50)[:20])
    expected = swd.of_images(a, b[chosen], patches=4, directions=8, seed=3)
    found = metrics.sliced_wasserstein(a, b, patches=4, directions=8, seed=3)
    assert (found.metric, found.value, found.n_fake, found.n_real) == ("swd", expected["mean"], 20, 20)
    assert found.details == {"level_32": expected[32], "level_16": expected[16]}
    assert found.protocol == f"swd[32x32x3, 20, {open_source(b).identity()}, 4 patches, 8 directions]"
    assert metrics.sliced_wasserstein(b, a, patches=4, directions=8).n_fake == 20
    with pytest.raises(MetricError, match="of one shape"):
        metrics.sliced_wasserstein(a, b[:, :16, :16], patches=4, directions=8)
