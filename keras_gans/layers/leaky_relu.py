"""The leaky rectifier (Maas et al. 2013), with one gradient at 0 on every backend."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gans")
class LeakyReLU(keras.layers.LeakyReLU):
    """`keras.layers.LeakyReLU` whose slope at 0 is `negative_slope`, as on TensorFlow; JAX's is 1.

    Inputs of exactly 0 are common: an image's border that DiffAugment has blacked out gives them in a convolution
    without biases, and a gradient penalty sees their slope.
    """

    def call(self, inputs):
        if keras.backend.backend() == "tensorflow":  # one fused operation
            return super().call(inputs)
        return ops.where(inputs > 0, inputs, self.negative_slope * inputs)
