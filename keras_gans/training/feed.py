"""From checked data to what Keras's fit iterates over."""

from keras_gans.data.pipeline import Images


class Feed:
    """Batches for `fit`, from wherever a run stands.

    Args:
        data: `Images`, or a tf.data.Dataset of batches.
        batch_size: images a step takes (for `Images`).
        steps_per_epoch: None: as many as the data has.

    Attributes:
        seed: of the order of `Images`.
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
        if isinstance(self.data, Images):
            return self.data.steps_per_epoch(self.batch_size)
        steps = int(self.data.cardinality())
        return steps if steps > 0 else None  # unknown, or infinite: Keras finds out

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
        if isinstance(self.data, Images):
            return self._dataset_of_images(), None
        if self.asked:  # one endless stream: an epoch goes on where the one before it ended
            return self.data.repeat().skip(self.position), self._left()
        if self.steps_per_epoch is None or self.position % self.steps_per_epoch == 0:
            return self.data, None
        return self.data.skip(self.position % self.steps_per_epoch), None

    def _left(self):
        return self.steps_per_epoch - self.position % self.steps_per_epoch  # the same for all epochs of a span

    def _dataset_of_images(self):
        import tensorflow as tf

        def batches():
            end_of_epoch = (self.position // self.steps_per_epoch + 1) * self.steps_per_epoch
            return self.data.batches(self.batch_size, self.seed, start=self.position, stop=end_of_epoch)

        dataset = tf.data.Dataset.from_generator(batches, output_signature=_signature(self.data, self.batch_size))
        return dataset.apply(tf.data.experimental.assert_cardinality(self._left())).prefetch(2)


def default_batch_size(data, turns):
    """32 images a turn, as in Keras, or what there is of them."""
    return min(32, max(1, len(data) // turns)) if isinstance(data, Images) else 32


def _signature(data, n):
    import tensorflow as tf

    images = tf.TensorSpec((n, *data.shape), data.images.dtype)
    return images if data.labels is None else (images, tf.TensorSpec((n,), "int32"))


def in_order(data, batch_size):
    """A tf.data.Dataset of every image once, in order: what `evaluate` sees."""
    if not isinstance(data, Images):
        return data
    import tensorflow as tf

    def batches():
        for start in range(0, len(data), batch_size):
            part = slice(start, start + batch_size)
            yield data.images[part] if data.labels is None else (data.images[part], data.labels[part])

    dataset = tf.data.Dataset.from_generator(batches, output_signature=_signature(data, None))
    return dataset.apply(tf.data.experimental.assert_cardinality(-(-len(data) // batch_size)))
