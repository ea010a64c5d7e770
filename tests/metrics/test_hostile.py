"""Ten thousand random small inputs: a result or a typed error, never NaN; a warning would be an error."""

import math

import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.artifacts import KerasGansError

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


def _images(rng):
    n, side, c = int(rng.choice([0, 1, 2, 6])), int(rng.choice([4, 4, 4, 1])), int(rng.choice([3, 3, 3, 1, 2]))
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
    elif isinstance(found, dict):
        yield from found.values()
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


def _labelled(rng):
    return _features(rng, n=12), rng.integers(0, 3, 12)


def _probed(rng):
    return metrics.LinearSVM.fit(*_labelled(rng)).accuracy(*_labelled(rng))


CASES = {
    "fid": (4000, lambda rng: metrics.frechet_distance(_features(rng), _features(rng))),
    "kid": (600, lambda rng: metrics.kernel_distance(_features(rng), _features(rng))),
    "prdc": (2000, lambda rng: metrics.precision_recall(_features(rng), _features(rng), k=int(rng.integers(0, 4)))),
    "density": (1000, lambda rng: metrics.density_coverage(_features(rng), _features(rng), k=int(rng.integers(1, 3)))),
    "is": (1000, lambda rng: metrics.inception_score(_softmax(_features(rng)), splits=int(rng.integers(1, 4)))),
    "parzen": (600, lambda rng: metrics.parzen(_features(rng), _features(rng), _features(rng))),
    "probe": (300, _probed),
    "one_nn": (300, lambda rng: metrics.one_nearest_neighbour(_labelled(rng), _labelled(rng))),
    "images": (700, lambda rng: metrics.kernel_distance(_images(rng), _images(rng), metrics.Pixels())),
}


def test_there_are_ten_thousand():
    assert sum(count for count, _ in CASES.values()) >= 10_000


@pytest.mark.parametrize("name", CASES)
def test_a_result_or_a_typed_error(name, monkeypatch):
    from keras_gans.metrics import kernel

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
