"""One player's turn on JAX, and a model's step as a compiled function: what tensorflow_step.py and Keras's trainer are
there.

JAX's functions have no side effects, and Keras's variables are nothing but them. So a step runs in a
`keras.StatelessScope`, which holds every variable's value and takes every assignment; a compiled step maps the values
before it to the values after it.
"""

import itertools

import jax
import keras
from jax import numpy as jnp
from jax.interpreters import ad

from keras_gans.training import accumulation, checkpoint, scope


def replica():
    """(index, count): one program works on the whole batch, on however many devices it lies."""
    return 0, 1


def total(tensor):
    """The sum of all replicas' values of a tensor: there is one."""
    return tensor


def after(tensor, value):
    """`value`: a compiled step begins when its data is there."""
    return value


def gradients(losses, variables, optimizers, parts=1):
    """As tensorflow_step.py says."""
    if parts == 1:
        *found, moved = _taken(losses, 0, variables, optimizers)
    else:
        *found, moved = _in_parts(losses, variables, optimizers, parts)
    for variable, value in moved:
        variable.assign(value)
    return found


def _taken(losses, part, variables, optimizers):
    """(terms, gradients, [(variable, value), ...]) of one micro-batch; the last are moving statistics."""
    moved = []

    def total(values):
        pairs = zip(itertools.chain(*variables), itertools.chain(*values), strict=True)
        with scope.NestedScope(list(pairs)) as within:
            terms = losses(part)
            totals = [
                optimizer.scale_loss(sum(each.values())) for optimizer, each in zip(optimizers, terms, strict=True)
            ]
        moved[:] = [variable for variable, _ in within.updates()]
        return totals, (terms, [value for _, value in within.updates()])

    at = [[variable.value for variable in own] for own in variables]
    totals, pulled_back, (terms, values) = jax.vjp(total, at, has_aux=True)
    # A zero that JAX knows to be one: a number would be multiplied, and NaN of one player's loss is NaN then too.
    one, zero = [jnp.ones_like(x) for x in totals], [ad.Zero(jax.typeof(x)) for x in totals]
    grads = [
        pulled_back([*zero[:player], one[player], *zero[player + 1 :]])[0][player] for player in range(len(variables))
    ]
    return terms, grads, list(zip(moved, values, strict=True))


def _in_parts(losses, variables, optimizers, parts):
    """`_taken`, means over the micro-batches, in a loop: moving statistics go from each to the next."""
    moved = []

    def one(part, statistics):
        with scope.NestedScope(list(zip(moved, statistics, strict=True))):
            terms, grads, after = _taken(losses, part, variables, optimizers)
        moved[:] = [variable for variable, _ in after]
        return [terms, grads], [value for _, value in after]

    def following(carried, part):
        sums, statistics = carried
        found, statistics = one(part, statistics)
        return (accumulation.added(sums, found), statistics), None

    like, _ = jax.eval_shape(lambda: one(0, []))  # which also finds out what moves
    nothing = jax.tree.map(lambda x: jnp.zeros(x.shape, "float32"), like)
    begin = nothing, [variable.value for variable in moved]
    (sums, statistics), _ = jax.lax.scan(following, begin, jnp.arange(parts))
    terms, grads = accumulation.mean(sums, like, parts)
    return terms, grads, list(zip(moved, statistics, strict=True))


def apply(grads, variables, optimizer):
    """Updates `variables`, unless a gradient or its square, which Adam keeps, is not finite. Returns whether it did."""
    # A sum is finite only if all its parts are (one that overflows loses a step, and no more).
    finite = jnp.all(jnp.stack([jnp.isfinite(jnp.sum(jnp.square(g))) for g in grads]))
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        _apply_scaled([jnp.where(finite, g, jnp.nan) for g in grads], variables, optimizer)
        return finite
    with scope.NestedScope() as within:
        optimizer.apply(grads, variables)
    for variable, value in within.updates():
        variable.assign(jnp.where(finite, value, variable.value))
    return finite


def _apply_scaled(grads, variables, optimizer):
    """It skips by itself, and must see the overflow (NaN) to lower its scale. `apply` would assign within branches."""
    state = optimizer.variables
    moved, after = optimizer.stateless_apply([v.value for v in state], grads, [v.value for v in variables])
    for variable, value in zip([*variables, *state], [*moved, *after], strict=True):
        variable.assign(value)


def state(model):
    """Every Keras variable that a step reads or assigns: of model, optimizers and means."""
    found = [*checkpoint.state_variables(model).values(), *model.metrics_variables]
    return list({id(variable): variable for variable in found}.values())


def compiled(model, step):
    """`step`, a method of the model that takes a batch and gives logs, as a function of several batches.

    The function takes batches stacked, (k, n, ...), assigns the model's variables anew and returns the last step's logs
    as floats. It is compiled once for each shape; k steps are one launch on the device, where `model.jit_compile`
    allows it.
    """
    variables = state(model)

    def one(values, batch):
        with keras.StatelessScope(list(zip(variables, values, strict=True))) as within:
            logs = step(batch)
        return [within.get_current_value(variable) for variable in variables], logs

    def several(values, batches):
        if len(jax.tree.leaves(batches)[0]) == 1:
            return one(values, jax.tree.map(lambda x: x[0], batches))
        values, logs = jax.lax.scan(one, values, batches)
        return values, jax.tree.map(lambda x: x[-1], logs)

    fast = jax.jit(several, donate_argnums=0)

    def eager(values, batches):
        for i in range(len(jax.tree.leaves(batches)[0])):
            values, logs = one(values, jax.tree.map(lambda x, i=i: x[i], batches))
        return values, logs

    run = fast if model.jit_compile else eager

    def function(batches):
        values, logs = run(_own([variable.value for variable in variables]), batches)
        for variable, value in zip(variables, values, strict=True):
            variable._direct_assign(value)  # `assign` checks and converts what needs neither: 40 times as slow
        return logs

    return function


def _own(values):
    """The values, none of them twice: a compiled step takes their memory, and `assign` lets variables share it."""
    first = {id(value): i for i, value in reversed(list(enumerate(values)))}
    return [value if first[id(value)] == i else jnp.copy(value) for i, value in enumerate(values)]
