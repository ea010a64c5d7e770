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


def check_counts(name, values, length=None):
    """Raises ValueError unless `values` is a list of counts, not empty, and of `length` if that is given."""
    wanted = "a list of whole numbers of at least 1" if length is None else f"{length} whole numbers of at least 1"
    if not isinstance(values, (list, tuple)) or not values or length not in (None, len(values)):
        raise ValueError(f"{name} must be {wanted}, got {values!r}")
    for i, value in enumerate(values):
        check_count(f"{name}[{i}]", value)


def check_rates(name, values, length):
    """Raises ValueError unless `values` is `length` numbers in [0, 1)."""
    fits = isinstance(values, (list, tuple)) and len(values) == length
    if not fits or any(isinstance(v, bool) or not isinstance(v, (int, float)) or not 0 <= v < 1 for v in values):
        raise ValueError(f"{name} must be {length} numbers of at least 0 and less than 1, got {values!r}")
