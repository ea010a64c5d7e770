"""Batch normalisation (Ioffe and Szegedy 2015) by TensorFlow's one operation for it."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gans")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` of images (n, h, w, c) in a hurry: on TensorFlow one operation while training.

    Keras computes in float32, in several passes; that operation reads and writes half precision and adds up in
    float32. A classifier in bfloat16 trains a quarter faster on a processor. Reading, and on JAX, whose compiler joins
    the passes, it is Keras's layer, whose weights it has.

    Its second derivatives are exact, so that it serves under a gradient penalty as `BatchNormalization` does.
    `synchronized` over the replicas of a tf.distribute strategy, it is Keras's layer too: the operation sees its own.
    """

    def call(self, inputs, training=None, mask=None):
        alone = mask is None and not self.synchronized and keras.backend.backend() == "tensorflow"
        if not (training and self.trainable and alone):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, ops.convert_to_tensor(self.gamma), ops.convert_to_tensor(self.beta), epsilon=self.epsilon
        )
        count = ops.cast(ops.size(inputs) / ops.size(mean), variance.dtype)
        self._follow(self.moving_mean, mean)
        self._follow(self.moving_variance, variance * (count - 1) / count)  # it divides by one less, Keras does not
        return outputs

    def _follow(self, moving, seen):
        moving.assign(moving * self.momentum + ops.cast(seen, moving.dtype) * (1.0 - self.momentum))
