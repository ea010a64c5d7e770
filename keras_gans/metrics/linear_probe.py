"""A linear classifier on features: what a discriminator has learnt (Radford et al. 2015, section 5.1).

An L2-regularised support vector machine with squared hinge loss, one class against the rest, as the released code's
liblinear trains it: min |w|^2 / 2 + C sum max(0, 1 - y w.x)^2, with a bias that is regularised as another weight.
Here all classes are solved at once by Newton's method, whose Hessian is only ever applied: conjugate gradients find
the step. What the classes' Hessians have in common, the Gram matrix of all rows, conditions them: a few applications
are enough where there would be hundreds, and the values of C share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from keras_gans.artifacts import MetricError
from keras_gans.metrics.arrays import check_real, check_whole, checked, classes
from keras_gans.metrics.features import Progress
from keras_gans.metrics.gathered import Rows, labels_of, rows_of
from keras_gans.metrics.score import Score, count, protocol

GRID = (1e-6, 1e-5, 1e-4, 1e-3)  # from below the released code's range: standardised features are larger
READ_AT_ONCE = 1024  # images: a discriminator's features are a network of their own, made at each call
_SMALLEST, _LARGEST = 1e-12, 1e6  # C, within which float32 has room for its products
_NEWTON_STEPS, _CONJUGATE_STEPS, _HALVINGS = 30, 60, 12
_TOLERANCE = 1e-3  # of the gradient at 0
_CHUNK = 4096  # rows
_CONDITIONED = 8192  # features, beyond which the Gram matrix would cost more than it saves
_FAR = 1e6  # deviations from the mean, beyond which float32 would not add up squares


class LinearSVM:
    """A fitted classifier.

    Args:
        weights: float32 (d + 1, classes): the last row is the bias.
        classes: the labels, sorted.
        mean, scale: float64 (d,): features are brought to (x - mean) / scale.
    """

    def __init__(self, weights: np.ndarray, classes: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> None:
        self.weights, self.classes, self._mean, self._scale = weights, classes, mean, scale

    @classmethod
    def fit(cls, x: Any, y: Any, c: float = 1e-3, standardize: bool = True) -> LinearSVM:
        """Fits features (n, d) and labels (n,) of at least two classes; c: the weight of the loss, 1e-12 to 1e6.

        standardize: brings each feature to mean 0 and deviation 1 first. liblinear does not, and with unscaled features
        C means something else for each network.
        """
        return next(cls._path(x, y, [c], standardize))

    @classmethod
    def _path(cls, x: Any, y: Any, grid: Iterable[float], standardize: bool = True) -> Iterator[LinearSVM]:
        """What `fit` gives for each C of the grid, each started from the one before it."""
        grid = checked_grid(grid)
        x, y = _labelled(x, y)
        found, numbers = np.unique(y, return_inverse=True)
        if len(found) < 2:
            raise MetricError(f"A classifier takes at least two classes, and {len(found)} came: give more labels.")
        mean, scale = _spread(x) if standardize else (np.zeros(x.shape[1]), np.ones(x.shape[1]))
        targets = np.where(numbers.reshape(-1)[:, None] == np.arange(len(found)), 1.0, -1.0).astype("float32")
        for weights in _solve(_scaled(x, mean, scale), targets, grid):
            yield cls(weights, found, mean, scale)

    def predict(self, x: Any) -> np.ndarray:
        """The class of each row (n,)."""
        x = checked(x, "features")
        if x.shape[1] != len(self._mean):
            raise MetricError(
                f"Features of {len(self._mean)} numbers were wanted and {x.shape[1]} came: give one kind."
            )
        return self.classes[np.argmax(_scaled(x, self._mean, self._scale) @ self.weights, axis=1)]

    def accuracy(self, x: Any, y: Any) -> float:
        """The share of rows whose class is found, in [0, 1]."""
        x, y = _labelled(x, y)
        return float(np.mean(self.predict(x) == y))


class Probed(NamedTuple):
    """accuracy: on the test side, in [0, 1]; c: what validation chose; validation: the accuracy of each C there."""

    accuracy: float
    c: float
    validation: dict[float, float]


def probe(
    train: Any,
    test: Any,
    features: Any = None,
    *,
    grid: Iterable[float] = GRID,
    held_out: int | None = None,
    batch_size: int = READ_AT_ONCE,
    progress: Progress | None = None,
) -> Score:
    """How well a linear classifier on features reads real images: "probe". In [0, 1]; higher is better.

    Args:
        train: pairs (features (n, d), labels (n,)); or, with `features`, real images with labels: a pair (images,
            labels), a folder with a subfolder for each class, "tfds:NAME", `keras_gans.data.Images`, a tf.data.Dataset.
        test: others, in one of the same forms.
        features: an extractor: `metrics.Discriminator(gan)` asks what a discriminator has learnt.
        grid, held_out: as for `of_features`.
        batch_size: images read at once.
        progress: function (done, of how many), of each side.

    Returns:
        `Score`, with the chosen C and its accuracy on the held-out images in `details`. Scores by other weights of the
        features are comparable: these are what it measures.

    Raises:
        MetricError: sides that do not fit or have no labels, fewer than two classes, or an argument is not as above.
        DataError: images that cannot be read.
    """
    grid = checked_grid(grid)
    sides = [rows_of(side, features, None, 0, batch_size, progress) for side in (train, test)]
    learnt, tested = ((side.rows, labels_of(side, "probe", "real images")) for side in sides)
    held_out = _held_out(held_out, len(learnt[0]))
    found = of_features(learnt, tested, grid, held_out)
    return _score(found, sides[0], sides[1], grid, held_out, getattr(features, "probed_as", sides[0].features))


def _score(found: Probed, train: Rows, test: Rows, grid: list[float], held_out: int, name: str | None) -> Score:
    chosen = f"C by {count(held_out)} held out among {len(grid)} in {min(grid):g}..{max(grid):g}"
    return Score(
        "probe",
        protocol("probe", name, train.identity, test.identity, "L2-SVM", chosen),
        found.accuracy,
        n_real=len(test.rows),
        features=name,
        features_sha256=train.sha256,
        details={"c": found.c, "validation": found.validation[found.c]},
    )


def of_features(
    train: tuple[Any, Any], test: tuple[Any, Any], grid: Iterable[float] = GRID, held_out: int | None = None
) -> Probed:
    """Chooses C on held-out training images, fits on all of them, and tests.

    Args:
        train, test: (features (n, d), labels (n,)).
        grid: values of C.
        held_out: so many of the training images, drawn by a fixed seed, choose C; None: a fifth, at most 10,000 as in
            the paper.

    Raises:
        MetricError: sides that do not fit, or fewer than two classes.
    """
    grid = checked_grid(grid)
    x, y = _labelled(*train)
    _labelled(*test)
    order, held_out = np.random.default_rng(0).permutation(len(x)), _held_out(held_out, len(x))
    learnt, held = order[held_out:], order[:held_out]  # whatever order they came in
    machines = zip(grid, LinearSVM._path(x[learnt], y[learnt], grid), strict=True)
    tried = {c: machine.accuracy(x[held], y[held]) for c, machine in machines}
    best = max(tried, key=lambda c: tried[c])
    return Probed(LinearSVM.fit(x, y, best).accuracy(*test), best, tried)


def checked_grid(grid: Iterable[float]) -> list[float]:
    """Values of C, at least one and each in 1e-12..1e6. MetricError otherwise."""
    try:
        values = list(grid)
    except TypeError as error:
        raise MetricError(f"Values of C were wanted and {grid!r:.80} came: give a list of numbers.") from error
    if not values:
        raise MetricError("At least one value of C was wanted and none came: give some, or leave grid out.")
    for c in values:
        check_real("C", c, _SMALLEST, _LARGEST)
    return [float(c) for c in values]


def _held_out(held_out: int | None, n: int) -> int:
    held_out = min(10_000, n // 5) if held_out is None else held_out
    check_whole("held_out", held_out, 0)
    if not 0 < held_out < n:
        raise MetricError(
            f"Some of {n} training images were wanted to choose C, and {held_out} came: give more images."
        )
    return int(held_out)


def _labelled(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    x = checked(x, "features")
    return x, classes(y, len(x))


def _spread(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each column, float64; a column that is constant gets 1."""
    mean, squares = x.mean(axis=0, dtype="float64"), np.zeros(x.shape[1])
    for start in range(0, len(x), _CHUNK):
        squares += np.square(x[start : start + _CHUNK] - mean).sum(axis=0)
    deviation = np.sqrt(squares / len(x))
    return mean, np.where(deviation > 1e-8 * (1.0 + np.abs(mean)), deviation, 1.0)


def _scaled(x: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(x - mean) / scale with a column of ones, the bias: float32 (n, d + 1)."""
    found = np.ones((len(x), x.shape[1] + 1), "float32")
    for start in range(0, len(x), _CHUNK):  # what is float64 in between is a piece
        found[start : start + _CHUNK, :-1] = np.clip((x[start : start + _CHUNK] - mean) / scale, -_FAR, _FAR)
    return found


def _solve(x: np.ndarray, targets: np.ndarray, grid: list[float]) -> Iterator[np.ndarray]:
    """Newton's method for all classes at once, for one C after the other: float32 (d, classes) each."""
    w = np.zeros((x.shape[1], targets.shape[1]), "float32")
    gram = x.T @ x if x.shape[1] <= min(len(x), _CONDITIONED) else None
    for c in grid:
        start = np.linalg.norm(2.0 * c * (x.T @ targets), axis=0)  # the gradient at 0
        conditioned = _inverse(gram, c)
        for _ in range(_NEWTON_STEPS):
            slack = np.maximum(0.0, 1.0 - targets * (x @ w))  # (n, classes); 0 where a margin is kept
            gradient = w - 2.0 * c * (x.T @ (targets * slack))
            if np.all(np.linalg.norm(gradient, axis=0) <= _TOLERANCE * start):
                break
            step = _newton_direction(x, gradient, (slack > 0).astype("float32"), c, conditioned)
            w = _shortened(x, targets, w, step, c)
        yield w


def _inverse(gram: np.ndarray | None, c: float) -> np.ndarray | None:
    """(I + C X^T X)^-1, the Hessian's were half the rows within their margins: float64 (d, d), None without `gram`."""
    if gram is None:
        return None
    return np.linalg.inv(np.eye(len(gram)) + c * gram.astype("float64"))


def _newton_direction(
    x: np.ndarray, gradient: np.ndarray, active: np.ndarray, c: float, conditioned: np.ndarray | None
) -> np.ndarray:
    """Solves (I + 2 C X^T D X) step = -gradient by conditioned conjugate gradients, a system for each class."""

    def condition(residual: np.ndarray) -> np.ndarray:
        return residual if conditioned is None else (conditioned @ residual).astype("float32")

    step, residual = np.zeros_like(gradient), -gradient
    direction = condition(residual)
    energy = np.einsum("ij,ij->j", residual, direction)
    enough = 1e-2 * np.einsum("ij,ij->j", residual, residual) + 1e-30  # of the squared residual: a tenth of it
    for _ in range(_CONJUGATE_STEPS):
        left = np.einsum("ij,ij->j", residual, residual) > enough
        if not left.any():
            break
        applied = direction + 2.0 * c * (x.T @ (active * (x @ direction)))
        along = energy / np.maximum(np.einsum("ij,ij->j", direction, applied), 1e-30)
        along = np.where(left, along, 0.0).astype("float32")  # classes that are done stand still
        step, residual = step + along * direction, residual - along * applied
        near, before = condition(residual), energy
        energy = np.einsum("ij,ij->j", residual, near)
        direction = near + (energy / np.maximum(before, 1e-30)).astype("float32") * direction
    return step


def _shortened(x: np.ndarray, targets: np.ndarray, w: np.ndarray, step: np.ndarray, c: float) -> np.ndarray:
    """w + t step, with t halved for each class until its objective falls."""
    margins, change = targets * (x @ w), targets * (x @ step)
    before = _objective(w, margins, c)
    t = np.ones(w.shape[1], "float32")
    for _ in range(_HALVINGS):
        worse = _objective(w + t * step, margins + t * change, c) > before + 1e-6 * np.abs(before)
        if not worse.any():
            break
        t = np.where(worse, t / 2, t).astype("float32")
    return w + t * step


def _objective(w: np.ndarray, margins: np.ndarray, c: float) -> np.ndarray:
    """|w|^2 / 2 + C sum max(0, 1 - margin)^2, for each class."""
    return np.einsum("ij,ij->j", w, w) / 2 + c * np.square(np.maximum(0.0, 1.0 - margins)).sum(axis=0)
