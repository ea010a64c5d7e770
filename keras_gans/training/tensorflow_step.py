"""One player's turn on TensorFlow: the only file here that knows of tapes, loss scaling and replicas."""

import contextlib
import math

import keras
import tensorflow as tf

from keras_gans.training import accumulation


def replica():
    """(index, count) of the tf.distribute replica that runs this code."""
    context = tf.distribute.get_replica_context()
    return context.replica_id_in_sync_group, context.num_replicas_in_sync


def total(tensor):
    """The sum of all replicas' values of a tensor, on each of them."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return tensor
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensor)


def after(tensor, value):
    """`value`, once `tensor` is there. A counter that waits for nothing counts the step that finds no more data."""
    with tf.control_dependencies([tensor]):
        return tf.constant(value) + 0


def gradients(losses, variables, optimizers, parts=1):
    """What players minimise, and the gradient of each one's sum for its own variables, all of one forward pass.

    Args:
        losses: function of the number of a micro-batch that gives [{name: scalar}, ...], a dict for each player.
        variables: [[variable, ...], ...], each player's.
        optimizers: each player's; it says by what its loss is scaled.
        parts: how many micro-batches there are. They are gone through one after the other, so that memory holds the
            activations of one at a time.

    Returns:
        ([{name: scalar}, ...], [[gradient, ...], ...]), means over the micro-batches.
    """
    first = _taken(losses, 0, variables, optimizers)
    if parts == 1:
        return first
    sums = accumulation.begun(_dense(first))
    for part in range(1, parts):
        done = tf.group(*[x for x in keras.tree.flatten(sums) if x is not None])
        with tf.control_dependencies([done]):  # in a graph nothing else keeps them from running side by side
            sums = accumulation.added(sums, _dense(_taken(losses, part, variables, optimizers)))
    return accumulation.mean(sums, first, parts)


def _dense(found):
    """Terms and gradients, those that a lookup gives for the rows it met for all rows."""
    return keras.tree.map_structure(lambda x: None if x is None else tf.convert_to_tensor(x), found)


def _taken(losses, part, variables, optimizers):
    """`gradients` of one micro-batch.

    Optimizers add up the gradients of all replicas: each replica gives its share of the mean.
    """
    _, replicas = replica()
    # Each player's tape watches its own variables alone and records what depends on them, so that nobody computes
    # gradients which nobody applies.
    with contextlib.ExitStack() as stack:
        tapes = [stack.enter_context(tf.GradientTape(watch_accessed_variables=False)) for _ in variables]
        for tape, own in zip(tapes, variables, strict=True):
            tape.watch([variable.value for variable in own])
        terms = losses(part)
        totals = [
            optimizer.scale_loss(sum(each.values()) / replicas)
            for optimizer, each in zip(optimizers, terms, strict=True)
        ]
    grads = [
        tape.gradient(total, [variable.value for variable in own])
        for tape, total, own in zip(tapes, totals, variables, strict=True)
    ]
    return terms, grads


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
    return total(tf.cast(tf.logical_not(finite), tf.float32)) < 0.5
