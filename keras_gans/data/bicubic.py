"""Bicubic resizing as MATLAB's imresize does it, which the super-resolution papers' low-resolution images and baselines
are made with.

Keys' kernel with a = -1/2 (Keys 1981), widened by 1 / scale where the image shrinks, so that detail which the small
image cannot hold is averaged away. It agrees with published test images to the pixel only if rounding does as well:
8-bit pixels are rounded after each of the two axes, not once at the end.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_gans.artifacts import DataError

EDGES = ("mirror", "repeat")

_DTYPES = ("uint8", "float16", "float32", "float64")
_MOST = 2**32  # numbers in a result: what is more was a slip in `scale`
_BAND = 16  # output rows at a time: enough for matrix products, few enough that the zeros in these cost little


def bicubic(
    images: Any,
    size: Sequence[int] | None = None,
    scale: float | Sequence[float] | None = None,
    edges: str = "mirror",
) -> np.ndarray:
    """Resizes images. One of `size` and `scale` is given.

    Args:
        images: uint8 or float of any range, (h, w), (h, w, c) or (n, h, w, c).
        size: (height, width) of the result.
        scale: what both sides are multiplied with, or (for the height, for the width), in 1e-6 to 1e6. A side becomes
            ceil(scale * side), where a product that is a whole number but for rounding counts as whole.
        edges: what lies beyond the edge. "mirror": the image in a mirror, the outermost pixel twice, as MATLAB has it
            now. "repeat": the outermost pixel again and again, as older releases had it, and with them the small images
            of Set5 and Set14 that are in circulation.

    Returns:
        The images in their dtype. uint8 is rounded half up after each axis and clipped; float is computed in float64
        and not clipped: at sharp edges it lies beyond the range of the input, by 0.3 of its width at worst.

    Raises:
        DataError: images, size, scale or edges are not as above, or pixels are not finite.
    """
    x = _checked(images)
    axes = (1, 2) if x.ndim == 4 else (0, 1)
    lengths, scales = _targets((x.shape[axes[0]], x.shape[axes[1]]), size, scale)
    if edges not in EDGES:
        raise DataError(f'Edges are "mirror" or "repeat", and {edges!r:.80} came: choose one.')
    shape = (*x.shape[: axes[0]], *lengths, *x.shape[axes[1] + 1 :])
    if math.prod(shape) > _MOST:
        raise DataError(f"A result of at most {_MOST:,} numbers was wanted and {shape} came out: choose a smaller one.")
    y = x if x.dtype == np.uint8 else x.astype("float64")
    for k in sorted((0, 1), key=lambda k: scales[k]):  # what shrinks most comes first, the height where both are equal
        if (lengths[k], scales[k]) != (x.shape[axes[k]], 1.0):
            y = _along(y, axes[k], lengths[k], scales[k], edges)
    return np.array(y, dtype=x.dtype, order="C")


# --- what came ----------------------------------------------------------------------------------------


def _checked(images: Any) -> np.ndarray:
    try:
        x = np.asarray(images)
    except ValueError as error:  # rows of several lengths
        raise DataError("Images of one shape were wanted and a ragged list came: resize them one by one.") from error
    if x.dtype.name not in _DTYPES:
        raise DataError(f"uint8 or float images were wanted and {x.dtype} came: convert them, as in x.astype('uint8').")
    if x.ndim not in (2, 3, 4) or 0 in x.shape[-3:]:
        raise DataError(f"Images (h, w), (h, w, c) or (n, h, w, c) were wanted and shape {x.shape} came: reshape them.")
    if x.dtype != np.uint8 and x.size and not _peak(x) <= float(np.finfo(x.dtype).max) / 4:
        raise DataError("Finite pixels were wanted and NaN, infinity or what is next to it came: check what made them.")
    return x


def _peak(x: np.ndarray) -> float:
    """The largest absolute value; NaN if there is one."""
    return max(float(x.max()), -float(x.min()))


def _targets(sides: tuple[int, int], size: Any, scale: Any) -> tuple[tuple[int, int], tuple[float, float]]:
    """The lengths of the result and the scales that the kernel is widened by, height first."""
    if (size is None) == (scale is None):
        raise DataError(f"Either size or scale was wanted and {'neither' if size is None else 'both'} came: give one.")
    if size is not None:
        lengths = _both(size)
        if lengths is None or not all(isinstance(n, int | np.integer) and n > 0 for n in lengths):
            raise DataError(f"A size is (height, width) in whole pixels above 0, and {size!r:.80} came: give such.")
        height, width = (int(n) for n in lengths)
        return (height, width), (height / sides[0], width / sides[1])
    factors = _both((scale, scale) if isinstance(scale, numbers.Real) else scale)
    if factors is None or not all(isinstance(s, numbers.Real) and 1e-6 <= float(s) <= 1e6 for s in factors):
        raise DataError(f"A scale is one or two numbers in 1e-6 to 1e6, and {scale!r:.80} came: give such.")
    first, second = (float(s) for s in factors)
    return (_length(sides[0], first), _length(sides[1], second)), (first, second)


def _both(pair: Any) -> tuple[Any, Any] | None:
    """Two numbers, none of them a bool; or None."""
    if isinstance(pair, np.ndarray):
        pair = pair.tolist()
    if not isinstance(pair, Sequence) or len(pair) != 2 or any(isinstance(p, bool) for p in pair):
        return None
    return pair[0], pair[1]


def _length(side: int, scale: float) -> int:
    product = side * scale
    return round(product) if math.isclose(product, round(product), rel_tol=1e-12) else math.ceil(product)


# --- one axis -----------------------------------------------------------------------------------------


def _along(x: np.ndarray, axis: int, length: int, scale: float, edges: str) -> np.ndarray:
    """Resizes one axis: each band of rows of the result is a small matrix times a band of rows of `x`."""
    moved = np.moveaxis(x, axis, 0)
    rows = moved.reshape(len(moved), -1)
    out = np.empty((length, rows.shape[1]), x.dtype)
    for start in range(0, length, _BAND):
        stop = min(start + _BAND, length)
        low, matrix = _matrix(start, stop, len(rows), scale, edges)
        band = matrix @ rows[low : low + matrix.shape[1]].astype("float64")
        out[start:stop] = _rounded(band) if x.dtype == np.uint8 else band
    return np.moveaxis(out.reshape(length, *moved.shape[1:]), 0, axis)


def _rounded(x: np.ndarray) -> np.ndarray:
    """float64 to whole numbers in 0..255, halves away from 0 (below 0 all is cut off anyway)."""
    x += 0.5
    np.floor(x, out=x)
    return np.clip(x, 0, 255, out=x)


def _matrix(start: int, stop: int, side: int, scale: float, edges: str) -> tuple[int, np.ndarray]:
    """The weights of the pixels `start` to `stop` of the result.

    Returns:
        The first pixel of `side` that has a weight, and float64 (stop - start, from there on).
    """
    places, weights = taps(np.arange(start, stop), scale)
    places = _inside(places, side, edges)
    low = int(places.min())
    matrix = np.zeros((stop - start, int(places.max()) - low + 1))
    np.add.at(matrix, (np.arange(stop - start)[:, None], places - low), weights)  # a mirrored pixel can have two
    return low, matrix


def taps(pixels: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Where pixels of the result look, and with what weights.

    Args:
        pixels: int (n,), numbers of pixels of the result.
        scale: of the result to the image.

    Returns:
        places int64 (n, k), pixels of an image without edges, and weights float64 (n, k), whose rows add up to 1.
    """
    narrow = min(scale, 1.0)
    centres = (pixels + 0.5) / scale - 0.5  # pixels are squares: the outer edges of both images coincide
    first = np.floor(centres - 2.0 / narrow).astype("int64")
    places = first[:, None] + np.arange(math.ceil(4.0 / narrow) + 2)
    weights = _keys(narrow * (centres[:, None] - places))
    return places, weights / weights.sum(axis=1, keepdims=True)


def _keys(t: np.ndarray) -> np.ndarray:
    """Keys' cubic with a = -1/2: 1 at 0, 0 at the other whole numbers and from 2 on."""
    t = np.minimum(np.abs(t), 2.0)
    near = (1.5 * t - 2.5) * t * t + 1.0
    far = ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0
    return np.where(t <= 1.0, near, far)


def _inside(places: np.ndarray, side: int, edges: str) -> np.ndarray:
    """Brings places beyond the edges back into 0..side-1."""
    if edges == "repeat":
        return np.clip(places, 0, side - 1)
    places = places % (2 * side)
    return np.minimum(places, 2 * side - 1 - places)
