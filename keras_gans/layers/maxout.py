"""Maxout (Goodfellow et al. 2013, equation 1)."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gans")
class Maxout(keras.layers.Layer):
    """(n, d) -> (n, units): the largest of `pieces` linear functions for each unit.

    Args:
        units: number of outputs, at least 1.
        pieces: linear functions that each output takes the maximum of, at least 1; their weights are one kernel
            (d, units * pieces), the pieces of a unit side by side.
        kernel_initializer, bias_initializer: of all pieces, as for `keras.layers.Dense`.
    """

    def __init__(self, units, pieces, kernel_initializer="glorot_uniform", bias_initializer="zeros", **kwargs):
        super().__init__(**kwargs)
        self.units, self.pieces = units, pieces
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, input_shape):
        outputs = self.units * self.pieces
        self.kernel = self.add_weight(
            shape=(input_shape[-1], outputs), initializer=self.kernel_initializer, name="kernel"
        )
        self.bias = self.add_weight(shape=(outputs,), initializer=self.bias_initializer, name="bias")

    def call(self, x):
        x = ops.matmul(x, self.kernel) + self.bias  # (n, units * pieces)
        return ops.max(ops.reshape(x, (-1, self.units, self.pieces)), axis=2)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "pieces": self.pieces,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }
