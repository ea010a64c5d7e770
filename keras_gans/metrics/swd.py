"""Sliced Wasserstein distance between patches of two sets of images (Karras et al. 2018): how far samples are from real
images in local structure, at each scale, without a classifier."""

import numpy as np

PATCH, SMALLEST = 7, 16
_BINOMIAL = np.array([1, 4, 6, 4, 1], "float32") / 16


def sliced_wasserstein(images, real, patches=128, directions=512, seed=0):
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
        ValueError: the sets differ in shape, or are not as above.
    """
    images, real = np.asarray(images), np.asarray(real)
    _check(images, real)
    found = {}
    levels = zip(_pyramid(images), _pyramid(real), strict=True)
    for number, (ours, theirs) in enumerate(levels):
        rng = np.random.default_rng([seed, number])
        a, b = (_patches(level, patches, rng) for level in (ours, theirs))
        found[ours.shape[1]] = 1e3 * _distance(a, b, directions, rng)
    return {**found, "mean": float(np.mean(list(found.values())))}


def _check(images, real):
    if images.shape != real.shape:
        raise ValueError(f"two sets of one shape were wanted, got {images.shape} and {real.shape}")
    sides = {SMALLEST * 2**k for k in range(8)}
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[1] != images.shape[2] or len(images) == 0:
        raise ValueError(f"uint8 images (n, side, side, c) were wanted, got {images.dtype} of shape {images.shape}")
    if images.shape[1] not in sides:
        raise ValueError(f"a side of 16, 32, 64, ... was wanted, got {images.shape[1]}")


def _pyramid(images):
    """The Laplacian pyramid of (n, s, s, c): differences to the blurred at s, s / 2, ..., and what is left at 16."""
    x = images.astype("float32") / 127.5 - 1.0
    while x.shape[1] > SMALLEST:
        smaller = _blurred(_blurred(x, 1), 2)[:, ::2, ::2]
        yield x - _enlarged(smaller)
        x = smaller
    yield x


def _enlarged(x):
    """Twice the height and width: zeros between, and the same blur at four times the weight."""
    n, h, w, c = x.shape
    large = np.zeros((n, 2 * h, 2 * w, c), "float32")
    large[:, ::2, ::2] = x
    return _blurred(_blurred(large, 1), 2) * 4.0


def _blurred(x, axis):
    """The binomial filter along one axis, reflected at the edges."""
    padding = [(2, 2) if k == axis else (0, 0) for k in range(4)]
    padded, length = np.pad(x, padding, mode="reflect"), x.shape[axis]
    return sum(weight * padded.take(range(k, k + length), axis) for k, weight in enumerate(_BINOMIAL))


def _patches(level, count, rng):
    """(n * count, 7 * 7 * c) float32: patches at random places, normalised by channel."""
    n, side, _, channels = level.shape
    windows = np.lib.stride_tricks.sliding_window_view(level, (PATCH, PATCH), (1, 2))  # (n, places, places, c, 7, 7)
    rows, columns = rng.integers(0, side - PATCH + 1, (2, n, count))
    found = windows[np.arange(n)[:, None], rows, columns].reshape(n * count, channels, -1)
    mean, deviation = found.mean((0, 2), keepdims=True), found.std((0, 2), keepdims=True)
    return ((found - mean) / np.maximum(deviation, 1e-8)).reshape(n * count, -1)


def _distance(a, b, directions, rng):
    """The mean over random directions of the one-dimensional Wasserstein distance."""
    total, block = 0.0, 64  # directions at a time, for memory
    for start in range(0, directions, block):
        along = rng.standard_normal((a.shape[1], min(block, directions - start))).astype("float32")
        along /= np.linalg.norm(along, axis=0)
        total += float(np.abs(np.sort(a @ along, axis=0) - np.sort(b @ along, axis=0)).mean(axis=0).sum())
    return total / directions
