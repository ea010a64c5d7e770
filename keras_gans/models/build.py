"""What families share when they build their networks."""

import contextlib

import keras
import numpy as np

from keras_gans.data import images as pixels


@contextlib.contextmanager
def precision(dtype):
    """Layers made within this block have the dtype policy `dtype`; None leaves Keras's own."""
    before = keras.config.dtype_policy()
    try:
        if dtype is not None:
            keras.config.set_dtype_policy(dtype)
        yield
    finally:
        keras.config.set_dtype_policy(before)


def filters(layer):
    """A picture of a convolution's filters (h, w, 1 or 3 channels), each scaled to 0..255: uint8 (height, width, c)."""
    kernel = np.moveaxis(keras.ops.convert_to_numpy(layer.kernel), -1, 0).astype("float32")  # (n, h, w, c)
    low, high = kernel.min(axis=(1, 2, 3), keepdims=True), kernel.max(axis=(1, 2, 3), keepdims=True)
    large = np.kron((kernel - low) / (high - low + 1e-12), np.ones((1, 6, 6, 1)))
    return pixels.grid(pixels.to_uint8(large, 0.0, 1.0))


def check_choice(name, value, choices):
    """Raises ValueError unless `value` is among `choices`."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}, got {value!r}")


def check_count(name, value, least=1):
    """Raises ValueError unless `value` is a whole number of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")


def check_counts(name, values, length=None):
    """Raises ValueError unless `values` is a list of counts, not empty, and of `length` if that is given."""
    wanted = "a list of whole numbers of at least 1" if length is None else f"{length} whole numbers of at least 1"
    if not isinstance(values, (list, tuple)) or not values or length not in (None, len(values)):
        raise ValueError(f"{name} must be {wanted}, got {values!r}")
    for i, value in enumerate(values):
        check_count(f"{name}[{i}]", value)


def check_rate(name, value):
    """Raises ValueError unless `value` is a number in [0, 1)."""
    if not _is_rate(value):
        raise ValueError(f"{name} must be a number of at least 0 and less than 1, got {value!r}")


def _is_rate(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1


def check_rates(name, values, length):
    """Raises ValueError unless `values` is `length` numbers in [0, 1)."""
    fits = isinstance(values, (list, tuple)) and len(values) == length
    if not fits or not all(map(_is_rate, values)):
        raise ValueError(f"{name} must be {length} numbers of at least 0 and less than 1, got {values!r}")
