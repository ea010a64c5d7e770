"""Which way in latent space something grows in the pictures, as a classifier sees it."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_gans import random
from keras_gans.latent.selection import exemplars


def direction(
    model: Any, score: Any, n: int, k: int, seed: int = 0, labels: Any = None, batch_size: int = 256
) -> np.ndarray:
    """The way from the samples to those k of n that score highest, along which other scores stay as they are.

    A difference of means, as the attributes of Larsen et al. 2016 (section 4.2); without the part that lies along the
    directions of what is to be held, as Shen et al. 2020 (section 3.2, "conditional manipulation") do with boundaries.
    Added once to the latents of some samples, it moves their mean as far as the k surest lie from the mean of all n.

    Args:
        model: an `AdversarialModel`.
        score: function of images, uint8 (m, h, w, c), that gives numbers (m,), or (m, c): what the first says is
            followed, what the others say is held. As `lambda images: net.predict_attributes(images)[:, [15, 20]]` of
            an `AttributeNet`, for glasses whatever the sex.
        n, k, seed, labels, batch_size: as for `exemplars`. A mean of few is mostly chance: some hundred are wanted.

    Returns:
        float32 (latent,).

    Raises:
        ValueError: as from `exemplars`; or so much is held that no direction is left.
    """
    found = exemplars(model, score, n, k, seed, labels, batch_size).latents
    surest = found.reshape(-1, k, model.latent).mean(axis=1, dtype="float64")
    followed, *held = surest - _mean(model, n, seed)
    left = _without(followed, held)
    if float(np.linalg.norm(left)) <= 1e-6 * max(float(np.linalg.norm(followed)), 1.0):
        raise ValueError("score holds what it follows: no direction is left")
    return left.astype("float32")


def move(latents: ArrayLike, direction: ArrayLike, by: float = 1.0) -> np.ndarray:
    """Latents moved along a direction, and then no farther from 0 than they were: beyond what a model was trained on,
    colours break.

    Args:
        latents: (n, latent) or (latent,).
        direction: (latent,), as from `direction`.
        by: how many times it is added; negative ones take away.

    Returns:
        float32, of the shape of `latents`.

    Raises:
        ValueError: shapes that do not fit, or `by` is no finite number.
    """
    latents, direction = np.asarray(latents, "float64"), np.asarray(direction, "float64")
    if latents.ndim not in (1, 2) or direction.shape != latents.shape[-1:]:
        raise ValueError(
            "latents (n, latent) or (latent,) and a direction (latent,) were wanted, "
            f"got {latents.shape} and {direction.shape}"
        )
    if isinstance(by, bool) or not isinstance(by, (int, float, np.number)) or not np.isfinite(by):
        raise ValueError(f"by must be a finite number, got {by!r}")
    moved = latents + by * direction
    before, after = (np.linalg.norm(x, axis=-1, keepdims=True) for x in (latents, moved))
    return (moved * np.minimum(1.0, before / np.maximum(after, 1e-12))).astype("float32")


def _mean(model, n, seed):
    """Of the latents of all n samples."""
    return random.sample_latents(n, seed, model.latent, model.prior).mean(axis=0, dtype="float64")


def _without(vector, others):
    """The part of a vector that is at right angles to each of the others."""
    if not others:
        return vector
    axes, sizes, _ = np.linalg.svd(np.stack(others).T, full_matrices=False)
    axes = axes[:, sizes > 1e-9 * sizes.max()]
    return vector - axes @ (axes.T @ vector)
