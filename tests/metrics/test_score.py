"""Scores know their protocol, and refuse to be compared across."""

import dataclasses
import json
import math

import pytest

from keras_gans.artifacts import MetricError, ProtocolError
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


def test_scores_survive_json():
    score = _score(1.5, (1.0, 2.0), n_fake=10, details={"sigma": 0.2})
    assert Score.from_dict(json.loads(json.dumps(score.to_dict()))) == score
    assert Score.from_dict({**score.to_dict(), "from_the_future": 1}) == score
    assert "seed" not in score.to_dict()
    assert str(dataclasses.replace(score, interval=None)) == "fid[tiny-v1, 10k, mnist train] = 1.5"
