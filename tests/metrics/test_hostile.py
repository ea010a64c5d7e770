"""Ten thousand random small inputs: a result or a typed error, never NaN; a warning would be an error."""

import math

import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.artifacts import KerasGansError
from keras_gans.metrics import arrays, kernel

DTYPES = ("float64", "float32", "float16", "uint8", "int64", "bool")


def _features(rng, n=None):
    """(n, d) of a few rows: mostly usual; or constant, not finite, huge, tiny, empty, of odd rank or dtype."""
    n = int(rng.choice([0, 1, 2, 3, 5, 9, 20, 30])) if n is None or rng.integers(0, 4) == 0 else n
    d = int(rng.choice([2, 2, 2, 2, 2, 0, 1, 3]))
    kind = rng.integers(0, 12)
    x = rng.normal(size=(n, d)) * 10.0 ** float(rng.integers(-3, 3))
    if kind == 0:
        x = np.full((n, d), 7.0)
    elif kind == 1 and x.size:
        x.flat[rng.integers(0, x.size)] = rng.choice([np.nan, np.inf, -np.inf])
    elif kind == 2:
        x = x * 10.0 ** float(rng.choice([-300, -30, 25, 200]))
    elif kind == 3:
        x = x.reshape(n, d, 1) if rng.integers(0, 2) else x.ravel()
    elif kind == 4:
        x = np.clip(x, 0, 200).astype(rng.choice(DTYPES))
    return x


def _sides(rng, count=2, n=None):
    """Several `_features`, now and then brought to a huge or tiny scale or far from 0 together, or with copies."""
    sides = [_features(rng, n) for _ in range(count)]
    kind = rng.integers(0, 8)
    if kind == 0:
        scale = 10.0 ** float(rng.choice([-300, -160, -30, 12, 18, 19, 20, 22, 23, 24, 26, 40]))
        sides = [x * scale if x.dtype == "float64" else x for x in sides]
    elif kind == 1:
        sides = [x + rng.choice([1e4, 1e8, 1e15]) if x.dtype == "float64" else x for x in sides]
    elif kind == 2:
        sides = [sides[0].copy() if rng.integers(0, 2) else x for x in sides]
    return sides


def _images(rng, side=4, counts=(0, 1, 2, 6)):
    n, side, c = int(rng.choice(counts)), int(rng.choice([side] * 3 + [1])), int(rng.choice([3, 3, 3, 3, 1, 2]))
    kind = rng.integers(0, 8)
    if kind == 0:
        return np.full((n, side, side, c), 200, "uint8")
    if kind == 1:
        return rng.uniform(-1, 1, (n, side, side, c)).astype(rng.choice(["float32", "float64"]))
    if kind == 2:
        return np.full((n, side, side, c), np.nan, "float32")
    return rng.integers(0, 256, (n, side, side, c), dtype="uint8")


def _values(found):
    if isinstance(found, metrics.Score):
        yield found.value
        yield from found.details.values()
        if found.interval is not None:
            yield from found.interval[: 1 if found.is_bound else 2]
    elif isinstance(found, tuple):
        for part in found:
            yield from _values(part)
    elif isinstance(found, float):
        yield found


def _softmax(x):
    if x.ndim < 2 or x.dtype.kind != "f":
        return x
    with np.errstate(all="ignore"):
        return np.abs(x) / np.abs(x).sum(-1, keepdims=True)


def _labels(rng, n):
    """Mostly whole numbers (n,)."""
    kind = rng.integers(0, 12)
    labels = rng.integers(0, 3, n + (kind == 0))
    return labels / 2 if kind == 1 else np.zeros(n, int) if kind == 2 else labels - 2 * (kind == 3)


def _labelled(rng):
    return [(x, _labels(rng, 12)) for x in _sides(rng, n=12)]


def _pictured(rng, counts=(6, 6, 6, 0, 1, 2)):
    """Images with labels, most of which fit."""
    images = _images(rng, counts=counts)
    return images, _labels(rng, len(images))


def _probed(rng):
    grid = [(1e-3,), (1e-12, 1.0, 1e6), (), (-1.0,), (np.nan,), 1.0][
        rng.choice(6, p=[0.5, 0.3, 0.05, 0.05, 0.05, 0.05])
    ]
    return metrics.probe(*_labelled(rng), grid=grid, held_out=rng.choice([None, None, None, 3, 0, 40]))


class Guesser:
    """Learns which class is the most common."""

    image_shape = (4, 4, 3)

    def __init__(self):
        self.optimizer = self

    def architecture(self):
        return {}

    def get_config(self):
        return {}

    def fit(self, images, labels, **options):
        self._common = np.bincount(labels[labels >= 0], minlength=1).argmax()

    def classify(self, images):
        return np.full(len(images), self._common)


class Brightness:
    """Three classes by how light an image is."""

    name, sha256, image_shape = "brightness", None, (4, 4, 3)

    def probabilities(self, images):
        x = images.reshape(len(images), -1).mean(1) / 255.0
        return np.stack([x / 2, (1 - x) / 2, np.full(len(x), 0.5)], axis=1)


def _likeness(rng):
    """PSNR is infinite for equal images, and for no others."""
    a, b = (_images(rng, 11, (1, 2)) for _ in "ab")
    b = a if rng.integers(0, 6) == 0 else b
    psnr, border = np.atleast_1d(metrics.psnr(a, b, border=int(rng.integers(0, 3)))), int(rng.integers(0, 2))
    assert np.isfinite(psnr).all() or np.array_equal(a, b)
    return (*psnr[np.isfinite(psnr)].tolist(), float(np.mean(metrics.ssim(a, b, border=border))))


def _with_arguments(rng):
    """What was asked for may be anything."""
    odd = [-5, 0, 1, 3, 9, 10**6, 2.5, True, "3", np.int64(4), math.nan, 2**70, None]
    options = {"n": None, "seed": 0, "batch_size": 64}
    name = str(rng.choice(list(options)))
    options[name] = odd[rng.integers(0, len(odd))]
    x, y = rng.normal(size=(2, 9, 2))
    labels = np.arange(9) % 2
    images = rng.integers(0, 256, (2, 9, 16, 16, 1), dtype="uint8")
    measures = [
        lambda: metrics.frechet_distance(x, y, **options),
        lambda: metrics.kernel_distance(x, y, **options),
        lambda: metrics.precision_recall(x, y, **options),
        lambda: metrics.density_coverage(x, y, k=2, **options),
        lambda: metrics.inception_score(_softmax(x), splits=odd[rng.integers(0, len(odd))], **options),
        lambda: metrics.parzen(x, y, y[:4], **options),
        lambda: metrics.memorization(x, y, percentile=odd[rng.integers(0, len(odd))], **options),
        lambda: metrics.birthday(x, y, percentile=50, **options),
        lambda: metrics.one_nearest_neighbour((x, labels), (y, labels), **options),
        lambda: metrics.sliced_wasserstein(*images, patches=1, directions=1, **options),
        lambda: metrics.diversity(images[0], pairs=odd[rng.integers(0, len(odd))], **options),
        lambda: metrics.conditional_accuracy((images[0], labels), Brightness(), **options),
        lambda: metrics.kernel_distance(images[0], y, metrics.Pixels(), **options),
    ]
    return measures[rng.integers(0, len(measures))]()


CASES = {
    "fid": (2600, lambda rng: metrics.frechet_distance(*_sides(rng))),
    "kid": (800, lambda rng: metrics.kernel_distance(*_sides(rng))),
    "prdc": (1200, lambda rng: metrics.precision_recall(*_sides(rng), k=int(rng.integers(0, 4)))),
    "density": (1000, lambda rng: metrics.density_coverage(*_sides(rng), k=int(rng.integers(1, 3)))),
    "is": (700, lambda rng: metrics.inception_score(_softmax(_features(rng)), splits=int(rng.integers(1, 4)))),
    "parzen": (600, lambda rng: metrics.parzen(*_sides(rng, 3))),
    "probe": (200, _probed),
    "one_nn": (400, lambda rng: metrics.one_nearest_neighbour(*_labelled(rng))),
    "memorized": (600, lambda rng: metrics.memorization(*_sides(rng), percentile=float(rng.choice([0, 1, 50, 100])))),
    "support": (500, lambda rng: metrics.birthday(*_sides(rng), percentile=float(rng.choice([0.1, 50])))),
    "swd": (200, lambda rng: metrics.sliced_wasserstein(_images(rng, 16), _images(rng, 16), patches=2, directions=4)),
    "ms_ssim": (200, lambda rng: metrics.diversity(_images(rng, 11), pairs=2)),
    "likeness": (250, _likeness),
    "cas": (
        200,
        lambda rng: metrics.classification_accuracy(Guesser(), _pictured(rng, (100, 100, 100, 20)), _pictured(rng)),
    ),
    "accuracy": (200, lambda rng: metrics.conditional_accuracy(_pictured(rng), Brightness())),
    "images": (400, lambda rng: metrics.kernel_distance(_images(rng), _images(rng), metrics.Pixels())),
    "arguments": (600, _with_arguments),
}


def test_there_are_ten_thousand():
    assert sum(count for count, _ in CASES.values()) >= 10_000


@pytest.mark.parametrize("name", CASES)
def test_a_result_or_a_typed_error(name, monkeypatch):
    monkeypatch.setattr(kernel, "SUBSETS", 5)
    count, measure = CASES[name]
    rng, results, errors, lines = np.random.default_rng(0), 0, 0, 0
    for _ in range(count):
        try:
            found = measure(rng)
        except KerasGansError as error:
            errors += 1
            lines += str(error).count("\n")
            continue
        assert not any(math.isnan(value) or math.isinf(value) for value in _values(found))
        results += 1
    assert lines == 0, "an error is one sentence"
    assert results > count // 50, "hardly any input was taken"
    assert errors > count // 50, "hardly any input was refused"


@pytest.mark.parametrize("scale", [1.0, 1e-200, arrays.LARGEST / 6])
def test_the_largest_that_is_taken_is_not_too_large(rng, scale):
    """With all 100 subsets, a deviation over them and over seeds."""
    x, y, z = (np.clip(side, -6, 6) * scale for side in rng.normal(size=(3, 90, 40)))
    corners = np.where(np.arange(90) < 45, 6.0, -6.0)[:, None] * np.full(40, scale)
    seeds = [metrics.kernel_distance(side, z[:50]) for side in (x, y, corners)]
    for found in (
        metrics.over_seeds(seeds),
        metrics.frechet_distance(x, y),
        *metrics.precision_recall(x, y),
        *metrics.density_coverage(x, y),
        metrics.memorization(x, y),
    ):
        assert all(math.isfinite(value) for value in _values(found))
    assert math.isfinite(metrics.LinearSVM.fit(x, np.arange(90) % 2).accuracy(y, np.arange(90) % 2))
    with pytest.raises(KerasGansError, match="of at most 1e\\+25 were wanted"):
        metrics.kernel_distance(x, np.full((5, 40), 1.1 * arrays.LARGEST))
