"""What a model may be given: what is wrong with dtype, range, shape or labels becomes one sentence, early."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import numpy as np

from keras_gans.artifacts import DataError
from keras_gans.data.lazy import SKIPPED_AT_MOST
from keras_gans.data.pipeline import Decoded, Images

log = logging.getLogger("keras_gans")

_TAKEN = (
    'An array of images, a folder, .zip or .npz, "tfds:NAME", keras_gans.data.load(...) or a batched tf.data.Dataset'
)
_SLACK = 1e-4  # how far rounding may carry a float beyond -1 or 1; a uint8 level is 78 times wider


def prepare(
    x: Any, y: Any = None, *, size: int, channels: int, num_classes: int | None = None, resizable: bool = True
) -> Any:
    """Checks the data of fit() and evaluate() against a model of images (size, size, channels).

    A path, "tfds:NAME", "lsun:PATH" and Images are resized; arrays and tf.data.Datasets must fit, because a resize that
    nobody asked for would hide a mistake.

    Args:
        x: a path, "tfds:NAME", "lsun:PATH", Images, an array (n, h, w, c) or, grey, (n, h, w), a pair (images, labels),
            or a tf.data.Dataset of batches of images or (images, labels).
        y: the labels of an array.
        size, channels: of the model's images.
        num_classes: of a class-conditional model or a classifier. None: labels are ignored.
        resizable: whether the model can be built for another size, so that errors may say so.

    Returns:
        Images of that shape, with labels if and only if num_classes is given; or a tf.data.Dataset of batches
        of the same.

    Raises:
        DataError: one sentence: what was wanted, what came, what to do.
    """
    if is_dataset(x):
        _refuse_y(y, "a tf.data.Dataset")
        return _checked_dataset(x, size, channels, num_classes, resizable)
    data = _as_images(x, y, size, channels, num_classes, resizable)
    if len(data) == 0:
        raise DataError("Images were wanted and an empty data set came: give at least a batch of them.")
    if num_classes is None:
        return data.without_labels()
    if data.labels is None:
        raise DataError(_no_labels(num_classes))
    _check_classes(data.labels, num_classes)
    return data


def _as_images(x: Any, y: Any, size: int, channels: int, num_classes: int | None, resizable: bool) -> Images:
    from keras_gans.data import sources  # imports this file

    if isinstance(x, str | os.PathLike):
        _refuse_y(y, "a folder or a TFDS name")
        return sources.load(x, size=size, channels=channels)
    if isinstance(x, Images):
        _refuse_y(y, "Images")
        return x.with_shape(size, channels)
    if isinstance(x, tuple) and len(x) == 2:
        _refuse_y(y, "a pair (images, labels)")
        x, y = x
    data = of_arrays(x, None if num_classes is None else y)
    _check_shape(data.images.shape[1:], size, channels, resizable)
    return data


def _refuse_y(y: Any, what: str) -> None:
    if y is not None:
        raise DataError(f"{what[0].upper()}{what[1:]} brings its labels along and y came as well: leave y out.")


def _no_labels(num_classes: int) -> str:
    return (
        f"This model has {num_classes} classes and the data has no labels: "
        "give y=labels, or a folder with one subfolder a class."
    )


# --- arrays -------------------------------------------------------------------------------------------


def of_arrays(images: Any, labels: Any = None) -> Images:
    """Checked images and labels as Images. Those that hold NaN or infinity are left out and named, up to 1 %."""
    batch = as_batch(images)
    numbers = None if labels is None else checked_labels(labels, len(batch))
    return Images.of(finite(Decoded(batch, numbers, [], None)), name="array")


def finite(data: Decoded) -> Decoded:
    """The same without images that hold NaN or infinity, which are named; DataError where they are more than 1 %.

    data: images from `as_batch`, whose range is checked here too.
    """
    images = np.asarray(data.images)
    bad = _not_finite(images)
    if 0 < len(bad) <= SKIPPED_AT_MOST * len(images):
        numbers = ", ".join(map(str, bad[:10])) + (" and so on" if len(bad) > 10 else "")
        log.warning("skipped %d of %d images, which hold NaN or infinity: number %s", len(bad), len(images), numbers)
        kept = [None if rows is None else np.delete(rows, bad, axis=0) for rows in (data.labels, data.attributes)]
        skipped = [(f"image {number}", "it holds NaN or infinity") for number in bad]
        images = np.delete(images, bad, axis=0)
        data = data._replace(images=images, labels=kept[0], attributes=kept[1], skipped=skipped)
    if images.dtype != np.uint8:
        check_floats(images)
    return data


def _not_finite(images: np.ndarray) -> np.ndarray:
    """The numbers of those whose sum is not finite: a sum is finite only if all its parts are."""
    if images.dtype == np.uint8:
        return np.empty(0, int)
    with np.errstate(invalid="ignore"):  # of infinity and minus infinity
        sums = images.reshape(len(images), -1).sum(axis=1, dtype="float64")
    return np.flatnonzero(~np.isfinite(sums))


def checked_images(x: Any) -> np.ndarray:
    """An array, or a tensor of any library, as uint8 or float32 [-1, 1] (n, h, w, c). DataError otherwise."""
    array = as_batch(x)
    if array.dtype != np.uint8:
        check_floats(array)
    return array


def as_batch(x: Any) -> np.ndarray:
    """`checked_images` without the check of floats' range."""
    if not (hasattr(x, "__array__") and hasattr(x, "shape")):
        what = "None" if x is None else f"a {type(x).__name__}"
        raise DataError(f"{_TAKEN} was wanted and {what} came: make one of these of it.")
    array = np.asarray(x)
    _check_dtype(array.dtype.name)
    check_rank(array.shape)
    if len(array) == 0:
        raise DataError("Images were wanted and an empty array came: give at least a batch of them.")
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.shape[-1] not in (1, 3):
        raise DataError(
            f"Images have 1 or 3 channels, last, and an array of shape {array.shape} came: "
            "move the channels to the end (np.moveaxis(x, 1, -1)) or drop alpha (x[..., :3])."
        )
    return array if array.dtype == np.uint8 else array.astype("float32", copy=False)


def check_rank(shape: tuple[int | None, ...]) -> None:
    if len(shape) == 3 and shape[-1] in (1, 3):
        raise DataError(f"A batch of images (n, h, w, c) was wanted and one image {shape} came: give x[None].")
    if len(shape) not in (3, 4):
        raise DataError(
            f"A batch of images (n, h, w, c) was wanted and shape {shape} came: "
            "reshape it, as in x.reshape(-1, h, w, c)."
        )


def _check_dtype(dtype: str) -> None:
    if dtype != "uint8" and not (dtype.startswith("float") or dtype == "bfloat16"):
        raise DataError(
            f"Images are uint8 in [0, 255] or float in [-1, 1], and {dtype} came: "
            "convert them, as in x.astype('uint8')."
        )


def check_floats(x: np.ndarray) -> None:
    """DataError unless all is finite, within [-1, 1], and not what looks like [0, 1]."""
    low, high = float(x.min()), float(x.max())
    if not np.isfinite(low + high):
        raise DataError("Float images lie in [-1, 1] and NaN or infinity came: find it with np.isfinite(x).")
    if low < -1 - _SLACK or high > 1 + _SLACK:
        mend = "divide: x / 127.5 - 1" if low >= 0 and high <= 255 else "scale them there, or give uint8"
        raise DataError(f"Float images lie in [-1, 1] and these lie in [{low:.4g}, {high:.4g}]: {mend}.")
    if low >= 0:
        raise DataError(
            f"Float images lie in [-1, 1] and these lie in [{low:.4g}, {high:.4g}], "
            "which looks like [0, 1]: use 2 * x - 1."
        )


def _check_shape(shape: tuple[int | None, ...], size: int, channels: int, resizable: bool) -> None:
    if all(have in (want, None) for want, have in zip((size, size, channels), shape, strict=True)):
        return
    wanted, came = f"{size}x{size}x{channels}", "x".join("?" if n is None else str(n) for n in shape)
    fit = f"let keras_gans.data.load(x, size={size}, channels={channels}) fit it"
    if resizable and shape[0] == shape[1] and None not in shape:
        fit += f", or build the model with size={shape[0]}, channels={shape[2]}"
    does = "draws" if resizable else "reads"
    raise DataError(f"This model {does} {wanted} images and the data has {came}: {fit}.")


def checked_labels(y: Any, count: int) -> np.ndarray:
    """Labels as int32 (count,); (count, 1) is taken too. DataError says what is wrong."""
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2:
        raise DataError(
            f"Labels are class numbers of shape ({count},) and shape {labels.shape} came: "
            "if they are one-hot, give np.argmax(y, axis=-1)."
        )
    if labels.ndim != 1 or len(labels) != count:
        raise DataError(f"One label an image, shape ({count},), was wanted and shape {labels.shape} came: match them.")
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"Labels are whole numbers and {labels.dtype} came: convert them, as in y.astype('int32').")
    return labels.astype("int32")


def _check_classes(labels: np.ndarray, num_classes: int) -> None:
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        raise DataError(
            f"This model has the classes 0 to {num_classes - 1} and the labels go from {low} to {high}: "
            f"renumber them, or build the model with num_classes={max(high + 1, 1)}."
        )


# --- tf.data ------------------------------------------------------------------------------------------


def is_dataset(x: Any) -> bool:
    """Whether it is a tf.data.Dataset; imports nothing."""
    tensorflow = sys.modules.get("tensorflow")  # whoever made a Dataset has imported it
    return tensorflow is not None and isinstance(x, tensorflow.data.Dataset)


def _checked_dataset(dataset: Any, size: int, channels: int, num_classes: int | None, resizable: bool) -> Any:
    """Checks the element_spec and the first batch, and brings elements to images or (images, labels)."""
    import tensorflow as tf

    spec = dataset.element_spec
    parts = spec if isinstance(spec, tuple) else (spec,)
    if len(parts) not in (1, 2) or not all(isinstance(part, tf.TensorSpec) for part in parts):
        raise DataError(
            f"A tf.data.Dataset of images or (images, labels) was wanted and {_described(spec)} came: "
            "map it, as in dataset.map(lambda e: e['image'])."
        )
    if num_classes is not None and len(parts) == 1:
        raise DataError(
            f"This model has {num_classes} classes and the dataset has no labels: "
            "give a tf.data.Dataset of (images, labels)."
        )
    _check_batched(parts[0].shape, size, channels, resizable)
    first = next(iter(dataset.take(1).as_numpy_iterator()), None)
    if first is None:
        raise DataError("Images were wanted and an empty tf.data.Dataset came: give at least a batch of them.")
    images, labels = first if len(parts) == 2 else (first[0] if isinstance(spec, tuple) else first, None)
    grey = images.ndim == 3
    images = checked_images(images)
    _check_shape(images.shape[1:], size, channels, resizable)
    if num_classes is not None:
        _check_classes(checked_labels(labels, len(images)), num_classes)

    if num_classes is None and not isinstance(spec, tuple) and not grey:
        return dataset

    def arrange(x: Any, y: Any = None) -> Any:
        x = tf.expand_dims(x, -1) if grey else x
        return x if num_classes is None else (x, tf.reshape(tf.cast(y, tf.int32), [-1]))

    return dataset.map(arrange)


def _check_batched(shape: Any, size: int, channels: int, resizable: bool) -> None:
    if shape.rank is None:
        return  # the first batch will show
    shape = tuple(shape)
    if len(shape) == 3 and shape[-1] in (1, 3):
        raise DataError(
            f"A batched tf.data.Dataset was wanted and its elements have shape {shape}: "
            "batch it, as in dataset.batch(64)."
        )
    check_rank(shape)
    _check_shape(shape[1:] if len(shape) == 4 else (*shape[1:], 1), size, channels, resizable)


def _described(spec: Any) -> str:
    if isinstance(spec, dict):
        return f"dictionaries with {', '.join(map(str, spec))}"
    return f"tuples of {len(spec)}" if isinstance(spec, tuple) else f"{type(spec).__name__}s"
