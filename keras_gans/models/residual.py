"""A small residual network for photographs (He et al. 2016): features, classes, and a distance that sees as it does.

The paper's result: 20 layers read CIFAR-10 with 8.75 % error, and 3.57 % top-5 error on ImageNet by an ensemble of up
to 152. Here a stem of stride 2 and seven blocks, of 120 million multiply-adds at 64 pixels, so that it trains on a
processor.

- The rectifier comes after the sum, as in the first paper. Moving it ahead of the convolutions (its sequel) pays off
  beyond a hundred layers; and this order lets each block begin as the identity: its last gain starts at 0 (Goyal et
  al. 2017), which a rectifier behind that gain would never let go of.
- Shortcuts that halve a map average before they project: a projection of stride 2 alone would ignore three quarters of
  it (He et al. 2019, ResNet-D).
"""

import keras
import numpy as np
from keras import ops

from keras_gans.artifacts import DataError
from keras_gans.layers.batch_normalization import BatchNormalization
from keras_gans.models import build
from keras_gans.models.classes import ReadsClasses
from keras_gans.models.supervised import SupervisedModel, in_parts


def _convolution(x, width, side, stride, name):
    return keras.layers.Conv2D(
        width, side, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)


def _batch_norm(x, name, gain="ones"):
    return BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=gain, name=name)(x)


def _shortcut(x, width, stride, name):
    """x itself; where the block changes its shape, x averaged and projected."""
    if stride == 1 and x.shape[-1] == width:
        return x
    if stride > 1:
        x = keras.layers.AveragePooling2D(stride, padding="same", name=f"{name}_pool")(x)
    return _batch_norm(_convolution(x, width, 1, 1, f"{name}_project"), f"{name}_project_norm")


def block(x, width, stride, name, out):
    """Maps (n, h, w, c) -> (n, h / stride, w / stride, width), by a last layer named `out`."""
    y = _batch_norm(_convolution(x, width, 3, stride, f"{name}_conv_0"), f"{name}_norm_0")
    y = keras.layers.ReLU(name=f"{name}_relu_0")(y)
    y = _batch_norm(_convolution(y, width, 3, 1, f"{name}_conv_1"), f"{name}_norm_1", gain="zeros")
    y = keras.layers.Add(name=f"{name}_sum")([y, _shortcut(x, width, stride, name)])
    return keras.layers.ReLU(name=out)(y)


def network(num_classes, channels, widths, blocks, dropout, name="network"):
    """Images (n, h, w, channels), 0..255, of any h and w -> logits (n, num_classes).

    The layers "stage_0", "stage_1", ... give the stages' maps, "features" (n, widths[-1]).
    """
    image = keras.Input((None, None, channels), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(image)
    x = _batch_norm(_convolution(x, widths[0], 3, 2, "stem"), "stem_norm")  # (n, h / 2, w / 2, widths[0])
    x = keras.layers.ReLU(name="stem_relu")(x)
    for i, (width, count) in enumerate(zip(widths, blocks, strict=True)):
        for j in range(count):
            stride = 2 if i and not j else 1  # (n, h / 2^(i + 1), w / 2^(i + 1), width)
            x = block(x, width, stride, f"stage_{i}_{j}", f"stage_{i}" if j == count - 1 else f"stage_{i}_{j}_relu_1")
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)  # (n, widths[-1])
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(image, keras.layers.Dense(num_classes, dtype="float32", name="logits")(x), name=name)


def perceptual_distance(a, b):
    """How far apart images are to a network, after LPIPS (Zhang et al. 2018), whose weights of channels are 1 here.

    Args:
        a, b: what `ResidualNet.perceptual` gives of two batches of n images of one size.

    Returns:
        A tensor (n,): in each place the squared distance of the unit vectors, averaged over places, summed over stages.
        0 for equal images; at most 2 for each stage, since no activation is negative. Differentiable.
    """
    return sum(ops.mean(ops.sum(ops.square(x - y), axis=-1), axis=(1, 2)) for x, y in zip(a, b, strict=True))


@keras.saving.register_keras_serializable(package="keras_gans")
class ResidualNet(ReadsClasses, SupervisedModel):
    """A residual classifier of photographs, whose pooled features and layers judge others.

    Args:
        num_classes: number of classes, at least 2.
        size: height and width of the images that are classified; `perceptual` takes any.
        channels: 1 or 3.
        widths: channels of the stages. The stem halves height and width, and so does each stage but the first.
        blocks: residual blocks of each stage.
        dropout: rate before the logits, in [0, 1).
        dtype: None, or a Keras policy such as "mixed_bfloat16", in which it then reads as well; logits are float32.
    """

    first_layer = "stem"
    paper = {
        "title": "Deep Residual Learning for Image Recognition",
        "authors": "He, Zhang, Ren, Sun",
        "year": 2016,
        "url": "https://arxiv.org/abs/1512.03385",
    }

    def __init__(
        self,
        num_classes=200,
        size=64,
        channels=3,
        widths=(32, 64, 128, 256),
        blocks=(1, 2, 2, 2),
        dropout=0.0,
        dtype=None,
        name="residual_net",
    ):
        super().__init__(name=name, dtype=dtype)
        build.check_count("num_classes", num_classes, least=2)
        build.check_counts("widths", widths)
        build.check_counts("blocks", blocks, length=len(widths))
        build.check_choice("channels", channels, (1, 3))
        build.check_rate("dropout", dropout)
        build.check_count("size", size, least=2 ** len(widths))
        self.image_shape = (size, size, channels)
        self._arguments = {
            "num_classes": num_classes,
            "size": size,
            "channels": channels,
            "widths": list(widths),
            "blocks": list(blocks),
            "dropout": dropout,
            "dtype": dtype,
        }
        with build.precision(dtype):
            self.set_network(network(num_classes, channels, widths, blocks, dropout))
        image = self.network.input
        self._features = keras.Model(image, self.network.get_layer("features").output)
        self._stages = keras.Model(image, [self.network.get_layer(f"stage_{i}").output for i in range(len(widths))])

    def perceptual(self, images):
        """What the stages see: a list of float32 tensors (n, h / 2^(i + 1), w / 2^(i + 1), widths[i]), rounded up.

        In each place the channels are a unit vector (or 0). With respect to the images it can be differentiated; batch
        statistics are those of training and stay as they are.

        Args:
            images: tensor or array (n, h, w, channels), uint8 or float, 0..255 as `call` takes them, of any h and w.
        """
        found = self._stages(ops.cast(images, "float32"), training=False)
        return [unit(x) for x in (found if isinstance(found, list) else [found])]  # Keras unpacks a list of one

    def distance(self, a, b, batch_size=64):
        """The `perceptual_distance` of pictures in pairs.

        Args:
            a, b: uint8 arrays (n, h, w, channels) of one shape; any h and w.
            batch_size: pairs looked at at once.

        Returns:
            float32 NumPy array (n,).

        Raises:
            DataError: the images are others.
        """
        a, b = self._pictures(a), self._pictures(b)
        if a.shape != b.shape:
            raise DataError(f"Pictures in pairs were wanted, and {a.shape} and {b.shape} came: give as many, as large.")

        def read(pairs):
            found = perceptual_distance(self.perceptual(pairs[:, 0]), self.perceptual(pairs[:, 1]))
            return ops.reshape(found, (-1, 1))

        return in_parts(read, np.stack([a, b], axis=1), batch_size, 1)[:, 0]

    def _pictures(self, images):
        images, channels = np.asarray(images), self.image_shape[-1]
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != channels:
            raise DataError(
                f"uint8 images of shape (n, h, w, {channels}) were wanted, and {images.dtype} of shape {images.shape} "
                "came: convert them."
            )
        return images


def unit(x):
    """Maps (n, h, w, c), each place's channels as a vector of length 1, float32: what `perceptual_distance` takes.

    The constant keeps the gradient of zeros finite.
    """
    x = ops.cast(x, "float32")
    return x * ops.rsqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + 1e-10)
