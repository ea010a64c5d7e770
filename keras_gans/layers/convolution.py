"""Keras's convolutions, whose kernels have their gradients from `kernel_gradient` where that is faster."""

import keras
from keras import ops


class _Convolution:
    """What both have in common: whether there is a faster way to their gradient."""

    def _faster(self, images, maps):
        """(`kernel_gradient`, the function of it that pays), or (None, None); the shapes are of both sides."""
        if keras.backend.backend() != "tensorflow":
            return None, None
        from keras_gans.layers import kernel_gradient

        gradient = kernel_gradient.fastest(self, images, maps)
        return (None, None) if gradient is None else (kernel_gradient, gradient)


@keras.saving.register_keras_serializable(package="keras_gans")
class Conv2D(_Convolution, keras.layers.Conv2D):
    """`keras.layers.Conv2D`: the same values and gradients, on some processors in less time."""

    def convolution_op(self, inputs, kernel):
        faster, gradient = self._faster(inputs.shape, self.compute_output_shape(inputs.shape))
        if faster is None:
            return super().convolution_op(inputs, kernel)
        return faster.convolution(inputs, kernel, self.strides, gradient)


@keras.saving.register_keras_serializable(package="keras_gans")
class Conv2DTranspose(_Convolution, keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose`: the same values and gradients, on some processors in less time."""

    def call(self, inputs):
        x = self.convolution_op(inputs, self.kernel)
        if self.use_bias:
            x = ops.add(x, self.bias if self.data_format == "channels_last" else self.bias[:, None, None])
        return x if self.activation is None else self.activation(x)

    def convolution_op(self, inputs, kernel):
        """The linear map, under the name that Keras's other convolutions have for it."""
        shape = self.compute_output_shape(inputs.shape)
        faster, gradient = self._faster(shape, inputs.shape)
        if faster is not None:
            return faster.transposed(inputs, kernel, self.strides, shape, gradient)
        return ops.conv_transpose(
            inputs,
            kernel,
            strides=list(self.strides),
            padding=self.padding,
            output_padding=self.output_padding,
            dilation_rate=self.dilation_rate,
            data_format=self.data_format,
        )
