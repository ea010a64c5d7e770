"""Scores know their protocol, and refuse to be compared across."""

import dataclasses
import json
import math

import pytest

from keras_gans.artifacts import MetricError, ProtocolError
from keras_gans.metrics import score
from keras_gans.metrics.score import Comparison, Score, compare, over_seeds, protocol


def _score(value, interval=None, **changed):
    return Score(
        **{"metric": "fid", "protocol": "fid[tiny-v1, 10k, mnist train]", **changed}, value=value, interval=interval
    )


def test_protocols_read_as_the_design_has_them():
    assert protocol("fid", "tiny-v1", 10_000, "train") == "fid[tiny-v1, 10k, train]"
    assert protocol("kid", None, 9750, "given") == "kid[9750, given]"


def test_scores_of_other_protocols_are_not_compared():
    with pytest.raises(
        ProtocolError, match=r"fid\[tiny-v1, 10k, mnist train\] and fid\[pixels, 10k, mnist train\] came"
    ):
        compare(_score(1.0), _score(2.0, protocol="fid[pixels, 10k, mnist train]"))
    with pytest.raises(ProtocolError, match="other weights"):
        compare(_score(1.0, features_sha256="a"), _score(2.0, features_sha256="b"))


def test_lower_or_higher_is_better_as_the_metric_says():
    assert compare(_score(1.0), _score(2.0)).better == "a"
    is_ = {"metric": "is", "protocol": "is[x]"}
    assert compare(_score(1.0, **is_), _score(2.0, **is_)).better == "b"
    assert compare(_score(2.0), _score(2.0)).better is None


def test_overlapping_intervals_decide_nothing():
    a, near, far = _score(1.0, (0.5, 1.5)), _score(1.8, (1.4, 2.2)), _score(3.0, (2.5, 3.5))
    assert compare(a, near).better is None
    assert compare(a, far) == Comparison(-2.0, "a", True)
    assert not compare(a, _score(9.0)).certain


def test_the_interval_is_students(rng):
    values = [10.0, 12.0, 11.0, 13.0, 9.0]
    found = over_seeds([_score(v, details={"sigma": v}) for v in values])
    half = 2.776 * math.sqrt(2.5) / math.sqrt(5)  # t of 4 degrees of freedom; the variance is 2.5
    assert found.value == pytest.approx(11.0)
    assert found.interval == pytest.approx((11.0 - half, 11.0 + half))
    assert found.details == {"sigma": 11.0, "seeds": 5}
    assert found.shown() == "11 ± 2"
    assert over_seeds([_score(3.0)]).interval is None
    with pytest.raises(MetricError, match="At least one score"):
        over_seeds([])
    with pytest.raises(ProtocolError):
        over_seeds([_score(1.0), _score(1.0, protocol="fid[other]")])


@pytest.mark.parametrize(("freedom", "t"), [(1, 12.706), (10, 2.228), (11, 2.201), (20, 2.086), (120, 1.980)])
def test_students_t_for_any_number_of_seeds(freedom, t):
    """As tables have it."""
    assert score.t95(freedom) == pytest.approx(t, abs=5e-4)
    values = [(-1.0) ** k for k in range(freedom + 1)]
    low, high = over_seeds([_score(v) for v in values]).interval
    variance = sum((v - sum(values) / len(values)) ** 2 for v in values) / freedom
    assert (high - low) / 2 == pytest.approx(t * math.sqrt(variance / len(values)), rel=3e-4)


def _support(low, value=None, high=math.inf):
    return _score(low if value is None else value, (low, high), metric="support", protocol="support[x]")


def test_bounds_are_shown_as_such_and_no_mean_is_taken_of_them():
    bound, estimate = _support(3e6), _support(2e6, 5e6, 2e7)
    assert (bound.is_bound, estimate.is_bound) == (True, False)
    assert bound.shown() == "> 3e+06"
    assert str(bound) == "support[x] > 3e+06"
    both = over_seeds([bound, estimate, bound])
    assert (both.value, both.interval) == (2e6, (2e6, math.inf))
    assert over_seeds([bound, _support(3.5e6)]).value == 3e6
    assert over_seeds([bound]) == bound
    assert over_seeds([estimate]) == estimate
    assert not over_seeds([estimate, _support(1e6, 4e6, 1e7)]).is_bound
    written = json.dumps(bound.to_dict(), allow_nan=False)
    assert json.loads(written)["interval"] == [3e6, None]
    assert Score.from_dict(json.loads(written)) == bound


def test_a_bound_decides_nothing_below_itself():
    assert compare(_support(3e6), _support(5e5, 1e6, 2e6)).better == "a"
    assert compare(_support(3e6), _support(2e6, 5e6, 2e7)).better is None
    assert compare(_support(3e6), _support(1e6)).better is None
    bare = _score(5e6, metric="support", protocol="support[x]")
    assert compare(_support(3e6), bare).better is None
    assert compare(bare, _support(6e6)).better == "b"


def test_a_metric_of_ones_own_is_not_compared():
    own = {"metric": "beauty", "protocol": "beauty[x]"}
    with pytest.raises(MetricError, match="'beauty' came: compare the values"):
        compare(_score(1.0, **own), _score(2.0, **own))


def test_a_probe_compares_the_weights_that_it_probes():
    a, b = (_score(v, metric="probe", protocol="probe[x]", features_sha256=sha) for v, sha in ((0.7, "a"), (0.8, "b")))
    assert compare(a, b).better == "b"


def test_scores_survive_json():
    first = _score(1.5, (1.0, 2.0), n_fake=10, details={"sigma": 0.2})
    assert Score.from_dict(json.loads(json.dumps(first.to_dict()))) == first
    assert Score.from_dict({**first.to_dict(), "from_the_future": 1}) == first
    assert "seed" not in first.to_dict()
    endless = _score(math.inf, details={"bicubic": math.inf, "a.png": 3.0})
    assert Score.from_dict(json.loads(json.dumps(endless.to_dict(), allow_nan=False))) == endless
    assert str(dataclasses.replace(first, interval=None)) == "fid[tiny-v1, 10k, mnist train] = 1.5"
