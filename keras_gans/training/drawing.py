"""One batch of pictures after another, on every device that there is."""

import collections
import itertools
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np

from keras_gans.data import images as image_data
from keras_gans.training import backend, distribution

AHEAD = 2  # batches that a device is given before the first of them is taken
FEW = {"tensorflow": 8, "jax": 64}  # how many batches are drawn in the time that it takes to make the network one graph


class Drawing:
    """Draws a model's pictures, batch by batch, with the weights that it has when this is made. Threads may share it.

    Args:
        model: an `AdversarialModel`.
        output: "uint8" for 0..255, "float" for [-1, 1].
        batch_size: pictures computed at once.
        devices: names of TensorFlow's devices; None among them stands for where it computes by itself.
        compiled: whether the network is made one graph first, which takes as long as some batches do; on TensorFlow
            and JAX.
    """

    def __init__(self, model, output, batch_size, devices=(None,), compiled=False):
        self.devices, self._output, self._batch_size, self._range = devices, output, batch_size, model.value_range
        network = model.sampler()
        if keras.backend.backend() == "tensorflow":
            self._run = _on_tensorflow(_kept(model, network, _folded), network, devices, compiled)
        elif keras.backend.backend() == "jax" and compiled:
            self._run = _on_jax(_kept(model, network, _jitted), network)
        else:
            self._run = lambda inputs, device: _called(network, inputs)

    def batch(self, inputs, device=None):
        """The pictures (n, h, w, c) of one batch.

        A batch that is not full is filled up: a picture must not depend on how many are asked for, and matrix products
        of different sizes round differently.

        Args:
            inputs: latents (n, latent) and, where the model takes them, labels or other conditions (n, ...).
            device: one of `devices`; None: the first.
        """
        n = len(inputs[0])
        full = [np.concatenate((x, np.repeat(x[:1], self._batch_size - n, axis=0))) for x in inputs]
        with backend.full_precision():
            drawn = self._run(full, self.devices[0] if device is None else device)
        return finish(keras.ops.convert_to_numpy(drawn)[:n], self._range, self._output)

    def batches(self, inputs):
        """The pictures of many batches, in order. Several devices have a thread each, and are kept busy.

        inputs: an iterable of what `batch` takes, for several devices read a few batches ahead.
        """
        if len(self.devices) == 1:
            yield from map(self.batch, inputs)
            return
        threads = [ThreadPoolExecutor(1) for _ in self.devices]
        waiting = collections.deque()
        try:
            for each, device, thread in zip(inputs, itertools.cycle(self.devices), itertools.cycle(threads)):
                waiting.append(thread.submit(self.batch, each, device))
                if len(waiting) >= AHEAD * len(threads):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # of whoever takes no more, too
            for thread in threads:
                thread.shutdown(cancel_futures=True)


def devices_of(model, every=False):
    """The devices that batches of a model are dealt to.

    A mirrored model's replicas; else, with `every`, all of the kind that TensorFlow computes on; else [None], the one
    that it takes by itself.
    """
    if keras.backend.backend() != "tensorflow":
        return [None]
    import tensorflow as tf

    strategy = distribution.strategy_of(model)
    if strategy is not None:
        return list(strategy.extended.worker_devices)
    if not every:
        return [None]
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name for device in found] if len(found) > 1 else [None]


def finish(values, value_range, output):
    """A generator's values as "uint8" 0..255 or "float" in [-1, 1]."""
    low, high = value_range
    if output == "uint8":
        return image_data.to_uint8(values, low, high)
    return (values - low) * (2.0 / (high - low)) - 1.0


def pays_to_compile(n, batch_size):
    """Whether so many pictures take longer than to make the network one graph."""
    few = FEW.get(keras.backend.backend())
    return few is not None and n > few * batch_size


def _called(network, inputs):
    return network(inputs if len(inputs) > 1 else inputs[0], training=False)


class _Made:
    """What was made of a network. In an object of its own, because Keras saves what it finds in tuples and lists."""

    def __init__(self, network, make):
        self.network, self.result = network, make(network)


def _kept(model, network, make):
    """What `make` makes of the network that draws, made once. It lies in the model, and goes with it."""
    mine = vars(model).get("_drawn_by")  # no attribute that Keras tracks
    if mine is None or mine.network is not network:
        mine = vars(model)["_drawn_by"] = _Made(network, make)
    return mine.result


# --- JAX ------------------------------------------------------------------------------------------------


def _jitted(network):
    import jax

    def run(weights, inputs):
        with keras.StatelessScope(list(zip(network.variables, weights, strict=True))):
            return _called(network, inputs)

    return jax.jit(run)


def _on_jax(run, network):
    """A function (arrays of a batch, device) -> values."""
    weights = [variable.value for variable in network.variables]
    return lambda inputs, device: run(weights, inputs)


# --- TensorFlow -----------------------------------------------------------------------------------------


def _folded(network):
    from keras_gans.training.folded import Folded

    return Folded(network)


def _on_tensorflow(folded, network, devices, compiled):
    """A function (arrays of a batch, device) -> values."""
    import tensorflow as tf

    dtypes, tensors, run = [x.dtype for x in network.inputs], {}, {}
    for device in devices:
        apart = _is_processor(device)
        here = folded.tensors(apart)
        with tf.device(device):
            tensors[device] = here if device is None else tf.nest.map_structure(tf.identity, here)
        run[device] = folded.compiled(apart, here) if compiled else folded

    def draw(inputs, device):
        with tf.device(device):
            return run[device](tensors[device], [tf.constant(x, d) for x, d in zip(inputs, dtypes, strict=True)])

    return draw


def _is_processor(device):
    import tensorflow as tf

    return "CPU" in device if device is not None else not tf.config.list_logical_devices("GPU")
