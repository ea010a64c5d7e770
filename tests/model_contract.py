"""What every family must keep (docs/decisions.md, "Contracts"): a mixin that each family's test class completes.

The networks are real and tiny. Numbers in the tests' names are the contracts'.
"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gans
from keras_gans import data, losses
from keras_gans.training import checkpoint


class StopHere(Exception):
    """What a test interrupts a run with."""


class Interrupt(keras.callbacks.Callback):
    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.steps) == self.step:
            raise StopHere


def weights(model):
    return [v.numpy() for v in checkpoint.state_variables(model).values()]


def assert_equal_weights(a, b):
    for x, y in zip(weights(a), weights(b), strict=True):
        np.testing.assert_array_equal(x, y)


@functools.cache
def two_devices():
    """One strategy for all tests: TensorFlow tells collectives on a CPU apart by numbers that each one begins anew."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def halves(strategy, batch):
    """A batch of 16, shared out to two replicas."""

    def half(part):
        def of(context):
            return part[8 * context.replica_id_in_sync_group :][:8]

        return strategy.experimental_distribute_values_from_function(of)

    return tuple(half(part) for part in batch)


class ModelContract:
    """A family's test class gives `build(**changes)`; `compile_arguments` if it has some of its own."""

    compile_arguments: dict = {}
    replicated: dict = {}  # what build needs so that replicas share batch statistics

    def build(self, **changes):
        raise NotImplementedError

    def lively(self):
        """With weights so large that pictures differ plainly: at the start all of them are almost grey."""
        model = self.build()
        rng = np.random.default_rng(0)
        for v in model.generator.trainable_variables:
            if len(v.shape) > 1:
                v.assign(rng.normal(0, 2 / np.sqrt(np.prod(v.shape[:-1])), v.shape))
        return model

    def compiled(self, **changes):
        model = self.build()
        model.compile(**{**self.compile_arguments, **changes})
        return model

    def images(self, model, n=40):
        rng = np.random.default_rng(0)
        x = rng.integers(0, 256, (n, *model.image_shape), dtype="uint8")
        return data.load((x, np.arange(n) % 10))

    def conditions(self, labels):
        """What a batch of (images, labels) holds in the labels' place."""
        return labels

    # 1. Sampling.

    def test_1_pictures_are_a_function_of_seed_and_index(self):
        model = self.lively()
        many = model.generate(7, seed=3)
        assert many.dtype == np.uint8
        assert many.shape == (7, *model.image_shape)
        np.testing.assert_array_equal(model.generate(2, seed=3), many[:2])
        near = model.generate(7, seed=3, batch_size=2).astype(int)
        assert np.abs(near - many).max() <= 1
        assert (model.generate(7, seed=4) != many).any(axis=(1, 2, 3)).all()
        assert many.std(axis=0).mean() > 10
        assert model.generate(0).shape == (0, *model.image_shape)

    def test_1_latents_and_output(self):
        model = self.lively()
        z = keras_gans.latent.sample(model, 3, seed=5)
        np.testing.assert_array_equal(model.generate(latents=z), model.generate(3, seed=5))
        x = model.generate(3, seed=5, output="float")
        assert x.dtype == np.float32
        assert x.min() >= -1
        assert x.max() <= 1
        assert np.abs((x + 1) * 127.5 - model.generate(3, seed=5)).max() <= 0.51
        assert (model.generate(3, truncation=0.1) != model.generate(3)).any()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"n": -1}, "n must be a whole number of at least 0, got -1"),
            ({"seed": 1.5}, "seed must be a whole number of at least 0, got 1.5"),
            ({"latents": np.zeros((2, 3))}, r"latents must have the shape \(n, \d+\), got \(2, 3\)"),
            ({"truncation": -1}, "truncation must be a number above 0, got -1"),
            ({"output": "png"}, 'output must be "uint8" or "float", got \'png\''),
        ],
    )
    def test_1_wrong_arguments_are_named(self, arguments, words):
        with pytest.raises(ValueError, match=words):
            self.build().generate(**arguments)

    # 2. Saving.

    @pytest.mark.slow
    def test_2_folder_and_keras_file_round_trip_exactly(self, tmp_path):
        model = self.compiled()
        model.fit(self.images(model), batch_size=8, epochs=1, verbose=0)
        drawn = model.generate(4, output="float")
        model.save_pretrained(tmp_path / "folder")
        loaded = keras_gans.load(tmp_path / "folder")
        np.testing.assert_array_equal(loaded.generate(4, output="float"), drawn)
        for name, tensor in model.tensors().items():
            np.testing.assert_array_equal(loaded.tensors()[name], tensor)

        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(loaded.generate(4, output="float"), drawn)
        assert_equal_weights(model, loaded)  # both optimizers, the average and the counters too
        for each in (model, loaded):
            each.fit(self.images(model), batch_size=8, epochs=1, verbose=0)
        assert_equal_weights(model, loaded)

        model.save_weights(tmp_path / "model.weights.h5")
        loaded.generator.set_weights([0 * w for w in loaded.generator.get_weights()])
        loaded.load_weights(tmp_path / "model.weights.h5")
        assert_equal_weights(model, loaded)

    # 3. Resuming.

    @pytest.mark.slow
    def test_3_a_run_stopped_anywhere_resumes_bit_for_bit(self, tmp_path):
        undisturbed, resumed = self.compiled(), self.compiled()
        start = [v.numpy() for v in checkpoint.state_variables(undisturbed).values()]
        arguments = {"batch_size": 8, "epochs": 3, "verbose": 0}  # 5 steps an epoch
        images = self.images(undisturbed)

        def reset(model, values):
            for v, value in zip(checkpoint.state_variables(model).values(), values, strict=True):
                v.assign(value)

        undisturbed.fit(images, **arguments)
        for stop in np.random.default_rng(1).choice(np.arange(1, 15), 5, replace=False):
            kept = keras_gans.callbacks.Checkpoint(tmp_path / str(stop), every=2)
            reset(resumed, start)
            with pytest.raises(StopHere):
                resumed.fit(images, callbacks=[kept, Interrupt(stop)], **arguments)
            reset(resumed, [np.ones_like(v) for v in start])  # nothing of it may survive
            if not checkpoint.found(tmp_path / str(stop)):
                reset(resumed, start)  # stopped before the first checkpoint: a fresh start
            again = keras_gans.callbacks.Checkpoint(tmp_path / str(stop), every=2)
            history = resumed.fit(images, callbacks=[again], **arguments)
            assert history.epoch[-1] == 2
            assert int(resumed.steps) == 15
            assert_equal_weights(undisturbed, resumed)

    # 4. Replicas, graph and eager.

    def _sgd(self, **changes):
        keras.utils.set_random_seed(1)
        model = self.build(**self.replicated)
        rates = {f"{p}_optimizer": keras.optimizers.SGD(0.05) for p in model.players}
        model.compile(**{**self.compile_arguments, **rates, **changes})
        return model

    @pytest.mark.slow
    def test_4_one_device_times_16_equals_two_replicas_times_8(self):
        one = self._sgd()
        strategy = two_devices()
        with strategy.scope():
            two = self._sgd()
        rng = np.random.default_rng(0)
        x = rng.integers(0, 256, (10, 16, *one.image_shape), dtype="uint8")
        y = rng.integers(0, 10, (10, 16), dtype="int32")
        begin = weights(one)
        on_one = tf.function(lambda *batch: one.train_step(batch))
        on_two = tf.function(lambda *batch: strategy.run(lambda *parts: two.train_step(parts), halves(strategy, batch)))
        for i, (images, labels) in enumerate(zip(x, map(self.conditions, y), strict=True)):
            on_one(images, labels)
            on_two(images, labels)
            if i in (0, 9):
                self._assert_close(one, two, begin, tolerance=1e-5 if i == 0 else 1e-4, steps=i + 1)

    def _assert_close(self, one, two, begin, tolerance, steps):
        """For each player, the difference of all its weights against their change since `begin`."""
        variables = checkpoint.state_variables(one).values()
        for player in one.players:
            own = {v.path for v in getattr(one, player).trainable_variables}
            start, a, b = (
                np.concatenate(
                    [w.ravel().astype("float64") for w, v in zip(all_, variables, strict=True) if v.path in own]
                )
                for all_ in (begin, weights(one), weights(two))
            )
            # Float32 weights hold their change to no more than their own rounding.
            rounding = steps * 6e-8 * np.linalg.norm(a)
            assert np.linalg.norm(a - start) > 1e-6
            assert np.linalg.norm(a - b) <= tolerance * np.linalg.norm(a - start) + rounding

    @pytest.mark.slow
    def test_4_graph_equals_eager(self):
        graph, eager = self._sgd(), self._sgd(run_eagerly=True)
        images = self.images(graph, 16)
        for model in (graph, eager):
            model.fit(images, batch_size=8, epochs=1, verbose=0)
        for a, b in zip(weights(graph), weights(eager), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)

    # 5. Not finite.

    @pytest.mark.slow
    def test_5_a_gradient_that_is_not_finite_reaches_no_weight_and_ten_stop_the_run(self, tmp_path):
        poison = tf.Variable(0.0)
        plain = losses.get("non_saturating")

        def generator_loss(fake):
            return plain.generator(fake) * tf.where(poison > 0, float("nan"), 1.0)

        model = self.compiled(loss=(plain.discriminator, generator_loss))
        images = self.images(model)
        model.fit(images, batch_size=8, epochs=1, verbose=0)
        before = [v.numpy() for v in model.generator.trainable_variables]
        poison.assign(1.0)
        with pytest.raises(
            keras_gans.TrainingError, match="The generator's gradient was not finite for 10 turns in a row"
        ):
            model.fit(images, batch_size=8, epochs=5, verbose=0)
        assert int(model.steps) == 5 + 10
        for v, old in zip(model.generator.trainable_variables, before, strict=True):
            np.testing.assert_array_equal(v.numpy(), old)
        assert all(np.isfinite(w).all() for w in weights(model))

        v = model.generator.trainable_variables[0]
        assert checkpoint.save(model, tmp_path, {}) is not None
        v.assign(np.full(v.shape, np.nan))
        assert checkpoint.save(model, tmp_path, {}) is None
        assert len(checkpoint.found(tmp_path)) == 1

    # 6. Wrong data. (tests/data holds the sentences themselves.)

    def test_6_wrong_data_is_refused_before_anything_is_built(self, tmp_path):
        model = self.compiled()
        h, w, c = model.image_shape
        other = 4 - c
        wrong = {
            "float": np.zeros((8, h, w, c)) + 200.0,
            f"{h}x{w}x{c}": np.zeros((8, h + 4, w, other), "uint8"),
            "NaN": np.full((8, h, w, c), np.nan, "float32"),
            "empty|no image": np.zeros((0, h, w, c), "uint8"),
            "string|object|<U": np.full((8, h, w, c), "x"),
        }
        for x in wrong.values():
            with pytest.raises(keras_gans.DataError) as caught:
                model.fit(x, verbose=0)
            assert "\n" not in str(caught.value)
        assert model.train_function is None

    # 7. Mixed precision.

    @pytest.mark.slow
    def test_7_mixed_bfloat16_trains(self):
        model = self.build(dtype="mixed_bfloat16")
        model.compile(**self.compile_arguments)
        before = weights(model)
        history = model.fit(self.images(model), batch_size=8, epochs=2, verbose=0)
        assert np.isfinite(list(history.history.values())).all()
        assert sum((a != b).any() for a, b in zip(before, weights(model), strict=True)) > 4
        assert {v.dtype for v in model.ema_generator.variables} == {"float32"}
        assert model.ema_generator.layers[-1].compute_dtype == "float32"
