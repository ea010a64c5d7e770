"""tf.distribute: which strategy a run takes, where this process stands in it, and what its processes tell each other.

On one device, and on Keras's other backends, there is one process with one replica.
"""

import contextlib
import functools
import json
import math
import os
from typing import NamedTuple

import keras
import numpy as np

from keras_gans.artifacts import DataError, KerasGansError

NAMES = ("auto", "one", "mirrored", "multi-worker")


class DistributionError(KerasGansError):
    """The devices or processes that were asked for are not there, or not fit to train on; or one of them is gone."""


class Place(NamedTuple):
    """Where a process stands among all that train one model.

    replicas: of all processes together.
    first: the number of this process's first replica.
    local: how many replicas this process has.
    """

    replicas: int = 1
    first: int = 0
    local: int = 1

    @property
    def chief(self):
        """Whether this process is the one that writes."""
        return self.first == 0

    @property
    def several_workers(self):
        """Whether there are other processes."""
        return self.local < self.replicas

    def share(self, n):
        """(first, last) of this process's part of n images, which divide among the replicas."""
        each = n // self.replicas
        return self.first * each, (self.first + self.local) * each


def place(model):
    """The `Place` of this process among those that train the model."""
    return place_under(strategy_of(model))


@functools.lru_cache(maxsize=8)  # asked for after each step
def place_under(strategy):
    """The `Place` of this process under a strategy, or None."""
    if strategy is None:
        return Place()
    numbers = []  # of this process's replicas
    strategy.experimental_distribute_values_from_function(
        lambda context: numbers.append(context.replica_id_in_sync_group) or 0
    )
    return Place(strategy.num_replicas_in_sync, min(numbers), len(numbers))


def strategy_of(model):
    """The tf.distribute.Strategy that a model was made under, or None: it has one replica."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    strategy = _made_under(model)
    kinds = (tf.distribute.MirroredStrategy, tf.distribute.MultiWorkerMirroredStrategy)
    return strategy if isinstance(strategy, kinds) else None


def _made_under(model):
    # Not `model.distribute_strategy`: for a model made under none that is whatever scope it is asked in.
    return getattr(model, "_distribute_strategy", None)


def check(model):
    """DistributionError if the model was made under a strategy that it can not train under."""
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    strategy = _made_under(model)
    if tf.distribute.has_strategy() and strategy is not tf.distribute.get_strategy():
        raise DistributionError(
            "A model is compiled under the strategy that it was made under: make both in the same strategy.scope()."
        )
    if (
        strategy is not None
        and strategy_of(model) is None
        and not isinstance(strategy, tf.distribute.OneDeviceStrategy)
    ):
        raise DistributionError(
            "All replicas take each step together here, under tf.distribute's MirroredStrategy or "
            f"MultiWorkerMirroredStrategy, and {type(strategy).__name__} came: take one of those."
        )


def check_shares(n, shares, give):
    """DataError unless the n images of a step (None: of no fixed size) divide among all that take a part of them.

    Args:
        n: how many there are.
        shares: {what takes a part: how many of them}.
        give: function from a number of images that divides to what is to be given.
    """
    parts = math.prod(shares.values())
    if parts == 1 or (n is not None and n % parts == 0):
        return
    among = " times ".join(f"{count} {what}" for what, count in shares.items() if count > 1)
    came = "batches of no fixed size" if n is None else f"{n} of them"
    raise DataError(
        f"The images of a step are shared out to {among}, and {came} came: "
        f"give {give(max(1, (n or 32) // parts) * parts)}."
    )


# Choosing.


def strategy(name="auto"):
    """The tf.distribute.Strategy of a name, or None for one device. Belongs before anything that computes.

    Args:
        name: "one"; "mirrored": all GPUs of this machine, or its logical CPU devices where there is none;
            "multi-worker": the processes that TF_CONFIG names, with all GPUs of each; "auto": "multi-worker" if
            TF_CONFIG names several, else "mirrored" if there are several GPUs, else "one".

    Raises:
        DistributionError: TF_CONFIG or the backend does not allow it.
    """
    if name not in NAMES:
        raise ValueError(f"a strategy is one of {', '.join(NAMES)}, and {name!r} came")
    tasks = _tasks()
    if keras.backend.backend() != "tensorflow":
        if name in ("auto", "one"):
            return None
        raise DistributionError(
            f"The strategy {name} is tf.distribute's, and Keras computes with {keras.backend.backend()}: take "
            "KERAS_BACKEND=tensorflow, or a keras.distribution in Python."
        )
    import tensorflow as tf

    gpus = tf.config.list_logical_devices("GPU") if name != "multi-worker" and len(tasks) < 2 else []
    if name == "multi-worker" or (name == "auto" and len(tasks) > 1):
        return _of_workers(tasks)
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return None


def _of_workers(tasks):
    import tensorflow as tf

    if not tasks:
        raise DistributionError(
            "The strategy multi-worker takes its processes from the environment variable TF_CONFIG, and it is not set: "
            'give each process {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}, '
            "with its own index."
        )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:  # an operation ran before
        raise DistributionError(
            f"Processes find each other before anything is computed ({error}): ask for the strategy first."
        ) from error


def _tasks():
    """The addresses that TF_CONFIG names, [] where it is not set. DistributionError if it is not what it has to be."""
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return []
    wanted = 'TF_CONFIG wants {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
    try:
        said = json.loads(text)
        cluster, task = said["cluster"], said["task"]
        addresses = [*cluster.get("chief", []), *cluster.get("worker", [])]
        known = bool(addresses) and str(cluster[task["type"]][int(task["index"])]) in addresses
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise DistributionError(f"{wanted}, and {text[:200]!r} came: correct it.") from error
    if set(cluster) - {"chief", "worker"} or not known:
        raise DistributionError(
            f"{wanted}, chief beside worker if need be, and {text[:200]!r} came: parameter servers and evaluators have "
            "no part in this."
        )
    return addresses


def scope(strategy):
    """What a model is made and compiled in; None: nothing."""
    return contextlib.nullcontext() if strategy is None else strategy.scope()


# Telling each other.


@contextlib.contextmanager
def together(strategy):
    """Within it, a process that is gone is a DistributionError: the others can not go on without it."""
    if not place_under(strategy).several_workers:
        yield
        return
    import tensorflow as tf

    lost = tf.errors
    try:
        yield
    except (lost.UnavailableError, lost.AbortedError, lost.CancelledError, lost.DeadlineExceededError) as error:
        raise DistributionError(
            "Another process of this run is gone, and no step can be taken without it: start the same command again "
            "on all of them, and the run goes on from its last checkpoint."
        ) from error


def anywhere(model, flag):
    """Whether `flag` is true in any process. All of them have to ask."""
    if not place(model).several_workers:
        return bool(flag)
    return bool(_sum(model, np.array([bool(flag)], "int32"))[0])


def from_chief(model, data):
    """The chief's `data`, bytes, in every process. All of them have to ask; what the others give is not looked at."""
    here = place(model)
    if not here.several_workers:
        return data
    size = int(_sum(model, np.array([len(data) if here.chief else 0], "int32"))[0])
    words = np.zeros(-(-size // 4), "int32")
    if here.chief:
        words.view("uint8")[:size] = np.frombuffer(data, "uint8")
    return _sum(model, words).tobytes()[:size] if size else b""


def share_weights(model, networks):
    """Sets the weights of the model's `networks` to the chief's, in every process."""
    if not place(model).several_workers:
        return
    variables = [variable for network in networks for variable in network.weights]
    data = b"".join(np.asarray(keras.ops.convert_to_numpy(variable)).tobytes() for variable in variables)
    data = from_chief(model, data)
    for variable in variables:
        size = int(np.prod(variable.shape)) * np.dtype(variable.dtype).itemsize
        variable.assign(np.frombuffer(data[:size], variable.dtype).reshape(variable.shape))
        data = data[size:]


def _sum(model, value):
    """The sum of an int32 array over all processes."""
    import tensorflow as tf

    strategy, local = strategy_of(model), place(model).local

    def of_replica(context):  # the first replica of a process speaks for it
        return tf.constant(value if context.replica_id_in_sync_group % local == 0 else np.zeros_like(value))

    parts = strategy.experimental_distribute_values_from_function(of_replica)
    return strategy.experimental_local_results(_total_under(strategy)(parts))[0].numpy()


@functools.lru_cache(maxsize=8)  # each is traced once for each shape
def _total_under(strategy):
    """A compiled function that adds up what all replicas of the strategy give it."""
    import tensorflow as tf

    def total(part):  # of a tensor that has a device, which a function's argument has not
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(part))

    return tf.function(lambda parts: strategy.run(total, args=(parts,)), autograph=False)
