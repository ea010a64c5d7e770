"""The graph of 2015-12-05, layer by layer.

It is the Inception-v3 of Szegedy et al. 2015 (table 1, figures 5 to 7), but for what that one file has of its own:

- the average pools of the blocks leave their padding out of the mean, as all of TensorFlow's do;
- in the last block (mixed_10, elsewhere called Mixed_7c) the pool is a maximum, where mixed_9 has an average;
- its classes are 1008, and the Inception score is defined on logits without their bias, so there is none here.

Convolutions have no bias; each is followed by batch normalisation with gain and offset, epsilon .001, and ReLU. Layers
are called as the graph's nodes are, with dots for slashes: "mixed_9.tower_1.mixed.conv".

Sources: the node names, as the released converters to PyTorch and Torch list them; strides, padding and kinds of pools
from the same, of which pytorch-fid was found to give the graph's own numbers (its pull request 16).
"""

import keras

from keras_gans.models import build

CLASSES = 1008
EPSILON = 0.001
LAST = "channels_last"  # whatever keras.json says: the weights are for it


def network():
    """Images (n, 299, 299, 3), -1..1 -> [features (n, 2048), logits (n, 1008)], all in float32; weights are zeros.

    It runs on any size of at least 75; shapes in comments are for 299. The outputs of the layers "mixed.join",
    "mixed_1.join", ... "mixed_10.join" are the blocks'.
    """
    with build.precision("float32"):
        image = keras.Input((None, None, 3), name="image")
        x = _stem(image)  # (n, 35, 35, 192)
        x = _block_35(x, "mixed", 32)  # (n, 35, 35, 256)
        x = _block_35(x, "mixed_1", 64)  # (n, 35, 35, 288)
        x = _block_35(x, "mixed_2", 64)
        x = _from_35_to_17(x, "mixed_3")  # (n, 17, 17, 768)
        for i, width in enumerate((128, 160, 160, 192)):
            x = _block_17(x, f"mixed_{4 + i}", width)
        x = _from_17_to_8(x, "mixed_8")  # (n, 8, 8, 1280)
        x = _block_8(x, "mixed_9", keras.layers.AveragePooling2D)  # (n, 8, 8, 2048)
        x = _block_8(x, "mixed_10", keras.layers.MaxPooling2D)
        features = keras.layers.GlobalAveragePooling2D(data_format=LAST, name="pool_3")(x)
        logits = keras.layers.Dense(CLASSES, use_bias=False, kernel_initializer="zeros", name="logits")(features)
        return keras.Model(image, [features, logits], name="inception2015")


def _stem(x):
    x = _conv(x, "conv", 32, 3, strides=2, padding="valid")
    x = _conv(x, "conv_1", 32, 3, padding="valid")
    x = _conv(x, "conv_2", 64, 3)
    x = _smaller(x, "pool")
    x = _conv(x, "conv_3", 80, 1)
    x = _conv(x, "conv_4", 192, 3, padding="valid")
    return _smaller(x, "pool_1")


def _block_35(x, name, pooled):
    return _join(
        name,
        _tower(x, name, (64, 1)),
        _tower(x, f"{name}.tower", (48, 1), (64, 5)),
        _tower(x, f"{name}.tower_1", (64, 1), (96, 3), (96, 3)),
        _pooled(x, f"{name}.tower_2", pooled),
    )


def _from_35_to_17(x, name):
    return _join(
        name,
        _tower(x, name, (384, 3, 2)),
        _tower(x, f"{name}.tower", (64, 1), (96, 3), (96, 3, 2)),
        _smaller(x, f"{name}.pool"),
    )


def _block_17(x, name, width):
    wide, high = (1, 7), (7, 1)
    return _join(
        name,
        _tower(x, name, (192, 1)),
        _tower(x, f"{name}.tower", (width, 1), (width, wide), (192, high)),
        _tower(x, f"{name}.tower_1", (width, 1), (width, high), (width, wide), (width, high), (192, wide)),
        _pooled(x, f"{name}.tower_2", 192),
    )


def _from_17_to_8(x, name):
    return _join(
        name,
        _tower(x, f"{name}.tower", (192, 1), (320, 3, 2)),
        _tower(x, f"{name}.tower_1", (192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3, 2)),
        _smaller(x, f"{name}.pool"),
    )


def _block_8(x, name, pool):
    return _join(
        name,
        _tower(x, name, (320, 1)),
        _fork(_tower(x, f"{name}.tower", (384, 1)), f"{name}.tower.mixed"),
        _fork(_tower(x, f"{name}.tower_1", (448, 1), (384, 3)), f"{name}.tower_1.mixed"),
        _pooled(x, f"{name}.tower_2", 192, pool),
    )


def _fork(x, name):
    """A row and a column of three, side by side."""
    return _join(name, _conv(x, f"{name}.conv", 384, (1, 3)), _conv(x, f"{name}.conv_1", 384, (3, 1)))


def _tower(x, name, *convolutions):
    """Convolutions one after the other, each (width, kernel) or (width, kernel, 2): those halve the grid, unpadded."""
    for i, (width, kernel, *halving) in enumerate(convolutions):
        strides, padding = (2, "valid") if halving else (1, "same")
        x = _conv(x, f"{name}.conv_{i}" if i else f"{name}.conv", width, kernel, strides, padding)
    return x


def _pooled(x, name, width, pool=keras.layers.AveragePooling2D):
    x = pool(3, strides=1, padding="same", data_format=LAST, name=f"{name}.pool")(x)
    return _tower(x, name, (width, 1))


def _smaller(x, name):
    return keras.layers.MaxPooling2D(3, strides=2, padding="valid", data_format=LAST, name=name)(x)


def _join(name, *branches):
    return keras.layers.Concatenate(axis=-1, name=f"{name}.join")(list(branches))


def _conv(x, name, width, kernel, strides=1, padding="same"):
    x = keras.layers.Conv2D(
        width,
        kernel,
        strides=strides,
        padding=padding,
        data_format=LAST,
        use_bias=False,
        kernel_initializer="zeros",  # real weights follow, and random ones take a second to draw
        name=name,
    )(x)
    x = keras.layers.BatchNormalization(epsilon=EPSILON, name=f"{name}.batchnorm")(x)
    return keras.layers.ReLU(name=f"{name}.relu")(x)
