"""SRGAN: SRResNet's network in a game, held to what every family must keep (tests/model_contract.py)."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_gans
from keras_gans import data
from keras_gans.artifacts import IncompatibleWeightsError, OfflineError
from keras_gans.models import srgan
from keras_gans.models.perceptual import squared_error
from keras_gans.models.srgan import SRGAN, SRResNet
from keras_gans.training import checkpoint
from model_contract import Interrupt, StopHere, assert_equal_weights, weights


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """A discriminator of three convolutions. The paper's eight are looked at in test_srgan.py."""
    monkeypatch.setattr(srgan, "STAGES", ((1, 1), (2, 2), (4, 2)))


TERMS = {"perceptual_weight": 0.5, "adversarial_weight": 0.25, "pixel_weight": 2.0}


def build(**changes):
    return SRGAN(**{"scale": 2, "blocks": 1, "width": 2, "size": 16, **changes})


def compiled(model=None, **changes):
    model = model or build()
    model.compile(**{"perceptual": "mse", **changes})
    return model


@pytest.fixture
def photographs(rng):
    return [data.bicubic(rng.integers(0, 256, (8, 8, 3), dtype="uint8"), size=size) for size in ((40, 32), (24, 60))]


@pytest.fixture
def patches(photographs):
    """Three batches an epoch."""
    return data.super_resolution(photographs, scale=2, crop=16, batch=3)


@pytest.fixture
def arrays(rng):
    small = rng.integers(0, 256, (6, 8, 8, 3), dtype="uint8")
    return small, small.repeat(2, axis=1).repeat(2, axis=2)


# --- fitting ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", ["pooled", "dense"])
def test_both_players_move_and_the_terms_are_told(head, patches):
    model = compiled(build(head=head), run_eagerly=True, pixel_weight=1.0, penalties={"r1": 1.0})
    before = weights(model)
    history = model.fit(patches, batch_size=5, verbose=0).history
    assert set(history) == {"d_loss", "g_loss", "content", "r1", "pixels"}
    assert model.term_names() == ["d_loss", "g_loss", "content", "r1", "pixels"]
    assert np.isfinite(list(history.values())).all()
    assert model.steps_taken == patches.steps_per_epoch(5) == 2
    changed = [(a != b).any() for a, b in zip(before, weights(model), strict=True)]
    assert np.mean(changed) > 0.9
    assert model.seen_since == ["arrays"]


def test_the_terms_are_those_of_the_paper(arrays):
    """Equation 3 by hand, on one batch: weights, ranges, and which images are which."""
    model = compiled(**TERMS)
    for v in model.generator.trainable_variables:  # from the even grey that it begins as
        v.assign(v + 0.05)
    small, large = arrays
    found = model.evaluate(small, large, batch_size=6, verbose=0, return_dict=True)
    real = large / 127.5 - 1
    fake = np.asarray(model.generator(small.astype("float32")))
    on_real, on_fake = (np.asarray(model.discriminator(x), "float64") for x in (real.astype("float32"), fake))
    error = np.square(fake - real).mean()
    expected = {
        "d_loss": np.log1p(np.exp(-on_real)).mean() + np.log1p(np.exp(on_fake)).mean(),
        "g_loss": 0.25 * np.log1p(np.exp(-on_fake)).mean(),
        "content": 0.5 * error,
        "pixels": 2.0 * error,
    }
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, err_msg=name)


@pytest.mark.slow
def test_every_kind_of_data_is_taken(arrays, patches, photographs, tmp_path):
    model = compiled(run_eagerly=True)
    dataset = tf.data.Dataset.from_tensor_slices(arrays).batch(3)
    found = [model.evaluate(*given, batch_size=6, verbose=0) for given in (arrays, (arrays,), (dataset,))]
    np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=1e-4)
    assert np.isfinite(model.evaluate(patches, batch_size=9, verbose=0)).all()
    for number, photograph in enumerate(photographs):
        Image.fromarray(photograph).save(tmp_path / f"{number}.png")
    for given, steps in ((arrays, 1), ((dataset,), 2), ((tmp_path,), 1)):
        begin = model.steps_taken
        history = model.fit(*given, batch_size=6, verbose=0, validation_data=arrays)
        assert model.steps_taken - begin == steps
    np.testing.assert_allclose(history.history["val_content"], model.evaluate(*arrays, verbose=0)[2], rtol=1e-3)


def test_another_order_of_arrays_by_the_seed(arrays):
    """As for every other family: by (seed, epoch), each image once."""
    seen = []

    class Watched(SRGAN):
        def _batch(self, batch):
            seen.append(np.asarray(batch[1])[:, 0, 0, 0].tolist())
            return super()._batch(batch)

    model = Watched(scale=2, blocks=1, width=2, size=16)
    compiled(model, run_eagerly=True, seed=3)
    model.fit(*arrays, batch_size=3, epochs=2, verbose=0)
    first, second = seen[0] + seen[1], seen[2] + seen[3]
    assert sorted(first) == sorted(second) == sorted(arrays[1][:, 0, 0, 0].tolist())
    assert first != second


def test_wrong_data_is_refused_before_anything_is_built(arrays, photographs):
    model, (small, large) = compiled(), arrays
    wrong = {
        "Patches of scale=2, crop=16 were wanted, and scale=2, crop=32 came": (
            data.super_resolution([photographs[0]], scale=2, crop=32),
        ),
        "This model takes large images of 16x16, and": (small[:, :4, :4], large[:, :8, :8]),
        "As many small images as large ones": (small, large[:3]),
        "and ndarray came": (small,),
        "and float64 came": (small / 255.0, large),
    }
    for words, given in wrong.items():
        for call in (model.fit, model.evaluate):
            with pytest.raises(keras_gans.DataError, match=words) as caught:
                call(*given, verbose=0)
            assert "\n" not in str(caught.value)
    assert model.train_function is None


@pytest.mark.slow
def test_a_run_that_is_stopped_resumes_bit_for_bit(patches, tmp_path):
    undisturbed, resumed = compiled(pixel_weight=0.1), compiled(pixel_weight=0.1)
    start = [v.numpy() for v in checkpoint.state_variables(undisturbed).values()]

    def reset(values):
        for v, value in zip(checkpoint.state_variables(resumed).values(), values, strict=True):
            v.assign(value)

    undisturbed.fit(patches, epochs=3, verbose=0)
    kept = keras_gans.callbacks.Checkpoint(tmp_path, every=3)
    reset(start)
    with pytest.raises(StopHere):  # within the second epoch, a step after it was saved
        resumed.fit(patches, epochs=3, verbose=0, callbacks=[kept, Interrupt(4)])
    reset([np.ones_like(v) for v in start])  # nothing of it may survive
    again = keras_gans.callbacks.Checkpoint(tmp_path, every=3)
    resumed.fit(patches, epochs=3, verbose=0, callbacks=[again])
    assert int(resumed.steps) == 9
    assert_equal_weights(undisturbed, resumed)


@pytest.mark.slow
def test_graph_equals_eager(patches):
    found = []
    for eager in (False, True):
        keras.utils.set_random_seed(1)
        rates = {f"{player}_optimizer": keras.optimizers.SGD(0.01) for player in ("generator", "discriminator")}
        model = compiled(build(), run_eagerly=eager, discriminator_steps=2, augment=("color", "cutout"), **rates)
        begin = weights(model)
        model.fit(patches, epochs=1, verbose=0)
        assert model.steps_taken == patches.steps_per_epoch(6)
        found.append(weights(model))
    graph, eager, begin = (np.concatenate([w.ravel() for w in all_]) for all_ in (*found, begin))
    assert np.linalg.norm(graph - eager) < 1e-3 * np.linalg.norm(graph - begin)


def test_bfloat16_trains(patches):
    model = compiled(build(dtype="mixed_bfloat16"), run_eagerly=True)
    assert model.generator.get_layer("first").compute_dtype == "bfloat16"
    assert model.discriminator.get_layer("conv_0").compute_dtype == "bfloat16"
    before = weights(model)
    history = model.fit(patches, verbose=0)
    assert np.isfinite(list(history.history.values())).all()
    assert sum((a != b).any() for a, b in zip(before, weights(model), strict=True)) > 20
    assert {v.dtype for v in model.ema_generator.variables} == {"float32"}
    assert model.ema_generator.layers[1].compute_dtype == "float32"
    for player in (model.generator, model.discriminator):
        assert player.layers[-1].compute_dtype == "float32"


# --- compiling ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"perceptual": "vgg16"}, "perceptual must be one of mse, vgg22, vgg54, tiny, got 'vgg16'"),
        ({"perceptual_weight": -1}, "perceptual_weight must be a number of at least 0, got -1"),
        ({"adversarial_weight": "much"}, "adversarial_weight must be a number of at least 0, got 'much'"),
        ({"pixel_weight": True}, "pixel_weight must be a number of at least 0, got True"),
        ({"pixel_weight": float("nan")}, "pixel_weight must be a number of at least 0, got nan"),
        ({"perceptual_shift": -1}, "perceptual_shift must be a whole number of at least 0, got -1"),
        ({"perceptual_shift": 16}, "perceptual_shift must be less than size=16, got 16"),
        ({"loss": "guess"}, "loss"),
    ],
)
def test_wrong_compile_arguments_are_named_and_change_nothing(arguments, words):
    model = compiled(**TERMS)
    before = model.get_compile_config()
    with pytest.raises(ValueError, match=words):
        model.compile(**{"perceptual": "mse", "perceptual_weight": 9.0, **arguments})
    assert model.get_compile_config() == before


def test_the_papers_weights_are_the_default():
    model = compiled()
    config = model.get_compile_config()
    assert (config["perceptual_weight"], config["adversarial_weight"], config["pixel_weight"]) == (1.0, 1e-3, 0.0)
    for player in model.players:
        optimizer = getattr(model, f"{player}_optimizer")
        assert type(optimizer) is keras.optimizers.Adam
        assert float(optimizer.learning_rate) == pytest.approx(1e-4)
    assert model.term_names() == ["d_loss", "g_loss", "content"]


@pytest.mark.slow
def test_folder_and_keras_file_round_trip_exactly(patches, arrays, tmp_path):
    model = compiled(ema_decay=0.5, generator_optimizer="sgd", run_eagerly=True, **TERMS)
    model.fit(patches, batch_size=5, verbose=0)
    image = arrays[0][0] / 127.5 - 1
    large = model.upscale(image)
    model.save_pretrained(tmp_path / "folder")
    loaded = keras_gans.load(tmp_path / "folder")
    np.testing.assert_array_equal(loaded.upscale(image), large)
    for name, tensor in model.tensors().items():
        np.testing.assert_array_equal(loaded.tensors()[name], tensor)
    assert (loaded.task, loaded.card["architecture"]["head"]) == ("upscale", "pooled")
    assert not (tmp_path / "folder" / "samples.png").exists()

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_compile_config() == model.get_compile_config()
    assert {key: loaded.get_compile_config()[key] for key in TERMS} == TERMS
    assert loaded.get_compile_config()["perceptual"] == "mse"
    np.testing.assert_array_equal(loaded.upscale(image), large)
    assert_equal_weights(model, loaded)  # both optimizers, the average and the counters too
    for each in (model, loaded):
        each.fit(patches, batch_size=9, verbose=0)
    assert_equal_weights(model, loaded)
    assert SRGAN.from_config(build(head="dense", scale=4, size=32).get_config()).image_shape == (32, 32, 3)


def test_a_file_upscales_where_what_it_was_trained_by_cannot_be_had(patches, arrays, tmp_path, monkeypatch):
    model, image = compiled(), arrays[0][0]
    model.save(tmp_path / "model.keras")

    def gone(*_):
        raise OfflineError("no VGG19 here")

    monkeypatch.setattr("keras_gans.models.perceptual.get", gone)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.upscale(image), model.upscale(image))
    with pytest.raises(OfflineError, match="no VGG19 here"):
        loaded.fit(patches, verbose=0)
    assert loaded.steps_taken == 0


# --- beginning and ending -----------------------------------------------------------------------------


def test_it_begins_as_the_srresnet(arrays):
    first = SRResNet(2, 1, 2)
    first.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    first.fit(*arrays, batch_size=3, verbose=0)
    expected = first.upscale(arrays[0])
    model = build()
    model.start_from(first)
    np.testing.assert_array_equal(model.upscale(arrays[0]), expected)
    for network in (model.generator, model.ema_generator):
        for a, b in zip(network.get_weights(), first.network.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    later = build()
    later.ema_ready.assign(1)  # one that had an average of its own
    later.start_from(first)
    np.testing.assert_array_equal(later.upscale(arrays[0]), expected)


def test_it_begins_as_another_srgan(arrays):
    first = compiled(run_eagerly=True)
    first.fit(*arrays, batch_size=3, verbose=0)
    model = build()
    model.start_from(first)
    np.testing.assert_array_equal(model.upscale(arrays[0]), first.upscale(arrays[0]))
    for player in ("generator", "discriminator"):
        source = first.sampler() if player == "generator" else first.discriminator
        for a, b in zip(getattr(model, player).get_weights(), source.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(IncompatibleWeightsError):
        model.start_from(build(blocks=2))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (lambda: SRResNet(2, 2, 2), "an SRResNet of .*'blocks': 1.* was wanted, and .*'blocks': 2.* came"),
        (lambda: SRResNet(4, 1, 2), "'scale': 4"),
        (lambda: SRResNet(2, 1, 4), "'width': 4"),
        (lambda: keras.Sequential(), "and Sequential came"),
        (lambda: "srresnet_x4", "and str came"),
    ],
)
def test_it_begins_as_no_other(other, words):
    model = build()
    before = weights(compiled(model))
    with pytest.raises(ValueError, match=words):
        model.start_from(other())
    for a, b in zip(before, weights(model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_it_draws_nothing_of_its_own():
    model = build()
    assert not hasattr(model, "generate")
    assert hasattr(model, "upscale")
    with pytest.raises(AttributeError, match="an SRGAN draws nothing of its own: model"):
        model.generate()
    assert model.samples() is None


@pytest.mark.slow
def test_a_run_ends_with_statistics_of_the_average(patches):
    model = compiled(build(blocks=2))
    for v in model.generator.trainable_variables:
        v.assign(v + 0.1)
    model.settle(patches)
    small = np.concatenate([patches.at(k, 16)[0] for k in range(100)]).astype("float32")
    network = model.sampler()
    inner = keras.Model(network.input, network.get_layer("block_0_conv_0").output)
    values = np.asarray(inner(small))
    norm = network.get_layer("block_0_norm_0")
    np.testing.assert_allclose(norm.moving_mean, values.mean((0, 1, 2)), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(norm.moving_variance, values.var((0, 1, 2)), rtol=0.05)
    assert int(model.ema_ready) == 1
    assert not network.trainable


def test_images_are_compared_at_one_place_of_both(arrays, monkeypatch):
    """Cut by as much as was asked, at another place for each pair, where both still fit."""
    model, seen = compiled(perceptual_shift=5, run_eagerly=True), []
    monkeypatch.setattr(model._compared_by, "_compare", lambda *pair: seen.append(pair) or squared_error(*pair))
    small, large = arrays
    large[:] = np.arange(16)[:, None, None] * 8 + np.arange(16)[None, :, None] * 8 + np.array([0, 1, 2])
    model.evaluate(small, large, batch_size=6, verbose=0)
    [(fake, real)] = seen
    assert tuple(fake.shape) == tuple(real.shape) == (6, 11, 11, 3)
    fakes, real = np.asarray(model.generator(small.astype("float32"))), np.asarray(real)
    places = set()
    for k in range(6):
        windows = [(y, x) for y in range(6) for x in range(6)]
        cut = [large[k, y : y + 11, x : x + 11] / 127.5 - 1 for y, x in windows]
        found = [np.abs(c - real[k]).max() < 1e-6 for c in cut]
        ours = [np.abs(fakes[k, y : y + 11, x : x + 11] - fake[k]).max() < 1e-6 for y, x in windows]
        assert any(a and b for a, b in zip(found, ours, strict=True))
        places.add(tuple(real[k, 0, 0]))
    assert len(places) > 1


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_statistics_may_stay_as_they_are(update, patches, arrays, tmp_path):
    """What is judged is then what upscales; all else of both players moves."""
    model = compiled(fixed_statistics=True, update=update)
    norms = [v for v in model.generator.non_trainable_variables if "moving" in v.path]
    for k, v in enumerate(norms):  # as if they were of other pictures than those that come
        v.assign(v + 0.1 * (k + 1))
    for mine, average in zip(model.generator.variables, model.ema_generator.variables, strict=True):
        average.assign(mine)
    before, statistics = weights(model), [np.array(v) for v in norms]
    small, large = arrays
    fake = np.asarray(model.generator(small.astype("float32")))
    wanted = np.square(fake - (large / 127.5 - 1)).mean()
    history = model.fit(small, large, batch_size=6, verbose=0).history
    assert history["content"] == [pytest.approx(wanted, rel=1e-4)]
    for was, v in zip(statistics, norms, strict=True):
        np.testing.assert_array_equal(v, was)
    moved = [(a != b).any() for a, b in zip(before, weights(model), strict=True)]
    assert np.sum(moved) > len(moved) // 2
    average = [np.array(v) for v in model.ema_generator.variables]
    model.settle(patches)
    for was, v in zip(average, model.ema_generator.variables, strict=True):
        np.testing.assert_array_equal(v, was)
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").fixed_statistics


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"size": 15}, "size must be a whole number of at least 16, got 15"),
        ({"size": 17}, "size must be a multiple of scale=2, got 17"),
        ({"head": "flat"}, "head must be one of dense, pooled, got 'flat'"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        build(**arguments)
