"""The latents that draw given pictures, found by descent (Zhu et al. 2016, "Generative Visual Manipulation on the
Natural Image Manifold", section 4.1).

The paper minimises the squared distance of pixels plus .002 times that of a classifier's features, and draws with
G(tanh(z)) to stay within the prior. Here the features are the model's own discriminator's, and the starts several.
"""

import io
import os
from typing import Any, NamedTuple

import numpy as np

from keras_gans import autodiff, random
from keras_gans.artifacts import DataError
from keras_gans.data import Images, decode, load
from keras_gans.data.sources import FILES

_MEAN, _SQUARE, _EPSILON = 0.9, 0.999, 1e-8  # of Adam


class Projection(NamedTuple):
    """What `project` found, row i for picture i; of one photograph, one row."""

    latents: np.ndarray  # float32 (n, latent)
    images: np.ndarray  # uint8 (n, h, w, c): what `model.generate(latents=latents)` draws
    losses: np.ndarray  # float32 (n,)


def project(
    model: Any,
    images: Any,
    labels: Any = None,
    *,
    starts: int = 8,
    steps: int = 200,
    learning_rate: float = 0.1,
    pixel: float = 1.0,
    feature: float = 1.0,
    seed: int = 0,
    batch_size: int = 64,
) -> Projection:
    """Finds latents whose pictures come near to the given ones, or to a given photograph.

    The loss of a latent is `pixel` times the mean squared difference of pixels, in [-1, 1], plus `feature` times the
    squared distance of `model.features`, relative to the squared length of those of the given picture. Each start
    is a sample of the prior; Adam moves it, its rate falling to nothing by half a cosine; the best end is kept.

    Args:
        model: an `AdversarialModel`; it draws at inference, by the average that `generate` uses.
        images: one photograph, as the path of an image file, as Pillow's, or as an array (h, w, c) or (h, w), uint8 in
            [0, 255] or float in [-1, 1]; or several pictures, as whatever `keras_gans.data.load` takes. They may be of
            any size: the centre square is resized to the model's. An array (h, w, 1) or (h, w, 3) is one photograph,
            and any other of three axes is a batch of grey ones, (n, h, w).
        labels: for a class-conditional model, one class or n of them; None: those of the data, and a photograph has
            none.
        starts: latents to begin with for each picture.
        steps: of Adam, for each start.
        learning_rate: the first step's.
        pixel, feature: weights of the two parts, at least 0, one of them above. With `feature=0` the discriminator is
            not asked.
        seed: of the starts: picture i's are a function of (seed, i).
        batch_size: latents moved at once.

    Returns:
        `Projection`, n = 1 of one photograph. The latents lie within the prior's support: for a uniform prior, [-1, 1].

    Raises:
        DataError: the images are not as above, or a file can not be read.
        ValueError: another argument is not as above.
    """
    from keras_gans.training.backend import full_precision

    _check(starts, steps, learning_rate, pixel, feature, batch_size)
    size, _, channels = model.image_shape
    data = load(_several(images), size=size, channels=channels)
    labels = _labels(model, data, labels)
    together = max(1, min(len(data), batch_size // starts))  # pictures at once
    descent = _Descent(model, pixel, feature)
    found = []
    for first in range(0, len(data), together):
        rows = np.minimum(np.arange(first, first + together), len(data) - 1)  # filled up: one shape, compiled once
        begin = random.sample_latents(together * starts, seed, model.latent, model.prior, start=first * starts)
        given = np.zeros(len(rows), "int32") if labels is None else labels[rows]
        with full_precision():
            found.append(descent.run(begin, data.images[rows], given, starts, steps, learning_rate))
    latents, losses = (np.concatenate(part)[: len(data)] for part in zip(*found, strict=True))
    return Projection(latents, model.generate(latents=latents, labels=labels), losses)


def _check(starts: Any, steps: Any, learning_rate: Any, pixel: Any, feature: Any, batch_size: Any) -> None:
    for name, value in (("starts", starts), ("steps", steps), ("batch_size", batch_size)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    if not 0 < learning_rate < np.inf:
        raise ValueError(f"learning_rate must be a number above 0, got {learning_rate!r}")
    for name, value in (("pixel", pixel), ("feature", feature)):
        if not 0 <= value < np.inf:
            raise ValueError(f"{name} must be a number of at least 0, got {value!r}")
    if pixel == feature == 0:
        raise ValueError("pixel and feature are both 0, which leaves nothing to come near to: raise one of them")


def _several(images: Any) -> Any:
    """What `load` takes: one photograph as a batch of itself, anything else as it is."""
    if isinstance(images, str | os.PathLike):
        path = os.path.expanduser(os.fspath(images))
        if not os.path.isfile(path) or os.path.splitext(path)[1].lower() in FILES:
            return images
        images = np.asarray(decode(path))
    if isinstance(images, Images):  # whose shape would be read from files
        return images
    if hasattr(images, "getbands"):  # Pillow's: read as files are
        with io.BytesIO() as file:
            images.save(file, "PNG")
            file.seek(0)
            images = np.asarray(decode(file, name="the image"))
    shape = tuple(getattr(images, "shape", ()))
    if len(shape) == 3 and shape[-1] in (2, 4):
        raise DataError(
            f"A photograph of 1 or 3 channels was wanted and an array of shape {shape} came: "
            f"drop alpha, as in x[..., :{shape[-1] - 1}]."
        )
    if len(shape) == 2:
        return np.asarray(images)[None, ..., None]
    return np.asarray(images)[None] if len(shape) == 3 and shape[-1] in (1, 3) else images


def _labels(model: Any, data: Any, labels: Any) -> Any:
    """int32 (n,), or None for a model without classes."""
    from keras_gans.training import sampling

    if model.num_classes is not None and labels is None:
        labels = data.labels
        if labels is None:
            raise ValueError(f"this model has {model.num_classes} classes and the images have none: give labels=")
    return sampling.checked_labels(model, len(data), labels)


class _Descent:
    """Adam on latents, all rows at once; no row knows of the others."""

    def __init__(self, model: Any, pixel: float, feature: float) -> None:
        from keras_gans.training import features

        self.model, self.sampler = model, model.sampler()
        self.pixel, self.feature = pixel, feature
        self.extract = features.Extractor(model) if feature else None
        variables = [*self.sampler.variables, *(model.discriminator.variables if feature else [])]
        self._move, self._measure = compiled(self._step, variables), compiled(self._losses, variables)

    def run(
        self, begin: np.ndarray, images: np.ndarray, labels: np.ndarray, starts: int, steps: int, rate: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """(latents (n, latent), losses (n,)) of the best of `starts` rows of `begin` for each of n images."""
        from keras import ops

        target = np.repeat(images, starts, axis=0)
        goal = [*self._goal(target, np.repeat(labels, starts)), ops.convert_to_tensor(np.repeat(labels, starts))]
        u = ops.convert_to_tensor(self._free(begin))
        mean, square = ops.zeros_like(u), ops.zeros_like(u)
        for t in range(1, steps + 1):
            scales = rate * 0.5 * (1.0 + np.cos(np.pi * (t - 1) / steps)), 1.0 - _MEAN**t, 1.0 - _SQUARE**t
            u, mean, square = self._move(u, mean, square, ops.convert_to_tensor(scales, "float32"), *goal)
        losses = ops.convert_to_numpy(self._measure(u, *goal)).reshape(len(images), starts)
        z = ops.convert_to_numpy(self._latent(u)).reshape(len(images), starts, -1)
        best = losses.argmin(axis=1)
        each = np.arange(len(images))
        return z[each, best], losses[each, best]

    def _goal(self, images: np.ndarray, labels: np.ndarray) -> tuple[Any, Any]:
        """Pixels in the game's range, and their features."""
        from keras import ops

        from keras_gans.data.images import to_range

        pixels = to_range(images, *self.model.value_range)
        return pixels, ops.zeros((len(images), 1)) if self.extract is None else self.extract(pixels, labels)

    def _free(self, z: np.ndarray) -> np.ndarray:
        """Latents as numbers that may be anything: `_latent` brings them back."""
        return np.arctanh(np.clip(z, -0.999, 0.999)) if self.model.prior == "uniform" else z

    def _latent(self, u: Any) -> Any:
        from keras import ops

        return ops.tanh(u) if self.model.prior == "uniform" else u

    def _losses(self, u: Any, pixels: Any, wanted: Any, labels: Any) -> Any:
        """(n,)"""
        from keras import ops

        z = self._latent(u)
        drawn = self.sampler(z if self.model.num_classes is None else [z, labels], training=False)
        low, high = self.model.value_range
        difference = (drawn - pixels) * (2.0 / (high - low))
        loss = self.pixel * ops.mean(ops.square(difference), axis=(1, 2, 3))
        if self.extract is not None:
            apart = ops.sum(ops.square(self.extract(drawn, labels) - wanted), axis=1)
            loss = loss + self.feature * apart / (ops.sum(ops.square(wanted), axis=1) + 1e-12)
        return loss

    def _step(self, u: Any, mean: Any, square: Any, scales: Any, *goal: Any) -> tuple[Any, Any, Any]:
        """One of Adam's; scales: the rate, and what corrects both averages."""
        from keras import ops

        gradient = autodiff.input_gradient(lambda x: self._losses(x, *goal), u)
        mean = _MEAN * mean + (1.0 - _MEAN) * gradient
        square = _SQUARE * square + (1.0 - _SQUARE) * ops.square(gradient)
        u = u - scales[0] * (mean / scales[1]) / (ops.sqrt(square / scales[2]) + _EPSILON)
        return u, mean, square


def compiled(function: Any, variables: list[Any]) -> Any:
    """A function of tensors as one program, where the backend makes such; it reads `variables` and assigns none."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    if keras.backend.backend() != "jax":
        return function
    import jax

    def pure(values: Any, *arguments: Any) -> Any:
        with keras.StatelessScope(list(zip(variables, values, strict=True))):
            return function(*arguments)

    fast = jax.jit(pure)  # the weights come as an argument: written into the program, they make compiling slow
    return lambda *arguments: fast([v.value for v in variables], *arguments)
