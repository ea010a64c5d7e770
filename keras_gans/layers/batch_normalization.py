"""Batch normalisation (Ioffe and Szegedy 2015) whose gradient can itself be differentiated."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gans")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, right to all orders.

    A gradient penalty differentiates a gradient. TensorFlow's variance is mean((x - c)^2), where c is the mean held
    constant: right to the first order, and at the second it lacks a term. mean((x - c)^2) - (mean(x) - c)^2 is the
    variance for every constant c, and so are its derivatives.

    On JAX, `synchronized` changes nothing: one program sees the whole batch.
    """

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
