"""The projection discriminator's head (Miyato and Koyama 2018, equation 3)."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gans")
class Projection(keras.layers.Layer):
    """[features (n, d), labels (n,) int] -> logits (n, 1): w . f + b + v[label] . f.

    Args:
        num_classes: number of classes; labels lie in 0..num_classes - 1.
        kernel_initializer: of w and of each class's v, as for `keras.layers.Dense`; b starts at 0.
    """

    def __init__(self, num_classes, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        features, _ = input_shape
        self.kernel = self.add_weight(shape=(features[-1], 1), initializer=self.kernel_initializer, name="kernel")
        self.bias = self.add_weight(shape=(1,), initializer="zeros", name="bias")
        self.classes = self.add_weight(
            shape=(self.num_classes, features[-1]), initializer=self.kernel_initializer, name="classes"
        )

    def call(self, inputs):
        features, labels = inputs
        towards_class = ops.sum(features * ops.take(self.classes, labels, axis=0), axis=1, keepdims=True)
        return ops.matmul(features, self.kernel) + self.bias + towards_class

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], 1)

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
