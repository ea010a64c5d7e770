"""From checked data to what Keras's fit iterates over."""

from keras_gans.data.pipeline import Images


class Feed:
    """Batches for `fit`, from wherever a run stands.

    Args:
        data: `Images`, or a tf.data.Dataset of batches.
        batch_size: images a step takes (for `Images`).
        seed: of the order.
        steps_per_epoch: None: as many as the data has.
    """

    def __init__(self, data, batch_size, seed, steps_per_epoch=None):
        self.data, self.batch_size, self.seed = data, batch_size, seed
        self.position = 0  # in steps; set before each epoch: within a step, its counter may run ahead of its data
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

    def go_to(self, position):
        """Where the next epoch's iterator begins."""
        self.position = position

    def dataset(self):
        """A tf.data.Dataset, each of whose iterators goes on from `position` to the end of that epoch."""
        if isinstance(self.data, Images):
            return self._dataset_of_images()
        steps = self.steps_per_epoch
        data = self.data.repeat() if steps and steps != self._own_steps() else self.data
        if steps is None:
            return data
        offset = self.position % steps
        return data.skip(offset).take(steps - offset)

    def _dataset_of_images(self):
        import tensorflow as tf

        def batches():
            end_of_epoch = (self.position // self.steps_per_epoch + 1) * self.steps_per_epoch
            return self.data.batches(self.batch_size, self.seed, start=self.position, stop=end_of_epoch)

        dataset = tf.data.Dataset.from_generator(batches, output_signature=_signature(self.data, self.batch_size))
        left = self.steps_per_epoch - self.position % self.steps_per_epoch  # the same for all epochs of a span
        return dataset.apply(tf.data.experimental.assert_cardinality(left)).prefetch(2)


def default_batch_size(data, turns):
    """64 images a turn, or what there is of them."""
    return min(64, max(1, len(data) // turns)) if isinstance(data, Images) else 64


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
