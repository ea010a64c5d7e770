"""Dropout whose mask is a function of (seed, step, player, sample)."""

import keras
from keras import ops

from keras_gans import random


@keras.saving.register_keras_serializable(package="keras_gans")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` that takes its mask from the turn's noise (`keras_gans.random.scope`).

    That makes a resumed run, and a run split over replicas, drop what the undisturbed run drops. Outside a turn it
    draws as Keras's own layer does.
    """

    def call(self, inputs, training=False):
        noise = random.current()
        if not training or self.rate == 0 or noise is None:
            return super().call(inputs, training=training)
        n = inputs.shape[0] or ops.shape(inputs)[0]
        kept = noise.keep((n, *inputs.shape[1:]), self.rate)
        return inputs * ops.cast(kept, inputs.dtype) / (1.0 - self.rate)
