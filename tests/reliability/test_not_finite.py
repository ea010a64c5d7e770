"""NaN and infinity in gradients, losses and data reach no variable, and are counted and named."""

import collections
import math
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gans import callbacks, losses
from keras_gans.models.dcgan import DCGAN
from keras_gans.models.vanilla import VanillaGAN
from keras_gans.training import checkpoint, health, tensorflow_step

STEPS = 14
PLAYERS = VanillaGAN.players
VALUES = [math.nan, math.inf, -math.inf]


class Trial(NamedTuple):
    """A game, and what is done to it."""

    family: str
    dtype: str | None
    compiled: dict
    place: str  # "gradient", "loss" (a factor of it), "report" (a term of it without a gradient) or "data"
    player: str
    poison: dict  # (step, turn): value


def _trial(number):
    """Trial `number`, drawn at random; places, and updates within them, take turns, so that few trials cover them."""
    rng = np.random.default_rng(number)
    place = ["gradient", "data", "loss", "data", "gradient", "report"][number % 6]
    player = "discriminator" if place == "data" else str(rng.choice(PLAYERS))
    turns = int(rng.choice([1, 1, 2, 3]))
    penalty = rng.choice(["", "r1", "r2", "gradient_penalty"])
    compiled = {
        "update": ["alternating", "simultaneous"][number // 2 % 2],
        "discriminator_steps": turns,
        "penalties": {str(penalty): 1.0} if penalty else None,
        "ema_decay": [0.9, None][number // 3 % 2],
        "generator_optimizer": _optimizer(rng),
        "discriminator_optimizer": _optimizer(rng),
        "seed": number,
    }
    chosen = range(turns) if player == "discriminator" else [turns - 1]
    values = [*VALUES, 1e25] if place in ("gradient", "loss") else VALUES  # Adam's square of 1e25 is infinite
    poison = {
        (step, turn): float(rng.choice(values))
        for step in _steps(rng)
        if step or place != "data"  # fit looks at the first batch, and refuses such a one
        for turn in (chosen if rng.random() < 0.7 else [int(rng.choice(chosen))])
    }
    family = ["batch", "vanilla", "spectral"][number % 3]
    dtype = [None, "mixed_float16", None, "mixed_bfloat16"][number // 4 % 4]
    return Trial(family, dtype, compiled, place, player, poison)


def _steps(rng):
    """Which steps meet it: one, some, five to nine in a row, most of them but never five in a row, or ten in a row."""
    first = int(rng.integers(1, 5))
    return [
        [first],
        np.flatnonzero(rng.random(STEPS) < 0.4).tolist(),
        list(range(first, first + int(rng.integers(5, 10)))),
        [step for step in range(STEPS) if step % 5 != first],
        list(range(first % 4, STEPS)),
    ][rng.integers(5)]


def _optimizer(rng):
    kind = str(rng.choice(["Adam", "RMSprop", "SGD"]))
    return {"class": kind, "learning_rate": 1e-3, **({"momentum": 0.9} if kind == "SGD" else {})}


def _build(trial):
    if trial.family == "vanilla":
        return VanillaGAN(size=8, latent=4, generator_units=(8,), discriminator_units=4, dtype=trial.dtype)
    return DCGAN(28, 1, width=2, latent=4, normalization=trial.family, dtype=trial.dtype)


class Injection:
    """Puts a trial's values where they belong, and notes which turns had a gradient that was not finite.

    Attributes:
        bad: {player: {(step, turn), ...}}, found with NumPy.
    """

    def __init__(self, trial, model, monkeypatch):
        self.trial, self.model = trial, model
        self.bad = {player: set() for player in PLAYERS}
        self._turns = collections.Counter()
        self._take = tensorflow_step.gradients
        monkeypatch.setattr(tensorflow_step, "gradients", self.gradients)

    def loss(self):
        """The pair of functions that `compile` takes."""
        plain = losses.get("non_saturating")
        return (
            lambda real, fake, smoothing: self._spoilt("discriminator", plain.discriminator(real, fake, smoothing)),
            lambda fake: self._spoilt("generator", plain.generator(fake)),
        )

    def gradients(self, terms, variables, optimizers, parts):
        players = [one for one in PLAYERS if getattr(self.model, f"{one}_optimizer") in optimizers]
        step, last = self.model.steps_taken, self.trial.compiled["discriminator_steps"] - 1
        self._now = step, self._turns[step] if "discriminator" in players else last
        self._turns[step] += 1
        found, grads = self._take(terms, variables, optimizers, parts)
        for player, own in zip(players, grads, strict=True):
            value = self._value("gradient", player)
            if value is not None:
                at = step % len(own)
                one = tf.reshape(tf.range(tf.size(own[at])) == 0, own[at].shape)
                own[at] = tf.where(one, tf.constant(value, own[at].dtype), own[at])
            with np.errstate(over="ignore"):
                if not all(np.isfinite(np.square(g.numpy())).all() for g in own):
                    self.bad[player].add(self._now)
        return found, grads

    def _spoilt(self, player, loss):
        factor, term = self._value("loss", player), self._value("report", player)
        if factor is not None:
            return loss * factor
        return loss if term is None else loss + term

    def _value(self, place, player):
        poisoned = self.trial.place == place and self.trial.player == player
        return self.trial.poison.get(self._now) if poisoned else None

    def batches(self):
        """One for each step. Turn k gets every k-th image: the first of them is spoilt."""
        k = self.trial.compiled["discriminator_steps"]
        rng = np.random.default_rng(self.trial.compiled["seed"])
        found = rng.uniform(-1, 1, (STEPS, 4 * k, *self.model.image_shape)).astype("float32")
        if self.trial.place == "data":
            for (step, turn), value in self.trial.poison.items():
                found[step, turn] = value
        return found


class Watch(keras.callbacks.Callback):
    """Reckons after each step what the counters must be and whom Health must name, from what was injected."""

    def __init__(self, injection):
        super().__init__()
        self.injection = injection
        self.row = dict.fromkeys(PLAYERS, 0)
        self.met = {player: [] for player in PLAYERS}
        self.named = set()

    def on_train_batch_begin(self, batch, logs=None):
        self.before = {player: _values(getattr(self.model, player).variables) for player in PLAYERS}

    def on_train_batch_end(self, batch, logs=None):
        step, k = self.model.steps_taken - 1, self.model.discriminator_steps
        for player in PLAYERS:
            turns = range(k) if player == "discriminator" else [k - 1]
            bad = [(step, turn) in self.injection.bad[player] for turn in turns]
            for one in bad:
                self.row[player] = self.row[player] + 1 if one else 0
            self.met[player].append(bad[-1])
            assert int(self.model.nonfinite[player]) == self.row[player]
            if self.row[player] >= health.SKIPPED_IN_A_ROW or sum(self.met[player]) >= health.SKIPPED_OF_LATE:
                self.named.add(player)
            if all(bad):
                for old, new in zip(self.before[player], _values(getattr(self.model, player).variables), strict=True):
                    np.testing.assert_array_equal(old, new)
        _all_finite(self.model)


def _values(variables):
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _all_finite(model):
    named = {**checkpoint.state_variables(model), **{v.path: v for v in model.metrics_variables}}
    wrong = [name for name, value in zip(named, _values(named.values()), strict=True) if not np.isfinite(value).all()]
    assert not wrong, wrong


@pytest.mark.slow
@pytest.mark.parametrize("trials", [3, pytest.param(100, marks=pytest.mark.full)])
def test_no_variable_takes_what_is_not_finite(trials, tmp_path, monkeypatch, record):
    count = collections.Counter()
    for number in range(trials):
        trial = _trial(number)
        with monkeypatch.context() as patched:
            _run(trial, tmp_path / str(number), patched, count)
        count[f"runs with it in the {trial.place}"] += 1
    assert count["turns skipped"]
    assert count["players named by Health"]
    record("NaN and infinity while training", runs=trials, **{k.replace(" ", "_"): v for k, v in sorted(count.items())})


def _run(trial, folder, monkeypatch, count):
    model = _build(trial)
    injection = Injection(trial, model, monkeypatch)
    model.compile(**trial.compiled, loss=injection.loss(), run_eagerly=True)
    watch, kept = Watch(injection), callbacks.Checkpoint(folder, every=3)
    reals = np.random.default_rng(0).integers(0, 256, (4, *model.image_shape), dtype="uint8")
    looks = callbacks.Health(reals=reals, say=lambda text: None)
    data = tf.data.Dataset.from_tensor_slices(injection.batches())
    stopped = ""
    try:
        model.fit(data, callbacks=[watch, looks, kept], verbose=0)
    except callbacks.TrainingError as error:
        stopped = str(error)
    if stopped:
        assert f"The {_longest(watch)}'s gradient was not finite for 10 turns in a row" in stopped
    assert bool(stopped) == (max(watch.row.values()) >= callbacks.PATIENCE)
    steps = model.steps_taken
    assert stopped or steps == STEPS

    planned = {(step, turn) for step, turn in trial.poison if step < steps}
    if trial.place == "report":
        planned = set()  # a loss that is not finite and has a finite gradient: the turn is taken
    assert planned <= injection.bad[trial.player]
    if trial.dtype != "mixed_float16":  # which may overflow by itself, until the loss scale has come down
        assert injection.bad == {player: planned if player == trial.player else set() for player in PLAYERS}
    named = [player for player in PLAYERS for found in looks.findings if f"The {player}'s" in found.text]
    assert sorted(named) == sorted(watch.named)
    assert {found.kind for found in looks.findings} <= {"skipped"}

    assert kept.save() is not None
    fresh = _build(trial)
    fresh.compile(**trial.compiled)
    assert checkpoint.restore(fresh, folder) is not None
    for ours, theirs in zip(*[_values(checkpoint.state_variables(m).values()) for m in (model, fresh)], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(model.generate(2), fresh.generate(2))

    count["turns skipped"] += sum(map(len, injection.bad.values()))
    count["turns taken"] += steps * (1 + trial.compiled["discriminator_steps"]) - sum(map(len, injection.bad.values()))
    count["players named by Health"] += len(watch.named)
    count["runs stopped after ten turns in a row"] += bool(stopped)


def _longest(watch):
    return max(PLAYERS, key=watch.row.get)
