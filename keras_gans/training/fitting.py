"""What `AdversarialModel.fit` and `evaluate` do around Keras's own: data of many kinds, and runs that go on."""

import importlib

import keras

from keras_gans.artifacts import DataError
from keras_gans.data.batches import Batches
from keras_gans.training import callbacks as our_callbacks
from keras_gans.training import distribution, epochs, feed


def fit(model, x, y, batch_size, last, verbose, callbacks, initial_epoch, steps_per_epoch, validation_data, **rest):
    """What `AdversarialModel.fit` documents; `last` are its `epochs`, `rest` is about the validation."""
    data, turns = model.prepared(x, y), model.discriminator_steps
    batch_size = batch_size or feed.default_batch_size(data, turns)
    source = feed.Feed(data, batch_size * turns, steps_per_epoch)
    _check_shares(model, source)
    validation = None if validation_data is None else in_order(model, validation_data, None, batch_size)
    follow = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: _place(source, model))
    callbacks = [*callbacks] if isinstance(callbacks, (list, tuple)) else [callbacks] if callbacks else []
    model._fit_start = model.steps_taken - initial_epoch * (source.steps_per_epoch or 0)
    _show_reals(model, callbacks, data)
    _resume(model, callbacks, source)
    source.seed = model.seed + max(0, model._fit_start)  # another fit goes through the data in another order
    container = OneRun(
        [follow, *callbacks, our_callbacks.StopWhenNotFinite()],
        add_history=True,
        add_progbar=verbose != 0,
        verbose=1 if verbose == "auto" else verbose,
        epochs=last,
        steps=source.steps_per_epoch,
        model=model,
    )
    spans = source.spans(position(model), initial_epoch, last)
    model.note_training(data)
    for begin, end in spans:
        _place(source, model)
        _train(model, source, begin, end, container, validation, **rest)
        if model.stop_training:  # some callback's wish
            break
    container.end()
    return model.history


def _engine(model):
    """What takes the steps where Keras's own loop does not serve, or None."""
    if keras.backend.backend() == "jax" or distribution.strategy_of(model) is not None:
        return importlib.import_module(f"keras_gans.training.{keras.backend.backend()}_loop").Engine(model)
    return None


def _train(model, source, first, last, callbacks, validation, **rest):
    """The epochs `first` to before `last`."""
    engine = _engine(model)
    if engine is not None:
        epochs.fit(engine, source, first, last, callbacks, validation, **rest)
        return
    dataset, steps = source.keras_arguments()
    keras.Model.fit(
        model,
        dataset,
        steps_per_epoch=steps,
        epochs=last,
        initial_epoch=first,
        shuffle=False,  # ours already is, and a user's pipeline is left alone
        callbacks=callbacks,
        validation_data=None if validation is None else validation.dataset(),
        **rest,
    )


def evaluate(model, x, y, batch_size, **rest):
    """What `AdversarialModel.evaluate` documents."""
    batches = in_order(model, x, y, batch_size)
    engine = _engine(model)
    if engine is not None:
        return epochs.evaluate(engine, batches, **rest)
    return keras.Model.evaluate(model, batches.dataset(), **rest)


class OneRun(keras.callbacks.CallbackList):
    """Callbacks that see one beginning and one end, though a resumed run calls Keras's fit twice."""

    _begun = _ended = False
    _logs = None

    def on_train_begin(self, logs=None):
        if not self._begun:
            self._begun = True
            super().on_train_begin(logs)

    def on_train_end(self, logs=None):
        self._logs = logs

    def end(self):
        """The run's end."""
        if self._begun and not self._ended:
            self._ended = True
            super().on_train_end(self._logs)


def _place(source, model):
    source.position = position(model)


def position(model):
    """Steps since the run that `fit` works on began."""
    return model.steps_taken - model._fit_start


def _show_reals(model, callbacks, data):
    """Lets a Health among the callbacks choose the real images that it looks at."""
    for callback in callbacks:
        if isinstance(callback, our_callbacks.Health):
            callback.take_reals(model, data)


def _resume(model, callbacks, source):
    """Lets a Checkpoint among the callbacks set the model to where its run stands."""
    for callback in callbacks:
        if isinstance(callback, our_callbacks.Checkpoint):
            if source.steps_per_epoch is None:
                raise DataError(
                    "A run with a Checkpoint must know how many batches an epoch has, and this tf.data.Dataset does "
                    "not say: give steps_per_epoch."
                )
            own = isinstance(source.data, Batches)
            callback.resume(model, {"batch_size": source.batch_size if own else None, "data": _fingerprint(source)})


def _fingerprint(source):
    return source.data.fingerprint() if isinstance(source.data, Batches) else None


def _check_shares(model, source):
    """The images of a step must divide among all that take a part of them, DataError else."""
    turns, own = model.discriminator_steps, isinstance(source.data, Batches)
    n = source.batch_size if own else _first(source.data.element_spec).shape[0]

    def give(fitting):
        return f"batch_size={fitting // turns}" if own else f".batch({fitting}, drop_remainder=True)"

    distribution.check_shares(
        n,
        {
            "turns of the discriminator": turns,
            "replicas": distribution.place(model).replicas,
            "micro-batches": model.accumulate,
        },
        give,
    )


def _first(spec):
    return spec[0] if isinstance(spec, tuple) else spec


def in_order(model, x, y, batch_size):
    """`feed.InOrder` of checked data: what is evaluated."""
    if isinstance(x, tuple) and y is None:
        x, y = x
    return feed.InOrder(model.prepared(x, y), batch_size)
