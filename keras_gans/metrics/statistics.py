"""The real side of a distance, computed once: moments for the Fréchet distance, rows for the others.

A `Reference` is a small file. Those of the shipped protocols travel with the zoo, so that a model can be judged without
its data set.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_gans.artifacts import KerasGansError, MetricError, replacing
from keras_gans.metrics.arrays import LARGEST, check_asked, check_whole
from keras_gans.metrics.features import BATCH, Progress, feature_batches, features_of, identity_of
from keras_gans.metrics.moments import Accumulator, Moments
from keras_gans.metrics.moments import moments as moments_of

KEPT = 5000  # rows that are kept for the metrics that need rows
SUFFIX = ".stats.safetensors"
_FORMAT = "keras_gans reference 1"
_LARGEST_HALF = 65504.0  # that float16 holds


@dataclass(frozen=True)
class Reference:
    """Features of real images, as much of them as metrics need.

    Attributes:
        identity: what protocols call the images, as in "mnist train".
        features: the extractor's name; None where features were given as they are.
        features_sha256: of its weights.
        n: how many images.
        moments: of all of them.
        rows: float (k, d) of k of them, k at most n.
    """

    identity: str
    features: str | None
    features_sha256: str | None
    n: int
    moments: Moments
    rows: np.ndarray

    def save(self, path: str | os.PathLike[str], half: bool = True) -> None:
        """Writes the file; moments stay float64.

        half: rounds rows to float16, which halves the file and moves distances in the fourth digit; else, and where
            float16 has no room for them, they stay.
        """
        from safetensors.numpy import save

        about = {"identity": self.identity, "features": self.features, "sha256": self.features_sha256, "n": self.n}
        tensors = {
            "mean": self.moments.mean,
            "covariance": self.moments.covariance[np.triu_indices(len(self.moments.mean))],  # the half that says all
            "rows": self.rows.astype("float16" if half and np.abs(self.rows).max() <= _LARGEST_HALF else "float32"),
        }
        with replacing(path) as file:
            file.write(save(tensors, {"format": _FORMAT, "about": json.dumps(about)}))

    def taken_by(self, features: Any = None) -> tuple[str | None, str | None]:
        """(name, sha256) of the extractor; of bare features, of the one that these statistics were taken by."""
        return (self.features, self.features_sha256) if features is None else (features.name, features.sha256)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Reference:
        """Reads what `save` wrote. KerasGansError in one sentence if it is something else."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "numpy") as file:
                about = file.metadata() or {}
                if about.get("format") != _FORMAT:
                    raise ValueError("it is of another format")
                about = json.loads(about["about"])
                mean, half = file.get_tensor("mean"), file.get_tensor("covariance")
                rows = file.get_tensor("rows").astype("float32")
            _check_tensors(mean, half, rows, about["n"])
            moments = Moments(about["n"], mean, _whole(half, len(mean)))
            return cls(about["identity"], about["features"], about["sha256"], moments.n, moments, rows)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise KerasGansError(
                f"Statistics of real images (*{SUFFIX}) were wanted and {Path(path).name} could not be read ({error}): "
                "make them anew with `keras-gans evaluate --save-statistics`."
            ) from error


def _check_tensors(mean: np.ndarray, half: np.ndarray, rows: np.ndarray, n: Any) -> None:
    """ValueError unless they are what `save` writes, of one length and finite."""
    d = len(mean) if mean.ndim == 1 else 0
    if d == 0 or half.shape != (d * (d + 1) // 2,) or rows.ndim != 2 or rows.shape[1] != d or len(rows) == 0:
        raise ValueError(f"its mean, covariance and rows are of shapes {mean.shape}, {half.shape} and {rows.shape}")
    if isinstance(n, bool) or not isinstance(n, int) or n < max(2, len(rows)):
        raise ValueError(f"it is of {n!r} images and has {len(rows)} rows")
    for name, x, most in (("mean", mean, LARGEST), ("covariance", half, LARGEST**2), ("rows", rows, LARGEST)):
        if x.dtype.kind != "f" or not np.all(np.abs(x) <= most):
            raise ValueError(f"its {name} has numbers that are not finite, or too large")


def _whole(half: np.ndarray, d: int) -> np.ndarray:
    covariance = np.zeros((d, d))
    covariance[np.triu_indices(d)] = half
    return covariance + np.triu(covariance, 1).T


def reference(
    source: Any,
    features: Any = None,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
    kept: int = KEPT,
    identity: str | None = None,
) -> Reference:
    """Goes once through real images, in constant memory.

    Args:
        source: real images, as `frechet_distance` takes them; without `features` an array of features (n, d). A
            `Reference` is given back.
        features: an extractor.
        n: the first so many; None: all.
        seed: of which rows are kept, if there are more than `kept`.
        batch_size: images read at once.
        progress: function (done, of how many).
        kept: rows that are kept at most.
        identity: what protocols call these images; None: what they say of themselves.

    Raises:
        MetricError, DataError: one sentence.
    """
    check_asked(n, seed, batch_size)
    check_whole("kept", kept, 1)
    if isinstance(source, Reference):
        return _matching(source, features)
    if features is None:
        _, rows = features_of(source, None, n)
        chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:kept])
        return Reference(identity or identity_of(rows), None, None, len(rows), moments_of(rows), rows[chosen])
    opened, batches = feature_batches(source, features, n, seed, batch_size, progress)
    assert opened is not None
    total, sample = Accumulator(), _Reservoir(kept, seed)
    for rows in batches:
        total.add(rows)
        sample.add(rows)
    if not total.n:
        raise MetricError("Images were wanted and none came: give some.")
    name, sha = features.name, features.sha256
    return Reference(identity or opened.identity(), name, sha, total.n, total.moments(), sample.rows())


def _matching(reference: Reference, features: Any) -> Reference:
    if features is not None and (reference.features, reference.features_sha256) != (features.name, features.sha256):
        raise MetricError(
            f"Statistics of {features.name} were wanted and these are of {reference.features or 'given features'}, "
            "or of other weights of it: make them anew."
        )
    return reference


class _Reservoir:
    """A uniform choice of k rows from a stream whose length nobody knows (Vitter 1985, algorithm R), in their order."""

    def __init__(self, k: int, seed: int) -> None:
        self._k, self._rng, self._seen = k, np.random.default_rng(seed), 0
        self._rows: list[np.ndarray] = []
        self._numbers: list[int] = []

    def add(self, rows: np.ndarray) -> None:
        for row in rows:
            if len(self._rows) < self._k:
                self._rows.append(row.astype("float32"))
                self._numbers.append(self._seen)
            elif (place := int(self._rng.integers(0, self._seen + 1))) < self._k:
                self._rows[place], self._numbers[place] = row.astype("float32"), self._seen
            self._seen += 1

    def rows(self) -> np.ndarray:
        return np.stack([self._rows[i] for i in np.argsort(self._numbers)])
