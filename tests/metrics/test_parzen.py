"""Parzen windows, against the definition; the protocol's parts."""

import re

import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.artifacts import MetricError
from keras_gans.metrics import parzen_window


def _by_definition(centres, x, sigma):
    d = centres.shape[1]
    densities = [np.exp(-((x - c) ** 2).sum() / (2 * sigma**2)) / (2 * np.pi * sigma**2) ** (d / 2) for c in centres]
    return np.log(np.mean(densities))


def test_log_likelihoods_are_the_definition(rng, monkeypatch):
    monkeypatch.setattr(parzen_window, "_CHUNK", 4)
    centres, points = rng.uniform(size=(20, 3)), rng.uniform(size=(11, 3))
    found = parzen_window.log_likelihoods(centres, points, [0.2, 0.7])
    expected = [[_by_definition(centres, x, sigma) for x in points] for sigma in (0.2, 0.7)]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_far_points_are_finite_and_very_unlikely():
    found = parzen_window.log_likelihoods(np.zeros((5, 4)), np.full((2, 4), 1e3), [0.1])
    np.testing.assert_allclose(found, -4e6 / 0.02 - 4 * np.log(0.1 * np.sqrt(2 * np.pi)), rtol=1e-12)


def test_a_gaussian_is_found_with_its_width(rng):
    def draw(n):
        return 0.5 + 0.3 * rng.normal(size=(n, 1))

    score = metrics.parzen(draw(4000), draw(2000), draw(500))
    entropy = 0.5 * np.log(2 * np.pi * np.e * 0.3**2)
    assert score.value == pytest.approx(-entropy, abs=0.06)
    assert score.details["sigma"] in parzen_window.SIGMAS
    test = draw(50)
    found = parzen_window.likelihood(draw(100), test, draw(50))
    each = parzen_window.log_likelihoods(draw(100), test, [found.sigma])[0]
    assert found.error == pytest.approx(each.std() / np.sqrt(50), rel=0.5)


def test_the_widths_are_the_papers():
    np.testing.assert_allclose(parzen_window.SIGMAS, [10 ** (-1 + k / 9) for k in range(10)])


def test_images_are_taken_as_pixels_from_0_to_1(rng):
    images = rng.integers(0, 256, (30, 4, 4, 1), dtype="uint8")
    as_images = metrics.parzen(images[:10], images[10:20], images[20:])
    rows = images.reshape(30, -1) / 255.0
    assert as_images.value == pytest.approx(metrics.parzen(rows[:10], rows[10:20], rows[20:]).value, rel=1e-5)


def test_the_protocol_holds_the_number_of_pixels(rng):
    x = rng.uniform(size=(9, 3))
    found = metrics.parzen(x, x, x).protocol
    identity = re.search(r"given@\w{8}", found)[0]
    assert found == f"parzen[3 pixels, 9, {identity}, sigma by 9 of {identity} among 10 in 0.1..1]"
    assert metrics.parzen(x, x, x[:5]).protocol != found
    assert metrics.parzen(x[:5], x, x).protocol.startswith("parzen[3 pixels, 5, ")


def test_rows_in_0_to_255_are_refused(rng):
    x = rng.integers(0, 256, (9, 3), dtype="uint8")
    with pytest.raises(
        MetricError, match=r"Rows of pixels in 0\.\.1 were wanted and uint8 came: divide 0\.\.255 by 255"
    ):
        metrics.parzen(x, x, x)
    with pytest.raises(MetricError, match="12 rows of pixels were wanted and 9 came"):
        metrics.parzen(x / 255, x / 255, x / 255, n=12)


class Nothing:
    """A model that must not be asked."""

    image_shape, latent, prior = (4, 4, 1), 2, "uniform"

    def generate(self, **options):
        raise AssertionError("it was drawn before all was known to fit")


def test_nothing_is_drawn_where_the_real_sides_differ(rng):
    with pytest.raises(MetricError, match="pixels of one length, and 16 and 9 came"):
        metrics.parzen(Nothing(), rng.uniform(size=(5, 16)), rng.uniform(size=(5, 9)), n=10)


def test_sizes_that_differ_are_an_error(rng):
    with pytest.raises(MetricError, match="pixels of one length, and 3 and 4 came"):
        metrics.parzen(rng.uniform(size=(5, 3)), rng.uniform(size=(5, 4)), rng.uniform(size=(5, 4)))
