"""What metrics take for features and for whole numbers: checked once, in one place."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from keras_gans.artifacts import MetricError

# The kernel distance takes sixth powers of features, and its deviation over subsets squares these: 16e300 is a number.
LARGEST = 1e25


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


def classes(y: Any, n: int) -> np.ndarray:
    """Labels of n rows: whole numbers (n,). MetricError otherwise."""
    try:
        y = np.asarray(y)
    except ValueError as error:
        raise MetricError("One whole number a row was wanted as its class, and a ragged list came.") from error
    if y.shape != (n,) or y.dtype.kind not in "iub":
        raise MetricError(f"One whole number a row was wanted as its class, and {y.dtype} {y.shape} came: match them.")
    return y


def check_whole(name: str, value: Any, least: int) -> None:
    """MetricError unless `value` is a whole number of at least `least`, and below 2^63."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or not least <= int(value) < 2**63:
        raise MetricError(f"{name} is a whole number of at least {least}, and {value!r:.80} came: give such.")


def check_asked(n: Any = None, seed: Any = 0, batch_size: Any = 1) -> None:
    """What every metric is asked: how many images (None: all), a seed, and how many at once. MetricError otherwise."""
    if n is not None and (not isinstance(n, numbers.Integral) or isinstance(n, bool) or n < 1):
        raise MetricError(f"n is a number of images, and {n!r:.80} came: give a whole number above 0.")
    check_whole("seed", seed, 0)
    check_whole("batch_size", batch_size, 1)


def check_real(name: str, value: Any, low: float, high: float) -> None:
    """MetricError unless `value` is a number in low..high."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not low <= float(value) <= high:
        raise MetricError(f"{name} is a number in {low:g}..{high:g}, and {value!r:.80} came: give such.")


def first(x: Any, n: int | None, what: str) -> Any:
    """The first n rows of what has a length; all, where n is None. MetricError where there are fewer."""
    if n is None:
        return x
    if n > len(x):
        raise MetricError(f"{n} rows of {what} were wanted and {len(x)} came: ask for fewer, or give more.")
    return x[:n]
