"""What images are compared by in super-resolution: pixels, or the maps of a network that sees (Ledig et al. 2017)."""

import importlib
import os

import keras
from keras import ops

from keras_gans.artifacts import DownloadError, OfflineError, is_offline
from keras_gans.models import build

NAMES = ("mse", "vgg22", "vgg54", "tiny")
# name: VGG19's layer: the last convolution before its second, and before its fifth pool, after the rectifier.
_VGG_LAYERS = {"vgg22": "block2_conv2", "vgg54": "block5_conv4"}
_VGG_FILE = "models/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"  # in Keras's folder, once it was fetched
_VGG_SCALE = 1 / 12.75  # of the maps (section 3.2): brings the loss to the size of a squared error
_VGG_MEANS = (103.939, 116.779, 123.68)  # of ImageNet's blue, green and red, which its authors take off


class Term:
    """A function of two batches of images in [-1, 1] that gives a scalar.

    Its network is no part of the model that it trains: Keras does not see into a plain object.
    """

    def __init__(self, name, compare):
        self.name, self._compare = name, compare

    def fetch(self):
        """Loads what is not loaded yet. Raises as `get`."""

    def __call__(self, fake, real):
        return self._compare(fake, real)


class Later(Term):
    """One whose network is loaded when it is first wanted. ValueError: another name."""

    def __init__(self, name, dtype=None):
        build.check_choice("perceptual", name, NAMES)
        super().__init__(name, None)
        self._dtype = dtype

    def fetch(self):
        if self._compare is None:
            self._compare = get(self.name, self._dtype)

    def __call__(self, fake, real):
        self.fetch()
        return super().__call__(fake, real)


def get(name, dtype=None):
    """The `Term` of a name.

    Args:
        name: "mse"; "vgg22" or "vgg54": the mean squared error of VGG19's maps phi_2,2 or phi_5,4 of images in 0..255,
            scaled by 1 / 12.75; "tiny": `ResidualNet.perceptual` of the zoo's model, summed over its stages.
        dtype: Keras policy of the network.

    Raises:
        ValueError: another name.
        DownloadError, OfflineError: the network's weights are not here and could not be fetched.
        KerasGansError: the zoo's model has none yet.
    """
    build.check_choice("perceptual", name, NAMES)
    if name == "mse":
        return Term(name, squared_error)
    return Term(name, _by_tiny(dtype) if name == "tiny" else _by_vgg(vgg(name, dtype)))


def squared_error(fake, real):
    """The mean over all pixels."""
    return ops.mean(ops.square(ops.cast(fake, "float32") - real))


def _by_vgg(network):
    def compare(fake, real):
        a, b = (ops.cast(network(_for_vgg(x), training=False), "float32") for x in (fake, real))
        return ops.mean(ops.square(_VGG_SCALE * (a - b)))

    return compare


def _for_vgg(x):
    """[-1, 1] RGB -> 0..255 BGR, less ImageNet's means."""
    return (ops.flip(ops.cast(x, "float32"), axis=-1) + 1.0) * 127.5 - ops.convert_to_tensor(_VGG_MEANS)


def vgg(name, dtype=None, weights="imagenet"):
    """VGG19 up to the layer of "vgg22" or "vgg54", frozen."""
    if weights is not None and is_offline() and not _was_fetched():
        raise OfflineError(
            f"The perceptual term {name!r} takes Keras's VGG19, which is fetched, and KERAS_GANS_OFFLINE is set: "
            'unset it, or take perceptual="tiny".'
        )
    try:
        with build.precision(dtype):
            whole = keras.applications.VGG19(include_top=False, weights=weights)
    except Exception as error:  # which is the class that Keras's get_file raises
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
        raise DownloadError(
            f"The perceptual term {name!r} takes Keras's VGG19, which could not be fetched ({reason}): put its weights "
            'into ~/.keras/models, or take perceptual="tiny".'
        ) from error
    network = keras.Model(whole.input, whole.get_layer(_VGG_LAYERS[name]).output, name=name)
    network.trainable = False
    return network


def _was_fetched():
    return os.path.isfile(os.path.join(os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras")), _VGG_FILE))


def _by_tiny(dtype):
    # By its name at run time: the top floor knows where the zoo is, and no model does.
    network = importlib.import_module("keras_gans.api").load("tiny", dtype=dtype)
    from keras_gans.models.residual import perceptual_distance

    def compare(fake, real):
        a, b = (network.perceptual((ops.cast(x, "float32") + 1.0) * 127.5) for x in (fake, real))
        return ops.mean(perceptual_distance(a, b))

    return compare
