"""Learning and reading of a classifier whose images are each of one class."""

import keras
import numpy as np

from keras_gans.artifacts import DataError
from keras_gans.data import Images, check
from keras_gans.data import images as pixels
from keras_gans.data.lazy import Lazy
from keras_gans.models.supervised import in_parts
from keras_gans.training.cross_entropy import Accuracy, CrossEntropy
from keras_gans.training.targets import TargetBatches


class ReadsClasses:
    """Stands before `SupervisedModel` among a family's bases. The network has a layer "features"."""

    def compile(self, optimizer="adam", loss=None, metrics=("accuracy",), label_smoothing=0.0, **kwargs):
        """As `keras.Model.compile`; without a loss, cross-entropy.

        Both it and "accuracy" take labels (n,) as well as shares of each class (n, num_classes).

        Args:
            label_smoothing: how much of each target goes to all classes alike, in [0, 1). For the cross-entropy.
            optimizer, loss, metrics, kwargs: as for `keras.Model.compile`.
        """
        loss = loss or CrossEntropy(label_smoothing)
        metrics = [Accuracy() if metric == "accuracy" else metric for metric in metrics or ()]
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)

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
            x: an array of images (n, h, w, c) of `image_shape`, uint8 or float in [-1, 1]; a pair (images, labels); a
                folder or "tfds:NAME"; `keras_gans.data.load(...)`; or a batched tf.data.Dataset of (images, labels).
                Folders and Images are resized. Or a `keras.utils.PyDataset` of images in 0..255 and targets, such as
                `keras_gans.training.mixing.MixedBatches`.
            y: labels (n,), for images given as an array.
            validation_data: any of these, or a tuple (images, labels, weights).
            batch_size, epochs, verbose, callbacks, validation_split, kwargs: as for `keras.Model.fit`.

        Raises:
            DataError: the data is not what the model takes; nothing was trained.
        """
        x, y = self._prepared(x, y, batch_size or 32, seed=int(np.random.randint(2**31)))
        if y is None:  # batches: Keras warns that it will not shuffle them, and nobody asked
            kwargs.setdefault("shuffle", False)
        if isinstance(x, TargetBatches):
            batch_size = None  # they have it
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

    def _prepared(self, x, y=None, batch_size=32, seed=None):
        """Checked (images, labels) or (batches, None), the images as the network reads them, 0..255.

        The seed, of training, is that of order and mirroring, where data comes that Keras could not do them for.
        """
        if isinstance(x, keras.utils.PyDataset):
            return x, None
        data = self._checked(x, y)
        if not isinstance(data, Images):
            return data.map(lambda images, labels: (pixels.to_range(images, 0.0, 255.0), labels)), None
        images = data.images
        if isinstance(images, Lazy) or (seed is not None and data.flip):
            return TargetBatches(data, data.labels, batch_size, seed), None
        return (images if images.dtype == np.uint8 else (images + 1.0) * 127.5), data.labels

    def _checked(self, x, y=None):
        """`Images` of the model's size, or a tf.data.Dataset of them; DataError says what is wrong."""
        size, _, channels = self.image_shape
        classes = self._arguments["num_classes"]
        return check.prepare(x, y, size=size, channels=channels, num_classes=classes, resizable=False)

    def targets(self, data):
        """int32 (n,): the class of each of the `keras_gans.data.Images`."""
        return self._checked(data).labels

    def classify(self, images, batch_size=256):
        """The class of each image: int64 (n,), from uint8 images (n, h, w, c). Wrong images are a DataError."""
        return np.argmax(self._run(self.network, images, batch_size), axis=1)

    def probabilities(self, images, batch_size=256):
        """Of each class: float32 (n, num_classes), from uint8 images (n, h, w, c). Wrong images are a DataError."""
        logits = self._run(self.network, images, batch_size).astype("float64")
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (odds / odds.sum(axis=1, keepdims=True)).astype("float32")

    def features(self, images, batch_size=256):
        """float32 (n, d) of uint8 images (n, h, w, c). Wrong images are a DataError."""
        return self._run(self._features, images, batch_size)

    def _run(self, network, images, batch_size):
        images, (height, width, channels) = np.asarray(images), self.image_shape
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != self.image_shape:
            raise DataError(
                f"This model reads uint8 images of shape (n, {height}, {width}, {channels}), and these are "
                f"{images.dtype} of shape {images.shape}: keras_gans.data.load brings uint8 images of any size to "
                f"size={height}, channels={channels}."
            )
        return in_parts(lambda part: network(part, training=False), images, batch_size, network.output_shape[-1])
