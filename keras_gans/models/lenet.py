"""A convolutional network that reads digits, after LeNet-5 (LeCun et al. 1998): what generated digits are judged with.

The paper's result: 0.95 % error on MNIST's test set. Here ReLU, maximum pooling and dropout take the places of the
paper's squashing functions, trained pooling and radial basis units.
"""

import keras

from keras_gans.artifacts import DataError
from keras_gans.data import Images
from keras_gans.models import build
from keras_gans.models.classes import ReadsClasses
from keras_gans.models.supervised import SupervisedModel


def network(num_classes, widths, units, name="network"):
    """Images (n, 28, 28, 1), 0..255 -> logits (n, num_classes); the layer "features" gives (n, units)."""
    image = keras.Input((28, 28, 1), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(image)
    for i, width in enumerate(widths):
        x = keras.layers.Conv2D(width, 5, activation="relu", name=f"conv_{i}")(x)
        x = keras.layers.MaxPooling2D(name=f"pool_{i}")(x)
    x = keras.layers.Flatten(name="flatten")(x)  # (n, 4 * 4 * widths[1])
    x = keras.layers.Dense(units, activation="relu", name="features")(x)
    x = keras.layers.Dropout(0.5, name="dropout")(x)
    return keras.Model(image, keras.layers.Dense(num_classes, dtype="float32", name="logits")(x), name=name)


@keras.saving.register_keras_serializable(package="keras_gans")
class LeNet(ReadsClasses, SupervisedModel):
    """A digit classifier.

    Args:
        num_classes: number of classes, at least 2.
        widths: channels of the two convolutions.
        units: width of the layer before the logits, whose outputs are the features.
        dtype: None, or a Keras policy such as "mixed_bfloat16", in which it then reads as well; logits are float32.
    """

    image_shape = (28, 28, 1)
    paper = {
        "title": "Gradient-Based Learning Applied to Document Recognition",
        "authors": "LeCun, Bottou, Bengio, Haffner",
        "year": 1998,
        "url": "https://doi.org/10.1109/5.726791",
    }

    def __init__(self, num_classes=10, widths=(20, 50), units=128, dtype=None, name="lenet"):
        super().__init__(name=name, dtype=dtype)
        build.check_count("num_classes", num_classes, least=2)
        build.check_counts("widths", widths, length=2)
        build.check_count("units", units)
        self._arguments = {"num_classes": num_classes, "widths": list(widths), "units": units, "dtype": dtype}
        with build.precision(dtype):
            self.set_network(network(num_classes, widths, units))
        self._features = keras.Model(self.network.input, self.network.get_layer("features").output)

    def _checked(self, x, y=None):
        data = super()._checked(x, y)
        if isinstance(data, Images) and data.flip:
            raise DataError("A LeNet reads characters, and mirrored ones came, which are none: load them without flip.")
        return data
