"""Which of many latents draw what is wanted most surely, as a classifier sees it."""

from typing import Any, NamedTuple

import numpy as np

from keras_gans import random


class Exemplars(NamedTuple):
    """The surest of each concept, the best first; without the axis of concepts, c, where `score` gives one number."""

    latents: np.ndarray  # float32 (c, k, latent)
    scores: np.ndarray  # float32 (c, k)
    indices: np.ndarray  # int64 (c, k): picture i of `model.generate(n, seed)`


def exemplars(
    model: Any, score: Any, n: int, k: int, seed: int = 0, labels: Any = None, batch_size: int = 256
) -> Exemplars:
    """The k of n samples that score highest: what `arithmetic` averages into a concept.

    Radford et al. 2015 (section 6.3.2) chose three a concept by eye, since a single one is unstable.

    Args:
        model: an `AdversarialModel`.
        score: function of images, uint8 (m, h, w, c), that gives numbers (m,), or (m, c) for c concepts: the more, the
            surer. As `lambda images: net.probability(images, {"Eyeglasses": True})` of an `AttributeNet`.
        n: samples drawn, those of `model.generate(n, seed)`.
        k: how many to keep of each concept, at most n.
        seed: whole number of at least 0.
        labels: as for `model.generate`.
        batch_size: samples drawn and scored at once.

    Returns:
        `Exemplars`. Of equal scores the earlier sample comes first.

    Raises:
        ValueError: an argument is not as above, or a score is none.
    """
    from keras_gans.training import sampling

    for name, value in (("k", k), ("n", n), ("batch_size", batch_size)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    if k > n:
        raise ValueError(f"k must be at most n, and {k} of {n} were asked for")
    labels = sampling.checked_labels(model, n, labels)
    best = np.zeros((1, 0)), np.zeros((1, 0), "int64")  # scores and indices, (c, up to k)
    one = False
    for start in range(0, n, batch_size):
        count = min(batch_size, n - start)
        z = random.sample_latents(count, seed, model.latent, model.prior, start=start)
        given = None if labels is None else labels[start : start + count]
        scores, one = _checked(score(model.generate(latents=z, labels=given, batch_size=batch_size)), count)
        best = _kept(best, scores.T, np.arange(start, start + count), k)
    scores, indices = best
    latents = _latents(model, seed, indices)
    if one:
        return Exemplars(latents[0], scores[0].astype("float32"), indices[0])
    return Exemplars(latents, scores.astype("float32"), indices)


def _checked(scores: Any, count: int) -> tuple[np.ndarray, bool]:
    """float64 (count, c), and whether it was (count,)."""
    scores = np.asarray(scores, "float64")
    if scores.ndim not in (1, 2) or len(scores) != count or scores.size == 0 or np.isnan(scores).any():
        raise ValueError(
            f"score gives one number for each of {count} images, ({count},) or ({count}, concepts), none of them NaN, "
            f"and the shape {scores.shape} came"
        )
    return scores.reshape(count, -1), scores.ndim == 1


def _kept(
    best: tuple[np.ndarray, np.ndarray], scores: np.ndarray, indices: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The k best of what there was and what came: (scores, indices), (c, up to k)."""
    c = len(scores)
    scores = np.concatenate([np.broadcast_to(best[0], (c, best[0].shape[1])), scores], axis=1)
    indices = np.concatenate(
        [np.broadcast_to(best[1], (c, best[1].shape[1])), np.broadcast_to(indices, (c, len(indices)))], axis=1
    )
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(indices, order, axis=1)


def _latents(model: Any, seed: int, indices: np.ndarray) -> np.ndarray:
    """The latents of samples by their numbers: float32 (*indices.shape, latent)."""
    rows = [random.sample_latents(1, seed, model.latent, model.prior, start=int(i))[0] for i in indices.ravel()]
    return np.stack(rows).reshape(*indices.shape, model.latent)
