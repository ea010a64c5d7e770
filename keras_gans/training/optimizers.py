"""Optimizers and schedules that papers used and Keras lacks, and how a recipe names them."""

import math

import keras
from keras import ops

register = keras.saving.register_keras_serializable(package="keras_gans")


@register
class DecayToFloor(keras.optimizers.schedules.LearningRateSchedule):
    """initial / factor^step, never below floor: the 2014 GAN's learning rate (released code: factor 1.000004)."""

    def __init__(self, initial, factor, floor):
        self.initial, self.factor, self.floor = initial, factor, floor

    def __call__(self, step):
        step = ops.cast(step, "float32")
        return ops.maximum(self.initial * ops.exp(-step * math.log(self.factor)), self.floor)

    def get_config(self):
        return {"initial": self.initial, "factor": self.factor, "floor": self.floor}


@register
class LinearRamp(keras.optimizers.schedules.LearningRateSchedule):
    """From `initial` to `final`, in a straight line between step `start` and step `end`, constant outside.

    With `every`, all of it begins again each so many steps (warm restarts, Loshchilov and Hutter 2017).
    """

    def __init__(self, initial, final, end, start=0, every=None):
        self.initial, self.final, self.start, self.end, self.every = initial, final, start, end, every

    def __call__(self, step):
        step = ops.cast(step, "float32")
        step = step if self.every is None else ops.mod(step, float(self.every))
        done = (step - self.start) / (self.end - self.start)
        return self.initial + (self.final - self.initial) * ops.clip(done, 0.0, 1.0)

    def get_config(self):
        config = {"initial": self.initial, "final": self.final, "end": self.end, "start": self.start}
        return config if self.every is None else {**config, "every": self.every}


@register
class MomentumSGD(keras.optimizers.Optimizer):
    """SGD with v = momentum * v - rate * gradient, w = w + v, where the momentum may be a schedule.

    Args:
        learning_rate: float or schedule.
        momentum: float, or a schedule of the number of updates (the 2014 GAN: .5 to .7 in 250 epochs).
        nesterov: whether w moves by momentum * v - rate * gradient instead, of the new v (Sutskever et al. 2013).
        l2: float of at least 0; l2 * weight is added to the gradient of matrices and kernels. Gains and biases, which
            are vectors, do not decay. (Keras's `weight_decay` takes all, and does not pass through the momentum.)
    """

    def __init__(self, learning_rate=0.1, momentum=0.5, nesterov=False, l2=0.0, name="momentum_sgd", **kwargs):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.momentum, self.nesterov, self.l2 = momentum, nesterov, l2

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.velocities = [self.add_variable_from_reference(v, name="velocity") for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        velocity = self.velocities[self._get_variable_index(variable)]
        momentum = self.momentum(self.iterations) if callable(self.momentum) else self.momentum
        momentum, rate = ops.cast(momentum, variable.dtype), ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        if self.l2 and len(variable.shape) > 1:
            gradient = gradient + ops.cast(self.l2, variable.dtype) * variable
        moved = momentum * velocity - rate * gradient
        self.assign(velocity, moved)
        self.assign_add(variable, momentum * moved - rate * gradient if self.nesterov else moved)

    def get_config(self):
        momentum = self.momentum
        if isinstance(momentum, keras.optimizers.schedules.LearningRateSchedule):
            momentum = keras.optimizers.schedules.serialize(momentum)
        return {**super().get_config(), "momentum": momentum, "nesterov": self.nesterov, "l2": self.l2}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        if isinstance(config.get("momentum"), dict):
            schedule = keras.optimizers.schedules.deserialize(config["momentum"], custom_objects)
            config = {**config, "momentum": schedule}
        return super().from_config(config, custom_objects)


@register
class AdamL2(keras.optimizers.Adam):
    """Adam on the gradient plus l2 * weight, as the released DCGAN code has it (l2 of 1e-5).

    Keras's `weight_decay` is the decoupled one (Loshchilov and Hutter 2019), which Adam does not rescale.

    Args:
        l2: float of at least 0; every weight of the player decays, gains and biases too.
        Others as for `keras.optimizers.Adam`.
    """

    def __init__(self, learning_rate=2e-4, l2=1e-5, name="adam_l2", **kwargs):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.l2 = l2

    def update_step(self, gradient, variable, learning_rate):
        decay = ops.cast(self.l2, gradient.dtype) * ops.cast(variable, gradient.dtype)
        super().update_step(gradient + decay, variable, learning_rate)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}


OURS = {cls.__name__: cls for cls in (AdamL2, DecayToFloor, LinearRamp, MomentumSGD)}


def get(optimizer):
    """A Keras optimizer from an optimizer, a name, or a recipe's table.

    A table names its class, ours or Keras's, and gives its arguments; schedules are tables within it:
    `{class = "Adam", learning_rate = {class = "CosineDecay", initial_learning_rate = 2e-4, decay_steps = 1000}}`.
    """
    if isinstance(optimizer, dict):
        return _from_table(optimizer)
    try:
        return keras.optimizers.get(optimizer)
    except (ValueError, TypeError) as error:
        raise ValueError(f"an optimizer, its name or a table with a class was wanted, got {optimizer!r}") from error


def _from_table(table):
    """Only what is an optimizer or a schedule is called: a card may come from anywhere, and these modules hold more."""
    if not isinstance(table.get("class"), str):
        raise ValueError(f"an optimizer, its name or a table with a class was wanted, got {table!r}")
    arguments = {key: _from_table(value) if isinstance(value, dict) else value for key, value in table.items()}
    name = arguments.pop("class")
    kinds = (keras.optimizers.Optimizer, keras.optimizers.schedules.LearningRateSchedule)
    for home in (OURS, vars(keras.optimizers), vars(keras.optimizers.schedules)):
        if isinstance(home.get(name), type) and issubclass(home[name], kinds):
            return home[name](**arguments)
    raise ValueError(f"neither Keras nor keras_gans has an optimizer or a schedule named {name!r}")
