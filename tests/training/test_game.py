"""The rules of the game, on a tiny DCGAN and a tiny 2014 GAN."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gans
from keras_gans.models.dcgan import DCGAN
from keras_gans.models.vanilla import VanillaGAN


def vanilla(**changes):
    return VanillaGAN(size=8, latent=4, generator_units=(8,), discriminator_units=4, **changes)


def images(n=32, size=8, channels=1):
    return np.random.default_rng(0).integers(0, 256, (n, size, size, channels), dtype="uint8")


def values(network):
    return [w.numpy() for w in network.weights]


def changed(before, network):
    return any((a != b).any() for a, b in zip(before, values(network), strict=True))


def step(model, x=None):
    """One eager train step on 8 images."""
    return model.train_step(tf.constant(images(8, model.image_shape[0]) if x is None else x))


def test_each_turn_moves_its_own_player_only():
    model = vanilla()
    model.compile(generator_optimizer=keras.optimizers.SGD(0.0), discriminator_optimizer=keras.optimizers.SGD(1.0))
    before = values(model.generator), values(model.discriminator)
    step(model)
    assert not changed(before[0], model.generator)
    assert changed(before[1], model.discriminator)


def test_a_frozen_player_stays_and_the_other_learns():
    model = vanilla()
    model.discriminator.trainable = False
    model.compile()
    before = values(model.generator), values(model.discriminator)
    model.fit(images(), batch_size=8, verbose=0)
    assert changed(before[0], model.generator)
    assert not changed(before[1], model.discriminator)


def test_statistics_move_in_the_own_turn_only():
    model = DCGAN(28, 1, width=2, latent=4)
    model.compile()

    def statistics():
        return {player: [w.numpy() for w in getattr(model, player).non_trainable_weights] for player in model.players}

    batch = model._batch(tf.constant(images(8, 28)))
    for player, other in (model.players, model.players[::-1]):
        before = statistics()
        model._play((player,), batch, 0)
        after = statistics()
        assert all((a != b).any() for a, b in zip(before[player], after[player], strict=True))
        for a, b in zip(before[other], after[other], strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("normalization", ["batch", "spectral"])
def test_a_turn_that_is_skipped_moves_no_statistics(normalization):
    model = DCGAN(28, 1, width=2, latent=4, normalization=normalization)
    model.compile()
    before = values(model.discriminator)
    batch = model._batch(tf.constant(np.full((8, 28, 28, 1), np.nan, "float32")))
    model._play(("discriminator",), batch, 0)
    assert int(model.nonfinite["discriminator"]) == 1
    assert not changed(before, model.discriminator)
    model._play(("discriminator",), model._batch(tf.constant(images(8, 28))), 0)
    assert int(model.nonfinite["discriminator"]) == 0
    assert any(
        (a != w.numpy()).any() for a, w in zip(before, model.discriminator.weights, strict=True) if not w.trainable
    )


def test_a_gradient_whose_square_is_infinite_is_skipped():
    """Adam keeps the square, and from then on would never move that weight again."""
    model = vanilla()
    plain = keras_gans.losses.get("non_saturating")
    model.compile(loss=(plain.discriminator, lambda fake: 1e34 * plain.generator(fake)))
    step(model)
    assert [int(model.nonfinite[player]) for player in model.players] == [0, 1]  # each gradient is finite: 1e26 or so
    assert all(np.isfinite(v.numpy()).all() for v in model.generator_optimizer.variables)


@pytest.mark.slow
def test_k_turns_take_fresh_images_and_a_step_takes_k_batches():
    model = vanilla()
    model.compile(discriminator_steps=3)
    chunks = model._chunks(model._batch(tf.constant(images(9))))
    together = np.concatenate([c.images for c in chunks])
    assert len(chunks) == 3
    assert len({x.tobytes() for x in together}) == 9
    model.fit(images(36), batch_size=4, epochs=1, verbose=0)
    assert int(model.steps) == 3
    assert int(model.discriminator_optimizer.iterations) == 9
    assert int(model.generator_optimizer.iterations) == 3
    with pytest.raises(ValueError, match="8 images do not divide by 3"):
        step(model)
    dataset = tf.data.Dataset.from_tensor_slices(images(18))
    with pytest.raises(keras_gans.DataError, match=r"give .batch\(30, drop_remainder=True\)"):
        model.fit(dataset.batch(9), verbose=0)
    model.fit(dataset.batch(9, drop_remainder=True), verbose=0)


def test_simultaneous_takes_both_gradients_before_either_moves():
    results = {}
    for update in ("alternating", "simultaneous"):
        keras.utils.set_random_seed(0)
        model = vanilla()
        sgd = {f"{p}_optimizer": keras.optimizers.SGD(0.1) for p in model.players}
        model.compile(update=update, **sgd)
        step(model)
        results[update] = values(model.discriminator), values(model.generator)
    (d_alt, g_alt), (d_sim, g_sim) = results.values()
    assert all((a == b).all() for a, b in zip(d_alt, d_sim, strict=True))  # the first mover sees the same either way
    assert any((a != b).any() for a, b in zip(g_alt, g_sim, strict=True))


def test_the_average_warms_up_and_starts_afresh_at_compile():
    model = vanilla()
    model.compile(ema_decay=0.999)
    step(model)
    for average, raw in zip(values(model.ema_generator), values(model.generator), strict=True):
        np.testing.assert_array_equal(average, raw)  # the first update copies
    before = values(model.ema_generator)
    step(model)
    decay = 2 / 11
    for average, old, raw in zip(values(model.ema_generator), before, values(model.generator), strict=True):
        np.testing.assert_allclose(average, decay * old + (1 - decay) * raw, rtol=1e-5, atol=1e-7)
    model.compile(ema_decay=0.999)
    assert int(model.ema_age) == 0
    assert int(model.ema_ready) == 1


@pytest.mark.parametrize(("warmup", "decay"), [(2, 2 / 4), (0, 0.9)])
def test_the_warmup_says_how_far_back_an_average_reaches(warmup, decay):
    model = vanilla()
    model.compile(ema_decay=0.9, ema_warmup=warmup)
    step(model)
    before = values(model.ema_generator)
    step(model)
    for average, old, raw in zip(values(model.ema_generator), before, values(model.generator), strict=True):
        np.testing.assert_allclose(average, decay * old + (1 - decay) * raw, rtol=1e-5, atol=1e-7)
    assert model.get_compile_config()["ema_warmup"] == warmup


def test_generate_draws_with_the_average_or_else_with_the_generator():
    model = vanilla()
    model.compile(ema_decay=0.5)
    model.fit(images(), batch_size=8, verbose=0)
    averaged = model.generate(2, output="float")
    assert changed(values(model.generator), model.sampler())
    model.compile(ema_decay=None)
    assert (model.generate(2, output="float") != averaged).any()
    assert not changed(values(model.generator), model.sampler())


def test_evaluate_reports_every_term_and_updates_nothing():
    model = vanilla()
    model.compile(penalties={"r1": 1.0})
    before = values(model.generator), values(model.discriminator)
    result = model.evaluate(images(20), batch_size=8, return_dict=True, verbose=0)
    assert set(result) == {"d_loss", "g_loss", "r1"}
    assert np.isclose(result["d_loss"], 2 * np.log(2), atol=0.01)  # an untrained discriminator does not know
    assert not changed(before[0], model.generator)
    assert not changed(before[1], model.discriminator)
    assert result == model.evaluate(images(20), batch_size=8, return_dict=True, verbose=0)


def test_fit_takes_validation_data_and_ordinary_callbacks(tmp_path):
    model = vanilla()
    model.compile()
    stop = keras.callbacks.EarlyStopping(monitor="val_d_loss", patience=0, mode="min", min_delta=10.0)
    log = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    history = model.fit(images(), batch_size=8, epochs=5, validation_data=images(16), callbacks=[stop, log], verbose=0)
    assert history.epoch == [0, 1]
    assert set(history.history) == {"d_loss", "g_loss", "val_d_loss", "val_g_loss"}
    assert (tmp_path / "log.csv").read_text().startswith("epoch,d_loss,g_loss,val_d_loss,val_g_loss")


def test_fit_goes_on_from_initial_epoch_and_stops_at_steps_per_epoch():
    model = vanilla()
    model.compile()
    history = model.fit(images(), batch_size=8, initial_epoch=2, epochs=4, steps_per_epoch=3, verbose=0)
    assert history.epoch == [2, 3]
    assert int(model.steps) == 6


def test_fit_takes_tf_data_of_any_length():
    model = vanilla()
    model.compile()
    dataset = tf.data.Dataset.from_tensor_slices(images(20)).batch(8)
    model.fit(dataset, epochs=2, verbose=0)
    assert int(model.steps) == 6
    endless = dataset.unbatch().repeat().batch(8)
    model.fit(endless, epochs=2, steps_per_epoch=2, verbose=0)
    assert int(model.steps) == 10


def test_tf_data_of_unknown_length_counts_its_steps_right():
    model = vanilla()
    model.compile()
    unknown = tf.data.Dataset.from_tensor_slices(images(32)).filter(lambda x: True).batch(8)
    with pytest.warns(UserWarning, match="ran out of data"):  # Keras's word for data that ends unannounced
        model.fit(unknown, epochs=2, verbose=0)
    assert (model.steps_taken, int(model.ema_age), int(model.generator_optimizer.iterations)) == (8, 8, 8)


def seen_by(model, **arguments):
    """The first pixel of every batch that fit feeds."""
    seen = []
    plain = model._batch
    model._batch = lambda data: seen.append(int(data[0, 0, 0, 0])) or plain(data)
    model.fit(verbose=0, **arguments)
    model._batch = plain
    return seen


def numbered(n=12):
    """n batches of one image each, all of whose pixels are its number."""
    x = np.broadcast_to(np.arange(n, dtype="uint8")[:, None, None, None], (n, 8, 8, 1))
    return tf.data.Dataset.from_tensor_slices(np.ascontiguousarray(x)).batch(1)


def test_steps_per_epoch_go_on_through_the_data(tmp_path):
    model = vanilla()
    model.compile(run_eagerly=True)
    assert seen_by(model, x=numbered(8), steps_per_epoch=3, epochs=3) == [0, 1, 2, 3, 4, 5, 6, 7, 0]


@pytest.mark.parametrize("steps_per_epoch", [None, 5])
def test_a_resumed_run_finds_its_place_in_tf_data(tmp_path, steps_per_epoch):
    arguments = {"x": numbered(8), "steps_per_epoch": steps_per_epoch, "epochs": 2}
    model = vanilla()
    model.compile(run_eagerly=True)
    whole = seen_by(model, **arguments)
    first, model = vanilla(), vanilla()
    for each in (first, model):
        each.compile(run_eagerly=True)
    kept = keras_gans.callbacks.Checkpoint(tmp_path, every=1)
    begun = seen_by(first, **arguments, callbacks=[kept, keras_gans.callbacks.StopAfter(3)])
    rest = seen_by(model, **arguments, callbacks=keras_gans.callbacks.Checkpoint(tmp_path))
    assert begun + rest == whole


def test_a_checkpoint_wants_data_that_knows_its_length(tmp_path):
    model = vanilla()
    model.compile()
    with pytest.raises(keras_gans.DataError, match="give steps_per_epoch"):
        model.fit(numbered().filter(lambda x: True), callbacks=keras_gans.callbacks.Checkpoint(tmp_path))


def test_each_fit_goes_through_the_data_in_another_order():
    x = np.ascontiguousarray(np.broadcast_to(np.arange(8, dtype="uint8")[:, None, None, None], (8, 8, 8, 1)))
    model = vanilla()
    model.compile(run_eagerly=True)
    orders = [seen_by(model, x=x, batch_size=1) for _ in range(2)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(8))
    assert orders[0] != orders[1]


def test_the_sampler_follows_again_when_training_goes_on_without_an_average():
    model = DCGAN(28, 1, width=2, latent=4)
    model.compile(ema_decay=None)
    model.reestimate_statistics(batches=2)
    before = model.generate(2, output="float")
    model.fit(images(8, 28), batch_size=8, verbose=0)
    assert (model.generate(2, output="float") != before).any()


def test_frozen_layers_stay_frozen_in_a_keras_file(tmp_path):
    model = vanilla()
    model.discriminator.trainable = False
    model.generator.layers[2].trainable = False
    model.compile()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert not loaded.discriminator.trainable_variables
    assert len(loaded.generator.trainable_variables) == len(model.generator.trainable_variables) == 2


@pytest.mark.slow
def test_a_model_that_was_trained_further_says_so(tmp_path):
    gan = keras_gans.load("vanilla_mnist", weights=False)
    gan.save_pretrained(tmp_path / "as_it_was")
    assert keras_gans.load(tmp_path / "as_it_was").card["name"] == "vanilla_mnist"
    gan.compile()
    gan.fit(images(8, 28), batch_size=8, verbose=0)
    gan.save_pretrained(tmp_path / "mine")
    card = keras_gans.load(tmp_path / "mine").card
    assert card["name"] == "mine"
    assert card["version"] == 1
    assert card["data"]["seen"] == "array"
    assert "limits" not in card
    again = keras_gans.load(tmp_path / "mine")
    again.compile()
    again.fit(images(8, 28), batch_size=8, verbose=0)
    again.save_pretrained(tmp_path / "twice")
    assert keras_gans.load(tmp_path / "twice").card["data"]["seen"] == "array, then array"


def test_callbacks_see_one_beginning_and_one_end_in_a_resumed_run(tmp_path):
    calls = []
    watch = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: calls.append("begin"), on_train_end=lambda logs: calls.append("end")
    )
    model = vanilla()
    model.compile()
    kept = keras_gans.callbacks.Checkpoint(tmp_path, every=1)
    model.fit(images(), batch_size=8, epochs=3, callbacks=[kept, keras_gans.callbacks.StopAfter(6)], verbose=0)
    model.fit(images(), batch_size=8, epochs=3, callbacks=[kept, watch], verbose=0)
    assert calls == ["begin", "end"]
    assert model.steps_taken == 12
    assert model.history.epoch == [1, 2]
    with pytest.raises(keras_gans.CheckpointError, match="a run with batch size 8, and 4 was given"):
        model.fit(images(), batch_size=4, epochs=9, callbacks=kept, verbose=0)


def test_fit_and_generate_run_under_a_strategy(tmp_path):
    from model_contract import two_devices

    with two_devices().scope():
        model = vanilla()
        model.compile()
    kept = keras_gans.callbacks.Checkpoint(tmp_path)
    model.fit(images(), batch_size=8, epochs=2, callbacks=kept, verbose=0)
    assert model.steps_taken == 8
    assert model.generate(2).shape == (2, 8, 8, 1)
    model.save_pretrained(tmp_path / "model")
    one = keras_gans.load(tmp_path / "model")
    assert np.abs(one.generate(4).astype(int) - model.generate(4)).max() <= 1


def test_reported_losses_are_means_over_the_epoch():
    model = vanilla()
    frozen = {f"{p}_optimizer": keras.optimizers.SGD(0.0) for p in model.players}
    model.compile(**frozen, run_eagerly=True)
    seen = []
    plain = model.discriminator_terms
    model.discriminator_terms = lambda batch: seen.append(plain(batch)) or seen[-1]
    history = model.fit(images(), batch_size=8, epochs=1, verbose=0)
    expected = np.mean([float(terms["d_loss"]) for terms in seen])
    assert len(seen) == 4
    assert np.isclose(history.history["d_loss"][0], expected, rtol=1e-5)


def test_augment_reaches_the_discriminator_of_both_turns():
    model = vanilla()
    model.compile(augment="cutout")
    seen = []
    judge = model._run
    model._run = lambda player, x, labels: (
        (seen.append(x) if player == "discriminator" else None) or judge(player, x, labels)
    )
    model._play(("discriminator",), model._batch(tf.ones((4, 8, 8, 1))), 0)
    model._play(("generator",), model._batch(tf.ones((4, 8, 8, 1))), 0)
    assert len(seen) == 3  # real, generated; generated
    for x in seen:
        assert (
            (x.numpy() == 0).any(axis=(1, 2, 3)).all()
        )  # untrained pixels are about .5, real ones 1: only a hole is 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"loss": "bce"}, "loss must be one of"),
        (
            {"label_smoothing": 0.7},
            "label_smoothing must be a number of at least 0.0 and less than 0.5, got 0.7",
        ),
        ({"loss": "hinge", "label_smoothing": 0.1}, "the loss 'hinge' has no targets"),
        ({"discriminator_steps": 0}, "discriminator_steps must be a whole number of at least 1, got 0"),
        ({"update": "both"}, "update must be one of alternating, simultaneous, got 'both'"),
        ({"ema_decay": 1.0}, "ema_decay must be a number of at least 0.0 and less than 1.0, got 1.0"),
        ({"ema_warmup": -1}, "ema_warmup must be a number of at least 0 and less than 1000, got -1"),
        ({"augment": ["flip"]}, "augment takes the policies"),
        ({"penalties": {"r9": 1}}, "penalties must be among"),
        (
            {"generator_optimizer": "adom"},
            "an optimizer, its name or a table with a class was wanted, got 'adom'",
        ),
        ({"generator_optimizer": {"class": "Adom"}}, "named 'Adom'"),
        ({"seed": -1}, "seed must be a whole number from 0 to 2147483647, got -1"),
    ],
)
def test_compile_names_what_is_wrong(arguments, words):
    with pytest.raises(ValueError, match=words):
        vanilla().compile(**arguments)


def test_a_compile_that_fails_leaves_the_model_as_it_was():
    model = vanilla()
    with pytest.raises(ValueError, match="augment takes"):
        model.compile(augment="flip")
    with pytest.raises(ValueError, match="compile"):
        model.fit(images())
    same = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="an optimizer of its own"):
        model.compile(same, same)


def test_fit_before_compile_says_so():
    with pytest.raises(ValueError, match="compile"):
        vanilla().fit(images())


def test_a_custom_loss_survives_a_keras_file(tmp_path):
    model = vanilla()
    model.compile(loss=(double_discriminator, double_generator))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded._adversarial_loss.generator is double_generator


@keras.saving.register_keras_serializable(package="tests")
def double_discriminator(real, fake, smoothing):
    return 2 * keras_gans.losses.log_sigmoid_discriminator(real, fake, smoothing)


@keras.saving.register_keras_serializable(package="tests")
def double_generator(fake):
    return 2 * keras_gans.losses.non_saturating_generator(fake)
