"""What metrics take for features: checked once, in one place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keras_gans.artifacts import MetricError

LARGEST = 1e30  # whose sixth power, in the kernel distance, is still a number


def rows(x: Any, what: str) -> np.ndarray:
    """float64 (n, d) of an array (n, ...) of numbers, n and d of at least 1. MetricError says what is wrong with it."""
    return checked(x, what).astype("float64")


def checked(x: Any, what: str) -> np.ndarray:
    """An array (n, ...) of finite real numbers as (n, d), in the dtype that it has, n and d of at least 1."""
    try:
        array = np.asarray(x)
    except ValueError as error:  # rows of several lengths
        raise MetricError(f"An array (n, d) of {what} was wanted and a ragged list came: give one shape.") from error
    if array.dtype.kind not in "fiub":
        raise MetricError(f"An array (n, d) of {what} was wanted and {array.dtype} came: give numbers.")
    if array.ndim < 2 or array.size == 0:
        raise MetricError(f"An array (n, d) of {what} was wanted, n and d above 0, and {array.shape} came.")
    if array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())  # NaN shows in both; no copy is made
        if not (math.isfinite(low) and math.isfinite(high)):
            raise MetricError(f"Finite {what} were wanted and NaN or infinity came: check what made them.")
        if max(-low, high) > LARGEST:
            raise MetricError(
                f"{what.capitalize()} of at most {LARGEST:g} were wanted, and larger ones came: scale them."
            )
    return array.reshape(len(array), -1)


def pair(a: Any, b: Any, what: str = "features", least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays of rows of one length, each of at least `least` rows."""
    a, b = checked(a, what), checked(b, what)
    if a.shape[1] != b.shape[1]:
        raise MetricError(
            f"Both sets need {what} of one length, and {a.shape[1]} and {b.shape[1]} came: give one kind."
        )
    for side in (a, b):
        if len(side) < least:
            raise MetricError(f"At least {least} rows of {what} were wanted on each side, and {len(side)} came.")
    return a, b
