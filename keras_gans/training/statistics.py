"""Batch statistics taken anew, for weights that no training step has seen as they are: averages, rounded ones."""

import contextlib

import keras


def take_anew(network, inputs):
    """Sets the moving statistics of a network's batch normalisation to their means over the batches `inputs`.

    A cumulative mean, by a momentum of k / (k + 1). Returns whether there are such layers; else nothing is looked at.
    """
    layers = [x for x in network._flatten_layers() if isinstance(x, keras.layers.BatchNormalization)]
    if not layers:
        return False
    with _gathering(layers):
        for k, batch in enumerate(inputs):
            for layer in layers:
                layer.momentum = k / (k + 1)
            network(batch, training=True)
    return True


@contextlib.contextmanager
def _gathering(layers):
    """Lets the layers of a frozen network gather statistics: Keras's update them only while trainable."""
    before = [(layer, layer.momentum, layer.trainable) for layer in layers]
    try:
        for layer in layers:
            layer.trainable = True
        yield
    finally:
        for layer, momentum, trainable in before:
            layer.momentum, layer.trainable = momentum, trainable
