"""What families share when they build their networks."""

import contextlib

import keras


@contextlib.contextmanager
def precision(dtype):
    """Layers made within this block have the dtype policy `dtype`; None leaves Keras's own."""
    before = keras.config.dtype_policy()
    try:
        if dtype is not None:
            keras.config.set_dtype_policy(dtype)
        yield
    finally:
        keras.config.set_dtype_policy(before)


def check_choice(name, value, choices):
    """Raises ValueError unless `value` is among `choices`."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}, got {value!r}")


def check_count(name, value, least=1):
    """Raises ValueError unless `value` is a whole number of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
