"""Steps of `fit` and `evaluate` under a tf.distribute.Strategy: what `epochs` asks of an engine.

Keras's own loop dies where there are several processes, and knows nothing of data that each process makes for itself.
"""

import itertools

import keras
import tensorflow as tf

from keras_gans.data.batches import Batches
from keras_gans.training import distribution


class Engine:
    """Takes a model's steps on all replicas, `model.steps_per_execution` of them in one call. A chunk is a list."""

    def __init__(self, model):
        self.model = model
        self.strategy, self.place = distribution.strategy_of(model), distribution.place(model)

    def epochs(self, source):
        """For each epoch of a span of `feed.Feed`, an iterator over chunks."""
        k = self.model.steps_per_execution
        if isinstance(source.data, Batches):
            for part in source.parts(self.place.share(source.batch_size)):
                yield _chunks(map(self._dealt, part), k)
        dataset, steps = source.keras_arguments()
        dealt = self.strategy.experimental_distribute_dataset(dataset)
        stream = iter(dealt)
        while True:
            yield _chunks(itertools.islice(stream, steps) if steps else iter(dealt), k)

    def in_order(self, batches):
        """An iterator over chunks of one batch each."""
        return ([self._copied(batch)] for batch in batches)

    def steps(self, chunk):
        """How many batches are in a chunk."""
        return len(chunk)

    def train(self, chunk):
        """Takes the steps of a chunk. What comes back is for `fetched`."""
        model = self.model
        model.train_function = model.train_function or self._function(model.train_step)
        return model.train_function(chunk)

    def test(self, chunk):
        """The same with `test_step`."""
        model = self.model
        model.test_function = model.test_function or self._function(model.test_step)
        return model.test_function(chunk)

    def fetched(self, logs):
        """The logs as floats; every replica has the same."""
        return {name: float(self.strategy.experimental_local_results(value)[0]) for name, value in logs.items()}

    def _function(self, step):
        strategy, reports_means = self.strategy, hasattr(self.model, "means")  # over all replicas, as games do

        def mean(value):
            return strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None)

        def one(batch):
            logs = strategy.run(step, args=(batch,))
            return logs if reports_means else keras.tree.map_structure(mean, logs)

        def several(batches):
            return [once(batch) for batch in batches][-1]

        if self.model.run_eagerly:
            once = one
            return several
        once = tf.function(one, autograph=False)  # traced once, however many there are in a chunk
        return tf.function(several, autograph=False)

    def _dealt(self, batch):
        """This process's part of a batch, dealt to its replicas in order."""
        first, local = self.place.first, self.place.local
        return self._values(lambda replica: _part(batch, replica - first, local))

    def _copied(self, batch):
        """A whole batch dealt to all replicas; one that does not divide goes to each of them."""
        whole = keras.tree.flatten(batch)[0].shape[0] % self.place.replicas == 0
        return self._values(lambda replica: _part(batch, replica, self.place.replicas) if whole else batch)

    def _values(self, of_replica):
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: keras.tree.map_structure(tf.convert_to_tensor, of_replica(context.replica_id_in_sync_group))
        )


def _part(batch, number, count):
    """Part `number` of `count` equal ones of a batch, or of what is nested in it."""

    def of(x):
        each = x.shape[0] // count
        return x[number * each : (number + 1) * each]

    return keras.tree.map_structure(of, batch)


def _chunks(batches, k):
    """Lists of k batches; the last has what is left."""
    batches = iter(batches)
    while chunk := list(itertools.islice(batches, k)):
        yield chunk
