"""Steps of `fit` and `evaluate` on JAX: what `epochs` asks of an engine."""

import itertools

import jax
import keras
import numpy as np

from keras_gans.training import jax_step


class Engine:
    """Takes a model's steps, `model.steps_per_execution` in one launch. A chunk is batches stacked (k, n, ...)."""

    def __init__(self, model):
        self.model = model

    def epochs(self, source):
        """For each epoch of a span of `feed.Feed`, an iterator over chunks."""
        return (_chunks(batches, self.model.steps_per_execution) for batches in source.epochs())

    def in_order(self, batches):
        """An iterator over chunks of one batch each."""
        return _chunks(batches, 1)

    def steps(self, chunk):
        """How many batches are in a chunk."""
        return len(jax.tree.leaves(chunk)[0])

    def train(self, chunk):
        """Begins the steps of a chunk. What comes back is for `fetched`."""
        model = self.model
        model.train_function = model.train_function or jax_step.compiled(model, model.train_step)
        return model.train_function(chunk)

    def test(self, chunk):
        """The same with `test_step`."""
        model = self.model
        model.test_function = model.test_function or jax_step.compiled(model, model.test_step)
        return model.test_function(chunk)

    def fetched(self, logs):
        """The logs as floats. Callbacks look at the counters too: all come over at once, and are kept."""
        looked_at = [variable.value for variable in (self.model.steps, *self.model.nonfinite.values())]
        _, logs = jax.device_get((looked_at, logs))
        return {name: float(value) for name, value in logs.items()}


def _chunks(batches, k):
    """Batches stacked, up to k together as long as their shapes are the same, on the device."""

    def shapes(batch):
        return [(x.shape, x.dtype) for x in jax.tree.leaves(batch)]

    for _, same in itertools.groupby(batches, shapes):
        while group := list(itertools.islice(same, k)):
            yield _placed(jax.tree.map(lambda *parts: np.stack(parts), *group))


def _placed(batches):
    """Stacked batches (k, n, ...) on the device; every n shared out to the devices of a `keras.distribution`."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return jax.device_put(batches)
    mesh = distribution.device_mesh.backend_mesh
    whole = jax.tree.leaves(batches)[0].shape[1] % mesh.size == 0  # else every device gets all of it
    spec = (None, distribution.batch_dim_name) if whole else ()
    return jax.device_put(batches, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*spec)))
