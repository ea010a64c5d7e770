"""How near an image is to its original: PSNR and SSIM as the super-resolution papers measure them.

They are taken on luma, with a border left out that the upscaler could not know (4 pixels at x4). Both matter: PSNR on
RGB is a decibel or two lower.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_gans.artifacts import MetricError

WINDOW, SIGMA = 11, 1.5  # of SSIM's Gaussian, in pixels
PEAK = 255.0
_C1, _C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
_BT601 = np.array([65.481, 128.553, 24.966])  # adds up to 219 = 235 - 16


def luma(images: Any) -> np.ndarray:
    """Y of ITU-R BT.601 in studio range, as MATLAB's rgb2ycbcr has it: 16 for black to 235 for white.

    MATLAB rounds it where the image is uint8; here it is not rounded, which lifts PSNR by about 0.01 dB. Grey images
    stay as they are, in 0..255, as in the scripts that papers on super-resolution use; scripts that take grey for
    colour narrow it to 16..235 and so lift its PSNR by 20 log10(255 / 219) = 1.3 dB, and Set14's mean, one of whose
    images is grey, by .09.

    Args:
        images: uint8 in 0..255, (h, w), (h, w, c) or (n, h, w, c); c is 1 or 3.

    Returns:
        float64 (h, w) or (n, h, w).

    Raises:
        MetricError: images are not as above.
    """
    x = checked(images)
    y = _luma(with_channels(x))
    return y if x.ndim == 4 else y[0]


def psnr(images: Any, reference: Any, border: int = 0, luma: bool = True) -> float | np.ndarray:
    """Peak signal-to-noise ratio: 10 log10(255^2 / mean squared difference), in decibels.

    Args:
        images, reference: uint8 in 0..255 of one shape, (h, w), (h, w, c) or (n, h, w, c); c is 1 or 3.
        border: pixels left out on each side. Papers on super-resolution leave out as many as their scale.
        luma: compare Y (see `luma`); otherwise all channels, whose squares are averaged.

    Returns:
        float for one pair; float64 (n,) for a batch. Infinity where both are equal.

    Raises:
        MetricError: the images are not as above, or the border leaves nothing.
    """
    return _each(_psnr, images, reference, border, luma, least=1)


def ssim(images: Any, reference: Any, border: int = 0, luma: bool = True) -> float | np.ndarray:
    """Structural similarity (Wang et al. 2004, section III): 1 for equal images, about 0 for unrelated ones.

    Windows of 11x11 pixels under a Gaussian of sigma 1.5, only those that lie within the image; K = (.01, .03) and
    L = 255; the mean over all. The image is not shrunk first, as some later releases of the authors' code do.

    Args:
        images, reference: as for `psnr`; with the border off, at least 11 pixels a side are left.
        border: pixels left out on each side.
        luma: compare Y (see `luma`); otherwise each channel, and the mean of them.

    Returns:
        float for one pair; float64 (n,) for a batch; in -1..1.

    Raises:
        MetricError: the images are not as above, or the border leaves less than a window.
    """
    return _each(_ssim, images, reference, border, luma, least=WINDOW)


def similarity(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two factors of SSIM at each place of the window (Wang et al. 2004, equations 6 and 13).

    Args:
        x, y: float64 (..., h, w) in 0..255, h and w at least 11.

    Returns:
        Luminance, and contrast times structure: float64 (..., h - 10, w - 10) each.
    """
    mx, my, xx, yy, xy = _blurred(np.stack([x, y, x * x, y * y, x * y]))
    variances = (xx - mx * mx) + (yy - my * my)
    luminance = (2.0 * mx * my + _C1) / (mx * mx + my * my + _C1)
    return luminance, (2.0 * (xy - mx * my) + _C2) / (variances + _C2)


# --- one pair -----------------------------------------------------------------------------------------


def _psnr(x: np.ndarray, y: np.ndarray) -> float:
    """x, y: float64 (planes, h, w)."""
    error = float(np.mean(np.square(x - y)))
    return 10.0 * math.log10(PEAK**2 / error) if error > 0 else math.inf


def _ssim(x: np.ndarray, y: np.ndarray) -> float:
    luminance, structure = similarity(x, y)
    return float(np.mean(luminance * structure))


def _blurred(x: np.ndarray) -> np.ndarray:
    """(..., h, w) -> (..., h - 10, w - 10): the Gaussian's mean around each place, one axis after the other."""
    weights = np.exp(-0.5 * (np.arange(WINDOW) - WINDOW // 2) ** 2 / SIGMA**2)
    weights /= weights.sum()
    height, width = x.shape[-2] - WINDOW + 1, x.shape[-1] - WINDOW + 1
    x = sum(w * x[..., k : k + height, :] for k, w in enumerate(weights))
    return sum(w * x[..., k : k + width] for k, w in enumerate(weights))


# --- what came ----------------------------------------------------------------------------------------


def checked(images: Any) -> np.ndarray:
    """uint8 (h, w), (h, w, c) or (n, h, w, c) with 1 or 3 channels and no side of 0. MetricError otherwise."""
    try:
        x = np.asarray(images)
    except ValueError as error:  # rows of several lengths
        raise MetricError("Images of one shape were wanted and a ragged list came: compare them one by one.") from error
    if x.dtype != np.uint8:
        raise MetricError(
            f"uint8 images in 0..255 were wanted and {x.dtype} came: bring them there with keras_gans.data.to_uint8."
        )
    if x.ndim not in (2, 3, 4) or x.size == 0 or (x.ndim > 2 and x.shape[-1] not in (1, 3)):
        raise MetricError(
            f"Images (h, w), (h, w, c) or (n, h, w, c), c of 1 or 3, were wanted and {x.shape} came: reshape them."
        )
    return x


def checked_pair(images: Any, reference: Any) -> tuple[np.ndarray, np.ndarray]:
    """Both as by `checked`, and of one shape."""
    x, y = checked(images), checked(reference)
    if x.shape != y.shape:
        raise MetricError(f"An image and its original of one shape were wanted and {x.shape} and {y.shape} came.")
    return x, y


def with_channels(x: np.ndarray) -> np.ndarray:
    """What `checked` takes, as (n, h, w, c)."""
    if x.ndim == 2:
        x = x[..., np.newaxis]
    return x if x.ndim == 4 else x[np.newaxis]


def planes(image: np.ndarray) -> np.ndarray:
    """uint8 (h, w, c) as float64 (c, h, w)."""
    return np.moveaxis(image, -1, 0).astype("float64")


def _each(
    measure: Callable[[np.ndarray, np.ndarray], float], images: Any, reference: Any, border: Any, luma: bool, least: int
) -> float | np.ndarray:
    """`measure` of each pair; one at a time, for float64 takes eight times the room."""
    x, y = checked_pair(images, reference)
    single = x.ndim < 4
    x, y = (_cropped(with_channels(side), border, least) for side in (x, y))
    form = (lambda image: _luma(image)[np.newaxis]) if luma else planes
    values = [measure(form(a), form(b)) for a, b in zip(x, y, strict=True)]
    return values[0] if single else np.array(values, "float64")


def _cropped(x: np.ndarray, border: Any, least: int) -> np.ndarray:
    if not isinstance(border, numbers.Integral) or isinstance(border, bool) or border < 0:
        raise MetricError(f"A border is a whole number of pixels, and {border!r:.80} came: give 0 or more.")
    height, width = x.shape[1] - 2 * int(border), x.shape[2] - 2 * int(border)
    if min(height, width) < least:
        raise MetricError(
            f"At least {least} x {least} pixels were wanted within the border, and {x.shape[1]} x {x.shape[2]} with a "
            f"border of {border} came: leave out less, or give larger images."
        )
    return x[:, border : border + height, border : border + width]


def _luma(x: np.ndarray) -> np.ndarray:
    """uint8 (..., c) -> float64 (...)."""
    if x.shape[-1] == 1:
        return x[..., 0].astype("float64")
    return x @ (_BT601 / PEAK) + 16.0
