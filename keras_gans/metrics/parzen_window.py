"""Parzen-window log-likelihood, as the 2014 paper measured it (Goodfellow et al. 2014, section 5; its parzen_ll.py).

Samples become a mixture of Gaussians of one width, and the score is the mean log-likelihood of test images under it.
Mind: it ranks models wrongly (Theis et al. 2016, section 3.2): in 784 dimensions 10,000 samples say next to nothing of
a density, and k-means centres of the training images beat the training images themselves.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import check_asked, first, pair
from keras_gans.metrics.features import BATCH, Pixels, Progress, features_of, identity_of
from keras_gans.metrics.gathered import seed_of
from keras_gans.metrics.score import Score, count, protocol

PARZEN_CAVEAT = "Parzen-window likelihoods rank models wrongly (Theis et al. 2016): read them beside the paper's alone."
SAMPLES, VALIDATION = 10_000, 1_000
SIGMAS = np.logspace(-1.0, 0.0, 10)  # the released code's
_CHUNK = 500  # test images at a time: 500 x 10,000 distances are 40 MB


class Likelihood(NamedTuple):
    """mean: nats; error: its standard error over the test images; sigma: the width that validation chose."""

    mean: float
    error: float
    sigma: float


def parzen(
    fake: Any,
    test: Any,
    validation: Any,
    *,
    n: int | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> Score:
    """The mean log-likelihood of test images, in nats: "parzen". Higher is better, with the caveat above.

    Args:
        fake: images (n, h, w, c), uint8 or float in [-1, 1], or whatever `frechet_distance` takes for images; or pixels
            (n, d) in [0, 1], as floats. A model draws 10,000 if `n` does not say otherwise.
        test: real images in one of the same forms: all of them are taken.
        validation: others, of which the first 1,000 choose the width.
        n: how many samples.
        seed: of a model's samples.
        batch_size, progress: as for `frechet_distance`.

    Returns:
        `Score`, with "standard_error" and "sigma" in `details`.

    Raises:
        MetricError: there are none, or of different sizes, or rows of pixels that are no floats.
        DataError: images that cannot be read.
    """
    check_asked(n, seed, batch_size)
    if n is None and hasattr(fake, "generate"):
        n = SAMPLES
    tested, identity = _pixels(test, None, seed, batch_size, progress)
    chosen_by, chooses = _pixels(validation, None, seed, batch_size, progress)
    pair(tested, chosen_by, "pixels")
    chosen_by = chosen_by[:VALIDATION]
    centres, _ = _pixels(fake, n, seed, batch_size, progress)
    found = likelihood(centres, tested, chosen_by)
    widths = f"sigma by {count(len(chosen_by))} of {chooses} among {len(SIGMAS)} in {SIGMAS[0]:g}..{SIGMAS[-1]:g}"
    facts = (f"{centres.shape[1]} pixels", len(centres), identity, widths)  # nats add up over pixels
    return Score(
        "parzen",
        protocol("parzen", *facts),
        found.mean,
        n_real=len(tested),
        n_fake=len(centres),
        seed=seed_of(fake, seed),
        features="pixels",
        details={"standard_error": found.error, "sigma": found.sigma},
    )


def _pixels(
    source: Any, n: int | None, seed: int, batch_size: int, progress: Progress | None
) -> tuple[np.ndarray, str]:
    """(rows of pixels in 0..1, what a protocol calls them)."""
    if getattr(source, "ndim", 0) == 2:
        rows = np.asarray(first(source, n, "pixels"))
        if rows.dtype.kind in "iu":
            raise MetricError(
                f"Rows of pixels in 0..1 were wanted and {rows.dtype} came: divide 0..255 by 255, or give images "
                "(n, h, w, c)."
            )
        return rows, identity_of(rows)
    opened, rows = features_of(source, Pixels(), n, seed, batch_size, progress)
    assert opened is not None
    return rows, opened.identity()


def likelihood(centres: Any, test: Any, validation: Any, sigmas: Any = SIGMAS) -> Likelihood:
    """Of pixels (n, d): the width with the best mean on `validation`, and what it gives on `test`."""
    centres, test = pair(centres, test, "pixels")
    _, validation = pair(centres, validation, "pixels")
    means = log_likelihoods(centres, validation, sigmas).mean(axis=1)
    sigma = float(np.asarray(sigmas)[int(np.argmax(means))])
    found = log_likelihoods(centres, test, [sigma])[0]
    return Likelihood(float(found.mean()), float(found.std() / math.sqrt(len(found))), sigma)


def log_likelihoods(centres: Any, points: Any, sigmas: Any) -> np.ndarray:
    """log p(x) = log mean_i exp(-|x - c_i|^2 / 2 s^2) - d log(s sqrt(2 pi)), for each width s: float64 (widths, n)."""
    centres, points = (x.astype("float64") for x in pair(centres, points, "pixels"))
    sigmas = np.asarray(sigmas, "float64")
    if sigmas.ndim != 1 or not len(sigmas) or not np.all(sigmas > 0):
        raise MetricError(f"Widths above 0 were wanted, and {sigmas} came.")
    found = np.empty((len(sigmas), len(points)))
    squares = np.einsum("ij,ij->i", centres, centres)
    for start in range(0, len(points), _CHUNK):
        x = points[start : start + _CHUNK]
        squared = np.einsum("ij,ij->i", x, x)[:, None] + squares - 2.0 * (x @ centres.T)
        for k, sigma in enumerate(sigmas):
            found[k, start : start + _CHUNK] = _log_mean_exp(np.maximum(squared, 0.0) / (-2.0 * sigma**2))
    return found - centres.shape[1] * np.log(sigmas * math.sqrt(2.0 * math.pi))[:, None]


def _log_mean_exp(x: np.ndarray) -> np.ndarray:
    """Over the last axis, of values of any size."""
    top = x.max(axis=1, keepdims=True)
    return top[:, 0] + np.log(np.exp(x - top).mean(axis=1))
