"""What a discriminator has learnt, as numbers for other uses: the activations of its convolutions.

Radford et al. 2015, section 5.1: every convolution's activations, max-pooled to a grid of 4x4, flattened and
concatenated. A linear classifier on that has 82.8 % on CIFAR-10, from a discriminator that saw ImageNet.
"""

import keras
import numpy as np
from keras import ops

from keras_gans.artifacts import DataError
from keras_gans.data import Images, check
from keras_gans.data import images as pixels
from keras_gans.training import sampling
from keras_gans.training.backend import full_precision

GRID = 4
# By parts of a class's name, for families bring layers of their own: what may stand between a convolution and its
# nonlinearity, and what a nonlinearity is.
_BETWEEN = ("Normalization", "Dropout")
_NONLINEAR = ("Activation", "ReLU", "ELU")


def hidden(network):
    """{name: KerasTensor}: the hidden activations of a functional network, by the name of the layer with the weights.

    The convolutions'; in a network without any, those of the other layers with a matrix of weights, but for the last.
    Each is taken after the nonlinearity that follows the layer, if one does.
    """
    seen = reached(network, network.inputs[0])
    candidates = [layer for layer in network.layers if layer.weights and id(layer.output) in seen]
    found = [layer for layer in candidates if _is_convolution(layer)]
    if not found:
        last = [id(output) for output in network.outputs]
        found = [layer for layer in candidates if _is_dense(layer) and id(layer.output) not in last]
    return {layer.name: _activation(network, layer) for layer in found}


def reached(network, tensor):
    """The ids of all tensors that depend on `tensor`, and its own."""
    reached = {id(tensor)}
    for layer in network.layers:  # the earlier first
        if any(id(t) in reached for t in _inputs(layer)):
            reached.update(id(t) for t in keras.tree.flatten(layer.output))
    return reached


def _inputs(layer):
    return [] if isinstance(layer, keras.layers.InputLayer) else keras.tree.flatten(layer.input)


def _is_convolution(layer):
    return len(layer.output.shape) == 4 and max(len(v.shape) for v in layer.weights) == 4


def _is_dense(layer):
    matrices = max(len(v.shape) for v in layer.weights) > 1
    return len(layer.output.shape) == 2 and matrices and not _named(layer, _BETWEEN)


def _activation(network, layer):
    """The output of a layer, followed through what normalises it to its nonlinearity."""
    if getattr(layer, "activation", keras.activations.linear) is not keras.activations.linear:
        return layer.output
    at = layer
    while (after := _only_taker(network, at)) is not None and _named(after, _BETWEEN):
        at = after
    return after.output if after is not None and _named(after, _NONLINEAR) else layer.output


def _only_taker(network, layer):
    takers = [other for other in network.layers if any(t is layer.output for t in _inputs(other))]
    return takers[0] if len(takers) == 1 else None


def _named(layer, parts):
    return any(part in type(layer).__name__ for part in parts)


class Extractor:
    """A function of images (n, h, w, c) in the game's value range, and labels (n,) where `labelled`: float32 (n, d).

    Args:
        model: an `AdversarialModel`.
        layers: names among those of `hidden`; None: all.

    Raises:
        ValueError: the discriminator has no such layer.
    """

    def __init__(self, model, layers=None):
        network = model.discriminator
        found = hidden(network)
        chosen = list(found if layers is None else layers)
        if not chosen or not set(chosen) <= set(found):
            raise ValueError(f"layers must be some of {', '.join(found)}, got {layers!r}")
        outputs = [found[name] for name in chosen]
        of_labels = set().union(*(reached(network, label) for label in network.inputs[1:]))
        #: Whether a label has a part in these activations.
        self.labelled = any(id(output) in of_labels for output in outputs)
        self._network = keras.Model(network.inputs if self.labelled else network.inputs[0], outputs)

    def __call__(self, images, labels=None):
        inputs = [images, ops.convert_to_tensor(labels)] if self.labelled else images
        activations = keras.tree.flatten(self._network(inputs, training=False))
        return ops.concatenate([_flat(x) for x in activations], axis=1)


def _flat(x):
    """The maxima of (n, h, w, c) in a grid, or (n, d) as it is: float32 (n, ...)."""
    x = ops.cast(x, "float32")
    if len(x.shape) == 2:
        return x
    x = _pooled(_pooled(x, axis=1), axis=2)  # (n, 4, 4, c)
    return ops.reshape(x, (-1, x.shape[1] * x.shape[2] * x.shape[3]))


def _pooled(x, axis):
    """The maxima of 4 equal parts of an axis; neighbours share a row where it does not divide. A shorter one stays."""
    size = x.shape[axis]
    if size <= GRID:
        return x
    parts = []
    for i in range(GRID):
        rows = slice(i * size // GRID, -(-(i + 1) * size // GRID))
        parts.append(ops.max(x[:, rows] if axis == 1 else x[:, :, rows], axis=axis))
    return ops.stack(parts, axis=axis)


def features(model, images, labels, layers, batch_size):
    """What `AdversarialModel.features` documents."""
    data = _images(model, images)
    extract = Extractor(model, layers)
    given = None if labels is None else sampling.checked_labels(model, len(data), labels)
    parts = []
    with full_precision():
        for start in range(0, len(data), batch_size):
            x = pixels.to_range(data.images[start : start + batch_size], *model.value_range)
            several = [ops.convert_to_numpy(extract(x, y)) for y in _labels(model, extract, given, start, len(x))]
            parts.append(np.mean(several, axis=0, dtype="float32"))
    return np.concatenate(parts)


def _images(model, images):
    size, _, channels = model.image_shape
    data = check.prepare(images, size=size, channels=channels)
    if not isinstance(data, Images):
        raise DataError(
            "Features are of an array of images, a folder or keras_gans.data.load(...), and a tf.data.Dataset came: "
            "give np.concatenate(list(dataset.as_numpy_iterator()))."
        )
    return data


def _labels(model, extract, given, start, n):
    """The labels (n,) to run a batch with: one array, or, where nobody knows them, one for each class."""
    if not extract.labelled:
        return [None]
    if given is None:
        return [np.full(n, label, "int32") for label in range(model.num_classes)]
    return [given[start : start + n]]
