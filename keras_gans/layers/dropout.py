"""Dropout whose mask is a function of (seed, step, player, sample)."""

import keras
from keras import ops

from keras_gans import random


@keras.saving.register_keras_serializable(package="keras_gans")
class Dropout(keras.layers.Layer):
    """Dropout (Srivastava et al. 2014) that takes its mask from the turn's noise (`keras_gans.random.scope`).

    That makes a resumed run, and a run split over replicas, drop what the undisturbed run drops; Keras's own layer
    keeps a counter, which is in no saved file. Outside a turn it draws from Keras's global seed.

    Args:
        rate: share of the inputs that become 0, in [0, 1); the others are divided by 1 - rate.
    """

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be a number of at least 0 and less than 1, got {rate!r}")
        self.rate = rate

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        noise = random.current()
        if noise is None:
            return keras.random.dropout(inputs, self.rate)
        n = inputs.shape[0] or ops.shape(inputs)[0]
        kept = noise.keep((n, *inputs.shape[1:]), self.rate)
        return inputs * ops.cast(kept, inputs.dtype) / (1.0 - self.rate)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}
