"""Gradients of convolutions' kernels by what is fastest on processors without AVX-512. TensorFlow only.

oneDNN computes them there at 40 to 75 % of the rate of matrix products, and convolutions forward at 80 to 95 %
(docs/decisions.md). Two other ways give the same sums:

- `by_convolution`: that gradient is itself a convolution, of the images by the maps' gradient, with the roles of images
  and channels exchanged. Results lie 1 apart, what is added up the stride. The maps become the kernel, and so must be
  small.
- `by_eigen`: TensorFlow's other kernel, which it takes where the border is said in numbers.
"""

import functools
import os

import tensorflow as tf

from keras_gans import _processor

SMALL = 24  # side of the largest maps for which `by_convolution` pays
IMAGES = 16  # a batch at least: they become its channels
THIN = 32  # channels that both sides have at least
WIDE = 64  # the same for `by_eigen`


def fastest(layer, images, maps):
    """The function that should compute the gradient of a layer's kernel, or None: what TensorFlow does by itself.

    images, maps: shapes (n, h, w, c) of the larger and the smaller side: a convolution's inputs and outputs, a
    transposed one's outputs and inputs.
    """
    number, *side, channels = maps
    if not (is_plain(layer) and min(layer.kernel_size) > 1 and None not in images[1:] and _is_asked_for()):
        return None
    thinner = min(channels, images[-1])
    if max(side) <= SMALL:
        return by_convolution if thinner >= THIN and (number is None or number >= IMAGES) else None
    return by_eigen if thinner >= WIDE else None


def is_plain(layer):
    """Whether a convolution, transposed or not, is what `convolution` or `transposed` computes, and in float32."""
    return (
        layer.data_format == "channels_last"
        and layer.compute_dtype == "float32"
        and layer.padding == "same"
        and layer.dilation_rate == (1, 1)
        and getattr(layer, "groups", 1) == 1
        and getattr(layer, "output_padding", None) is None
    )


@functools.cache
def _is_asked_for():
    """Whether this is a processor with AVX2 and without AVX-512, and oneDNN computes on it."""
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "1" or tf.config.list_physical_devices("GPU"):
        return False
    flags = _processor.flags()
    return "avx2" in flags and "avx512f" not in flags


# --- convolutions ---------------------------------------------------------------------------------------


def convolution(x, kernel, strides, gradient):
    """`tf.nn.conv2d` with padding "SAME"; `gradient` gives its kernel's gradient."""

    @tf.custom_gradient
    def operation(x, kernel):
        def back(g):
            of_x = tf.nn.conv2d_transpose(g, kernel, tf.shape(x), strides, "SAME")
            return of_x, gradient(x, g, kernel.shape[:2], strides)

        return tf.nn.conv2d(x, kernel, strides, "SAME"), back

    return operation(tf.convert_to_tensor(x), tf.convert_to_tensor(kernel))  # no variable, which would ask for more


def transposed(x, kernel, strides, shape, gradient):
    """`tf.nn.conv2d_transpose` with padding "SAME", to (n, h, w, c) of `shape`, whose n is taken from x."""
    shape = (tf.shape(x)[0], *shape[1:])

    @tf.custom_gradient
    def operation(x, kernel):
        def back(g):
            return tf.nn.conv2d(g, kernel, strides, "SAME"), gradient(g, x, kernel.shape[:2], strides)

        return tf.nn.conv2d_transpose(x, kernel, shape, strides, "SAME"), back

    return operation(tf.convert_to_tensor(x), tf.convert_to_tensor(kernel))  # no variable, which would ask for more


# --- gradients ------------------------------------------------------------------------------------------


def by_convolution(images, maps, size, strides):
    """d sum(maps * tf.nn.conv2d(images, kernel, strides, "SAME")) / d kernel.

    Args:
        images: (n, h, w, c).
        maps: (n, h / stride, w / stride, d), rounded up.
        size: of the kernel, (height, width).

    Returns:
        (height, width, c, d).
    """
    images = tf.pad(images, [(0, 0), *_borders(images, size, strides), (0, 0)])
    found = tf.nn.conv2d(
        tf.transpose(images, (3, 1, 2, 0)), tf.transpose(maps, (1, 2, 0, 3)), 1, "VALID", dilations=strides
    )
    return tf.transpose(found[:, : size[0], : size[1]], (1, 2, 0, 3))


def by_eigen(images, maps, size, strides):
    """The same."""
    return tf.raw_ops.Conv2DBackpropFilter(
        input=images,
        filter_sizes=[*size, images.shape[-1], maps.shape[-1]],
        out_backprop=maps,
        strides=[1, *strides, 1],
        padding="EXPLICIT",
        explicit_paddings=[0, 0, *(n for border in _borders(images, size, strides) for n in border), 0, 0],
    )


def _borders(images, size, strides):
    """How many pixels "SAME" adds: (above, below), (left, right)."""
    found = []
    for side, length, stride in zip(images.shape[1:3], size, strides, strict=True):
        both = max((-(-side // stride) - 1) * stride + length - side, 0)
        found.append((both // 2, both - both // 2))
    return found
