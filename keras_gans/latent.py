"""Walks and sums in latent space, on NumPy arrays. `model.generate(latents=...)` draws them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_gans import random

KINDS = ("linear", "spherical")


def sample(model: Any, n: int, seed: int = 0, truncation: float | None = None) -> np.ndarray:
    """The latents that `model.generate(n, seed)` draws from: float32 (n, latent)."""
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
    """
    a, b = _pair(a, b)
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if not isinstance(steps, int) or steps < 2:
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


def arithmetic(plus: list[ArrayLike], minus: list[ArrayLike] | tuple[()] = ()) -> np.ndarray:
    """Sums and differences of concepts: "man with glasses - man + woman" (Radford et al. 2015, section 6.3.2).

    Args:
        plus, minus: concepts, each one latent (latent,), or several (k, latent), whose mean is taken: the paper
            averages three, since single ones are unstable.

    Returns:
        float32 (latent,).
    """
    if not plus:
        raise ValueError("arithmetic needs at least one concept to begin with, plus is empty")
    total = sum(_concept(x) for x in plus) - sum((_concept(x) for x in minus), np.zeros(1))
    return np.asarray(total, "float32")


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
