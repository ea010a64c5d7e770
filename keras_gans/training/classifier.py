"""A classifier's training run from a recipe: the counterpart of run.py for models of the task "classify"."""

import math
import time
from pathlib import Path

import keras

from keras_gans.training import optimizers, run


def train(build, card, recipe, data, out, *, callbacks=()):
    """Trains `build()` on `data` (`keras_gans.data.Images`), which has what the model learns to say: labels or
    attributes, by `recipe`; writes run.json and model/.

    It takes minutes and is not resumed: a run that was stopped starts afresh. Errors are those of run.train.
    """
    out, steps, seed = Path(out), int(recipe["steps"]), recipe.get("seed", 0)
    data = run.as_in(recipe, data)
    run.deterministic(seed)
    model = build()
    model.card = dict(card)
    model.compile(optimizer=optimizers.get(recipe["compile"]["optimizer"]))
    data = run.fitted(data, model.network.input.shape[1:], model.architecture().get("num_classes"))
    run.record(out, card, recipe, model, data)
    timer = Timer()
    stop = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: _stop_at(stop.model, steps),  # its model: on JAX, Keras updates that
    )
    epochs = math.ceil(steps / math.ceil(len(data) / recipe["batch_size"]))
    model.fit(
        data,
        batch_size=recipe["batch_size"],
        epochs=epochs,
        verbose=0,
        callbacks=[timer, stop, *callbacks],
    )
    taken = int(model.optimizer.iterations)
    origin = run.provenance(recipe, data, taken, taken * recipe["batch_size"], timer.seconds)
    model.save_pretrained(out / run.MODEL, origin)
    return model


class Timer(keras.callbacks.Callback):
    """Counts the seconds from the start of training to its end."""

    def on_train_begin(self, logs=None):
        self._began, self.seconds = time.monotonic(), 0.0

    def on_train_batch_end(self, batch, logs=None):
        self.seconds = time.monotonic() - self._began


def _stop_at(model, steps):
    if int(model.optimizer.iterations) >= steps:
        model.stop_training = True
