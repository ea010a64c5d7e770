"""What the graph does to pixels before its first convolution: resize to 299x299 and scale.

Its ResizeBilinear is TensorFlow's first: output i stands at i * in / out of the input, counted from the first pixel's
corner, where today's resizers take centres, (i + .5) * in / out - .5. FID moves by more than models differ when the
resizer is another (Parmar et al. 2022), so this is the graph's own, step by step in float32.
"""

import numpy as np
from keras import ops

SIZE = 299
MIDDLE, SCALE = 128.0, 1 / 128  # the graph's Sub and Mul: exact, for the factor is a power of two


def prepare(images):
    """uint8 (n, h, w, 3) -> float32 (n, 299, 299, 3), -1..0.9921875, as the graph has it."""
    return (resize(images, SIZE) - MIDDLE) * SCALE


def resize(images, size):
    """(n, h, w, c) of any numbers -> float32 (n, size, size, c), as tf.compat.v1.image.resize_bilinear by default.

    Rows are mixed after columns, as there, so that even the rounding is the same where the backend does not fuse
    products with sums.
    """
    x = ops.cast(images, "float32")
    return _along(_along(x, 2, size), 1, size)


def _along(x, axis, size):
    """`size` equally spaced values of an axis, each between two neighbours; the last pixel goes on past the edge."""
    lower, upper, fraction = positions(x.shape[axis], size)
    low = ops.take(x, lower, axis=axis)
    high = ops.take(x, upper, axis=axis)
    shape = [1] * len(x.shape)
    shape[axis] = size
    return low + (high - low) * fraction.reshape(shape)


def positions(before, after):
    """(lower, upper, fraction), each (after,): output i is in[lower] + (in[upper] - in[lower]) * fraction."""
    at = np.arange(after, dtype="float32") * (np.float32(before) / np.float32(after))
    lower = np.minimum(np.floor(at), before - 1).astype("int32")
    return lower, np.minimum(lower + 1, before - 1), at - lower.astype("float32")
