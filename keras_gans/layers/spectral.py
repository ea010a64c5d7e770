"""Spectral normalisation (Miyato et al. 2018): layers whose kernel is divided by its largest singular value.

That value, sigma, is followed by one step of power iteration in each training forward (algorithm 1), from a vector u
that the layer keeps. The kernel's own variable is never written to: what an optimizer moves stays what it moved. The
gradient flows through sigma, u and v being constants (equation 12). At inference u is used as it is and stays.

A layer's u is a weight of its own, so files hold it. Of a player whose turn it is not, u stays, as moving
statistics do. In mixed precision sigma is computed in float32.
"""

import keras
from keras import ops

from keras_gans.layers.convolution import Conv2D, Conv2DTranspose
from keras_gans.layers.projection import Projection

EPSILON = 1e-12


def power_iteration(matrix, u):
    """One step: (sigma, the next u), from a matrix (m, k) and a vector u (m,) of length 1."""
    v = ops.stop_gradient(_unit(ops.matmul(u, matrix)))  # (k,)
    product = ops.matmul(matrix, v)  # (m,)
    after = ops.stop_gradient(_unit(product))
    return ops.sum(after * product), after


def _unit(vector):
    return vector / ops.maximum(ops.sqrt(ops.sum(ops.square(vector))), EPSILON)


def _unit_normal(shape, dtype=None):
    """A random direction."""
    return _unit(keras.random.normal(shape, dtype=dtype))


class _Spectral(keras.layers.Layer):
    """What the layers share: kernels in full precision, their vectors, and the division."""

    def add_weight(self, *args, name=None, **kwargs):
        if name in self.normalized:  # sigma is of the float32 kernel, not of what the compute dtype leaves of it
            kwargs["autocast"] = False
        return super().add_weight(*args, name=name, **kwargs)

    def _add_vector(self, name, length):
        return self.add_weight(
            name=name,
            shape=(length,),
            initializer=_unit_normal,
            dtype="float32",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",  # replicas hold equal kernels, and so equal vectors
        )

    def _divided(self, kernel, axis, u, training):
        """kernel / sigma in the compute dtype. `axis`: that of the outputs, the matrix's rows."""
        matrix = ops.cast(ops.convert_to_tensor(kernel), "float32")
        flat = ops.reshape(ops.moveaxis(matrix, axis, 0), (matrix.shape[axis], -1))
        sigma, after = power_iteration(flat, ops.convert_to_tensor(u))
        if training and self.trainable:
            u.assign(after)
        return ops.cast(matrix / ops.maximum(sigma, EPSILON), self.compute_dtype)

    # Keras's convolutions write their kernel and bias alone to a file.

    def save_own_variables(self, store):
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store):
        keras.layers.Layer.load_own_variables(self, store)


class _OneKernel(_Spectral):
    """A Keras layer with a kernel, a bias and an activation."""

    normalized = ("kernel",)
    output_axis = -1  # of the kernel

    def build(self, input_shape):
        super().build(input_shape)
        self.u = self._add_vector("u", self.kernel.shape[self.output_axis])

    def call(self, inputs, training=False):
        x = self._apply(inputs, self._divided(self.kernel, self.output_axis, self.u, training))
        if self.use_bias:
            x = ops.add(x, self._along_channels(self.bias, x))
        return x if self.activation is None else self.activation(x)

    def _along_channels(self, bias, x):
        first = getattr(self, "data_format", None) == "channels_first"
        return ops.reshape(bias, (1, -1, *[1] * (len(x.shape) - 2))) if first else bias

    def _apply(self, inputs, kernel):
        """The linear map."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="keras_gans")
class SpectralDense(_OneKernel, keras.layers.Dense):
    """`keras.layers.Dense` with its kernel (inputs, units) divided by its largest singular value.

    Arguments, input and output as there: (n, ..., d) -> (n, ..., units).
    """

    def _apply(self, inputs, kernel):
        return ops.matmul(inputs, kernel)


@keras.saving.register_keras_serializable(package="keras_gans")
class SpectralConv2D(_OneKernel, Conv2D):
    """`keras.layers.Conv2D` with its kernel divided by the largest singular value of the matrix it is flattened to.

    That matrix is (filters, height * width * channels), as in the paper (section 3, on convolutions): it bounds the
    layer's Lipschitz constant up to a factor, and is not itself that constant. Arguments, input and output as there.
    """

    def _apply(self, inputs, kernel):
        return self.convolution_op(inputs, kernel)


@keras.saving.register_keras_serializable(package="keras_gans")
class SpectralConv2DTranspose(_OneKernel, Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` with its kernel divided by the largest singular value of (filters, the rest).

    The kernel is (height, width, filters, channels): its outputs are the last axis but one. Arguments, input and
    output as there.
    """

    output_axis = -2

    def _apply(self, inputs, kernel):
        return self.convolution_op(inputs, kernel)


@keras.saving.register_keras_serializable(package="keras_gans")
class SpectralProjection(_Spectral, Projection):
    """`Projection` with both its linear maps normalised, as Miyato and Koyama (2018) do: w, and the matrix of the v."""

    normalized = ("kernel", "classes")

    def build(self, input_shape):
        super().build(input_shape)
        self.u = self._add_vector("u", 1)
        self.u_classes = self._add_vector("u_classes", self.num_classes)

    def call(self, inputs, training=False):
        features, labels = inputs
        kernel = self._divided(self.kernel, -1, self.u, training)
        classes = self._divided(self.classes, 0, self.u_classes, training)
        towards_class = ops.sum(features * ops.take(classes, labels, axis=0), axis=1, keepdims=True)
        return ops.matmul(features, kernel) + self.bias + towards_class
