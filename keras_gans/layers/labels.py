"""Class labels as the conditional DCGAN uses them (Radford et al. 2015, released MNIST code)."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gans")
class OneHot(keras.layers.Layer):
    """int labels (n, ...) -> float (n, ..., num_classes): 1 at the label, 0 elsewhere.

    Args:
        num_classes: number of classes. A label outside 0..num_classes - 1 gives zeros alone.
    """

    def __init__(self, num_classes, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def call(self, labels):
        return ops.one_hot(labels, self.num_classes, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.num_classes)

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


@keras.saving.register_keras_serializable(package="keras_gans")
class AppendLabels(keras.layers.Layer):
    """[x, y (n, k)] -> x with y appended to its channels: (n, d) -> (n, d + k), (n, h, w, c) -> (n, h, w, c + k)."""

    def call(self, inputs):
        x, y = inputs
        if len(x.shape) == 4:
            n = x.shape[0] or ops.shape(x)[0]
            y = ops.broadcast_to(y[:, None, None, :], (n, x.shape[1], x.shape[2], y.shape[1]))
        return ops.concatenate((x, y), axis=-1)

    def compute_output_shape(self, input_shape):
        x, y = input_shape
        return (*x[:-1], x[-1] + y[-1])
