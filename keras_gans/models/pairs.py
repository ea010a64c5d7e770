"""Pairs of a small and a large image, as super-resolution models are fitted on them: checked, and in Keras's forms."""

import os
import sys

import keras
import numpy as np

from keras_gans.artifacts import CardError, DataError
from keras_gans.data import images as pixels
from keras_gans.data.patches import Patches, super_resolution
from keras_gans.data.pipeline import Images


class Arrays(Images):
    """Small images in memory, and the large ones where other `Images` have labels."""

    def __init__(self, small, large):
        super().__init__(small, large, name="arrays")

    def spec(self):
        return [(part.shape[1:], "uint8") for part in (self.images, self.labels)]


def prepared(x, y, scale, size=None):
    """`Patches`, `Arrays`, or a tf.data.Dataset of batches (small, large), checked.

    Args:
        x, y: as `SRResNet.fit` takes them.
        scale: of the model.
        size: side of the large squares that it takes; None: any.

    Raises:
        DataError: one sentence.
    """
    if isinstance(x, tuple) and len(x) == 2 and y is None:
        x, y = x
    if isinstance(x, str | os.PathLike | Images) and y is None:
        x = super_resolution(x, scale=scale, crop=size)
    if isinstance(x, Patches):
        if x.scale != scale or size not in (None, x.crop):
            wanted = f"scale={scale}" + ("" if size is None else f", crop={size}")
            raise DataError(f"Patches of {wanted} were wanted, and scale={x.scale}, crop={x.crop} came: make such.")
        return x
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and isinstance(x, tensorflow.data.Dataset) and y is None:
        return _checked_dataset(x, scale, size)
    if y is not None and hasattr(x, "__array__") and hasattr(y, "__array__"):
        return _checked_arrays(np.asarray(x), np.asarray(y), scale, size)
    raise DataError(
        "keras_gans.data.super_resolution(...), a folder of photographs, arrays of small and large images or a "
        f"tf.data.Dataset of such batches was wanted, and {type(x).__name__} came: give one of these."
    )


def _checked_arrays(small, large, scale, size):
    _check_shapes(small.shape, large.shape, scale, size)
    for what in (small, large):
        _check_dtype(what.dtype)
    if len(small) != len(large) or 0 in small.shape:
        raise DataError(
            f"As many small images as large ones, and at least one, were wanted and {small.shape} and {large.shape} "
            "came: match them."
        )
    return Arrays(small, large)


def _check_dtype(dtype):
    if dtype != np.uint8:
        raise DataError(f"Small and large images are uint8, and {np.dtype(dtype).name} came: convert them.")


def _check_shapes(small, large, scale, size):
    fit = len(small) == len(large) == 4 and small[-1] == large[-1] == 3
    sides = list(zip(small[1:3], large[1:3], strict=True)) if fit else []
    if not fit or any(None not in pair and pair[1] != scale * pair[0] for pair in sides):
        raise DataError(
            f"Small images (n, h, w, 3) and large ones (n, {scale} h, {scale} w, 3) were wanted, and {small} and "
            f"{large} came: keras_gans.data.super_resolution(photographs, scale={scale}) makes such pairs."
        )
    if size is not None and any(side not in (None, size) for side in large[1:3]):
        raise DataError(f"This model takes large images of {size}x{size}, and {large} came: cut them so.")


def _checked_dataset(dataset, scale, size):
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2 or not all(hasattr(part, "shape") for part in spec):
        raise DataError("A tf.data.Dataset of batches (small, large) was wanted, and its elements are others: map it.")
    _check_shapes(*(tuple(part.shape) if part.shape.rank else () for part in spec), scale, size)
    for part in spec:
        _check_dtype(part.dtype.as_numpy_dtype)
    return dataset


def of_recipe(data, recipe, scale, size=None):
    """`Patches` for a recipe's run, of the model's size or the crop that its table `data` says.

    CardError, DataError: one sentence.
    """
    asked = recipe.get("data", {})
    if not isinstance(asked, dict) or set(asked) - ({"crop"} if size is None else set()):
        taken = "crop = a number here" if size is None else "nothing here: the model's size is the crop"
        raise CardError(f"A recipe's data table takes {taken}, and {asked!r} came: correct the recipe.")
    crop = size or asked.get("crop")
    if isinstance(data, Patches):
        return prepared(data, None, scale, crop)
    return super_resolution(data, scale=scale, crop=crop, batch=recipe["batch_size"])


class PairBatches(keras.utils.PyDataset):
    """What Keras fits on: batches (small 0..255, large [-1, 1]), float32, of `Patches`, by (seed, step).

    The first is that of the step `start`. Without a seed, each epoch has the squares of the first.
    """

    def __init__(self, data, batch_size=None, seed=None, start=0):
        super().__init__()  # no workers: what lies in memory is sooner taken than handed over
        self.data, self.batch_size = data, batch_size or data.batch_size
        self.seed, self._following = seed or 0, seed is not None
        self.steps_per_epoch = data.steps_per_epoch(self.batch_size)
        self._epoch, self._start = 0, start

    def __len__(self):
        return self.steps_per_epoch

    def __getitem__(self, number):
        return self.at(self._start + self._epoch * self.steps_per_epoch + number)

    def on_epoch_end(self):
        self._epoch += self._following

    def at(self, step):
        """The batch of a step, counted from 0 through all epochs."""
        small, large = self.data.at(step, self.batch_size, self.seed)
        return small.astype("float32"), large.astype("float32") / 127.5 - 1.0

    def unmixed(self):
        """The same: nothing is mixed here."""
        return self


def for_keras(data, batch_size, seed=None, start=0):
    """(x, y) for `keras.Model.fit` from the step `start` on, or without a seed for `evaluate`."""
    if isinstance(data, Patches):
        return PairBatches(data, batch_size, seed, start), None
    if isinstance(data, Arrays):
        return data.images.astype("float32"), data.labels.astype("float32") / 127.5 - 1.0
    return data.map(lambda small, large: (pixels.to_range(small, 0.0, 255.0), pixels.to_range(large, -1.0, 1.0))), None
