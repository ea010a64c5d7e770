"""How the vectors of sentences enter a network (Reed et al. 2016; Zhang et al. 2017)."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gans")
class Resample(keras.layers.Layer):
    """[statistics (n, 2 d), noise (n, d)] -> mean + exp(log sigma) * noise, (n, d).

    Conditioning augmentation (Zhang et al. 2017, section 3.2): the first half of the statistics are means, the second
    the logarithms of standard deviations.
    """

    def call(self, inputs):
        statistics, noise = inputs
        mean, log_sigma = ops.split(statistics, 2, axis=-1)
        return mean + ops.exp(log_sigma) * ops.cast(noise, mean.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape[1]


@keras.saving.register_keras_serializable(package="keras_gans")
class Part(keras.layers.Layer):
    """(n, d) -> (n, stop - start): some of the numbers of a vector.

    Args:
        start, stop: the first, and the one after the last.
    """

    def __init__(self, start, stop, **kwargs):
        super().__init__(**kwargs)
        self.start, self.stop = start, stop

    def call(self, x):
        return x[:, self.start : self.stop]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.stop - self.start)

    def get_config(self):
        return {**super().get_config(), "start": self.start, "stop": self.stop}
