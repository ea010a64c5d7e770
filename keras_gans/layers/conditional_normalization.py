"""Batch normalisation with a gain and an offset for each class (Dumoulin et al. 2017; Miyato and Koyama 2018)."""

import keras

from keras_gans.layers.batch_normalization import BatchNormalization


@keras.saving.register_keras_serializable(package="keras_gans")
class ConditionalBatchNormalization(keras.layers.Layer):
    """[x (n, h, w, c), labels (n,) int] -> (n, h, w, c).

    Args:
        num_classes: number of classes.
        momentum, epsilon, synchronized: as for `keras.layers.BatchNormalization`.
    """

    def __init__(self, num_classes, momentum=0.9, epsilon=1e-5, synchronized=False, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.normalization = BatchNormalization(
            momentum=momentum,
            epsilon=epsilon,
            synchronized=synchronized,
            center=False,
            scale=False,
            name="normalization",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape):
        x, _ = input_shape
        self.normalization.build(x)
        self.gain = self.add_weight(shape=(self.num_classes, x[-1]), initializer="ones", name="gain")
        self.offset = self.add_weight(shape=(self.num_classes, x[-1]), initializer="zeros", name="offset")

    def call(self, inputs, training=False):
        x, labels = inputs
        gain = keras.ops.take(self.gain, labels, axis=0)[:, None, None, :]
        offset = keras.ops.take(self.offset, labels, axis=0)[:, None, None, :]
        return self.normalization(x, training=training) * gain + offset

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "momentum": self.normalization.momentum,
            "epsilon": self.normalization.epsilon,
            "synchronized": self.normalization.synchronized,
        }
