"""A convolutional network that reads digits, after LeNet-5 (LeCun et al. 1998): what generated digits are judged with.

The paper's result: 0.95 % error on MNIST's test set. Here ReLU, maximum pooling and dropout take the places of the
paper's squashing functions, trained pooling and radial basis units.
"""

import keras
import numpy as np

from keras_gans.artifacts import DataError
from keras_gans.data import Images, check
from keras_gans.data import images as pixels
from keras_gans.models import build
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
    return keras.Model(image, keras.layers.Dense(num_classes, dtype="float32", name="logits")(x), name=name)


@keras.saving.register_keras_serializable(package="keras_gans")
class LeNet(Pretrained, keras.Model):
    """A digit classifier.

    Args:
        num_classes: number of classes, at least 2.
        widths: channels of the two convolutions.
        units: width of the layer before the logits, whose outputs are the features.
        dtype: None, or a Keras policy such as "mixed_bfloat16", in which it then reads as well; logits are float32.
    """

    task = "classify"
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
            self.network = network(num_classes, widths, units)
        self._features = keras.Model(self.network.input, self.network.get_layer("features").output)
        self.built = True

    def published_networks(self):
        return {"network": self.network}

    def samples(self):
        """The filters of the first layer, each scaled to 0..255: uint8 (h, w, 1)."""
        return build.filters(self.network.get_layer("conv_0"))

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

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        **kwargs,
    ):
        """As `keras.Model.fit`, of the data that the GANs' `fit` takes, with labels.

        Args:
            x: an array of images (n, 28, 28, 1), uint8 or float in [-1, 1]; a pair (images, labels); a folder or
                "tfds:NAME"; `keras_gans.data.load(...)`; or a batched tf.data.Dataset of (images, labels).
                Folders and Images are resized.
            y: labels (n,), for images given as an array.
            validation_data: any of these, or a tuple (images, labels, weights).
            batch_size, epochs, verbose, callbacks, validation_split, kwargs: as for `keras.Model.fit`.

        Raises:
            DataError: the data is not what the model takes; nothing was trained.
        """
        x, y = self._prepared(x, y)
        if y is None:  # a tf.data.Dataset: Keras warns that it will not shuffle it, and nobody asked
            kwargs.setdefault("shuffle", False)
        if validation_data is not None:
            validation_data = self._validation(validation_data)
        return super().fit(x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, **kwargs)

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """As `keras.Model.evaluate`, of the data that `fit` takes."""
        if not kwargs.get("_use_cached_eval_dataset"):  # which is how Keras's fit asks for its validation
            x, y = self._prepared(x, y)
        return super().evaluate(x, y, *args, **kwargs)

    def _validation(self, data):
        if isinstance(data, tuple) and len(data) == 3:
            return (*self._prepared(*data[:2]), data[2])
        x, y = self._prepared(data)
        return x if y is None else (x, y)

    def _prepared(self, x, y=None):
        """Checked (images, labels) or (tf.data.Dataset, None), the images as the network reads them, 0..255."""
        data = check.prepare(x, y, size=28, channels=1, num_classes=self._arguments["num_classes"], resizable=False)
        if not isinstance(data, Images):
            return data.map(lambda images, labels: (pixels.to_range(images, 0.0, 255.0), labels)), None
        if data.flip:
            raise DataError("A LeNet reads characters, and mirrored ones came, which are none: load them without flip.")
        images = data.images
        return (images if images.dtype == np.uint8 else (images + 1.0) * 127.5), data.labels

    def classify(self, images, batch_size=256):
        """The class of each image: int64 (n,), from uint8 images (n, 28, 28, 1). Wrong images are a DataError."""
        return np.argmax(self._run(self.network, images, batch_size), axis=1)

    def probabilities(self, images, batch_size=256):
        """Of each class: float32 (n, num_classes), from uint8 images (n, 28, 28, 1). Wrong images are a DataError."""
        logits = self._run(self.network, images, batch_size).astype("float64")
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (odds / odds.sum(axis=1, keepdims=True)).astype("float32")

    def features(self, images, batch_size=256):
        """float32 (n, units) of uint8 images (n, 28, 28, 1). Wrong images are a DataError."""
        return self._run(self._features, images, batch_size)

    def _run(self, network, images, batch_size):
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (28, 28, 1):
            raise DataError(
                f"This model reads uint8 images of shape (n, 28, 28, 1), and these are {images.dtype} of shape "
                f"{images.shape}: keras_gans.data.load brings uint8 images of any size to size=28, channels=1."
            )
        parts = [images[i : i + batch_size] for i in range(0, len(images), batch_size)]
        run = [keras.ops.convert_to_numpy(network(part, training=False)).astype("float32") for part in parts]
        return np.concatenate([np.zeros((0, network.output_shape[-1]), "float32"), *run])

    def get_config(self):
        return {"name": self.name, **self._arguments}
