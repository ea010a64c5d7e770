"""Fréchet distance, against closed forms."""

import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.artifacts import MetricError
from keras_gans.metrics import frechet, moments


def _moments(mean, covariance, n=1000):
    return moments.Moments(n, np.asarray(mean, "float64"), np.asarray(covariance, "float64"))


def test_commuting_covariances_have_a_closed_form():
    a, b = _moments([0, 0, 0], np.diag([1.0, 4.0, 9.0])), _moments([1, 2, 2], np.diag([4.0, 4.0, 0.0]))
    # |(1, 2, 2)|^2 + (1 - 2)^2 + (2 - 2)^2 + (3 - 0)^2
    assert frechet.distance(a, b) == pytest.approx(9 + 1 + 0 + 9, rel=1e-12)
    assert frechet.distance(b, a) == pytest.approx(19, rel=1e-12)


def test_equal_moments_are_0_apart(rng):
    x = rng.normal(size=(200, 20))
    assert frechet.distance(moments.moments(x), moments.moments(x)) == pytest.approx(0, abs=1e-9)


def test_rotations_change_nothing(rng):
    x, y = rng.normal(size=(300, 12)) @ rng.normal(size=(12, 12)), rng.normal(size=(250, 12)) + 0.3
    q, _ = np.linalg.qr(rng.normal(size=(12, 12)))
    straight = metrics.frechet_distance(x, y).value
    assert metrics.frechet_distance(x @ q, y @ q).value == pytest.approx(straight, rel=1e-9)
    assert metrics.frechet_distance(3 * x, 3 * y).value == pytest.approx(9 * straight, rel=1e-9)


def test_features_that_are_always_0_do_no_harm(rng):
    x, y = rng.normal(size=(100, 8)), rng.normal(size=(90, 8))
    still = np.zeros((100, 2)), np.zeros((90, 2))
    wide = metrics.frechet_distance(np.hstack([x, still[0]]), np.hstack([y, still[1]])).value
    assert wide == pytest.approx(metrics.frechet_distance(x, y).value, rel=1e-6)


@pytest.mark.parametrize("d", [1, 2, 5, 8])
def test_the_halves_of_the_product_fit_together(rng, d):
    left, t = np.tril(rng.normal(size=(d, d))), np.cov(rng.normal(size=(d, 50))).reshape(d, d)
    np.testing.assert_allclose(np.tril(frechet._lower_half(left, t)), np.tril(left.T @ t @ left), atol=1e-12)


def test_the_score_says_what_it_is(rng):
    x, y = rng.normal(size=(40, 5)), rng.normal(size=(50, 5))
    found = metrics.frechet_distance(x, y)
    assert (found.metric, found.n_fake, found.n_real, found.seed) == ("fid", 40, 50, None)
    assert found.protocol.startswith("fid[40, given@")
    assert found.protocol != metrics.frechet_distance(x, y + 1).protocol
    assert found.protocol == metrics.frechet_distance(x + 1, y).protocol


def test_fewer_images_than_numbers_are_an_error_that_names_the_kernel_distance(rng):
    few = rng.normal(size=(6, 6))
    with pytest.raises(MetricError, match="more than 6 images a side, and 6 came: take the kernel distance"):
        metrics.frechet_distance(few, rng.normal(size=(50, 6)))
    with pytest.raises(MetricError, match="features of one length, and 4 and 5 came"):
        metrics.frechet_distance(rng.normal(size=(50, 4)), rng.normal(size=(50, 5)))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"n": -5}, "n is a number of images, and -5 came"),
        ({"n": 2.5}, r"n is a number of images, and 2\.5 came"),
        ({"n": 51}, "51 rows of features were wanted and 50 came"),
        ({"n": 4}, "more than 4 images a side, and 4 came"),
        ({"seed": -1}, "seed is a whole number of at least 0, and -1 came"),
        ({"batch_size": 0}, "batch_size is a whole number of at least 1, and 0 came"),
    ],
)
def test_what_is_asked_for_is_looked_at_first(rng, options, text):
    with pytest.raises(MetricError, match=text):
        metrics.frechet_distance(rng.normal(size=(50, 4)), rng.normal(size=(50, 4)), **options)


def test_moments_are_numpys_however_they_come(rng):
    x = 1e4 + rng.normal(size=(500, 7))
    total = moments.Accumulator()
    for part in np.array_split(x.astype("float32"), [3, 4, 200]):
        total.add(part)
    found, x = total.moments(), x.astype("float32").astype("float64")
    np.testing.assert_allclose(found.mean, x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(x.T), rtol=1e-7, atol=1e-10)
    assert found.n == 500
