"""Sums of what the micro-batches of a turn give, in float32: players' terms and gradients, nested as they come.

A gradient that is None (the loss does not depend on that weight) is so in every micro-batch, and stays it.
"""

import keras
from keras import ops


def begun(found):
    """The sums, of the first micro-batch alone."""
    return keras.tree.map_structure(lambda x: None if x is None else ops.cast(x, "float32"), found)


def added(sums, found):
    """The sums, and one more micro-batch's."""

    def add(total, x):
        return None if x is None else total + ops.cast(x, "float32")

    return keras.tree.map_structure(add, sums, found)


def mean(sums, like, parts):
    """The means, of the types that one micro-batch's values have."""

    def divided(total, x):
        return None if x is None else ops.cast(total / parts, x.dtype)

    return keras.tree.map_structure(divided, sums, like)
