"""A score is a number with its protocol: what was measured, on which features, with how many samples, against what.

Numbers of different protocols say nothing about one another, so `compare` refuses them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from keras_gans.artifacts import MetricError, ProtocolError

#: metric: whether more of it is better.
HIGHER_IS_BETTER = {
    "fid": False,
    "kid": False,
    "is": True,
    "precision": True,
    "recall": True,
    "density": True,
    "coverage": True,
    "parzen": True,
    "swd": False,
    "cas": True,
    "one_nn": True,
    "probe": True,
    "accuracy": True,
    "ms_ssim": False,
    "support": True,
    "memorized": False,
    "psnr": True,
    "ssim": True,
}
# Student's t for a 95 % interval of a mean, by degrees of freedom.
_T95 = (math.inf, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
_Z95 = 1.959963984540054  # and with infinitely many
# What measures the features themselves, so that scores by other weights are what it is there to compare.
_OF_THE_FEATURES = {"probe"}


@dataclass(frozen=True)
class Score:
    """One measured number.

    Attributes:
        metric: a key of `HIGHER_IS_BETTER`: "fid", "kid", ...
        protocol: all that two scores must share to be compared, as in "fid[tiny-v1, 10k, train]".
        value: the number.
        interval: None, or (low, high): 95 % over sampling seeds, by Student's t; of "support" with one seed that of its
            estimate. Where high is infinity, `value` is no estimate but the lower bound `low`.
        n_real, n_fake: how many images; None where a side has none.
        seed: of the samples, or of the first of several seeds; None where nothing was drawn.
        features: name of the feature extractor; None where there is none.
        features_sha256: of its weights; None where it has none.
        details: what else the metric has to say, numbers by name.
    """

    metric: str
    protocol: str
    value: float
    interval: tuple[float, float] | None = None
    n_real: int | None = None
    n_fake: int | None = None
    seed: int | None = None
    features: str | None = None
    features_sha256: str | None = None
    details: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.protocol} {self.shown()}" if self.is_bound else f"{self.protocol} = {self.shown()}"

    @property
    def is_bound(self) -> bool:
        """Whether the value is a lower bound: all that could be said is that the truth lies above it."""
        return self.interval is not None and math.isinf(self.interval[1])

    def shown(self) -> str:
        """The value as a table has it: "12.3 ± 0.4" where there is an interval, "> 12.3" where it is a bound.

        Of a Parzen likelihood ± is the standard error over the test images, as the papers have it, and the interval
        over seeds stands apart.
        """
        value = f"{self.value:.4g}"
        if self.is_bound:
            return f"> {value}"
        if "standard_error" in self.details:
            seeds = f"; {self.interval[0]:.4g} to {self.interval[1]:.4g} over seeds" if self.interval else ""
            return f"{value} ± {self.details['standard_error']:.2g} (standard error{seeds})"
        if self.interval is None:
            return value
        return f"{value} ± {(self.interval[1] - self.interval[0]) / 2:.2g}"

    def to_dict(self) -> dict[str, Any]:
        """As scores.json has it: without what is None or empty; what is infinite is null: JSON has no word."""
        found = {key: value for key, value in asdict(self).items() if value is not None and value != {}}
        found["value"] = _or_null(self.value)
        if self.details:
            found["details"] = {key: _or_null(value) for key, value in self.details.items()}
        if self.interval is not None:
            found["interval"] = [_or_null(end) for end in self.interval]
        return found

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Score:
        """What `to_dict` gave; keys that this version does not know are passed over."""
        known = {key: found[key] for key in cls.__dataclass_fields__ if key in found}
        known["value"] = _or_infinity(known["value"])
        if "interval" in known:
            known["interval"] = tuple(_or_infinity(end) for end in known["interval"])
        if "details" in known:
            known["details"] = {key: _or_infinity(value) for key, value in known["details"].items()}
        return cls(**known)


def protocol(metric: str, *facts: Any) -> str:
    """protocol("fid", "tiny-v1", 10_000, "train") -> "fid[tiny-v1, 10k, train]". Facts that are None are left out."""
    return f"{metric}[{', '.join(count(f) if isinstance(f, int) else str(f) for f in facts if f is not None)}]"


def count(n: int) -> str:
    """10000 -> "10k", 9750 -> "9750"."""
    return f"{n // 1000}k" if n >= 1000 and n % 1000 == 0 else str(n)


def over_seeds(scores: Sequence[Score]) -> Score:
    """The mean of the same measurement with several sampling seeds, with its 95 % interval.

    Bounds have no mean: where one of the scores is a lower bound, the lowest end of all intervals is one for all seeds.

    Raises:
        ProtocolError: the scores are of different protocols.
        MetricError: there are none.
    """
    if not scores:
        raise MetricError("At least one score was wanted and none came: measure with a seed.")
    first = scores[0]
    for other in scores[1:]:
        check_comparable(first, other)
    if len(scores) == 1:
        return first
    if any(s.is_bound for s in scores):
        low = min(s.value if s.interval is None else s.interval[0] for s in scores)
        return replace(first, value=low, interval=(low, math.inf), details=_mean_details(scores))
    mean = math.fsum(s.value for s in scores) / len(scores)
    if not math.isfinite(mean):
        return replace(first, value=mean, interval=None)
    freedom = len(scores) - 1
    deviation = math.sqrt(math.fsum((s.value - mean) ** 2 for s in scores) / freedom)
    half = t95(freedom) * deviation / math.sqrt(len(scores))
    return replace(first, value=mean, interval=(mean - half, mean + half), details=_mean_details(scores))


def t95(freedom: int) -> float:
    """Student's t for a 95 % interval; from 11 degrees of freedom on by Cornish and Fisher's expansion, to 1e-5."""
    if freedom < len(_T95):
        return _T95[freedom]
    z, v = _Z95, freedom
    terms = (
        z,
        (z**3 + z) / (4 * v),
        (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2),
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3),
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4),
    )
    return math.fsum(terms)


def _mean_details(scores: Sequence[Score]) -> dict[str, float]:
    shared = set.intersection(*(set(s.details) for s in scores))
    means = {key: math.fsum(s.details[key] for s in scores) / len(scores) for key in sorted(shared)}
    return {**means, "seeds": len(scores)}


def check_comparable(a: Score, b: Score) -> None:
    """Raises ProtocolError unless both were measured in the same way."""
    if a.protocol != b.protocol:
        raise ProtocolError(
            f"Scores of one protocol can be compared, and {a.protocol} and {b.protocol} came: "
            "measure both in the same way."
        )
    if a.features_sha256 != b.features_sha256 and a.metric not in _OF_THE_FEATURES:
        raise ProtocolError(
            f"Both scores are {a.protocol}, but by other weights of {a.features or 'the features'}: measure both anew."
        )


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes:
        difference: a's value minus b's.
        better: "a", "b", or None where the intervals overlap or the values are equal.
        certain: whether both scores had intervals to decide by.
    """

    difference: float
    better: str | None
    certain: bool


def compare(a: Score, b: Score) -> Comparison:
    """Which of two scores is better, if that can be said.

    Raises:
        ProtocolError: they were not measured in the same way.
        MetricError: nobody knows whether more of it is better.
    """
    check_comparable(a, b)
    if a.metric not in HIGHER_IS_BETTER:
        raise MetricError(
            f"Scores of {', '.join(HIGHER_IS_BETTER)} can be compared, and {a.metric!r} came: compare the values."
        )
    difference = a.value - b.value
    certain = a.interval is not None and b.interval is not None
    (low_a, high_a), (low_b, high_b) = (s.interval or (s.value, s.value) for s in (a, b))
    overlap = (certain or a.is_bound or b.is_bound) and low_a <= high_b and low_b <= high_a
    if difference == 0 or overlap:
        return Comparison(difference, None, certain)
    return Comparison(difference, "a" if (difference > 0) == HIGHER_IS_BETTER[a.metric] else "b", certain)


def _or_null(value: Any) -> Any:
    return None if isinstance(value, float) and math.isinf(value) else value


def _or_infinity(value: Any) -> Any:
    return math.inf if value is None else value
