"""The birthday paradox test, on sets whose number of different images is known."""

import itertools
import math
import re

import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.artifacts import MetricError
from keras_gans.metrics import support_size
from keras_gans.metrics.support_size import of_rows as birthday


def _drawn(rng, images, n, blur=0.0):
    """n rows drawn evenly from `images`, each a little different."""
    x = images[rng.integers(0, len(images), n)]
    return x + blur * rng.normal(size=x.shape)


def _brute(x):
    """All distances of pairs i < j, in float64, by differences."""
    x = x.reshape(len(x), -1).astype("float64")
    return {(i, j): math.sqrt(((x[i] - x[j]) ** 2).sum()) for i, j in itertools.combinations(range(len(x)), 2)}


# --- counting -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
def test_pairs_are_those_of_brute_force(rng, monkeypatch, dtype):
    monkeypatch.setattr(support_size, "_CELLS", 12 * 7)  # blocks of 7 rows, the last one of 3
    x = rng.integers(0, 256, (45, 2, 2, 3)).astype(dtype)
    distances = _brute(x)
    ordered = sorted(distances.values())
    limit = (ordered[99] + ordered[100]) / 2
    found = birthday(x, threshold=limit, closest=8)
    assert found.support.collisions == 100
    assert found.support.pairs == 45 * 44 // 2
    assert found.support.value == pytest.approx(990 / 100)
    np.testing.assert_allclose(found.distances, ordered[:8], rtol=1e-12)
    pairs = [tuple(p) for p in found.closest.tolist()]
    assert [distances[p] for p in pairs] == pytest.approx(ordered[:8])
    assert len(set(pairs)) == 8


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_a_pair_at_the_threshold_counts(rng, dtype):
    x = (rng.normal(size=(30, 50)) * 20 + 128).astype(dtype)
    distances = sorted(_brute(x).values())
    for k in (0, 10, 434):
        limit = distances[k]
        expected = sum(d <= limit for d in distances)
        assert birthday(x, threshold=limit).support.collisions == pytest.approx(
            expected, abs=0 if dtype == "uint8" else 1
        )
        assert birthday(x, threshold=limit * (1 + 1e-9)).support.collisions == expected


@pytest.mark.parametrize("offset", [0, 1e6, 1e12])
def test_copies_are_found_far_from_the_origin(rng, offset):
    x = offset + rng.normal(size=(40, 30))
    x[7], x[33] = x[20], x[2]
    found = birthday(x, threshold=0, closest=3)
    assert found.support.collisions == 2
    assert {tuple(p) for p in found.closest[:2].tolist()} == {(7, 20), (2, 33)}
    assert found.distances[:2].tolist() == [0, 0]
    assert found.distances[2] > 0.5


# --- estimates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 1000, 50_000])
def test_the_support_of_known_sets_is_found(rng, size):
    images = rng.normal(size=(size, 8)) * 10
    found = birthday(_drawn(rng, images, 1500, blur=0.001), threshold=0.1)
    expected = 1500 * 1499 / 2 / size  # collisions
    assert abs(found.support.collisions - expected) < 4 * math.sqrt(expected)
    assert found.support.value == found.support.pairs / found.support.collisions
    # 95 % of a Poisson count, seen as a share of the estimate
    width = 2 * 1.96 / math.sqrt(found.support.collisions)
    assert (found.support.high - found.support.low) / found.support.value == pytest.approx(width, rel=0.3)


def test_an_uneven_set_counts_as_the_even_one_that_repeats_as_often(rng):
    chances = 1 / np.arange(1, 301)
    chances /= chances.sum()
    images = rng.normal(size=(300, 8)) * 10
    x = images[rng.choice(300, 2000, p=chances)]
    found = birthday(x, threshold=0.1).support
    effective = 1 / np.sum(chances**2)  # 24.2
    assert found.value == pytest.approx(effective, rel=0.15)
    assert found.low < effective < found.high
    # Pairs of one image that is drawn often are not independent: 2 million of those would give 1 %.
    assert 0.06 < found.high / found.low - 1 < 0.4


def test_intervals_hold_the_truth(rng):
    held = []
    for chances in (np.ones(40), np.ones(20_000), 1 / np.arange(1, 101), np.r_[50.0, np.ones(100)]):
        chances = chances / chances.sum()
        for _ in range(100):
            drawn = rng.multinomial(400, chances)
            found = support_size._support(np.repeat(drawn - 1, drawn))
            held.append(found.low <= 1 / np.sum(chances**2) <= found.high)
    assert 0.92 < np.mean(held) < 0.995


def test_known_intervals():
    # One pair of 45 by hand: (1/45 + z^2/90 -+ z sqrt(44/45/45/45 + z^2/4/45^2)) / (1 + z^2/45), with z = 1.96
    found = support_size._support(np.array([1, 1, *[0] * 8]))
    assert found.value == 45
    assert 1 / found.high == pytest.approx(0.003935, abs=5e-6)
    assert 1 / found.low == pytest.approx(0.115676, abs=5e-5)


def test_a_triple_tells_less_than_three_pairs():
    triple = support_size._support(np.array([2, 2, 2, *[0] * 97]))
    pairs = support_size._support(np.array([1] * 6 + [0] * 94))
    assert triple.value == pairs.value == 4950 / 3
    assert triple.low < pairs.low
    assert triple.high > pairs.high


def test_without_a_collision_there_is_a_lower_bound(rng):
    found = birthday(rng.normal(size=(100, 20)), threshold=1e-3)
    assert found.support.value == found.support.high == found.batch == math.inf
    assert found.support.collisions == 0
    assert found.support.low == pytest.approx(4950 / 3.841 + 1, rel=1e-3)


def test_one_image_is_a_support_of_one():
    for x in (np.full((30, 8, 8, 3), 200, "uint8"), np.full((30, 5), 0.1), np.full((2, 5), -3.0, "float32")):
        found = birthday(x, threshold=0)
        assert found.support.value == found.support.low == 1
        assert 1 < found.support.high < 5
        assert found.batch == 2
        assert (found.distances == 0).all()


def test_twenty_three_people():
    assert support_size._batch(365) == 23
    assert [support_size._batch(s) for s in (1.0, 2.0, 1e4, math.inf)] == [2, 3, 119, math.inf]


# --- what counts as the same --------------------------------------------------------------------------


def test_real_images_are_the_yardstick(rng):
    real = rng.normal(size=(1000, 3))
    own = np.sort(np.array([min(np.linalg.norm(real - r, axis=1)[np.arange(1000) != i]) for i, r in enumerate(real)]))
    found = birthday(_drawn(rng, rng.normal(size=(50, 3)), 400), real)
    assert found.threshold == pytest.approx(np.percentile(own, 0.1), rel=1e-5)
    assert 35 < found.support.value < 75
    # One real image in a thousand has another within it, and so has that one: 500 to 1000 times their number.
    assert found.real.collisions == 1
    assert found.real.value == 1000 * 999 / 2
    wide = birthday(real[:300], real, percentile=10)
    assert wide.threshold == pytest.approx(np.percentile(own, 10), rel=1e-5)
    assert 50 <= wide.real.collisions <= 100


def test_samples_like_real_ones_have_as_much_support(rng):
    real, samples = rng.normal(size=(2, 1200, 4))
    found = birthday(samples, real, percentile=5)
    assert found.support.low < found.real.value < found.support.high
    assert 0.6 < found.support.value / found.real.value < 1.7


def test_a_threshold_goes_before_the_percentile(rng):
    real, samples = rng.normal(size=(2, 60, 4))
    found = birthday(samples, real, threshold=1.0)
    assert found.threshold == 1.0
    assert found.real.collisions == sum(d <= 1.0 for d in _brute(real).values())
    assert birthday(samples, threshold=1.0).real is None


def test_the_caller_has_the_last_word(rng):
    x = np.array([[0.0], [0.125], [0.25], [9.0], [9.125]])
    asked = []
    found = birthday(x, threshold=0.15, same=lambda i, j: asked.append((i, j)) or i == 0)
    assert sorted(asked) == [(0, 1), (1, 2), (3, 4)]
    assert all(type(i) is int for pair in asked for i in pair)
    assert found.support.collisions == 1
    assert found.closest.tolist() == [[0, 1], [1, 2], [3, 4], [0, 2], *found.closest.tolist()[4:]]


def test_closest_is_as_long_as_there_are_pairs(rng):
    x = rng.normal(size=(4, 3))
    for closest, length in ((0, 0), (1, 1), (6, 6), (20, 6)):
        found = birthday(x, threshold=0.1, closest=closest)
        assert found.closest.shape == (length, 2)
        assert found.closest.dtype == np.int64
        assert found.distances.shape == (length,)
        assert (found.closest[:, 0] < found.closest[:, 1]).all()
        assert (np.diff(found.distances) >= 0).all()


# --- as a score ---------------------------------------------------------------------------------------


def test_it_is_a_score_with_the_interval_of_the_estimate(rng):
    real, samples = rng.normal(size=(300, 3)), _drawn(rng, rng.normal(size=(50, 3)), 200)
    found, expected = metrics.birthday(samples, real), birthday(samples, real)
    assert (found.metric, found.value, found.n_fake, found.n_real) == ("support", expected.support.value, 200, 300)
    assert found.interval == (expected.support.low, expected.support.high)
    assert found.details["collisions"] == expected.support.collisions
    assert found.details["real_collisions"] == expected.real.collisions
    assert re.fullmatch(r"support\[200, given@\w{8}, 300 real, 0\.1 %\]", found.protocol)
    assert metrics.birthday(samples, threshold=0.5).protocol == "support[200, within 0.5]"
    side = metrics.reference(real, kept=100)
    assert metrics.birthday(samples, side).protocol == f"support[200, {side.identity}, 100 real, 0.1 %]"


def test_without_a_collision_the_score_is_a_bound(rng):
    found = metrics.birthday(rng.normal(size=(100, 20)), threshold=1e-3)
    assert found.is_bound
    assert found.value == found.interval[0] == pytest.approx(4950 / 3.841 + 1, rel=1e-3)
    assert found.shown() == "> 1290"


# --- hostile input ------------------------------------------------------------------------------------


def test_wrong_input_is_one_sentence():
    x = np.zeros((4, 3))
    wrong = [
        ((x,), {}, "neither came"),
        ((x[:0],), {"threshold": 1}, r"\(0, 3\) came"),
        ((x[:1],), {"threshold": 1}, "At least 2 samples were wanted, and 1 came"),
        ((x, x[:1]), {}, "At least 2 real images were wanted, and 1 came"),
        ((x, x[:, :2]), {}, "rows of 3 and 2 came"),
        ((x * np.nan,), {"threshold": 1}, "NaN or infinity"),
        ((x, x + np.inf), {}, "NaN or infinity"),
        ((x + 1e16,), {"threshold": 1}, "at most 1e\\+15"),
        ((x, np.full((4, 3), -(2**62))), {}, "at most 1e\\+15"),
        ((x.astype(complex),), {"threshold": 1}, "complex128 came"),
        (([[1], [2, 3]],), {"threshold": 1}, "ragged list"),
        ((None,), {"threshold": 1}, "object came"),
        ((x,), {"threshold": -1}, "-1 came"),
        ((x,), {"threshold": math.nan}, "nan came"),
        ((x,), {"threshold": math.inf}, "inf came"),
        ((x,), {"threshold": True}, "True came"),
        ((x,), {"threshold": "1"}, "'1' came"),
        ((x, x), {"percentile": 101}, "101 came"),
        ((x, x), {"percentile": math.nan}, "nan came"),
        ((x, x), {"percentile": None}, "None came"),
        ((x,), {"threshold": 1, "closest": -1}, "-1 came"),
        ((x,), {"threshold": 1, "closest": 2.0}, "2.0 came"),
    ]
    for arguments, options, text in wrong:
        with pytest.raises(MetricError, match=text):
            birthday(*arguments, **options)


def test_never_nan(rng):
    for _ in range(200):
        n, d = rng.integers(2, 9), rng.integers(1, 4)
        x, real = (
            (rng.integers(0, 3, (n, d)) * 10.0 ** rng.choice([-300, -20, 0, 14])).astype(rng.choice(["f4", "f8"]))
            for _ in "ab"
        )
        if max(x.max(), real.max()) > 1e15:
            continue
        found = birthday(x, real, percentile=float(rng.choice([0, 0.1, 50, 100])))
        for support in (found.support, found.real):
            assert 1 <= support.low <= support.value <= support.high
            assert 0 <= support.collisions <= support.pairs
        assert found.batch >= 2
        assert np.isfinite(found.distances).all()
        assert math.isfinite(found.threshold)
