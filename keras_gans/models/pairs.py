"""Pairs of a small and a large image, as super-resolution models are fitted on them: checked, and in Keras's forms."""

import os
import sys

import keras
import numpy as np

from keras_gans.artifacts import CardError, DataError
from keras_gans.data import images as pixels
from keras_gans.data.patches import Patches, super_resolution
from keras_gans.data.pipeline import Images


def prepared(x, y, scale, size=None):
    """`Patches`, a pair of arrays, or a tf.data.Dataset of batches (small, large), checked.

    Args:
        x, y: as `SRResNet.fit` takes them.
        scale: of the model.
        size: side of the large squares that it takes; None: any.

    Raises:
        DataError: one sentence.
    """
    if isinstance(x, str | os.PathLike | Images) and y is None:
        x = super_resolution(x, scale=scale, crop=size or 24 * scale)
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
        if what.dtype != np.uint8:
            raise DataError(f"Small and large images are uint8, and {what.dtype} came: convert them.")
    return small, large


def _check_shapes(small, large, scale, size):
    fit = len(small) == len(large) == 4 and small[-1] == large[-1] == 3
    sides = list(zip(small[1:3], large[1:3], strict=True)) if fit else []
    if not fit or any(None not in pair and pair[1] != scale * pair[0] for pair in sides):
        raise DataError(
            f"Small images (n, h, w, 3) and large ones (n, {scale} h, {scale} w, 3) were wanted, and {tuple(small)} and "
            f"{tuple(large)} came: keras_gans.data.super_resolution(photographs, scale={scale}) makes such pairs."
        )
    if size is not None and any(side not in (None, size) for side in large[1:3]):
        raise DataError(f"This model takes large images of {size}x{size}, and {tuple(large)} came: cut them so.")


def _checked_dataset(dataset, scale, size):
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2:
        raise DataError("A tf.data.Dataset of batches (small, large) was wanted, and its elements are others: map it.")
    _check_shapes(*(tuple(part.shape) for part in spec), scale, size)
    return dataset


def of_recipe(data, recipe, scale, size=None):
    """`Patches` for a recipe's run, of the model's size or the crop that its table `data` says.

    CardError, DataError: one sentence.
    """
    asked = recipe.get("data", {})
    if not isinstance(asked, dict) or set(asked) - ({"crop"} if size is None else set()):
        taken = "crop = a number here" if size is None else "nothing here: the model's size is the crop"
        raise CardError(f"A recipe's data table takes {taken}, and {asked!r} came: correct the recipe.")
    crop = size or asked.get("crop", 24 * scale)
    if isinstance(data, Patches) and (data.scale, data.crop) == (scale, crop):
        return data
    return super_resolution(data, scale=scale, crop=crop, batch=recipe["batch_size"])


class PairBatches(keras.utils.PyDataset):
    """What Keras fits on: batches (small 0..255, large [-1, 1]), float32, of `Patches`, by (seed, step)."""

    def __init__(self, data, batch_size=None, seed=0):
        super().__init__()  # no workers: what lies in memory is sooner taken than handed over
        self.data, self.batch_size, self.seed = data, batch_size or data.batch_size, seed
        self.steps_per_epoch = data.steps_per_epoch(self.batch_size)
        self._epoch = 0

    def __len__(self):
        return self.steps_per_epoch

    def __getitem__(self, number):
        return self.at(self._epoch * self.steps_per_epoch + number)

    def on_epoch_end(self):
        self._epoch += 1

    def at(self, step):
        """The batch of a step, counted from 0 through all epochs."""
        small, large = self.data.at(step, self.batch_size, self.seed)
        return small.astype("float32"), large.astype("float32") / 127.5 - 1.0

    def unmixed(self):
        """The same: nothing is mixed here."""
        return self


def for_keras(data, batch_size, seed):
    """(x, y) for `keras.Model.fit`."""
    if isinstance(data, Patches):
        return PairBatches(data, batch_size, seed), None
    if isinstance(data, tuple):
        small, large = data
        return small.astype("float32"), large.astype("float32") / 127.5 - 1.0
    return data.map(lambda small, large: (pixels.to_range(small, 0.0, 255.0), pixels.to_range(large, -1.0, 1.0))), None
