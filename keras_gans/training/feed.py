"""From checked data to what `fit` and `evaluate` iterate over."""

import itertools

import keras

from keras_gans.data.batches import Batches


class Feed:
    """Batches for `fit`, from wherever a run stands.

    Args:
        data: `Batches`, as `Images` are, or a tf.data.Dataset of batches.
        batch_size: images a step takes (for `Batches`).
        steps_per_epoch: None: as many as the data has.

    Attributes:
        seed: of the order of `Batches`.
        position: where the next iterator begins, in steps of the run. Set before each epoch, not read off the model
            within one: a step's counter may run ahead of its data.
        steps_per_epoch: None if the data does not know its length.
    """

    def __init__(self, data, batch_size, steps_per_epoch=None):
        self.data, self.batch_size = data, batch_size
        self.seed = self.position = 0
        self.asked = steps_per_epoch
        self.steps_per_epoch = steps_per_epoch or self._own_steps()

    def _own_steps(self):
        if isinstance(self.data, Batches):
            return self.data.steps_per_epoch(self.batch_size)
        return _length(self.data)

    def spans(self, position, initial_epoch, epochs):
        """[(first epoch, last epoch), ...] to fit one after the other, from a run's `position` in steps.

        An epoch that was interrupted is a span of its own: Keras takes the length of a fit's first epoch for all.
        """
        if self.steps_per_epoch is None:
            return [(initial_epoch, epochs)]
        epoch, offset = divmod(position, self.steps_per_epoch)
        spans = [(epoch, epoch + 1), (epoch + 1, epochs)] if offset else [(epoch, epochs)]
        return [(first, last) for first, last in spans if first < min(last, epochs)]

    def keras_arguments(self):
        """What Keras's fit gets for a span that begins at `position`: the data, and the steps of each epoch or None."""
        if isinstance(self.data, Batches):
            return self.dataset(), None
        if self.asked:  # one endless stream: an epoch goes on where the one before it ended
            return self.data.repeat().skip(self.position), self._left()
        if self.steps_per_epoch is None or self.position % self.steps_per_epoch == 0:
            return self.data, None
        return self.data.skip(self.position % self.steps_per_epoch), None

    def epochs(self):
        """An iterator over NumPy batches for each epoch of a span that begins at `position`, without end."""
        if isinstance(self.data, Batches):
            while True:
                yield self._batches()
        dataset, steps = self.keras_arguments()
        stream = dataset.as_numpy_iterator()
        while True:
            yield itertools.islice(stream, steps) if steps else dataset.as_numpy_iterator()

    def _left(self):
        return self.steps_per_epoch - self.position % self.steps_per_epoch  # the same for all epochs of a span

    def _batches(self, rows=None):
        """Of `Batches`, from `position` to the end of its epoch."""
        end_of_epoch = (self.position // self.steps_per_epoch + 1) * self.steps_per_epoch
        return self.data.batches(self.batch_size, self.seed, start=self.position, stop=end_of_epoch, rows=rows)

    def parts(self, rows):
        """For each epoch of a span that begins at `position`, an iterator over these rows of its batches."""
        dataset = self.dataset(rows)
        while True:
            yield iter(dataset)

    def dataset(self, rows=None):
        """A tf.data.Dataset of `Batches`; each iterator goes from `position` to the end of its epoch.

        rows: (first, last) of each batch's images; None: all.
        """
        size = self.batch_size if rows is None else rows[1] - rows[0]
        return _dataset(lambda: self._batches(rows), self.data, size, self._left()).prefetch(2)


def _length(dataset):
    """Batches of a tf.data.Dataset; None if that is unknown, or infinite: Keras finds out."""
    steps = int(dataset.cardinality())
    return steps if steps > 0 else None


def default_batch_size(data, turns):
    """What the data asks for; else 32 images a turn, as in Keras, or what there is of them."""
    if not isinstance(data, Batches):
        return 32
    return data.batch_size or min(32, max(1, len(data) // turns))


def _dataset(batches, data, batch_size, steps):
    """A tf.data.Dataset of what the function `batches` yields, which is `steps` batches of `data`."""
    import tensorflow as tf

    specs = tuple(tf.TensorSpec((batch_size, *shape), dtype) for shape, dtype in data.spec())
    signature = specs if len(specs) > 1 else specs[0]
    return untuned(batches, signature).apply(tf.data.experimental.assert_cardinality(steps))


def untuned(batches, signature):
    """A tf.data.Dataset of what the function `batches` yields.

    Nothing here is to be tuned, and an iterator's end waits for the tuner, which wakes ever more rarely: after 5.1 s,
    10.2 s, 20.5 s, ...
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.from_generator(batches, output_signature=signature).with_options(options)


class Endless:
    """Batches without end from a step on, which every epoch goes on through: what a model of one network learns from.

    Args:
        batches: has `at(step)`, `batch_size` and `steps_per_epoch`.
        start: the step of the first batch.
        data: the `Batches` that they are made of.
    """

    def __init__(self, batches, start, data):
        self.batches, self.start, self.data, self.batch_size = batches, start, data, batches.batch_size

    def dataset(self, rows=None):
        """As a tf.data.Dataset; rows: (first, last) of each batch; None: all."""
        import tensorflow as tf

        first = next(self.following(rows))
        specs = keras.tree.map_structure(lambda part: tf.TensorSpec(part.shape, part.dtype), first)
        return untuned(lambda: self.following(rows), specs).prefetch(2)

    def following(self, rows=None):
        """As an iterator over NumPy arrays."""
        mine = slice(*(rows or (0, self.batch_size)))
        for step in itertools.count(self.start):
            yield keras.tree.map_structure(lambda part: part[mine], self.batches.at(step))

    def parts(self, rows):
        """For each epoch, an iterator over these rows of its batches."""
        stream = iter(self.dataset(rows))
        while True:
            yield itertools.islice(stream, self.batches.steps_per_epoch)


class InOrder:
    """Batches of NumPy arrays, every image once, in order: what `evaluate` sees. Each iterator begins afresh.

    Args:
        data: `Batches`, as `Images` are, or a tf.data.Dataset of batches.
        batch_size: of `Batches`.

    Attributes:
        steps: how many batches; None if the data does not know.
    """

    def __init__(self, data, batch_size):
        self.data, self.batch_size = data, batch_size
        self.steps = data.steps_in_order(batch_size) if isinstance(data, Batches) else _length(data)

    def __iter__(self):
        own = isinstance(self.data, Batches)
        yield from self.data.in_order(self.batch_size) if own else self.data.as_numpy_iterator()

    def dataset(self):
        """The same as a tf.data.Dataset."""
        return _dataset(self.__iter__, self.data, None, self.steps) if isinstance(self.data, Batches) else self.data
