"""Pixel shuffle (Shi et al. 2016), and the initial weights that make its output smooth (Aitken et al. 2017)."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gans")
class PixelShuffle(keras.layers.Layer):
    """Maps (n, h, w, scale^2 c) -> (n, scale h, scale w, c): channel (dy scale + dx) c + k is k of place (dy, dx).

    Args:
        scale: a whole number above 0.
    """

    def __init__(self, scale=2, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs):
        if keras.backend.backend() == "tensorflow":  # one operation
            import tensorflow as tf

            return tf.nn.depth_to_space(inputs, self.scale) if self.scale > 1 else inputs
        n, h, w, channels = ops.shape(inputs)
        s = self.scale
        x = ops.reshape(inputs, (n, h, w, s, s, channels // s**2))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (n, h * s, w * s, channels // s**2))

    def compute_output_shape(self, input_shape):
        n, h, w, channels = input_shape
        times = [None if side is None else side * self.scale for side in (h, w)]
        return (n, *times, channels // self.scale**2)

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable(package="keras_gans")
class ICNR(keras.initializers.Initializer):
    """Weights of the convolution before a `PixelShuffle`: the same for all places of a small pixel's square.

    At first the result then is the small map with each pixel repeated: without the checkerboard that independent
    weights give (Aitken et al. 2017).

    Args:
        scale: of the `PixelShuffle`.
        initializer: of the weights of one place.
    """

    def __init__(self, scale=2, initializer="he_normal"):
        self.scale, self.initializer = scale, keras.initializers.get(initializer)

    def __call__(self, shape, dtype=None):
        places = self.scale**2
        one = self.initializer((*shape[:-1], shape[-1] // places), dtype=dtype)
        return ops.tile(one, (*([1] * (len(shape) - 1)), places))

    def get_config(self):
        return {"scale": self.scale, "initializer": keras.saving.serialize_keras_object(self.initializer)}

    @classmethod
    def from_config(cls, config):
        return cls(config["scale"], keras.saving.deserialize_keras_object(config["initializer"]))
