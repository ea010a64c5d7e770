"""The training run of a model of one network, from a recipe: the counterpart of run.py for what plays no game.

Its folder is that of run.py, samples/ only of what upscales. A run that is started again goes on where it stopped.
"""

import math
from pathlib import Path

import keras

from keras_gans.training import callbacks as our_callbacks
from keras_gans.training import distribution, epochs, feed, optimizers, run, statistics

RETAKEN = 100  # batches that the statistics of an average are taken from


def train(
    build,
    card,
    recipe,
    data,
    out,
    *,
    steps=None,
    sample_every=None,
    checkpoint_every=None,
    callbacks=(),
    stop=None,
    strategy=None,
):
    """Trains `build()` on `data` by `recipe`, in the folder `out`; resumes what is there.

    Args:
        build: function that makes the model, a `keras_gans.models.supervised.SupervisedModel`, once the seed is set.
        card: the model's card, a dict.
        recipe: a table of the card's recipes: batch_size, steps, seed, compile (arguments of the model's `compile`),
            data (flip = true or false, and the fields of `mixing.Mixing`). Where its optimizer keeps an average of the
            weights (use_ema = true), the finished model has that, and statistics taken anew.
        data: `keras_gans.data.Images` with what the model learns to say, labels or attributes; or `Patches`.
        out: folder, made where it is missing.
        steps: instead of the recipe's.
        sample_every: steps; None: twenty times in the run. Only what upscales makes pictures.
        checkpoint_every: steps; None: at the end of each epoch.
        callbacks: further Keras callbacks.
        stop: function that says whether to stop now; asked after each step.
        strategy: as of `run.train`.

    Returns:
        The trained model.

    Raises:
        CardError, CheckpointError, DataError, Stopped: as `run.train`.
        TrainingError: the loss is not finite.
    """
    out, steps, seed = Path(out), int(steps or recipe["steps"]), recipe.get("seed", 0)
    run.deterministic(seed)
    with distribution.scope(strategy):
        model = build()
        data, batches = model.training_batches(data, recipe)
        model.card = dict(card)
        model.compile(**{**recipe["compile"], "optimizer": optimizers.get(recipe["compile"]["optimizer"])})
        model.optimizer.build(model.trainable_variables)  # a checkpoint holds what it keeps
    distribution.check(model)
    place = distribution.place(model)
    distribution.check_shares(batches.batch_size, {"replicas": place.replicas}, lambda n: f"batch_size={n}")
    if place.chief:
        run.record(out, card, recipe, model, data)
    kept = our_callbacks.Checkpoint(out / run.CHECKPOINTS, every=checkpoint_every)
    kept.resume(model, {"batch_size": batches.batch_size, "data": data.fingerprint()})
    if run.is_left(model, steps, out):
        shown = [LoggedCurve(out / run.CURVE, every=max(1, steps // 500))]
        if model.task == "upscale":
            shown.append(run.grid(model, out / run.GRIDS, sample_every or max(1, steps // 20), data))
        ours = [
            StopWhenNotFinite(),
            *(shown if place.chief else []),
            kept,  # after the others: what it saves, they have seen
            our_callbacks.StopAfter(steps),
        ]
        asked = [] if stop is None else [our_callbacks.StopWhen(stop, kept)]
        _fit(model, data, batches, steps, [*ours, *callbacks, *asked])
    if not place.chief:
        return model
    _finish(model, batches)
    images = steps * batches.batch_size
    model.save_pretrained(out / run.MODEL, run.provenance(recipe, data, steps, images, kept.elapsed(), model.before))
    return model


def _fit(model, data, batches, steps, callbacks):
    """One call of Keras's fit, whatever the step: at its end an optimizer puts its average in the weights' place.

    So Keras's epochs are as long as the data's, and begin where the run stands.
    """
    taken = model.steps_taken
    number = math.ceil((steps - taken) / batches.steps_per_epoch)
    source = feed.Endless(batches, taken, data)
    if distribution.strategy_of(model) is not None:
        from keras_gans.training import tensorflow_loop

        known = keras.callbacks.CallbackList(callbacks, add_history=True, epochs=number, model=model)
        epochs.fit(tensorflow_loop.Engine(model), source, 0, number, known, None)
        return
    keras.Model.fit(
        model,
        source.dataset() if keras.backend.backend() == "tensorflow" else source.following(),
        steps_per_epoch=batches.steps_per_epoch,
        epochs=number,
        callbacks=callbacks,
        shuffle=False,  # they are
        verbose=0,
    )


def _finish(model, batches):
    """Puts the optimizer's average, if it keeps one, in the weights' place, with statistics of unmixed images.

    Those that it was trained with stay, where these were fixed.
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # within what scales a loss
    if not optimizer.use_ema:
        return
    optimizer.finalize_variable_values(model.trainable_variables)
    if getattr(model, "fixed_statistics", False):
        return
    plain = batches.unmixed()
    statistics.take_anew(model.network, (plain.at(k)[0] for k in range(min(RETAKEN, plain.steps_per_epoch))))


class LoggedCurve(our_callbacks.Curve):
    """A Curve of what Keras logs of each step: the epoch's mean so far."""

    def on_epoch_begin(self, epoch, logs=None):
        self._logs = (0, {})
        super().on_epoch_begin(epoch)

    def on_train_batch_end(self, batch, logs=None):
        self._logs = (batch + 1, logs)
        super().on_train_batch_end(batch)

    def so_far(self, name):
        count, means = self._logs
        return count * float(means.get(name, 0.0)), float(count)


class StopWhenNotFinite(keras.callbacks.Callback):
    """Stops a run whose loss is not finite. What was saved before is all there is: no bad weight is."""

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(float(logs["loss"])):
            raise our_callbacks.TrainingError(
                f"The loss was not finite at step {self.model.steps_taken}; checkpoints before it stay. Look for NaN "
                "in the data, or lower the learning rate."
            )
