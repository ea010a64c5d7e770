"""Sliced Wasserstein distance between patches of two sets of images (Karras et al. 2018): how far samples are from real
images in local structure, at each scale, without a classifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import check_whole
from keras_gans.metrics.features import BATCH, Progress
from keras_gans.metrics.gathered import check_alike, pictures_of, seed_of, some_of
from keras_gans.metrics.score import Score, protocol

PATCH, SMALLEST = 7, 16
PATCHES, DIRECTIONS = 128, 512
_BINOMIAL = np.array([1, 4, 6, 4, 1], "float32") / 16


def sliced_wasserstein(
    fake: Any,
    real: Any,
    *,
    patches: int = PATCHES,
    directions: int = DIRECTIONS,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> Score:
    """The mean over all scales of the sliced Wasserstein distance, times 1000: "swd". Lower is better.

    As many are taken of both sides: of more samples the first ones, of more real images an even choice, always the
    same. Everything is held in memory.

    Args:
        fake: images as `frechet_distance` takes them, of 16, 32, 64, ... pixels a side.
        real: the same; files are brought to the model's size.
        patches, directions: as for `of_images`.
        n, batch_size, progress: as for `frechet_distance`.
        seed: of a model's samples, and of places and directions.

    Returns:
        `Score`, with the distance at each scale in `details`: "level_32", "level_16".

    Raises:
        MetricError: the sides differ in size, or are of another size than said, or an argument is not as above.
        DataError: images that cannot be read.
    """
    check_whole("patches", patches, 1)
    check_whole("directions", directions, 1)
    shape = getattr(fake, "image_shape", None)
    if shape is not None:
        check_shape(shape)
    if hasattr(fake, "generate") and n is not None:  # so that the real side is known to fit before anything is drawn
        theirs = some_of(real, n, batch_size, progress, shape)
        check_alike(shape, theirs.images.shape[1:])
        ours = pictures_of(fake, min(n, len(theirs.images)), seed, batch_size, progress)
    else:
        ours = pictures_of(fake, n, seed, batch_size, progress)
        theirs = some_of(real, len(ours.images), batch_size, progress, ours.images.shape[1:])
    count, side = len(theirs.images), "x".join(str(length) for length in ours.images.shape[1:])
    found = of_images(ours.images[:count], theirs.images, patches, directions, seed)
    facts = (side, count, theirs.identity, f"{patches} patches", f"{directions} directions")
    return Score(
        "swd",
        protocol("swd", *facts),
        found.pop("mean"),
        n_real=count,
        n_fake=count,
        seed=seed_of(fake, seed),
        details={f"level_{level}": value for level, value in found.items()},
    )


def of_images(
    images: Any, real: Any, patches: int = PATCHES, directions: int = DIRECTIONS, seed: int = 0
) -> dict[int | str, float]:
    """The distance at each level of a Laplacian pyramid, times 1000.

    Both sets are taken apart into a Laplacian pyramid down to 16x16. At each level `patches` places an image are drawn,
    7x7 pixels there taken, each colour channel brought to mean 0 and deviation 1 over the whole set, and both sets of
    patches projected on random directions; the distance is the mean difference of the sorted projections.

    Args:
        images, real: uint8 (n, h, w, c): as many of both; h = w = 16, 32, 64, ...
        patches: per image and level.
        directions: of the projections.
        seed: of places and directions.

    Returns:
        {side of the level: distance}, the finest first, and {"mean": their mean}.

    Raises:
        MetricError: the sets differ in shape, or are not as above.
    """
    for name, value in (("patches", patches), ("directions", directions)):
        check_whole(name, value, 1)
    check_whole("seed", seed, 0)
    images, real = _checked(images), _checked(real)
    check_alike(images.shape, real.shape)
    found: dict[int | str, float] = {}
    levels = zip(_pyramid(images), _pyramid(real), strict=True)
    for number, (ours, theirs) in enumerate(levels):
        rng = np.random.default_rng([seed, number])
        a, b = (_patches(level, patches, rng) for level in (ours, theirs))
        found[ours.shape[1]] = 1e3 * _distance(a, b, directions, rng)
    return {**found, "mean": float(np.mean(list(found.values())))}


def check_shape(shape: Any) -> None:
    """MetricError unless images (h, w, c) have a side of 16, 32, 64, ..."""
    if shape[0] != shape[1] or shape[0] not in {SMALLEST * 2**k for k in range(8)}:
        raise MetricError(
            f"swd takes images with a side of 16, 32, 64, ..., and {shape[0]}x{shape[1]} came: leave it out, or bring "
            "both sides to such a size."
        )


def _checked(images: Any) -> np.ndarray:
    x = np.asarray(images)
    if x.ndim != 4 or x.dtype != np.uint8 or x.size == 0:
        raise MetricError(
            f"uint8 images (n, side, side, c) were wanted, n and c above 0, and {x.dtype} of shape {x.shape} came: "
            "bring them there with keras_gans.data.to_uint8."
        )
    check_shape(x.shape[1:])
    return x


def _pyramid(images: np.ndarray) -> Iterator[np.ndarray]:
    """The Laplacian pyramid of (n, s, s, c): differences to the blurred at s, s / 2, ..., and what is left at 16."""
    x = images.astype("float32") / 127.5 - 1.0
    while x.shape[1] > SMALLEST:
        smaller = _blurred(_blurred(x, 1), 2)[:, ::2, ::2]
        yield x - _enlarged(smaller)
        x = smaller
    yield x


def _enlarged(x: np.ndarray) -> np.ndarray:
    """Twice the height and width: zeros between, and the same blur at four times the weight."""
    n, h, w, c = x.shape
    large = np.zeros((n, 2 * h, 2 * w, c), "float32")
    large[:, ::2, ::2] = x
    return _blurred(_blurred(large, 1), 2) * 4.0


def _blurred(x: np.ndarray, axis: int) -> np.ndarray:
    """The binomial filter along one axis, reflected at the edges."""
    padding = [(2, 2) if k == axis else (0, 0) for k in range(4)]
    padded, length = np.pad(x, padding, mode="reflect"), x.shape[axis]
    return sum(weight * padded.take(range(k, k + length), axis) for k, weight in enumerate(_BINOMIAL))


def _patches(level: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(n * count, 7 * 7 * c) float32: patches at random places, normalised by channel."""
    n, side, _, channels = level.shape
    windows = np.lib.stride_tricks.sliding_window_view(level, (PATCH, PATCH), (1, 2))  # (n, places, places, c, 7, 7)
    rows, columns = rng.integers(0, side - PATCH + 1, (2, n, count))
    found = windows[np.arange(n)[:, None], rows, columns].reshape(n * count, channels, -1)
    mean, deviation = found.mean((0, 2), keepdims=True), found.std((0, 2), keepdims=True)
    return ((found - mean) / np.maximum(deviation, 1e-8)).reshape(n * count, -1)


def _distance(a: np.ndarray, b: np.ndarray, directions: int, rng: np.random.Generator) -> float:
    """The mean over random directions of the one-dimensional Wasserstein distance."""
    total, block = 0.0, 64  # directions at a time, for memory
    for start in range(0, directions, block):
        along = rng.standard_normal((a.shape[1], min(block, directions - start))).astype("float32")
        along /= np.linalg.norm(along, axis=0)
        total += float(np.abs(np.sort(a @ along, axis=0) - np.sort(b @ along, axis=0)).mean(axis=0).sum())
    return total / directions
