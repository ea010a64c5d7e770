"""What all models of one network have in common that learns from images and what is to be said of them."""

import keras
import numpy as np

from keras_gans.models import build
from keras_gans.training import mixing, run
from keras_gans.training.backend import full_precision
from keras_gans.training.pretrained import Pretrained


class SupervisedModel(Pretrained, keras.Model):
    """A model of one network, from images in 0..255 to what is said of them; abstract.

    A family calls `set_network` at the end of its `__init__`, sets `image_shape` and `_arguments`, and says in
    `training_batches` what it learns from.

    Attributes:
        network: the functional model, images (n, h, w, c) in 0..255 -> logits, for one.
        image_shape: (height, width, channels).
    """

    task = "classify"
    #: The name of the convolution whose filters stand for the model in samples.png.
    first_layer = "conv_0"
    _fit_start = 0  # of what a `Checkpoint` records

    def set_network(self, network):
        """Called once by a family's `__init__`."""
        self.network = network
        self.built = True

    def targets(self, data):
        """What the model is to say of each of the `keras_gans.data.Images`: labels (n,), or a row each; DataError."""
        raise NotImplementedError

    def training_batches(self, data, recipe):
        """(the data as training takes it, its batches) of a run: batches as of `mixing.MixedBatches`.

        CardError, DataError: the recipe, or the data, is not for this model.
        """
        data, mixed = run.as_in(recipe, data, mixing.KEYS), mixing.asked_for(recipe)
        classes = self.architecture().get("num_classes")
        data = run.fitted(data, self.image_shape, classes)
        seed = recipe.get("seed", 0)
        return data, mixing.MixedBatches(data, self.targets(data), recipe["batch_size"], seed, mixed, classes)

    def published_networks(self):
        return {"network": self.network}

    def samples(self):
        """The filters of the first layer, each scaled to 0..255: uint8 (h, w, channels)."""
        return build.filters(self.network.get_layer(self.first_layer))

    def call(self, images, training=False):
        """Images (n, h, w, c), 0..255 -> logits."""
        return self.network(images, training=training)

    def compile(self, optimizer, loss, metrics=(), **kwargs):
        """As `keras.Model.compile`; families fill in what they learn by."""
        metrics = list(metrics or ())
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)
        self._terms = ["loss", *map(_name, metrics)]

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    @property
    def steps_taken(self):
        """Train steps since `compile`, or the checkpoint that was restored, as an int."""
        return int(keras.ops.convert_to_numpy(self.optimizer.iterations))

    def term_names(self):
        """Names of what training reports of each step."""
        return list(self._terms)

    def get_config(self):
        return {"name": self.name, **self._arguments}


def _name(metric):
    """What Keras reports a metric as: a name, an object or a function."""
    return metric if isinstance(metric, str) else getattr(metric, "name", None) or metric.__name__


def in_parts(read, images, batch_size, width):
    """What `read` gives for all images, as many at once as are said: float32 (n, width)."""
    parts = [images[i : i + batch_size] for i in range(0, len(images), batch_size)]
    with full_precision():
        found = [keras.ops.convert_to_numpy(read(part)).astype("float32") for part in parts]
    return np.concatenate([np.zeros((0, width), "float32"), *found])
