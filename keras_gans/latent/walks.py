"""Walks and sums of latents, on NumPy arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_gans import random

KINDS = ("linear", "spherical")


def sample(model: Any, n: int, seed: int = 0, truncation: float | None = None) -> np.ndarray:
    """The latents that `model.generate(n, seed)` draws from.

    Args:
        model: an `AdversarialModel`, which knows its prior and its latent dimension.
        n: how many, at least 0.
        seed: whole number of at least 0; row i is a function of (seed, i) alone.
        truncation: None, or a number above 0, beyond which no value lies (`keras_gans.random.sample_latents`).

    Returns:
        float32 (n, latent).

    Raises:
        ValueError: n, seed or truncation is not as above.
    """
    return random.sample_latents(n, seed, model.latent, model.prior, truncation)


def interpolate(a: ArrayLike, b: ArrayLike, steps: int = 8, kind: str = "linear") -> np.ndarray:
    """A walk from a to b, both ends included.

    Args:
        a, b: latents of one shape, (latent,) or (n, latent).
        steps: points of the walk, at least 2.
        kind: "linear", which suits a uniform prior; or "spherical" (White 2016, section 2.1), which keeps the length of
            normal latents. Where two latents point the same or opposite ways, spherical becomes linear.

    Returns:
        float32 (steps, latent), or (n, steps, latent).

    Raises:
        ValueError: the shapes differ or are others, or steps or kind is not as above.
    """
    a, b = _pair(a, b)
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 2:
        raise ValueError(f"steps must be a whole number of at least 2, got {steps!r}")
    t = np.linspace(0.0, 1.0, steps)[:, None]
    a, b = a[..., None, :], b[..., None, :]
    from_a, from_b = (1.0 - t, t) if kind == "linear" else _spherical(a, b, t)
    return (from_a * a + from_b * b).astype("float32")


def _spherical(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a and b: sin((1 - t) angle) / sin(angle) and sin(t angle) / sin(angle)."""
    lengths = np.linalg.norm(a, axis=-1, keepdims=True) * np.linalg.norm(b, axis=-1, keepdims=True)
    cosine = np.clip(np.sum(a * b, axis=-1, keepdims=True) / np.maximum(lengths, 1e-12), -1.0, 1.0)
    angle = np.arccos(cosine)
    sine = np.sin(angle)
    flat = sine < 1e-6
    sine = np.where(flat, 1.0, sine)
    return (
        np.where(flat, 1.0 - t, np.sin((1.0 - t) * angle) / sine),
        np.where(flat, t, np.sin(t * angle) / sine),
    )


def arithmetic(plus: ArrayLike | Sequence[ArrayLike], minus: ArrayLike | Sequence[ArrayLike] = ()) -> np.ndarray:
    """Sums and differences of concepts: "man with glasses - man + woman" (Radford et al. 2015, section 6.3.2).

    Args:
        plus, minus: lists of concepts, each one latent (latent,), or several (k, latent), whose mean is taken: the
            paper averages three, since single ones are unstable.

    Returns:
        float32 (latent,).

    Raises:
        ValueError: plus is empty, or something in them is no concept, or they differ in the latent dimension.
    """
    plus, minus = _concepts("plus", plus), _concepts("minus", minus)
    if not plus:
        raise ValueError("arithmetic needs at least one concept to begin with, plus is empty")
    sizes = sorted({len(concept) for concept in (*plus, *minus)})
    if len(sizes) > 1:
        raise ValueError(f"concepts of one latent dimension were wanted, got {' and '.join(map(str, sizes))}")
    return np.asarray(sum(plus) - sum(minus, np.zeros(1)), "float32")


def _concepts(name: str, given: Any) -> list[np.ndarray]:
    """Each concept as one latent."""
    if not isinstance(given, (list, tuple)):
        raise ValueError(
            f"{name} is a list of concepts, got an array of shape {np.shape(given)}: [x] for one concept, whose latents"
            " are averaged, list(x) for as many as there are latents"
        )
    return [_concept(latents) for latents in given]


def _concept(latents: ArrayLike) -> np.ndarray:
    latents = np.asarray(latents, "float64")
    if latents.ndim not in (1, 2) or latents.shape[0] == 0:
        raise ValueError(f"a concept is one latent (latent,) or several (k, latent), got the shape {latents.shape}")
    return latents if latents.ndim == 1 else latents.mean(axis=0)


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    if a.shape != b.shape or a.ndim not in (1, 2):
        raise ValueError(
            f"two latents of one shape, (latent,) or (n, latent), were wanted, got {a.shape} and {b.shape}"
        )
    return a, b
