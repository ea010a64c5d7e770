"""The gradient of a network's output with respect to its input: what penalties stand on. A few lines a backend."""

import functools

import keras
from keras import ops


def input_gradient(function, x):
    """d sum(function(x)) / dx.

    Args:
        function: maps x (n, ...) to values of any shape whose row i depends on x's row i alone. On JAX it must assign
            no Keras variable (or do so in a scope that drops it).
        x: float tensor (n, ...).

    Returns:
        A tensor of x's shape, itself differentiable.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            total = ops.sum(function(x))
        return tape.gradient(total, x)
    if backend == "jax":
        import jax

        return jax.grad(lambda value: ops.sum(function(value)))(x)
    raise NotImplementedError(f"gradient penalties need the backend tensorflow or jax, this is {backend}")


def with_input_gradient(function, x):
    """What a function gives, and its `input_gradient` at the same place without another pass forward.

    Args:
        function: maps x (n, ...) to (values, more): values as of `input_gradient`, more any structure of tensors.
        x: float tensor (n, ...).

    Returns:
        (values, more, a function of no arguments that gives the gradient).
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            values, more = function(x)
            total = ops.sum(values)
        return values, more, functools.cache(lambda: tape.gradient(total, x))  # a tape answers once
    if backend == "jax":
        import jax

        values, pulled_back, more = jax.vjp(function, x, has_aux=True)
        return values, more, lambda: pulled_back(ops.ones_like(values))[0]
    raise NotImplementedError(f"gradient penalties need the backend tensorflow or jax, this is {backend}")
