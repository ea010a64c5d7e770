"""A convolutional network that reads digits, after LeNet-5 (LeCun et al. 1998): what generated digits are judged with.

The paper's result: 0.95 % error on MNIST's test set. Here ReLU, maximum pooling and dropout take the places of the
paper's squashing functions, trained pooling and radial basis units.
"""

import keras
import numpy as np

from keras_gans.artifacts import DataError
from keras_gans.training.pretrained import Pretrained


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
    return keras.Model(image, keras.layers.Dense(num_classes, name="logits")(x), name=name)


@keras.saving.register_keras_serializable(package="keras_gans")
class LeNet(Pretrained, keras.Model):
    """A digit classifier. `fit` takes uint8 images (n, 28, 28, 1) and labels (n,), as any Keras model.

    Args:
        num_classes: number of classes.
        widths: channels of the two convolutions.
        units: width of the layer before the logits, whose outputs are the features.
    """

    task = "classify"
    paper = {
        "title": "Gradient-Based Learning Applied to Document Recognition",
        "authors": "LeCun, Bottou, Bengio, Haffner",
        "year": 1998,
        "url": "https://doi.org/10.1109/5.726791",
    }

    def __init__(self, num_classes=10, widths=(20, 50), units=128, name="lenet"):
        super().__init__(name=name)
        self._arguments = {"num_classes": num_classes, "widths": list(widths), "units": units}
        self.network = network(num_classes, widths, units)
        self._features = keras.Model(self.network.input, self.network.get_layer("features").output)
        self.built = True

    def published_networks(self):
        return {"network": self.network}

    def call(self, images, training=False):
        """Images (n, 28, 28, 1), 0..255 -> logits (n, num_classes)."""
        return self.network(images, training=training)

    def compile(self, optimizer="adam", loss=None, metrics=("accuracy",), **kwargs):
        """As `keras.Model.compile`; without a loss, cross-entropy of integer labels."""
        loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        super().compile(optimizer=optimizer, loss=loss, metrics=list(metrics), **kwargs)

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def classify(self, images, batch_size=256):
        """The class of each image: int64 (n,), from uint8 images (n, 28, 28, 1). Wrong images are a DataError."""
        return np.argmax(self._run(self.network, images, batch_size), axis=1)

    def features(self, images, batch_size=256):
        """float32 (n, units) of uint8 images (n, 28, 28, 1). Wrong images are a DataError."""
        return self._run(self._features, images, batch_size)

    def _run(self, network, images, batch_size):
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (28, 28, 1):
            raise DataError(
                f"This model reads uint8 images of shape (n, 28, 28, 1), and these are {images.dtype} of shape "
                f"{images.shape}: keras_gans.data.load(images, size=28, channels=1).images fits them."
            )
        parts = [images[i : i + batch_size] for i in range(0, len(images), batch_size)]
        run = [keras.ops.convert_to_numpy(network(part, training=False)) for part in parts]
        return np.concatenate([np.zeros((0, network.output_shape[-1]), "float32"), *run])

    def get_config(self):
        return {"name": self.name, **self._arguments}
