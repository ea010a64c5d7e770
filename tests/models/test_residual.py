"""The reader of photographs: what it learns, its features, and its distance."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageFilter

import keras_gans
from keras_gans import api
from keras_gans.data import load
from keras_gans.models.residual import ResidualNet, perceptual_distance
from keras_gans.training.targets import TargetBatches


def tiny(**changes):
    return ResidualNet(**{"num_classes": 2, "size": 16, "widths": (4, 8), "blocks": (1, 2), **changes})


@pytest.fixture
def pictures(rng):
    """(uint8 (24, 16, 16, 3), labels): dark ones with a bright middle or without."""
    labels = np.arange(24) % 2
    images = rng.integers(0, 120, (24, 16, 16, 3), dtype="uint8")
    images[labels == 1, 4:12, 4:12] += 120
    return images, labels


def test_it_learns_and_round_trips(pictures, tmp_path):
    images, labels = pictures
    model = tiny()
    model.compile(optimizer=keras.optimizers.Adam(1e-2), label_smoothing=0.1)
    model.fit(images, labels, batch_size=8, epochs=15, verbose=0)
    np.testing.assert_array_equal(model.classify(images), labels)
    loss, accuracy = model.evaluate(images, labels, verbose=0)
    assert accuracy == 1
    target = 0.9 * np.eye(2)[labels] + 0.05
    np.testing.assert_allclose(loss, -(target * np.log(model.probabilities(images))).sum(1).mean(), rtol=1e-4)
    model.save_pretrained(tmp_path / "folder")
    model.save(tmp_path / "model.keras")
    for loaded in (keras_gans.load(tmp_path / "folder"), keras.saving.load_model(tmp_path / "model.keras")):
        np.testing.assert_array_equal(loaded.features(images), model.features(images))
        np.testing.assert_array_equal(loaded.probabilities(images), model.probabilities(images))
        np.testing.assert_array_equal(loaded.distance(images[:4], images[4:8]), model.distance(images[:4], images[4:8]))
    assert loaded.loss.label_smoothing == 0.1
    loaded.fit(images, labels, verbose=0)  # it is compiled
    assert int(loaded.optimizer.iterations) == 15 * 3 + 1


def test_classes_come_of_the_features(pictures):
    images, _ = pictures
    model = tiny(num_classes=5, dropout=0.5)
    features = model.features(images)
    assert (features.shape, features.dtype) == ((24, 8), np.float32)
    kernel, bias = model.network.get_layer("logits").get_weights()
    odds = np.exp(features @ kernel + bias)
    np.testing.assert_allclose(model.probabilities(images), odds / odds.sum(1, keepdims=True), atol=1e-5)
    np.testing.assert_array_equal(model.classify(images, batch_size=5), odds.argmax(1))
    np.testing.assert_allclose(model.features(images, batch_size=7), features, atol=1e-5)
    assert model.probabilities(images[:0]).shape == (0, 5)


def test_what_it_reports_of_each_step(pictures):
    """A metric by its name, as an object, and as a function."""
    images, labels = pictures
    model = tiny()
    model.compile(metrics=["accuracy", keras.metrics.AUC(name="auc"), keras.losses.kl_divergence])
    model.run_eagerly = True
    history = model.fit(TargetBatches(load(images), np.eye(2, dtype="float32")[labels], 8), verbose=0)
    assert sorted(history.history) == sorted(model.term_names())
    model.compile(metrics=None)
    assert model.term_names() == ["loss"]


def test_each_block_begins_as_its_shortcut(pictures):
    """The last gain of a block starts at 0: what it adds is nothing."""
    model = tiny(blocks=(2, 1))
    before, after = model.network.get_layer("stem_relu").output, model.network.get_layer("stage_0").output
    a, b = keras.Model(model.network.input, [before, after])(pictures[0])
    np.testing.assert_array_equal(a, b)
    assert np.std(a) > 0.01


def test_the_card_builds_it_within_eight_megabytes():
    card = keras_gans.info("tiny")
    model = api.build(card, dtype="mixed_bfloat16")
    network = model.network
    assert network.get_layer("stem").compute_dtype == "bfloat16"
    assert network.count_params() == 2_832_552
    assert 2 * network.count_params() < 8e6
    assert multiply_adds(network, 64) == 120_473_600
    assert card.architecture["num_classes"] == 200
    assert model.features(np.zeros((2, 64, 64, 3), "uint8")).shape == (2, 256)
    assert model.samples().dtype == np.uint8
    assert ResidualNet.from_config(model.get_config()).get_config() == model.get_config()


def multiply_adds(network, size):
    """Of the convolutions and the last layer, for an image of that size."""
    found, shapes = 0, network.compute_output_shape
    assert shapes((1, size, size, 3)) == (1, 200)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            probe = keras.Model(network.input, layer.output)
            _, height, width, _ = probe.compute_output_shape((1, size, size, 3))
            found += height * width * int(np.prod(layer.kernel.shape))
        elif isinstance(layer, keras.layers.Dense):
            found += int(np.prod(layer.kernel.shape))
    return found


def test_it_fits_and_evaluates_data_of_many_kinds(pictures, tmp_path, monkeypatch):
    images, labels = pictures
    model = tiny()
    model.compile(run_eagerly=True)
    straight = model.evaluate(images, labels, verbose=0)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        (tmp_path / f"class_{label}").mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / f"class_{label}" / f"{i:02d}.png")
    shares = np.eye(2, dtype="float32")[labels]
    sources = {
        "floats": ((images / 127.5 - 1).astype("float32"), labels),
        "folder": (tmp_path,),
        "flip": (load((images, labels), flip=True),),
        "tf.data": (tf.data.Dataset.from_tensor_slices((images, labels)).batch(8),),
        "shares": (TargetBatches(load(images), shares, 8),),
    }
    for name, data in sources.items():
        np.testing.assert_allclose(model.evaluate(*data, verbose=0), straight, rtol=1e-4, err_msg=name)
    monkeypatch.setenv("KERAS_GANS_MAX_DECODED", "1")
    np.testing.assert_allclose(model.evaluate(load(tmp_path, size=16), verbose=0), straight, rtol=1e-4)
    history = model.fit(load(tmp_path, size=16), validation_data=(images, labels), verbose=0)
    assert np.isfinite([*history.history["loss"], *history.history["val_accuracy"]]).all()


def test_fit_mirrors_what_is_to_be_mirrored(pictures, monkeypatch):
    images, labels = pictures
    given = []
    monkeypatch.setattr(keras.Model, "fit", lambda self, x, y, *rest, **named: given.append((x, y, rest)))
    model = tiny()
    model.fit(load((images, labels), flip=True), batch_size=24)
    model.fit(load((images, labels)), batch_size=24)
    (batches, none, rest), (plain, of_plain, _) = given
    assert none is None
    assert rest[0] is None  # batches have their size
    (seen, targets), by_brightness = batches[0], np.argsort(images.sum((1, 2, 3)), kind="stable")
    order = np.argsort(seen.sum((1, 2, 3)), kind="stable")
    seen, original = seen[order], images[by_brightness]
    np.testing.assert_array_equal(targets[order], labels[by_brightness])
    mirrored = (seen == original[:, :, ::-1]).all((1, 2, 3))
    assert (mirrored | (seen == original).all((1, 2, 3))).all()
    assert 4 < mirrored.sum() < 20
    np.testing.assert_array_equal(plain, images)
    np.testing.assert_array_equal(of_plain, labels)


def test_wrong_images_are_refused(pictures):
    images, labels = pictures
    model = tiny()
    model.compile()
    for x, y, words in (
        (images[:, :8], labels, "This model reads 16x16x3 images and the data has 8x16x3"),
        (images / 255.0, labels, r"looks like \[0, 1\]"),
        (images, None, "This model has 2 classes and the data has no labels"),
        (images, labels + 1, "classes 0 to 1 and the labels go from 1 to 2"),
    ):
        for call in (model.fit, model.evaluate):
            with pytest.raises(keras_gans.DataError, match=words):
                call(x, y, verbose=0)
    with pytest.raises(keras_gans.DataError, match=r"reads uint8 images of shape \(n, 16, 16, 3\), and these are fl"):
        model.features(images / 255.0)
    with pytest.raises(keras_gans.DataError, match=r"Pictures in pairs were wanted, and \(24, 16, 16, 3\) and \(23,"):
        model.distance(images, images[1:])
    with pytest.raises(keras_gans.DataError, match=r"shape \(n, h, w, 3\) were wanted, and float64 of shape"):
        model.distance(images, images / 255.0)


def test_mixed_bfloat16_trains(pictures):
    images, labels = pictures
    model = tiny(dtype="mixed_bfloat16")
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    before = model.network.get_layer("stem").kernel.numpy()
    history = model.fit(images, labels, batch_size=8, epochs=8, verbose=0)
    losses = history.history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    assert (model.network.get_layer("stem").kernel.numpy() != before).any()
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    assert model(images).dtype == "float32"
    assert {part.dtype for part in model.perceptual(images)} == {tf.float32}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"num_classes": 1}, "num_classes must be a whole number of at least 2, got 1"),
        ({"size": 3}, "size must be a whole number of at least 4, got 3"),
        ({"channels": 2}, "channels must be one of 1, 3, got 2"),
        ({"widths": (8, 0)}, r"widths\[1\] must be a whole number of at least 1, got 0"),
        ({"blocks": (1,)}, r"blocks must be 2 whole numbers of at least 1, got \(1,\)"),
        ({"dropout": 1.0}, "dropout must be a number of at least 0 and less than 1, got 1.0"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        tiny(**arguments)


# The distance.


@pytest.fixture(scope="module")
def judge():
    """Of random weights, whose blocks say something: their last gains are 1."""
    keras.utils.set_random_seed(0)
    model = ResidualNet(num_classes=2, size=16, widths=(8, 12, 16), blocks=(1, 1, 1))
    for layer in model.network.layers:
        if layer.name.endswith("norm_1"):
            layer.gamma.assign(np.ones(layer.gamma.shape))
    return model


def photograph(height, width):
    """uint8 (height, width, 3): waves of many lengths, in three colours."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / (1 + c) + y / 3) + np.cos(y / (2 + c) - x / 5) for c in range(3)]
    return np.uint8(127.5 + 60 * np.stack(waves, axis=-1))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (40, 24), (33, 21)])
def test_equal_pictures_are_at_0_and_noise_and_blur_lead_away(judge, rng, height, width):
    image = photograph(height, width)
    noise = rng.normal(0, 1, image.shape)
    noisy = [np.uint8(np.clip(image + amount * noise, 0, 255)) for amount in (2, 8, 32)]
    blurred = [np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius))) for radius in (0.5, 1, 2)]
    for worse in (noisy, blurred):
        found = judge.distance(np.stack([image] * 4), np.stack([image, *worse]))
        assert found.dtype == np.float32
        assert found[0] == 0
        assert (np.diff(found) > 1e-5).all()
        assert found.max() < 2 * 3


def test_the_distance_is_that_of_numpy(judge, rng):
    a, b = rng.integers(0, 256, (2, 5, 16, 16, 3), dtype="uint8")
    names = [f"stage_{i}" for i in range(3)]
    stages = keras.Model(judge.network.input, [judge.network.get_layer(name).output for name in names])
    expected = 0
    for x, y in zip(stages(a), stages(b), strict=True):
        u, v = (np.asarray(z, "float64") / (np.linalg.norm(z, axis=-1, keepdims=True) + 1e-10) for z in (x, y))
        expected = expected + ((u - v) ** 2).sum(-1).mean((1, 2))
    np.testing.assert_allclose(judge.distance(a, b, batch_size=2), expected, rtol=1e-4)
    floats = perceptual_distance(judge.perceptual(a.astype("float32")), judge.perceptual(b.astype("float32")))
    np.testing.assert_allclose(floats, expected, rtol=1e-4)
    shapes = [tuple(part.shape) for part in judge.perceptual(photograph(40, 23)[None])]
    assert shapes == [(1, 20, 12, 8), (1, 10, 6, 12), (1, 5, 3, 16)]


def test_the_distance_leads_back_to_the_picture(judge):
    """Its gradient is finite, also where nothing is seen, and going against it brings a picture nearer."""
    goal = tf.constant(photograph(24, 24)[None], "float32")
    before = [v.numpy() for v in judge.network.non_trainable_variables]

    def distance_and_gradient(picture):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            distance = perceptual_distance(judge.perceptual(picture), judge.perceptual(goal))[0]
        return float(distance), tape.gradient(distance, picture)

    for start in (tf.zeros_like(goal), goal[:, ::-1]):
        distance, gradient = distance_and_gradient(start)
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 0
        nearer, _ = distance_and_gradient(start - 10.0 * gradient / tf.norm(gradient))
        assert nearer < distance
    for v, old in zip(judge.network.non_trainable_variables, before, strict=True):
        np.testing.assert_array_equal(v.numpy(), old)


def test_zeros_are_no_division():
    nothing = [tf.zeros((1, 2, 2, 4))]
    dead = ResidualNet(num_classes=2, size=4, widths=(4,), blocks=(1,))
    dead.network.get_layer("stem_norm").gamma.assign(np.zeros(4))
    seen = dead.perceptual(np.full((1, 4, 4, 3), 9, "uint8"))
    assert [part.shape for part in seen] == [(1, 2, 2, 4)]
    np.testing.assert_array_equal(seen[0], nothing[0])
    assert float(perceptual_distance(seen, nothing)[0]) == 0
