"""A network at inference with less to compute: the same function, but for rounding. TensorFlow only.

Batch normalisation after a convolution becomes a part of its kernel and bias. A transposed convolution of stride s is
s * s ordinary ones, one for the outputs of each remainder modulo s, laid side by side: of small maps a processor
computes those many times as fast (docs/decisions.md).
"""

import inspect
import threading
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from keras_gans import layers
from keras_gans.layers import kernel_gradient

PLAIN = (keras.layers.Conv2D, keras.layers.Conv2DTranspose, layers.Conv2D, layers.Conv2DTranspose)
FEW_CHANNELS = 8  # a transposed convolution with fewer outputs stays as it is: its parts would be too thin


class Folded:
    """A functional network, layers as at inference.

    `tensors` takes the weights as they are; a call is a function of these and of the inputs, and of nothing else. So
    threads and devices may share it, and the weights may change between calls.
    """

    def __init__(self, network):
        self._network = network
        self._convolutions = {layer.name: layer for layer in network.layers if _is_plain_convolution(layer)}
        found = {name: _normalization(network, layer) for name, layer in self._convolutions.items()}
        self._norms = {name: norm for name, norm in found.items() if norm is not None}
        folded = {norm.name for norm in self._norms.values()}
        others = [layer for layer in network.layers if layer.name not in {*self._convolutions, *folded}]
        self._others = [variable for layer in others for variable in layer.weights]
        self._operations = {layer.name: _at_inference(layer) for layer in others} | dict.fromkeys(folded, _as_it_comes)
        self._kept = {}  # by `apart`: what convolutions became, and the weights that this was made of
        self._compiled = {}
        self._lock = threading.Lock()

    def tensors(self, apart):
        """The weights as they are now: what a call takes first.

        apart: whether transposed convolutions shall be computed in parts, which pays on processors.
        """
        others = [tf.convert_to_tensor(variable.value) for variable in self._others]
        return {"convolutions": self._kernels(apart), "others": others}

    def _kernels(self, apart):
        """{layer: {"kernels", "bias"}}, made anew where weights have changed since the last time."""
        layers = [*self._convolutions.values(), *self._norms.values()]
        values = {v.path: keras.ops.convert_to_numpy(v) for layer in layers for v in layer.weights}
        before, kernels = self._kept.get(apart, (None, None))
        if before is None or not all(np.array_equal(value, before[path]) for path, value in values.items()):
            kernels = {name: self._folded(layer, values, apart) for name, layer in self._convolutions.items()}
            self._kept[apart] = values, kernels
        return kernels

    def _folded(self, layer, values, apart):
        kernel, bias = _with_norm(layer, self._norms.get(layer.name), values)
        kernels = _parts(kernel, layer.strides) if apart and _has_parts(layer) else [kernel]
        return {"kernels": [tf.constant(x) for x in kernels], "bias": tf.constant(bias)}

    def compiled(self, apart, tensors):
        """The call as one graph, made once for either `apart`, for tensors as `tensors` gives them.

        The number of images is open in it, so that it serves every batch size. It goes when this object goes.
        """
        with self._lock:
            if apart not in self._compiled:
                weights = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), tensors)
                inputs = [tf.TensorSpec((None, *x.shape[1:]), x.dtype) for x in self._network.inputs]
                with tf.device(None):
                    function = tf.function(self.__call__, autograph=False)
                    self._compiled[apart] = function.get_concrete_function(weights, inputs)
            return self._compiled[apart]

    def __call__(self, tensors, inputs):
        """The network's output.

        Args:
            tensors: as `tensors` gives them, on the device that computes.
            inputs: a tensor (n, ...) for each input of the network.
        """

        def operation(layer):
            if layer.name in self._convolutions:
                return partial(_convolve, layer, **tensors["convolutions"][layer.name])
            return self._operations[layer.name]

        with keras.StatelessScope(list(zip(self._others, tensors["others"], strict=True))):
            return self._network._run_through_graph(inputs, operation_fn=operation)


def _at_inference(layer):
    """A layer's call; those that care are told that this is no training."""
    cares = "training" in inspect.signature(layer.call).parameters
    return partial(layer, training=False) if cares else layer


def _as_it_comes(x, **_):
    return x


# --- what a network has ---------------------------------------------------------------------------------


def _is_plain_convolution(layer):
    """Whether `_convolve` computes such a layer."""
    return (
        type(layer) in PLAIN
        and kernel_gradient.is_plain(layer)
        and layer.activation is keras.activations.linear
        and _is_called_once(layer)
    )


def _is_called_once(layer):
    return len(layer._inbound_nodes) == 1


def _is_transposed(layer):
    return isinstance(layer, keras.layers.Conv2DTranspose)


def _has_parts(layer):
    """Whether a layer is a transposed convolution that `_in_parts` computes, and sooner."""
    stride = layer.strides[0]
    fits = layer.strides == (stride, stride) and 1 < stride <= min(layer.kernel_size)
    return _is_transposed(layer) and fits and layer.filters >= FEW_CHANNELS


def _normalization(network, layer):
    """The batch normalisation that alone takes what a layer gives; or None."""
    takers = [other for other in network.layers if any(x is layer.output for x in _inputs(other))]
    if len(takers) != 1 or any(x is layer.output for x in network.outputs):
        return None
    (norm,) = takers
    fits = isinstance(norm, keras.layers.BatchNormalization) and norm.axis in (-1, 3) and _is_called_once(norm)
    return norm if fits else None


def _inputs(layer):
    return [x for node in layer._inbound_nodes for x in node.input_tensors]


def _with_norm(layer, norm, values):
    """(kernel, bias) of a convolution and of the normalisation after it, if any; values: by the variables' paths."""

    def value(variable):
        return values[variable.path]

    kernel = value(layer.kernel)
    bias = value(layer.bias) if layer.use_bias else np.zeros(layer.filters, "float32")
    if norm is None:
        return kernel, bias
    gain = 1 / np.sqrt(value(norm.moving_variance) + np.float32(norm.epsilon))
    if norm.scale:
        gain = gain * value(norm.gamma)
    offset = (value(norm.beta) if norm.center else 0) - value(norm.moving_mean) * gain
    return kernel * (gain[:, None] if _is_transposed(layer) else gain), bias * gain + offset


# --- convolutions ---------------------------------------------------------------------------------------


def _convolve(layer, x, kernels, bias, **_):
    """A convolution with padding "same" and other weights than its own, (n, h, w, c) -> (n, h', w', c')."""
    if not _is_transposed(layer):
        return tf.nn.bias_add(tf.nn.conv2d(x, kernels[0], layer.strides, "SAME"), bias)
    if len(kernels) > 1:
        return _in_parts(x, kernels, bias, layer.kernel_size, layer.strides)
    shape = (tf.shape(x)[0], x.shape[1] * layer.strides[0], x.shape[2] * layer.strides[1], layer.filters)
    return tf.nn.bias_add(tf.nn.conv2d_transpose(x, kernels[0], shape, layer.strides, "SAME"), bias)


def _taps(side, stride):
    """For each remainder of an output's place: the taps that reach it, and how many inputs before and after it.

    Tap k takes input i to the output at stride * i + k - cut, where `cut` is what "same" cuts off before the first.
    """
    cut = (side - stride) // 2
    found = []
    for remainder in range(stride):
        taps = [k for k in range(side) if (remainder + cut - k) % stride == 0]
        inputs = [(remainder + cut - k) // stride for k in taps]  # counted from the output's own; falling
        found.append((taps[::-1], -inputs[-1], inputs[0]))
    return found


def _parts(kernel, strides):
    """The kernels (h, w, in, out) of the ordinary convolutions that a transposed one's (h, w, out, in) is made of."""
    rows, columns = _taps(kernel.shape[0], strides[0]), _taps(kernel.shape[1], strides[1])
    turned = kernel.transpose(0, 1, 3, 2)
    return [np.ascontiguousarray(turned[ys][:, xs]) for ys, _, _ in rows for xs, _, _ in columns]


def _in_parts(x, kernels, bias, sides, strides):
    """The transposed convolution of those parts."""
    rows, columns = _taps(sides[0], strides[0]), _taps(sides[1], strides[1])
    paddings = [[(0, 0), row[1:], column[1:], (0, 0)] for row in rows for column in columns]
    parts = [
        tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, padding), bias)
        for kernel, padding in zip(kernels, paddings, strict=True)
    ]
    return tf.nn.depth_to_space(tf.concat(parts, axis=3), strides[0])
