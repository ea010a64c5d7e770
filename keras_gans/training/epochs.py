"""The epochs of `fit` and `evaluate` where Keras's own loop does not serve: on JAX, and on several replicas."""

import itertools

import keras


def fit(engine, source, first, last, callbacks, validation, validation_steps=None, validation_freq=1):
    """Trains from epoch `first` to before epoch `last`, from where `source` stands.

    Args:
        engine: what takes the steps: `jax_loop.Engine`, `tensorflow_loop.Engine`.
        source: `feed.Feed`.
        callbacks: `keras.callbacks.CallbackList`.
        validation: `feed.InOrder`, or None.
        validation_steps, validation_freq: as for `keras.Model.fit`.
    """
    model = engine.model
    model.stop_training = False
    callbacks.on_train_begin()
    logs = {}
    epochs = engine.epochs(source)
    for epoch in range(first, last):
        model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        logs = _epoch(engine, next(epochs), callbacks)
        if validation is not None and _is_due(epoch, validation_freq):
            found = evaluate(engine, validation, steps=validation_steps, callbacks=callbacks, return_dict=True)
            logs = {**logs, **{f"val_{name}": value for name, value in found.items()}}
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    callbacks.on_train_end(logs)


def _epoch(engine, chunks, callbacks):
    """One epoch's steps. Returns the means of its terms."""
    taken, logs = 0, {}
    chunk = next(chunks, None)
    while chunk is not None and not engine.model.stop_training:
        callbacks.on_train_batch_begin(taken)
        running = engine.train(chunk)
        taken += engine.steps(chunk)
        chunk = next(chunks, None)  # made ready while the device works
        logs = engine.fetched(running)
        callbacks.on_train_batch_end(taken - 1, logs)
    return logs


def _is_due(epoch, every):
    return (epoch + 1) % every == 0 if isinstance(every, int) else epoch + 1 in every


def evaluate(engine, batches, verbose="auto", steps=None, callbacks=None, return_dict=False):
    """The means of every term over `feed.InOrder`, as `keras.Model.evaluate` gives them."""
    model = engine.model
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = keras.callbacks.CallbackList(
            callbacks,
            add_progbar=verbose != 0,
            verbose=1 if verbose == "auto" else verbose,
            epochs=1,
            steps=steps or batches.steps,
            model=model,
        )
    callbacks.on_test_begin()
    model.reset_metrics()
    logs = {}
    for step, chunk in enumerate(engine.in_order(itertools.islice(iter(batches), steps))):
        callbacks.on_test_batch_begin(step)
        logs = engine.fetched(engine.test(chunk))
        callbacks.on_test_batch_end(step, logs)
    callbacks.on_test_end(logs)
    return logs if return_dict else [logs[name] for name in model.means]
