"""Nearest neighbours, against SciPy-free brute force in float64."""

import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.artifacts import MetricError
from keras_gans.metrics import nearest
from keras_gans.metrics.sources import open_source


def _brute(points, reference):
    points, reference = (x.reshape(len(x), -1).astype("float64") for x in (points, reference))
    return np.sqrt(((points[:, None] - reference[None]) ** 2).sum(-1))


def test_nearest_finds_the_nearest_in_several_chunks(rng, monkeypatch):
    monkeypatch.setattr(nearest, "_CHUNK", 7)
    points, reference = rng.normal(size=(30, 2, 3)), rng.normal(size=(50, 2, 3))
    found = nearest.nearest(points, reference)
    expected = _brute(points, reference)
    np.testing.assert_array_equal(found.indices, expected.argmin(1))
    np.testing.assert_allclose(found.distances, expected.min(1), rtol=1e-5)


def test_no_row_is_its_own_neighbour(rng, monkeypatch):
    monkeypatch.setattr(nearest, "_CHUNK", 7)
    x = rng.integers(0, 256, (40, 4, 4, 3), dtype="uint8")
    expected = _brute(x, x) + np.diag(np.full(40, np.inf))
    found = nearest.nearest(x, x, itself=True)
    np.testing.assert_array_equal(found.indices, expected.argmin(1))
    np.testing.assert_allclose(found.distances, expected.min(1), rtol=1e-5)


def test_some_rows_of_many_are_not_their_own_neighbours(rng, monkeypatch):
    monkeypatch.setattr(nearest, "_CHUNK", 4)
    x, rows = rng.normal(size=(30, 5)), np.array([0, 3, 4, 11, 28, 29])
    expected = (_brute(x, x) + np.diag(np.full(30, np.inf)))[rows]
    found = nearest.nearest(x[rows], x, itself=True, rows=rows)
    np.testing.assert_array_equal(found.indices, expected.argmin(1))


def test_the_threshold_can_come_from_some_of_the_training_images(rng):
    training, samples = rng.normal(size=(200, 4)), rng.normal(size=(20, 4))
    distances = (_brute(training, training) + np.diag(np.full(200, np.inf))).min(1)
    chosen = np.linspace(0, 199, 50).astype(int)
    found = nearest.of_rows(samples, training, percentile=10, asked=50)
    assert found.threshold == pytest.approx(np.percentile(distances[chosen], 10), rel=1e-5)


def test_twins_have_a_distance_of_exactly_zero(rng):
    x = 1000.0 + rng.normal(size=(5, 300))
    assert (nearest.nearest(x, x).distances == 0).all()


def test_copies_are_memorised_and_strangers_are_not(rng):
    training = rng.normal(size=(400, 10))
    copies = training[:50] + rng.normal(size=(50, 10)) * 1e-3
    strangers = rng.normal(size=(2000, 10))
    both = nearest.of_rows(np.concatenate([copies, strangers[:50]]), training)
    assert 0.48 <= both.share <= 0.56
    own = np.sort(_brute(training, training) + np.diag(np.full(400, np.inf)), axis=1)[:, 0]
    assert both.threshold == pytest.approx(np.percentile(own, 1), rel=1e-5)
    # 1 % is what chance gives, within four standard errors of a share of 2,000 and the percentile's own error of 400
    assert nearest.of_rows(strangers, training).share < 0.035


def test_wrong_sizes_are_one_sentence(rng):
    x = rng.normal(size=(5, 3))
    for run, text in (
        (lambda: nearest.nearest(x, x[:, :2]), "of one length, and 3 and 2 came"),
        (lambda: nearest.nearest(x[:1], x[:1], itself=True), "At least 2 rows to be near to were wanted, and 1 came"),
        (lambda: nearest.of_rows(x[:0], x), r"n and d above 0, and \(0, 3\) came"),
        (lambda: nearest.of_rows(x * np.nan, x), "NaN or infinity came"),
        (lambda: nearest.of_rows(x, x, percentile=101), "percentile is a number in 0..100, and 101 came"),
        (lambda: nearest.of_rows(x, x, asked=0), "asked is a whole number of at least 1, and 0 came"),
        (lambda: metrics.memorization(x, x[:1]), "At least 2 training images were wanted, and 1 came"),
    ):
        with pytest.raises(MetricError, match=text):
            run()


@pytest.mark.parametrize(
    ("offset", "dtype"), [(0.0, "float32"), (1e4, "float32"), (1e4, "float64"), (1e8, "float64"), (1e13, "float64")]
)
def test_near_twins_are_found_wherever_they_lie(rng, offset, dtype):
    """Squares of what is far from 0 lose the digits that tell neighbours apart: they are taken about an origin."""
    reference = (offset + np.round(rng.normal(size=(300, 20)) * 64)).astype(dtype)
    points = reference + np.where(rng.integers(0, 2, reference.shape), 8, -8).astype(dtype)
    found = nearest.nearest(points, reference)
    expected = _brute(points, reference)
    np.testing.assert_array_equal(found.indices, expected.argmin(1))
    np.testing.assert_allclose(found.distances, expected.min(1), rtol=1e-12)


def test_what_float32_leaves_open_is_looked_at_again(rng, monkeypatch):
    """Two clusters: whatever the origin, one of them is far from it, and its rows differ by less than float32 sees."""
    monkeypatch.setattr(nearest, "_CHUNK", 16)
    near = rng.normal(size=(60, 8))
    reference = np.concatenate([near, 1e5 + near])
    points = reference + 1e-3 * rng.normal(size=reference.shape)
    found = nearest.nearest(points, reference)
    np.testing.assert_array_equal(found.indices, np.arange(120))
    own = nearest.nearest(reference, reference, itself=True)
    expected = _brute(reference, reference) + np.diag(np.full(120, np.inf))
    np.testing.assert_array_equal(own.indices, expected.argmin(1))
    frame = nearest._Frame(points, reference)
    assert len(nearest._roughly(points, reference, None, frame)[1]) >= 60, "nothing was open: it tests nothing"


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e18, 1e19, 1e22, 1e24])
def test_no_scale_is_too_large_or_too_small(rng, scale):
    points, reference = rng.normal(size=(20, 5)), rng.normal(size=(30, 5))
    found, plain = nearest.nearest(points * scale, reference * scale), nearest.nearest(points, reference)
    np.testing.assert_array_equal(found.indices, plain.indices)
    np.testing.assert_allclose(found.distances, plain.distances * scale, rtol=1e-12)


def test_memorization_is_a_score(rng, tmp_path):
    images = rng.integers(0, 256, (60, 8, 8, 3), dtype="uint8")
    fake = np.concatenate([images[:10], rng.integers(0, 256, (30, 8, 8, 3), dtype="uint8")])
    found = metrics.memorization(fake, images)
    expected = nearest.of_rows(fake, images)
    assert (found.metric, found.value, found.n_fake, found.n_real) == ("memorized", expected.share, 40, 60)
    assert 0.25 <= found.value < 0.35
    assert found.details == {"threshold": expected.threshold}
    assert found.protocol == f"memorized[pixels-8x8x3, 40, {open_source(images).identity()}, 1 %]"
    assert metrics.memorization(fake, images, asked=20, percentile=5).protocol.endswith(", 5 %, 20 asked]")
    rows = metrics.memorization(rng.normal(size=(20, 4)), rng.normal(size=(30, 4)))
    assert rows.protocol.startswith("memorized[20, given@")
