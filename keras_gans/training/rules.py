"""The arguments of `AdversarialModel.compile`: checked, and turned to and from what JSON can hold."""

import keras

UPDATES = ("alternating", "simultaneous")


def check(
    loss, adversarial_loss, label_smoothing, discriminator_steps, update, ema_decay, ema_warmup, seed, accumulate=1
):
    """Raises ValueError, with one sentence, unless these are what `compile` documents."""
    _between("label_smoothing", label_smoothing, 0.0, 0.5)
    if label_smoothing and not adversarial_loss.smooths:
        raise ValueError(f"the loss {loss!r} has no targets that label_smoothing could soften: leave it at 0")
    for name, value in (("discriminator_steps", discriminator_steps), ("accumulate", accumulate)):
        if not _is_int(value) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    if update not in UPDATES:
        raise ValueError(f"update must be one of {', '.join(UPDATES)}, got {update!r}")
    if not _is_int(seed) or not 0 <= seed < 2**31:
        raise ValueError(f"seed must be a whole number from 0 to {2**31 - 1}, got {seed!r}")
    if ema_decay is not None:
        _between("ema_decay", ema_decay, 0.0, 1.0)
    _between("ema_warmup", ema_warmup, 0, 1000)


def _is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def frozen_layers(network):
    """The names of its layers that do not learn."""
    return [layer.name for layer in network.layers if not layer.trainable]


def freeze(network, names):
    """The inverse of `frozen_layers`."""
    for name in names:
        network.get_layer(name).trainable = False


def _between(name, value, low, high):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value < high:
        raise ValueError(f"{name} must be a number of at least {low} and less than {high}, got {value!r}")


def serialize_optimizer(optimizer):
    """The optimizer itself, without the loss scaling that `compile` wraps around it."""
    return keras.optimizers.serialize(getattr(optimizer, "inner_optimizer", optimizer))


def serialize_loss(loss):
    """A loss's name, or its two functions."""
    return loss if isinstance(loss, str) else [keras.saving.serialize_keras_object(part) for part in loss[:2]]


def deserialize_loss(loss):
    """The inverse of `serialize_loss`."""
    return loss if isinstance(loss, str) else [keras.saving.deserialize_keras_object(part) for part in loss]
