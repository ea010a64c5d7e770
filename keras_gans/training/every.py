"""The base of callbacks that act every so many steps of the model, whatever Keras counts as a batch."""

import keras


class EverySteps(keras.callbacks.Callback):
    """A callback with something to do each time the model's steps pass a multiple of `every`; None: never."""

    def __init__(self, every):
        super().__init__()
        if every is not None and every < 1:
            raise ValueError(f"every must be a whole number of at least 1, got {every!r}")
        self.every = every
        self._last = 0

    def on_train_begin(self, logs=None):
        self._last = self.model.steps_taken

    def on_train_batch_end(self, batch, logs=None):
        step, last = self.model.steps_taken, self._last  # more than one apart where steps_per_execution is
        self._last = step
        if self.every and step // self.every > last // self.every:
            self.act(step)

    def act(self, step):
        """What is to be done at this step."""
        raise NotImplementedError
