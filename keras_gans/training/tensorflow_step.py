"""One player's turn on TensorFlow: the only file here that knows of tapes, loss scaling and replicas."""

import math

import keras
import tensorflow as tf


def replica():
    """(index, count) of the tf.distribute replica that runs this code."""
    context = tf.distribute.get_replica_context()
    return context.replica_id_in_sync_group, context.num_replicas_in_sync


def after(tensor, value):
    """`value`, once `tensor` is there. A counter that waits for nothing counts the step that finds no more data."""
    with tf.control_dependencies([tensor]):
        return tf.constant(value) + 0


def gradients(losses, variables, optimizer):
    """What `losses()` -> {name: scalar} gives, and the gradient of its sum for each of `variables`.

    Optimizers add up the gradients of all replicas: each replica gives its share of the mean.
    """
    _, replicas = replica()
    # Only the player's own variables are watched, so that nobody computes weight gradients which nobody applies.
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([variable.value for variable in variables])
        terms = losses()
        total = optimizer.scale_loss(sum(terms.values()) / replicas)
    return terms, tape.gradient(total, [variable.value for variable in variables])


def apply(grads, variables, optimizer):
    """Updates `variables`, unless a gradient is not finite on any replica. Returns whether they all were."""
    pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    grads, variables = [g for g, _ in pairs], [v for _, v in pairs]
    finite = _all_finite(grads)
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        # It skips by itself, and must see the overflow, also that of a square, to lower its scale.
        optimizer.apply([tf.where(finite, tf.convert_to_tensor(g), math.nan) for g in grads], variables)
        return finite

    def update(grads):
        optimizer.apply(grads, variables)

    def in_cross_replica_context(strategy, finite, grads):
        # Every replica holds the same reduced flag: the first one's decides for all.
        first = strategy.experimental_local_results(finite)[0]

        def run():
            strategy.extended.call_for_each_replica(update, args=(grads,))

        tf.cond(first, lambda: (run(), 0)[1], lambda: 0)

    tf.distribute.get_replica_context().merge_call(in_cross_replica_context, args=(finite, grads))
    return finite


def _all_finite(grads):
    """A scalar bool: whether the squares are finite too, for Adam keeps those.

    A sum is finite only if all its parts are (one that overflows loses a step, and no more).
    """
    flags = [tf.math.is_finite(tf.reduce_sum(tf.square(tf.convert_to_tensor(g)))) for g in grads]
    finite = tf.reduce_all(tf.stack(flags)) if flags else tf.constant(True)
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return finite
    bad = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.cast(tf.logical_not(finite), tf.float32))
    return bad < 0.5
