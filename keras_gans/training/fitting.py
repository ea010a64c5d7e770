"""What `AdversarialModel.fit` and `evaluate` do around Keras's own: data of many kinds, and runs that go on."""

import keras

from keras_gans.data import check
from keras_gans.training import callbacks as our_callbacks
from keras_gans.training import feed


def fit(model, x, y, batch_size, epochs, verbose, callbacks, validation_data, initial_epoch, steps_per_epoch, freq):
    """What `AdversarialModel.fit` documents."""
    data, turns = prepare(model, x, y), model.discriminator_steps
    batch_size = batch_size or feed.default_batch_size(data, turns)
    source = feed.Feed(data, batch_size * turns, model.seed, steps_per_epoch)
    validation = None if validation_data is None else in_order(model, validation_data, None, batch_size)
    follow = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: source.go_to(position(model)))
    callbacks = [follow, *(callbacks or []), our_callbacks.StopWhenNotFinite()]
    model._fit_start = int(model.steps) - initial_epoch * (source.steps_per_epoch or 0)
    for callback in callbacks:
        if isinstance(callback, our_callbacks.Checkpoint):
            callback.resume(model)
    container = keras.callbacks.CallbackList(
        callbacks,
        add_history=True,
        add_progbar=verbose != 0,
        verbose=1 if verbose == "auto" else verbose,
        epochs=epochs,
        steps=source.steps_per_epoch,
        model=model,
    )
    done = []
    for first, last in source.spans(position(model), initial_epoch, epochs):
        source.go_to(position(model))
        keras.Model.fit(
            model,
            source.dataset(),
            epochs=last,
            initial_epoch=first,
            shuffle=False,  # ours already is, and a user's pipeline is left alone
            callbacks=container,
            validation_data=validation,
            validation_freq=freq,
        )
        done += model.history.epoch  # which Keras begins anew at each fit
        if model.stop_training:  # some callback's wish
            break
    model.history.epoch = done
    return model.history


def position(model):
    """Steps since the run that `fit` works on began."""
    return int(model.steps) - model._fit_start


def prepare(model, x, y):
    """Checked data of the model's size; DataError says what is wrong with it."""
    size, _, channels = model.image_shape
    return check.prepare(x, y, size=size, channels=channels, num_classes=model.num_classes)


def in_order(model, x, y, batch_size):
    """Every image once: what is evaluated."""
    if isinstance(x, tuple) and y is None:
        x, y = x
    return feed.in_order(prepare(model, x, y), batch_size)
