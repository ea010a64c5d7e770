"""Players who take their turn at once: what both need is computed once, and each learns as if it were alone."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gans
from keras_gans.models.dcgan import DCGAN
from keras_gans.models.srgan import SRGAN
from keras_gans.models.text_to_image import TextToImageGAN
from keras_gans.models.vanilla import VanillaGAN
from keras_gans.training import game, shared, tensorflow_step
from model_contract import ModelContract

BENCHMARKS = str(Path(__file__).resolve().parents[2] / "benchmarks")
sys.path.insert(0, BENCHMARKS)
import graph  # noqa: E402

sys.path.remove(BENCHMARKS)

READER = {"reader_units": (3, 4, 5), "reader_recurrent": 4, "reader_dim": 6, "picture_features": 3}


def vanilla(dropout=(0.2, 0.5), **arguments):
    """The 2014 GAN with weights that are far enough from 0."""
    model = VanillaGAN(size=8, latent=4, generator_units=(8,), discriminator_units=4, dropout=dropout)
    for player, times in ((model.generator, 10), (model.discriminator, 100)):
        for v in player.trainable_variables:
            v.assign(times * v)
    model.compile(**still(), **arguments)
    return model


def dcgan(**arguments):
    model = DCGAN(28, 1, width=2, latent=4)
    model.compile(**still(), **arguments)
    return model


def conditional(**arguments):
    model = DCGAN(28, 1, width=2, latent=4, num_classes=3, conditioning="projection", normalization="spectral")
    model.compile(**still(), **arguments)
    return model


def reading(**arguments):
    model = TextToImageGAN(16, 4, latent=4, compressed=3, residual=False, **READER)
    model.compile(**still(), **arguments)
    return model


def upscaling(**arguments):
    model = SRGAN(2, 1, 2, 16)
    model.compile(**still(), perceptual="mse", **arguments)
    return model


def still():
    return {f"{player}_optimizer": keras.optimizers.SGD(0.0) for player in ("generator", "discriminator")}


def batch_of(model, n=8):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, *model.image_shape), dtype="uint8")
    if isinstance(model, TextToImageGAN):
        return model._batch((tf.constant(images), tf.constant(rng.normal(size=(n, 2, 6)).astype("float32"))))
    if isinstance(model, SRGAN):
        return model._batch((tf.constant(images[:, ::2, ::2]), tf.constant(images)))
    return model._batch((tf.constant(images), tf.constant(np.arange(n) % 3)))


def taken(model, players, batch):
    """(terms, gradients) of players who take their turn together."""
    return tensorflow_step.gradients(
        lambda part: model._terms_of(players, batch, 0, part),
        [getattr(model, player).trainable_variables for player in players],
        [getattr(model, f"{player}_optimizer") for player in players],
        model.accumulate,
    )


def alike(model):
    """Gives every player the discriminator's noise, as when all take their turn together."""
    noise = model._noise
    model._noise = lambda player, *rest: noise("discriminator", *rest)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("update", graph.UPDATES)
def test_a_step_computes_no_product_twice_and_none_for_nobody(update):
    model = DCGAN(28, 1, width=2, latent=4)
    model.compile(update=update)
    step = tf.function(lambda images: model.train_step(images), autograph=False)
    nodes = graph.optimised(step, tf.zeros((4, 28, 28, 1), "uint8"))
    assert graph.counted(nodes) == graph.least(update, d=2, g=2)


@pytest.mark.slow
def test_a_penalty_at_the_images_themselves_is_of_the_pass_that_judges_them():
    model = DCGAN(28, 1, width=2, latent=4)
    model.compile(penalties={"r1": 1.0, "r2": 1.0})
    turn = tf.function(lambda images: model._play(("discriminator",), model._batch(images), 0), autograph=False)
    found = graph.counted(graph.optimised(turn, tf.zeros((4, 28, 28, 1), "uint8")))["convolutions"]
    assert found["forward"] == 2 + 2 + 2
    # Each batch: of its loss one input, of its penalty two and again two, of loss and penalty two filters each.
    assert found["input gradient"] == 2 * (1 + 2 + 2)
    assert found["filter gradient"] == 2 * (2 + 2)


@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_such_a_penalty_is_that_of_a_pass_of_its_own(normalization, monkeypatch):
    model = DCGAN(28, 1, width=2, latent=4, normalization=normalization)
    model.compile(penalties={"r1": 10.0, "r2": 10.0})
    batch = batch_of(model)
    (terms,), (grads,) = taken(model, ("discriminator",), batch)
    monkeypatch.setattr(shared, "latest", lambda *key: None)
    (apart,), (expected,) = taken(model, ("discriminator",), batch)
    for name, value in apart.items():
        np.testing.assert_allclose(terms[name], value, rtol=1e-5)
    for a, b in zip(grads, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6 * np.abs(b).max())


@pytest.mark.parametrize(
    ("build", "passes", "of_each"),
    [
        (vanilla, 3, 5),  # generated; real, generated | generated, generated
        (dcgan, 3, 5),
        (conditional, 3, 5),
        (upscaling, 3, 5),
        (reading, 5, 7),  # generated; judged, real ones with both sentences; between: generated, judged
    ],
)
def test_networks_run_once_for_both(build, passes, of_each, monkeypatch):
    model = build(augment=("translation",), update="simultaneous")
    batch, seen = batch_of(model), []
    inputs = model._inputs
    monkeypatch.setattr(model, "_inputs", lambda *given: seen.append(given) or inputs(*given))
    model._terms_of(model.players, batch, 0)
    together = len(seen)
    for player in model.players:
        model._terms_of((player,), batch, 0)
    assert (together, len(seen) - together) == (passes, of_each)


def test_gradients_are_those_of_separate_passes_with_the_same_noise():
    model = vanilla(dropout=(0.0, 0.0))
    batch = batch_of(model)
    terms, grads = taken(model, model.players, batch)
    alike(model)
    for player, its_terms, its_grads in zip(model.players, terms, grads, strict=True):
        (alone,), (expected,) = taken(model, (player,), batch)
        assert its_terms == alone
        for a, b in zip(its_grads, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
            assert np.abs(b).max() > 1e-6


def test_both_losses_are_of_the_same_logits_under_dropout_and_augmentation():
    seen = {}
    plain = keras_gans.losses.get("non_saturating")

    def discriminator(real, fake, smoothing):
        seen["discriminator"] = fake
        return plain.discriminator(real, fake, smoothing)

    def generator(fake):
        seen["generator"] = fake
        return plain.generator(fake)

    model = vanilla(loss=(discriminator, generator), augment=("color", "cutout"), penalties={"r1": 1.0, "r2": 1.0})
    terms, grads = taken(model, model.players, batch_of(model))
    assert seen["generator"] is seen["discriminator"]
    assert all(np.abs(g).max() > 0 for own in grads for g in own)
    assert terms[0]["r1"] > 0 < terms[0]["r2"]
    model._terms_of(("generator",), batch_of(model), 0)
    assert seen["generator"] is not seen["discriminator"]


def penalised():
    return dcgan(penalties={"r1": 1.0, "gradient_penalty": 1.0})


@pytest.mark.parametrize("build", [dcgan, penalised, conditional, reading, upscaling])
def test_moving_statistics_move_as_in_turns_of_their_own(build):
    together, apart = build(), alike(build())
    start = {v.path: v.numpy() for v in together.non_trainable_variables}
    for model in (together, apart):
        for to, value in zip(model.variables, together.variables, strict=True):
            to.assign(value)
    together._play(together.players, batch_of(together), 0)
    for player in apart.players:
        apart._play((player,), batch_of(apart), 0)
    for a, b in zip(together.non_trainable_variables, apart.non_trainable_variables, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7, err_msg=a.path)
    for player in together.players:
        for v in game._followed(getattr(together, player)):
            assert v.shape == (1,) or (v.numpy() != start[v.path]).any(), v.path  # one number of length 1 stays


def test_what_one_player_does_several_times_is_not_shared_within_its_terms():
    """Two batches of generated images for the discriminator are two; the generator gets the first."""
    seen = []

    class Twice(VanillaGAN):
        def discriminator_terms(self, batch):
            a, b = self.imagine(batch), self.imagine(batch)
            seen.extend([a, b])
            return {"d_loss": self.discriminator_loss(batch.images, (a + b) / 2, None)["d_loss"]}

        def generator_terms(self, batch):
            seen.append(self.imagine(batch))
            return self.generator_loss(seen[-1], None)

    model = Twice(size=8, latent=4, generator_units=(8,), discriminator_units=4)
    model.compile()
    model._terms_of(model.players, batch_of(model), 0)
    first, second, third = seen
    assert third is first
    assert (first.numpy() != second.numpy()).any()


@pytest.mark.parametrize("poisoned", ["discriminator", "generator"])
def test_a_loss_that_is_not_finite_stops_its_own_player_alone(poisoned):
    plain = keras_gans.losses.get("non_saturating")
    factor = {player: float("nan") if player == poisoned else 1.0 for player in VanillaGAN.players}
    model = vanilla(
        loss=(
            lambda *x: factor["discriminator"] * plain.discriminator(*x),
            lambda x: factor["generator"] * plain.generator(x),
        ),
        update="simultaneous",
    )
    for player in model.players:
        getattr(model, f"{player}_optimizer").learning_rate = 0.1
    before = {player: getattr(model, player).get_weights() for player in model.players}
    model._play(model.players, batch_of(model), 0)
    for player in model.players:
        moved = [(a != b).any() for a, b in zip(before[player], getattr(model, player).get_weights(), strict=True)]
        assert all(moved) if player != poisoned else not any(moved)
        assert int(model.nonfinite[player]) == (player == poisoned)


@pytest.mark.parametrize("frozen", ["discriminator", "generator"])
def test_a_frozen_player_is_watched_and_the_other_learns(frozen):
    model = VanillaGAN(size=8, latent=4, generator_units=(8,), discriminator_units=4)
    getattr(model, frozen).trainable = False
    model.compile(update="simultaneous", discriminator_steps=2)
    before = {player: getattr(model, player).get_weights() for player in model.players}
    logs = model.train_step(tf.constant(np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), dtype="uint8")))
    assert all(np.isfinite(float(value)) for value in logs.values())
    for player in model.players:
        same = [(a == b).all() for a, b in zip(before[player], getattr(model, player).get_weights(), strict=True)]
        assert all(same) if player == frozen else not any(same)


class Small(ModelContract):
    compile_arguments = {"update": "simultaneous"}

    def build(self, **changes):
        return VanillaGAN(size=8, latent=6, generator_units=(12, 12), discriminator_units=6, **changes)


@pytest.mark.slow
def test_two_replicas_equal_one():
    Small().test_4_one_device_times_16_equals_two_replicas_times_8()
