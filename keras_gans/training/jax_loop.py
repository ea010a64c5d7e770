"""The epochs of `fit` and `evaluate` on JAX, where Keras's own know one optimizer and steps without side effects."""

import itertools

import jax
import keras
import numpy as np

from keras_gans.training import jax_step


def fit(model, source, first, last, callbacks, validation, validation_steps=None, validation_freq=1):
    """Trains from epoch `first` to before epoch `last`, from where `source` stands.

    Args:
        source: `feed.Feed`.
        callbacks: `keras.callbacks.CallbackList`.
        validation: `feed.InOrder`, or None.
        validation_steps, validation_freq: as for `keras.Model.fit`.
    """
    model.train_function = model.train_function or jax_step.compiled(model, model.train_step)
    model.stop_training = False
    callbacks.on_train_begin()
    logs = {}
    epochs = source.epochs()
    for epoch in range(first, last):
        model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        logs = _epoch(model, next(epochs), callbacks)
        if validation is not None and _is_due(epoch, validation_freq):
            found = evaluate(model, validation, steps=validation_steps, callbacks=callbacks, return_dict=True)
            logs = {**logs, **{f"val_{name}": value for name, value in found.items()}}
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    callbacks.on_train_end(logs)


def _epoch(model, batches, callbacks):
    """One epoch's steps. Returns the means of its terms."""
    taken = 0
    following = _chunks(batches, model.steps_per_execution)
    chunk = next(following, None)
    while chunk is not None and not model.stop_training:
        steps = len(jax.tree.leaves(chunk)[0])
        callbacks.on_train_batch_begin(taken)
        logs = model.train_function(chunk)
        chunk = next(following, None)  # made ready while the device works
        taken += steps
        callbacks.on_train_batch_end(taken - 1, _fetched(model, logs))
    return _floats({name: mean.result() for name, mean in model.means.items()})


def _chunks(batches, k):
    """Batches stacked, up to k together as long as their shapes are the same, on the device."""

    def shapes(batch):
        return [(x.shape, x.dtype) for x in jax.tree.leaves(batch)]

    for _, same in itertools.groupby(batches, shapes):
        while group := list(itertools.islice(same, k)):
            yield _placed(jax.tree.map(lambda *parts: np.stack(parts), *group))


def _placed(batches):
    """Stacked batches (k, n, ...) on the device; every n shared out to the devices of a `keras.distribution`."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return jax.device_put(batches)
    mesh = distribution.device_mesh.backend_mesh
    whole = jax.tree.leaves(batches)[0].shape[1] % mesh.size == 0  # else every device gets all of it
    spec = (None, distribution.batch_dim_name) if whole else ()
    return jax.device_put(batches, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*spec)))


def _fetched(model, logs):
    """The logs as floats. Callbacks look at the counters too: all come over at once, and are kept."""
    looked_at = [variable.value for variable in (model.steps, *model.nonfinite.values())]
    jax.device_get(looked_at)
    return _floats(logs)


def _floats(logs):
    return {name: float(value) for name, value in jax.device_get(logs).items()}


def _is_due(epoch, every):
    return (epoch + 1) % every == 0 if isinstance(every, int) else epoch + 1 in every


def evaluate(model, batches, verbose="auto", steps=None, callbacks=None, return_dict=False):
    """The means of every term over `feed.InOrder`, as `keras.Model.evaluate` gives them."""
    model.test_function = model.test_function or jax_step.compiled(model, model.test_step)
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
    for step, chunk in enumerate(_chunks(itertools.islice(iter(batches), steps), 1)):
        callbacks.on_test_batch_begin(step)
        logs = _floats(model.test_function(chunk))
        callbacks.on_test_batch_end(step, logs)
    callbacks.on_test_end(logs)
    return logs if return_dict else [logs[name] for name in model.means]
