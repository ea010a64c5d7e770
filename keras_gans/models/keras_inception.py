"""Keras Applications' Inception-v3: features for comparing one's own models with one another, and nothing else."""

import os
from pathlib import Path

import keras

from keras_gans.artifacts import DownloadError, IncompatibleWeightsError, OfflineError, is_offline, sha256
from keras_gans.models import build
from keras_gans.models.inception2015.feature_network import FeatureNetwork

FILE = "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
URL = f"https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/{FILE}"
MD5 = "9a0d58056eeedaa3f26cb7ebd46da564"  # as Keras has it
SIZE = 299


class KerasInception(FeatureNetwork):
    """`keras.applications.InceptionV3`: features (n, 2048), its last pool, and ImageNet's 1000 classes.

    Comparable to nothing published: weights, structure, resizer and scale all differ from the network that the FID and
    the Inception score are defined on (`Inception2015`). Scores by it rank models that were all measured by it.

    Images, 0..255 of any size, are resized to 299x299 as `keras.ops.image.resize` does it (bilinear, centres of pixels,
    no smoothing when it shrinks), and scaled to -1..1.

    Args:
        weights: "imagenet": Keras's own, fetched into Keras's cache folder where they are not; a path of such a file;
            or None: random ones, for trying things out.

    Raises:
        OfflineError: the weights are not on this machine, and KERAS_GANS_OFFLINE is set.
        DownloadError: they could not be fetched.
        IncompatibleWeightsError: the file is missing, or holds another network.

    Source: https://keras.io/api/applications/inceptionv3/
    """

    def __init__(self, weights="imagenet"):
        path = _fetched() if weights == "imagenet" else weights
        with build.precision("float32"):
            whole = _loaded(path)
        features = whole.get_layer("avg_pool").output
        network = keras.Model(whole.input, [features, whole.output], name="keras_inception")
        super().__init__("keras_inception", network, None if path is None else sha256(path))

    def prepare(self, images):
        """uint8 (n, h, w, 3) -> float32 (n, 299, 299, 3), -1..1."""
        x = keras.ops.cast(images, "float32")
        x = keras.ops.image.resize(x, (SIZE, SIZE), "bilinear", antialias=False, data_format="channels_last")
        return x / 127.5 - 1.0


def _loaded(path):
    """The whole classifier with the weights of a file, its output the logits."""
    if path is not None and not Path(path).is_file():
        raise IncompatibleWeightsError(f"{path} is no file with the weights of Keras's InceptionV3: give {FILE}.")
    try:
        return keras.applications.InceptionV3(weights=None if path is None else str(path), classifier_activation=None)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IncompatibleWeightsError(
            f"{path} does not hold the weights of Keras's InceptionV3 ({_line(error)}): give {FILE}."
        ) from error


def _fetched():
    """The path of Keras's own weights, fetched if need be."""
    cache = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    if is_offline() and not (cache / "models" / FILE).exists():
        raise OfflineError(
            f"The weights of Keras's InceptionV3 are not in {cache / 'models'}, and KERAS_GANS_OFFLINE is set: "
            f"put {FILE} there."
        )
    try:
        return keras.utils.get_file(FILE, URL, cache_subdir="models", cache_dir=str(cache), file_hash=MD5)
    except Exception as error:  # which is the class that get_file raises
        raise DownloadError(
            f"The weights of Keras's InceptionV3 could not be fetched ({_line(error)}): put {FILE} into "
            f"{cache / 'models'}, or give its path as weights=."
        ) from error


def _line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
