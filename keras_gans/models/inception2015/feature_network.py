"""What networks that read any image share: checked images in, features and class probabilities out, batch by batch."""

from collections.abc import Sequence

import keras
import numpy as np

from keras_gans.artifacts import DataError
from keras_gans.models import build
from keras_gans.training import backend


class FeatureNetwork:
    """A functional network of [features, logits] of prepared images, as metrics take one.

    Attributes:
        name: as it stands in a score's protocol.
        sha256: of the weights, 64 hex digits; None of random ones.
        image_shape: None: it takes images of any size.
        dim: how many features an image has.
        network: the `keras.Model`.
    """

    image_shape = None

    def __init__(self, name, network, sha256):
        """Args: as the attributes."""
        self.name, self.network, self.sha256 = name, network, sha256
        self.dim = network.output_shape[0][-1]
        # XLA compiles such a network for minutes, and TensorFlow runs it without.
        network.jit_compile = keras.backend.backend() == "jax"

    def prepare(self, images):
        """uint8 (n, h, w, 3) -> what the network reads."""
        raise NotImplementedError

    def features(self, images, batch_size=64):
        """float32 (n, dim) of uint8 images (n, h, w, 3), or (n, h, w, 1), whose grey stands for all three colours.

        Args:
            images: of any one size; or a sequence of images (h, w, 1 or 3) of any sizes, each resized by itself.
            batch_size: how many run at a time.

        Raises:
            DataError: the images are not as above.
            ValueError: batch_size is no whole number of at least 1.
        """
        return self._run(images, batch_size)[0]

    def logits(self, images, batch_size=64):
        """float32 (n, classes); arguments and errors as `features`."""
        return self._run(images, batch_size)[1]

    def probabilities(self, images, batch_size=64):
        """float32 (n, classes), the softmax of the logits; arguments and errors as `features`."""
        return _softmax(self.logits(images, batch_size))

    def features_and_probabilities(self, images, batch_size=64):
        """Both of one run, which costs as much as either."""
        features, logits = self._run(images, batch_size)
        return features, _softmax(logits)

    def _run(self, images, batch_size):
        build.check_count("batch_size", batch_size)
        images = images if _is_sequence(images) else _checked(images)
        found = [np.zeros((len(images), shape[-1]), "float32") for shape in self.network.output_shape]
        for start in range(0, len(images), batch_size):
            part = images[start : start + batch_size]
            for whole, values in zip(found, self._batch(part, batch_size), strict=True):
                whole[start : start + len(part)] = values[: len(part)]
        return found

    def _batch(self, images, batch_size):
        """Filled up to a power of two at most: each size of a batch is compiled anew, and so there are few."""
        size = min(batch_size, 1 << (len(images) - 1).bit_length())
        with backend.full_precision():
            return self.network.predict_on_batch(self._prepared(images, size))

    def _prepared(self, images, size):
        """What the network reads of `size` images, the last one repeated where there are fewer."""
        if not _is_sequence(images):
            images = np.concatenate((images, np.repeat(images[-1:], size - len(images), axis=0)))
            return self.prepare(_coloured(images))
        each = (_coloured(_checked(np.asarray(image)[None])) for image in images)
        rows = [keras.ops.convert_to_numpy(self.prepare(image)) for image in each]
        return np.concatenate(rows + rows[-1:] * (size - len(rows)))


def _is_sequence(images):
    """Whether images come one by one, and not as an array."""
    return isinstance(images, Sequence)


def _coloured(images):
    return np.broadcast_to(images, (*images.shape[:3], 3))


def _checked(images):
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape[1:]:
        raise DataError(
            "This network reads uint8 images of shape (n, height, width, 3) or (n, height, width, 1), and these are "
            f"{images.dtype} of shape {images.shape}: keras_gans.data.load gives such."
        )
    return images


def _softmax(logits):
    exact = logits.astype("float64")  # rows of float32 would add up to 1 only to 1e-5
    powers = np.exp(exact - exact.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype("float32")
