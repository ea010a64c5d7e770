"""A wide convolution to few channels, in a form that processors compute fast."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gans")
class RowwiseConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` without padding and strides: the same weights and sums, a row of the kernel at a time.

    (n, h, w, c) -> (n, h - k_h + 1, w - k_w + 1, filters). One convolution by 1 x k_w makes filters x k_h channels, one
    lot for each row of the kernel; those are added, each moved by its row. A processor's kernels compute 8 or 16 output
    channels at once: of a 9x9 convolution to 3 colours most of that is idle, of a 1x9 one to 27 almost nothing.
    """

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(filters, kernel_size, **kwargs)
        plain = self.padding == "valid" and {*self.strides, *self.dilation_rate, self.groups} == {1}
        if not plain or self.data_format != "channels_last":
            raise ValueError("RowwiseConv2D computes channels_last, with padding 'valid', strides 1 and no dilation")

    def call(self, inputs):
        rows, columns, channels, _ = self.kernel.shape
        kernel = ops.transpose(self.kernel, (1, 2, 0, 3))  # (columns, channels, rows, filters)
        kernel = ops.reshape(kernel, (1, columns, channels, rows * self.filters))
        of_rows = ops.split(ops.conv(inputs, kernel, padding="valid", data_format="channels_last"), rows, axis=-1)
        height = ops.shape(inputs)[1] - rows + 1
        x = of_rows[0][:, :height]
        for row in range(1, rows):
            x = x + of_rows[row][:, row : row + height]
        x = x + self.bias if self.use_bias else x
        return x if self.activation is None else self.activation(x)
