"""The samples that are closest to real images, as pictures: what a share of memorised samples does not show."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from keras_gans.api.evaluation import resolve
from keras_gans.api.real_images import images_of
from keras_gans.artifacts import MetricError
from keras_gans.metrics import sources
from keras_gans.metrics.nearest import Nearest, nearer, nearest

SAMPLES = 1000
_BLOCK = 8192  # real images at a time


class Pairs(NamedTuple):
    """Samples and the real images that they are nearest to by pixels, the closest first.

    samples, real: uint8 (k, h, w, c); a real image is mirrored where that is nearer.
    distances: float64 (k,), Euclidean, of pixels in 0..255.
    numbers: int64 (k,), which samples these are.
    real_numbers: int64 (k,), which real images.
    mirrored: bool (k,), whether a real image is mirrored.
    """

    samples: np.ndarray
    real: np.ndarray
    distances: np.ndarray
    numbers: np.ndarray
    real_numbers: np.ndarray
    mirrored: np.ndarray


def closest_pairs(
    what: Any,
    against: Any = None,
    *,
    n: int = SAMPLES,
    count: int = 16,
    seed: int = 0,
    split: str | None = None,
    mirror: bool | None = None,
    batch_size: int = 64,
) -> Pairs:
    """Finds the samples that are closest to real images.

    Args:
        what, against, split: as for `keras_gans.evaluate`; the real images themselves are wanted.
        n: samples that are drawn; of images the first so many, or all if there are fewer.
        count: pairs that are given.
        seed: of a model's samples.
        mirror: whether real images are looked at mirrored too. None: if the model's recipe trains so.
        batch_size: samples drawn at once.

    Returns:
        `Pairs`.

    Raises:
        MetricError: only statistics of the real images are at hand, or the samples are of another size.
        The errors of `load` and `keras_gans.data.load`.
    """
    for name, value in (("n", n), ("count", count)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise MetricError(f"{name} is a number of images, and {value!r} came: give a whole number above 0.")
    fake, card = resolve(what)
    opened = images_of(against, (card.protocol if card else {}) or {}, split, fake)
    if opened is None:
        raise MetricError(
            "The real images themselves were wanted: say where they are, tfds:mnist for one, or a folder."
        )
    samples, real = _samples(fake, n, seed, batch_size), opened(None)
    height, width, channels = samples.shape[1:]
    real = real.with_shape(height, channels) if height == width else real
    if real.shape != (height, width, channels):
        raise MetricError(f"Real images of {width}x{height}x{channels} were wanted, as the samples are: resize them.")
    found, turned = _nearest(samples, real.images, _mirrors(card) if mirror is None else mirror)
    return chosen(samples, real.images, found, turned, count)


def chosen(samples: np.ndarray, real: Any, found: Nearest, turned: np.ndarray, count: int) -> Pairs:
    """The `count` closest `Pairs`, of `found`, the nearest real image of each sample, and whether it is mirrored."""
    closest = np.argsort(found.distances, kind="stable")[:count]
    numbers, turned = found.indices[closest], turned[closest]
    pictures = np.stack([sources.as_uint8(real[int(i)]) for i in numbers])
    pictures[turned] = pictures[turned][:, :, ::-1]
    return Pairs(samples[closest], pictures, found.distances[closest], closest, numbers, turned)


def page(pairs: Pairs) -> np.ndarray:
    """One picture, uint8 (h, w, c): four pairs to a row, each sample left of the real image."""
    from keras_gans import data

    shown = np.stack([pairs.samples, pairs.real], axis=1)
    return data.grid(shown.reshape(-1, *pairs.samples.shape[1:]), columns=8)


def _samples(fake: Any, n: int, seed: int, batch_size: int) -> np.ndarray:
    found: list[np.ndarray] = []
    source = sources.open_source(fake, n if hasattr(fake, "generate") else None, seed)
    for batch in source.batches(batch_size):
        found.append(np.asarray(batch.images))
        if sum(map(len, found)) >= n:
            break
    return np.concatenate(found)[:n]


def _mirrors(card: Any) -> bool:
    recipe = card.recipes.get(card.default_recipe, {}) if card else {}
    return bool(recipe.get("data", {}).get("flip", False))


def _nearest(samples: np.ndarray, real: Any, mirror: bool) -> tuple[Nearest, np.ndarray]:
    """(the nearest real image of each sample, bool (n,): whether it is that image mirrored)."""
    best = Nearest(np.full(len(samples), np.inf), np.zeros(len(samples), "int64"))
    turned = np.zeros(len(samples), bool)
    for start in range(0, len(real), _BLOCK):
        block = sources.as_uint8(real[start : start + _BLOCK])
        for mirrored in (False, True)[: 1 + mirror]:
            found = nearest(samples, block[:, :, ::-1] if mirrored else block)
            best, these = nearer(best, found._replace(indices=start + found.indices))
            turned[these] = mirrored
    return best, turned
