"""Optimizers and schedules of the papers, against NumPy."""

import keras
import numpy as np
import pytest

from keras_gans.training import optimizers


def test_momentum_sgd_with_schedules(rng):
    rate = optimizers.DecayToFloor(0.1, 1.1, 0.08)
    momentum = optimizers.LinearRamp(0.5, 0.7, 4)
    optimizer = optimizers.MomentumSGD(rate, momentum)
    w = keras.Variable(np.ones(3, "float32"))
    optimizer.build([w])
    expected, velocity = np.ones(3), np.zeros(3)
    for i, gradient in enumerate(rng.normal(size=(6, 3))):
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")])
        velocity = (0.5 + 0.2 * min(i / 4, 1)) * velocity - max(0.1 / 1.1**i, 0.08) * gradient
        expected = expected + velocity
        np.testing.assert_allclose(w.numpy(), expected, rtol=1e-5)


def test_momentum_sgd_of_nesterov_decays_matrices_alone(rng):
    start = {"kernel": rng.normal(size=(2, 3)), "bias": rng.normal(size=3)}
    optimizer = optimizers.MomentumSGD(0.1, 0.9, nesterov=True, l2=0.5)
    variables = [keras.Variable(value.astype("float32")) for value in start.values()]
    optimizer.build(variables)
    expected = [value.copy() for value in start.values()]
    velocities = [np.zeros_like(value) for value in expected]
    for _ in range(4):
        gradients = [rng.normal(size=value.shape) for value in expected]
        optimizer.apply([keras.ops.convert_to_tensor(g, "float32") for g in gradients])
        gradients[0] += 0.5 * expected[0]
        velocities = [0.9 * v - 0.1 * g for v, g in zip(velocities, gradients, strict=True)]
        for w, v, g, variable in zip(expected, velocities, gradients, variables, strict=True):
            w += 0.9 * v - 0.1 * g
            np.testing.assert_allclose(variable.numpy(), w, rtol=1e-4, atol=1e-6)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert (copy.nesterov, copy.l2) == (True, 0.5)


def test_a_linear_ramp_holds_before_and_after():
    ramp = optimizers.LinearRamp(2.0, 0.0, end=20, start=10)
    assert [float(ramp(s)) for s in (0, 10, 15, 20, 99)] == [2, 2, 1, 0, 0]


def test_a_linear_ramp_may_begin_again():
    ramp = optimizers.LinearRamp(2.0, 0.0, end=20, start=10, every=20)
    assert [float(ramp(s)) for s in (0, 10, 15, 19, 20, 30, 35, 40)] == pytest.approx([2, 2, 1, 0.2, 2, 2, 1, 2])
    assert optimizers.LinearRamp.from_config(ramp.get_config()).every == 20


def test_they_survive_serialisation():
    optimizer = optimizers.MomentumSGD(optimizers.DecayToFloor(0.1, 1.1, 0.01), optimizers.LinearRamp(0.5, 0.7, 4))
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert copy.get_config() == optimizer.get_config()
    assert isinstance(copy.momentum, optimizers.LinearRamp)


def test_tables_name_optimizers_and_schedules():
    table = {
        "class": "Adam",
        "learning_rate": {"class": "CosineDecay", "initial_learning_rate": 1e-3, "decay_steps": 10},
    }
    adam = optimizers.get(table)
    assert isinstance(adam, keras.optimizers.Adam)
    assert np.isclose(float(adam.learning_rate), 1e-3)
    assert isinstance(optimizers.get("sgd"), keras.optimizers.SGD)
    with pytest.raises(ValueError, match="neither Keras nor keras_gans has an optimizer or a schedule named 'Adamm'"):
        optimizers.get({"class": "Adamm"})


def test_adam_l2_adds_the_decay_to_the_gradient(rng):
    start, gradients = rng.normal(size=3), rng.normal(size=(4, 3))
    optimizer = optimizers.get({"class": "AdamL2", "learning_rate": 0.01, "beta_1": 0.5, "epsilon": 1e-8, "l2": 0.3})
    w = keras.Variable(start.astype("float32"))
    optimizer.build([w])
    expected, m, v = start.copy(), np.zeros(3), np.zeros(3)
    for i, gradient in enumerate(gradients, start=1):
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")])
        g = gradient + 0.3 * expected
        m, v = 0.5 * m + 0.5 * g, 0.999 * v + 0.001 * g**2
        expected = expected - 0.01 * (m / (1 - 0.5**i)) / (np.sqrt(v / (1 - 0.999**i)) + 1e-8)
        np.testing.assert_allclose(w.numpy(), expected, rtol=1e-4)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert copy.get_config() == optimizer.get_config()


@pytest.mark.parametrize(
    "table",
    [
        {"class": "deserialize", "config": "Adam"},  # a function of that module
        {"class": "get", "identifier": "Adam"},
        {"class": "schedules"},
        {"class": "Adam", "learning_rate": {"module": "keras.layers", "class_name": "Lambda"}},
        {"module": "keras.optimizers", "class_name": "Adam", "config": {}},  # Keras's own form: a card has none
        {"class": ["Adam"]},
    ],
)
def test_a_cards_table_names_an_optimizer_or_a_schedule_and_nothing_else(table):
    with pytest.raises(ValueError, match=r"table with a class was wanted|neither Keras nor keras_gans has"):
        optimizers.get(table)
