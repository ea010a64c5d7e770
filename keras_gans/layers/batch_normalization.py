"""Batch normalisation (Ioffe and Szegedy 2015): on TensorFlow one operation, and right to all orders everywhere."""

import keras
from keras import ops

FUSED = ("float32", "bfloat16", "float16")  # what TensorFlow's operation computes in


@keras.saving.register_keras_serializable(package="keras_gans")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` in less time, and whose gradient can itself be differentiated.

    In a hurry: Keras goes over images (n, h, w, c) in several passes, in float32. TensorFlow has one operation for it
    that reads and writes half precision and adds up in float32. It serves while a layer trains; reading, on JAX, whose
    compiler joins the passes, for other shapes, and `synchronized` over the replicas of a tf.distribute strategy, of
    which the operation would see its own alone, the layer computes as Keras does.

    Right to all orders: a gradient penalty differentiates a gradient. Keras's variance on TensorFlow is
    mean((x - c)^2), where c is the mean held constant: right to the first order, and at the second it lacks a term.
    mean((x - c)^2) - (mean(x) - c)^2 is the variance for every constant c, and so are its derivatives. Those of the
    one operation are exact.

    On JAX, `synchronized` changes nothing: one program sees the whole batch.
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable and mask is None and self._is_fused(inputs)):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        channels = inputs.shape[-1]
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            ops.ones(channels, "float32") if self.gamma is None else ops.convert_to_tensor(self.gamma),
            ops.zeros(channels, "float32") if self.beta is None else ops.convert_to_tensor(self.beta),
            epsilon=self.epsilon,
        )
        count = ops.cast(ops.size(inputs) / channels, variance.dtype)
        self._follow(self.moving_mean, mean)
        self._follow(self.moving_variance, variance * (count - 1) / count)  # it divides by one less, Keras does not
        return outputs

    def _is_fused(self, inputs):
        tensorflow = keras.backend.backend() == "tensorflow" and not (self.synchronized or self.renorm)
        images = len(inputs.shape) == 4 and self.axis in (-1, 3)
        return tensorflow and images and keras.backend.standardize_dtype(inputs.dtype) in FUSED

    def _follow(self, moving, seen):
        moving.assign(moving * self.momentum + ops.cast(seen, moving.dtype) * (1.0 - self.momentum))

    def _moments(self, inputs, mask):
        synchronized = self.synchronized and keras.backend.backend() == "tensorflow"  # that formula is exact
        if mask is not None or synchronized:
            return super()._moments(inputs, mask)
        axes = self._reduction_axes
        mean = ops.mean(inputs, axes)
        constant = ops.stop_gradient(mean)
        shape = [1] * len(inputs.shape)
        shape[self.axis] = inputs.shape[self.axis]
        distances = ops.square(inputs - ops.reshape(constant, shape))
        return mean, ops.mean(distances, axes) - ops.square(mean - constant)
