"""A small convolutional network that reads the attributes of faces: what generated faces are judged with.

The paper (Liu et al. 2015) made CelebA and its 40 attributes. It reads them with several networks and support vector
machines; here one network reads all, its last layer a logit for each.
"""

import keras
import numpy as np

from keras_gans.artifacts import DataError
from keras_gans.data import Images, load
from keras_gans.data import images as pixels
from keras_gans.data.check import checked_images
from keras_gans.models import build
from keras_gans.models.supervised import SupervisedModel
from keras_gans.training.targets import TargetBatches


def network(size, channels, widths, dropout, outputs, name="network"):
    """Images (n, size, size, channels), 0..255 -> logits (n, outputs)."""
    image = keras.Input((size, size, channels), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(image)
    for i, width in enumerate(widths):
        side = 5 if i == 0 else 3
        x = keras.layers.Conv2D(width, side, strides=2, padding="same", use_bias=False, name=f"conv_{i}")(x)
        x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"norm_{i}")(x)
        x = keras.layers.ReLU(name=f"relu_{i}")(x)  # half the height and width
    x = keras.layers.Flatten(name="flatten")(x)  # places are kept: aligned faces have glasses in one
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(image, keras.layers.Dense(outputs, dtype="float32", name="logits")(x), name=name)


@keras.saving.register_keras_serializable(package="keras_gans")
class AttributeNet(SupervisedModel):
    """Reads several attributes of a picture at once, each as a probability of its own.

    Args:
        attributes: their names, each once, at least one.
        size: height and width of the images: a multiple of 2 to the number of widths.
        channels: 1 or 3.
        widths: channels of the convolutions, each of which halves height and width.
        dropout: rate before the last layer, in [0, 1).
        dtype: None, or a Keras policy such as "mixed_bfloat16", in which it then reads as well; logits are float32.
    """

    paper = {
        "title": "Deep Learning Face Attributes in the Wild",
        "authors": "Liu, Luo, Wang, Tang",
        "year": 2015,
        "url": "https://arxiv.org/abs/1411.7766",
    }

    def __init__(
        self,
        attributes,
        size=64,
        channels=3,
        widths=(32, 64, 128, 256),
        dropout=0.5,
        dtype=None,
        name="attribute_net",
    ):
        super().__init__(name=name, dtype=dtype)
        _check_names(attributes)
        build.check_counts("widths", widths)
        build.check_choice("channels", channels, (1, 3))
        build.check_rate("dropout", dropout)
        build.check_count("size", size)
        if size % 2 ** len(widths):
            raise ValueError(f"size must be a multiple of {2 ** len(widths)} for {len(widths)} widths, got {size}")
        self.attribute_names = tuple(attributes)
        self.image_shape = (size, size, channels)
        self._arguments = {
            "attributes": list(attributes),
            "size": size,
            "channels": channels,
            "widths": list(widths),
            "dropout": dropout,
            "dtype": dtype,
        }
        with build.precision(dtype):
            self.set_network(network(size, channels, widths, dropout, len(self.attribute_names)))

    # Learning.

    def compile(self, optimizer="adam", loss=None, **kwargs):
        """As `keras.Model.compile`; without a loss, the mean cross-entropy over images and attributes."""
        super().compile(optimizer=optimizer, loss=loss or keras.losses.BinaryCrossentropy(from_logits=True), **kwargs)

    def fit(
        self, x=None, y=None, batch_size=32, epochs=1, verbose="auto", callbacks=None, validation_data=None, **kwargs
    ):
        """As `keras.Model.fit`, of images with attributes.

        Args:
            x: `keras_gans.data.load("tfds:NAME")` or another `Images` with `attributes`, or what `load` makes into one;
                resized, and mirrored in training if it was loaded with `flip=True`. Or an array of images
                (n, size, size, channels), uint8 or float in [-1, 1].
            y: bool (n, attributes) in the order of `attribute_names`, for images given as an array.
            validation_data: an `Images`, or a pair (images, attributes).
            batch_size, epochs, verbose, callbacks, kwargs: as for `keras.Model.fit`.

        Raises:
            DataError: the data is not what the model takes; nothing was trained.
        """
        batches = TargetBatches(*self._prepared(x, y), batch_size, seed=int(np.random.randint(2**31)))
        if validation_data is not None:
            pair = validation_data if isinstance(validation_data, tuple) else (validation_data,)
            validation_data = TargetBatches(*self._prepared(*pair), batch_size)
        return super().fit(
            batches,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            shuffle=False,  # the batches are
            **kwargs,
        )

    def evaluate(self, x=None, y=None, batch_size=32, **kwargs):
        """As `keras.Model.evaluate`, of the data that `fit` takes."""
        if not kwargs.get("_use_cached_eval_dataset"):  # which is how Keras's fit asks for its validation
            x = TargetBatches(*self._prepared(x, y), batch_size)
        return super().evaluate(x, **kwargs)

    def targets(self, data):
        """float32 (n, attributes): what the data's own attributes say, in the order of `attribute_names`."""
        return self._prepared(data)[1]

    def _prepared(self, x, y=None):
        """(Images of the model's size, float32 (n, attributes))."""
        size, _, channels = self.image_shape
        if y is not None:
            images = self._checked(x)
            return Images(images), self._targets(y, len(images))
        if hasattr(x, "__array__"):
            raise DataError("Attributes were wanted beside the images and none came: give fit(images, attributes).")
        data = load(x)
        if data.attributes is None:
            raise DataError(
                f"Images with attributes were wanted and {data.name} has none: give an array of images and a "
                f"bool array (n, {len(self.attribute_names)})."
            )
        return data.with_shape(size, channels), self._targets(self._columns(data), len(data))

    def _columns(self, data):
        """The data's attributes in the order of the model's."""
        where = {name: i for i, name in enumerate(data.attribute_names)}
        missing = [name for name in self.attribute_names if name not in where]
        if missing:
            raise DataError(
                f"This model reads {missing[0]!r} and {data.name} has {', '.join(list(where)[:5])}, ...: build the "
                "model with attributes that the data has."
            )
        return data.attributes[:, [where[name] for name in self.attribute_names]]

    def _targets(self, y, n):
        y, wanted = np.asarray(y), (n, len(self.attribute_names))
        if y.shape != wanted or not (y.dtype == bool or np.isin(y, (0, 1)).all()):
            raise DataError(
                f"Attributes are true or false, of shape {wanted}, and {y.dtype} of shape {y.shape} came: "
                "give one row an image, in the order of attribute_names."
            )
        return y.astype("float32")

    # Reading.

    def predict_attributes(self, images, batch_size=256):
        """The probability of every attribute.

        Args:
            images: uint8, or float in [-1, 1], (n, size, size, channels).
            batch_size: images read at once.

        Returns:
            float32 (n, attributes), in the order of `attribute_names`.

        Raises:
            DataError: the images are others.
        """
        none = np.zeros((0, len(self.attribute_names)), "float32")
        if np.shape(images)[:1] == (0,):
            return none
        images = self._checked(images)
        parts = [images[i : i + batch_size] for i in range(0, len(images), batch_size)]
        return np.concatenate([none, *(self._read(part) for part in parts)])

    def _read(self, images):
        logits = self.network(pixels.to_range(images, 0.0, 255.0), training=False)
        return keras.ops.convert_to_numpy(keras.ops.sigmoid(logits)).astype("float32")

    def probability(self, images, wanted, batch_size=256):
        """How surely each image shows all that is wanted: the product of its attributes' probabilities.

        Args:
            images: as for `predict_attributes`.
            wanted: {name: True or False}, as {"Eyeglasses": True, "Male": False}.

        Returns:
            float32 (n,).

        Raises:
            DataError: the images are others.
            ValueError: there is no attribute of such a name.
        """
        self.column(*wanted)  # before anything is read
        return self.agreement(self.predict_attributes(images, batch_size), wanted)

    def agreement(self, probabilities, wanted):
        """As `probability`, of what `predict_attributes` gave: float32 (n,)."""
        read = np.asarray(probabilities)[:, self.column(*wanted)]  # (n, len(wanted))
        return np.where(list(wanted.values()), read, 1.0 - read).prod(axis=1).astype("float32")

    def column(self, *names):
        """Where attributes stand in `attribute_names`: a list of ints. ValueError for a name that is not there."""
        for name in names:
            if name not in self.attribute_names:
                known = ", ".join(self.attribute_names)
                raise ValueError(f"this model reads no attribute {name!r}: take one of {known}")
        return [self.attribute_names.index(name) for name in names]

    def _checked(self, images):
        images = checked_images(images)
        if images.shape[1:] != self.image_shape:
            size, _, channels = self.image_shape
            came = "x".join(map(str, images.shape[1:]))
            raise DataError(
                f"This model reads {size}x{size}x{channels} images and these are {came}: "
                f"keras_gans.data.load(images, size={size}, channels={channels}) brings them there."
            )
        return images


def _check_names(names):
    """Raises ValueError unless `names` is a list of different texts."""
    fits = isinstance(names, (list, tuple)) and names and all(isinstance(n, str) and n.strip() for n in names)
    if not fits or len(set(names)) < len(names):
        raise ValueError(f"attributes must be a list of names, each once, got {names!r}")
