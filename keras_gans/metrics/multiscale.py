"""Multi-scale SSIM, and the diversity of a set of images by it.

Wang, Simoncelli and Bovik 2003: structure compared at several scales, luminance at the coarsest. Odena, Olah and
Shlens 2017 take its mean over pairs of samples as a measure of diversity: what a collapsed model draws looks alike.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import check_whole
from keras_gans.metrics.features import BATCH, Progress
from keras_gans.metrics.gathered import pictures_of, seed_of
from keras_gans.metrics.psnr_ssim import WINDOW, checked, checked_pair, planes, similarity, with_channels
from keras_gans.metrics.score import Score, protocol

PAIRS = 1000
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, the finest first


class Diversity(NamedTuple):
    """value: mean MS-SSIM in 0..1, lower is more diverse; scales: how many; pairs: how many were compared."""

    value: float
    scales: int
    pairs: int


def most_scales(height: int, width: int) -> int:
    """How many scales have room for the window of 11 pixels: 5 from 176 on, 3 at 64, 2 at 32 and 28, 0 below 11."""
    side = min(height, width)
    return sum(side // 2**k >= WINDOW for k in range(len(WEIGHTS)))


def ms_ssim(images: Any, reference: Any, scales: int | None = None) -> float | np.ndarray:
    """Multi-scale structural similarity (Wang et al. 2003, equation 7).

    Between scales 2x2 pixels are averaged; an odd last row or column is left out. Each channel is compared by itself,
    and the mean over them taken. A scale whose mean structure is negative counts as 0, for it has no real power.

    Five scales are not defined below 176 pixels. Smaller images have fewer: the finest, their weights divided by their
    sum. Values of different numbers of scales cannot be compared.

    Args:
        images, reference: uint8 in 0..255 of one shape, (h, w), (h, w, c) or (n, h, w, c); c is 1 or 3; h and w at
            least 11.
        scales: 1 to 5; by default as many as there is room for (`most_scales`).

    Returns:
        float for one pair; float64 (n,) for a batch; in 0..1.

    Raises:
        MetricError: the images are not as above, or there is no room for so many scales.
    """
    x, y = checked_pair(images, reference)
    single = x.ndim < 4
    x, y = with_channels(x), with_channels(y)
    scales = _scales(scales, x.shape[1], x.shape[2])
    values = [_ms_ssim(planes(a), planes(b), scales) for a, b in zip(x, y, strict=True)]
    return values[0] if single else np.array(values, "float64")


def diversity(
    fake: Any,
    *,
    pairs: int = PAIRS,
    scales: int | None = None,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> Score:
    """How like one another samples are: "ms_ssim", the mean MS-SSIM over random pairs. In 0..1; lower is better.

    Compare it with that of as many real images: those are what is diverse enough, and noise is more diverse still.
    Images of one class at a time tell more than all together, as in the paper.

    Args:
        fake: images as `frechet_distance` takes them, at least 2, of at least 11 pixels a side.
        pairs, scales: as for `of_images`.
        n, batch_size, progress: as for `frechet_distance`.
        seed: of a model's samples, and of the pairs.

    Returns:
        `Score`, with the numbers of scales and pairs in `details`.

    Raises:
        MetricError: the images are not as above, or pairs, seed or scales are not.
        DataError: images that cannot be read.
    """
    _check_arguments(pairs, seed)
    check_asked_of(getattr(fake, "image_shape", None), n, scales)
    images = pictures_of(fake, n, seed, batch_size, progress).images
    found = of_images(images, pairs, seed, scales)
    side = "x".join(str(length) for length in images.shape[1:])
    return Score(
        "ms_ssim",
        protocol("ms_ssim", side, len(images), f"{found.scales} scales", f"{found.pairs} pairs"),
        found.value,
        n_fake=len(images),
        seed=seed_of(fake, seed),
        details={"scales": found.scales, "pairs": found.pairs},
    )


def of_images(images: Any, pairs: int = PAIRS, seed: int = 0, scales: int | None = None) -> Diversity:
    """Mean MS-SSIM over random pairs of different images of one set. Lower is more diverse; equal images give 1.

    Args:
        images: uint8 in 0..255 (n, h, w, c), n at least 2; c is 1 or 3; h and w at least 11.
        pairs: how many pairs, none of them twice; all, where there are no more. The paper takes 100 a class.
        seed: of the pairs.
        scales: as for `ms_ssim`.

    Returns:
        `Diversity`.

    Raises:
        MetricError: the images are not as above, or pairs, seed or scales are not.
    """
    x = checked(images)
    if x.ndim != 4 or len(x) < 2:
        raise MetricError(f"At least 2 images (n, h, w, c) were wanted, and shape {x.shape} came: give more.")
    scales = _scales(scales, x.shape[1], x.shape[2])
    _check_arguments(pairs, seed)
    drawn = _pairs(len(x), int(pairs), int(seed))
    values = [_ms_ssim(planes(x[i]), planes(x[j]), scales) for i, j in drawn]
    return Diversity(math.fsum(values) / len(values), scales, len(values))


def _check_arguments(pairs: Any, seed: Any) -> None:
    check_whole("pairs", pairs, 1)
    check_whole("seed", seed, 0)


def check_asked_of(shape: Any, n: int | None, scales: int | None = None) -> None:
    """MetricError where n images (h, w, c), as far as known, do not do for `diversity`: before any is drawn."""
    if shape is not None:
        _scales(scales, shape[0], shape[1])
    if n == 1:
        raise MetricError("At least 2 images were wanted, and 1 was asked for: ask for more.")


def _scales(scales: Any, height: int, width: int) -> int:
    room = most_scales(height, width)
    if room == 0:
        raise MetricError(f"MS-SSIM takes images of at least {WINDOW} x {WINDOW} pixels, and {height} x {width} came.")
    if scales is None:
        return room
    check_whole("scales", scales, 1)
    if scales > room:
        raise MetricError(
            f"In {height} x {width} pixels there is room for scales of 1 to {room}, and {scales} came: give fewer."
        )
    return int(scales)


def _ms_ssim(x: np.ndarray, y: np.ndarray, scales: int) -> float:
    """x, y: float64 (c, h, w)."""
    weights = np.array(WEIGHTS[:scales])
    if scales < len(WEIGHTS):  # all five add up to 1.0001 and stay as they were published
        weights /= weights.sum()
    total = np.ones(len(x))
    for number, weight in enumerate(weights):
        if number:
            x, y = _halved(x), _halved(y)
        luminance, structure = similarity(x, y)
        if number == scales - 1:
            structure = structure * luminance
        total *= np.maximum(structure.mean(axis=(1, 2)), 0.0) ** weight
    return float(total.mean())


def _halved(x: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels: (c, h, w) -> (c, h // 2, w // 2)."""
    channels, height, width = x.shape[0], x.shape[1] // 2, x.shape[2] // 2
    return x[:, : 2 * height, : 2 * width].reshape(channels, height, 2, width, 2).mean(axis=(2, 4))


def _pairs(n: int, count: int, seed: int) -> list[tuple[int, int]]:
    """Pairs i < j of 0..n-1, none twice; all, in order, where there are no more than `count`."""
    total = n * (n - 1) // 2
    if total <= count:
        return [(i, j) for j in range(n) for i in range(j)]
    return [_unranked(int(k)) for k in np.random.default_rng(seed).choice(total, count, replace=False)]


def _unranked(k: int) -> tuple[int, int]:
    """Pair number k of (0, 1), (0, 2), (1, 2), (0, 3), ...: j (j - 1) / 2 pairs come before the first with j."""
    j = (1 + math.isqrt(1 + 8 * k)) // 2
    return k - j * (j - 1) // 2, j
