"""The reader of attributes."""

import keras
import numpy as np
import pytest

import keras_gans
from keras_gans import api
from keras_gans.data.pipeline import Decoded, Images
from keras_gans.models.attributes import AttributeNet
from keras_gans.training import supervised
from keras_gans.training.targets import TargetBatches

NAMES = ["bright", "framed"]


def tiny(**changes):
    return AttributeNet(**{"attributes": NAMES, "size": 8, "widths": (8, 8), "dropout": 0.0, **changes})


@pytest.fixture
def pictures(rng):
    """(uint8 (40, 8, 8, 3), bool (40, 2)): a bright or dark middle, with or without a white frame on the left."""
    truth = rng.integers(0, 2, (40, 2)).astype(bool)
    images = rng.integers(0, 100, (40, 8, 8, 3), dtype="uint8")
    images[truth[:, 0], 2:6, 2:6] += 120
    images[truth[:, 1], :, 0] = 255
    return images, truth


def with_attributes(images, truth, names, **changes):
    return Images(lambda size, channels: Decoded(images, None, [], None, truth, list(names)), name="faces", **changes)


def test_it_learns_and_round_trips(pictures, tmp_path):
    images, truth = pictures
    model = tiny()
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    model.fit(images, truth, batch_size=8, epochs=12, verbose=0)
    read = model.predict_attributes(images)
    assert read.dtype == np.float32
    assert ((read > 0.5) == truth).mean() > 0.95
    floats = (images / 127.5 - 1).astype("float32")
    np.testing.assert_allclose(model.predict_attributes(floats, batch_size=7), read, atol=1e-5)
    assert model.evaluate(images, truth, verbose=0) < 0.3
    model.save_pretrained(tmp_path / "folder")
    loaded = keras_gans.load(tmp_path / "folder")
    assert loaded.attribute_names == tuple(NAMES)
    np.testing.assert_array_equal(loaded.predict_attributes(images), read)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict_attributes(images), read)


def test_the_probability_of_what_is_wanted():
    model = tiny()
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype="uint8")
    bright, framed = model.predict_attributes(images).T
    np.testing.assert_allclose(model.probability(images, {"bright": True}), bright, rtol=1e-6)
    np.testing.assert_allclose(
        model.probability(images, {"framed": False, "bright": True}), bright * (1 - framed), rtol=1e-6
    )
    assert model.predict_attributes(images[:0]).shape == (0, 2)
    with pytest.raises(ValueError, match="reads no attribute 'round': take one of bright, framed"):
        model.probability(images, {"round": True})


def test_columns_are_matched_by_name(pictures):
    images, truth = pictures
    model = tiny()
    model.compile(run_eagerly=True)
    straight = model.evaluate(images, truth, verbose=0)
    swapped = with_attributes(images, np.c_[truth[:, 1], truth[:, 0], truth[:, 0]], ["framed", "bright", "other"])
    np.testing.assert_allclose(model.evaluate(swapped, verbose=0), straight, rtol=1e-5)
    history = model.fit(swapped, validation_data=(images, truth), verbose=0)
    assert np.isfinite(history.history["val_loss"]).all()
    history = model.fit(swapped, validation_data=swapped, verbose=0)
    assert np.isfinite(history.history["val_loss"]).all()


def test_wrong_data_is_refused(pictures):
    images, truth = pictures
    model = tiny()
    model.compile()
    for x, y, words in (
        (images, None, r"none came: give fit\(images, attributes\)"),
        (images, truth[:, :1], r"of shape \(40, 2\), and bool of shape \(40, 1\) came"),
        (images, truth * 2, "Attributes are true or false"),
        (images[:, :4], truth, "This model reads 8x8x3 images and these are 4x8x3"),
        (images / 255.0, truth, r"looks like \[0, 1\]"),
        (keras_gans.data.load(images), None, "Images with attributes were wanted and array has none"),
        (with_attributes(images, truth, ["bright", "round"]), None, "This model reads 'framed' and faces has bright"),
    ):
        for call in (model.fit, model.evaluate):
            with pytest.raises(keras_gans.DataError, match=words):
                call(x, y, verbose=0)
    assert int(model.optimizer.iterations) == 0
    with pytest.raises(keras_gans.DataError, match=r"keras_gans\.data\.load\(images, size=8, channels=3\)"):
        model.predict_attributes(images[:, :, :6])


def test_batches_go_through_all_images_mirrored_half_the_time(pictures):
    images, truth = pictures
    images[:, :, 1:] = np.arange(40, dtype="uint8")[:, None, None, None]  # which one it is
    images[:, :, 0] = 255  # which way round
    data = with_attributes(images, truth, NAMES, flip=True)
    batches = TargetBatches(data, truth, 16, seed=3)
    epochs, sides = [], []
    for _ in range(2):
        parts = [batches[i] for i in range(len(batches))]
        assert [len(x) for x, _ in parts] == [16, 16, 8]
        x, y = (np.concatenate(part) for part in zip(*parts, strict=True))
        which = x[:, 0, 3, 0].astype(int)
        np.testing.assert_array_equal(y, truth[which])
        np.testing.assert_array_equal(np.sort(which), np.arange(40))
        epochs.append(which)
        sides.append(x[np.argsort(which), 0, 0, 0] == 255)
        batches.on_epoch_end()
    assert (epochs[0] != epochs[1]).any()
    assert (sides[0] != sides[1]).any()
    assert 0.25 < np.mean(sides) < 0.75
    assert (images[:, :, 0] == 255).all()  # the data itself stays
    again = TargetBatches(data, truth, 16, seed=3)
    np.testing.assert_array_equal(again[1][0][:, 0, 3, 0], epochs[0][16:32])
    in_order = TargetBatches(data, truth, 16)
    np.testing.assert_array_equal(in_order[0][0], images[:16])
    floats = TargetBatches(Images((images / 127.5 - 1).astype("float32")), truth, 16)
    np.testing.assert_allclose(floats[0][0], images[:16], atol=1e-4)


def test_a_recipe_trains_it(pictures, tmp_path):
    images, truth = pictures
    card = {**keras_gans.info("attributes_celeba").to_dict(), "name": "faces"}
    recipe = {
        "batch_size": 16,
        "steps": 4,
        "data": {"flip": True},
        "compile": {"optimizer": {"class": "AdamW", "learning_rate": 1e-2}},
    }
    data = with_attributes(images, truth, NAMES)
    model = supervised.train(tiny, card, recipe, data, tmp_path)
    assert int(model.optimizer.iterations) == 4
    origin = keras_gans.artifacts.read_provenance(tmp_path / "model")["provenance"]
    assert origin["data_sha256"] == data.with_flips().fingerprint() != data.fingerprint()
    loaded = keras_gans.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_attributes(images), model.predict_attributes(images))
    assert origin["images_seen"] == 64
    again = supervised.train(tiny, card, recipe, data, tmp_path)
    np.testing.assert_array_equal(again.predict_attributes(images), model.predict_attributes(images))


def test_the_card_builds_it_within_two_megabytes():
    card = keras_gans.info("attributes_celeba")
    model = api.build(card, dtype="mixed_bfloat16")
    assert model.network.get_layer("conv_0").compute_dtype == "bfloat16"
    assert len(model.attribute_names) == 40
    assert sorted(model.attribute_names) == list(model.attribute_names)  # as TFDS has them
    assert {"Eyeglasses", "Male"} <= set(model.attribute_names)
    assert 2 * sum(int(np.prod(w.shape)) for w in model.network.weights) < 2e6
    read = model.predict_attributes(np.zeros((2, 64, 64, 3), "uint8"))
    assert read.dtype == np.float32
    assert read.shape == (2, 40)
    assert model.samples().dtype == np.uint8
    assert AttributeNet.from_config(model.get_config()).attribute_names == model.attribute_names


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"attributes": []}, r"attributes must be a list of names, each once, got \[\]"),
        ({"attributes": ["a", "a"]}, r"each once, got \['a', 'a'\]"),
        ({"attributes": "ab"}, "each once, got 'ab'"),
        ({"size": 10}, "size must be a multiple of 4 for 2 widths, got 10"),
        ({"channels": 2}, "channels must be one of 1, 3, got 2"),
        ({"widths": (8, 0)}, r"widths\[1\] must be a whole number of at least 1, got 0"),
        ({"dropout": 1.0}, "dropout must be a number of at least 0 and less than 1, got 1.0"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        tiny(**arguments)
