"""The reader of digits."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_gans
from keras_gans import api
from keras_gans.models.lenet import LeNet


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (20, 28, 28, 1), dtype="uint8")


def test_it_learns_and_round_trips(images, tmp_path):
    model = LeNet(num_classes=2, widths=(4, 4), units=8)
    labels = np.arange(20) % 2
    images[labels == 1, 10:18, 10:18] = 255
    images[labels == 0, 10:18, 10:18] = 0
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    model.fit(images, labels, epochs=20, verbose=0)
    np.testing.assert_array_equal(model.classify(images), labels)
    assert model.features(images).shape == (20, 8)
    model.save_pretrained(tmp_path)
    loaded = keras_gans.load(tmp_path)
    np.testing.assert_array_equal(loaded.features(images), model.features(images))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.features(images), model.features(images))


def test_wrong_images_are_refused(images):
    model = LeNet(widths=(2, 2), units=4)
    with pytest.raises(
        keras_gans.DataError, match=r"reads uint8 images of shape \(n, 28, 28, 1\), and these are float32"
    ):
        model.classify(images.astype("float32"))
    assert model.classify(images[:0]).shape == (0,)


@pytest.fixture
def tiny():
    model = LeNet(num_classes=2, widths=(2, 2), units=4)
    model.compile(run_eagerly=True)  # a few steps are sooner taken than traced
    return model


def sources(images, folder):
    """The same eight pictures and classes in all ways that `fit` takes."""
    labels = np.arange(8) % 2
    floats = (images[:8] / 127.5 - 1).astype("float32")
    for i, image in enumerate(images[:8]):
        path = folder / f"class_{labels[i]}" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    return {
        "arrays": (images[:8], labels),
        "floats": (floats, labels),
        "pair": ((images[:8], labels),),
        "load": (keras_gans.data.load((images[:8], labels)),),
        "load floats": (keras_gans.data.load((floats, labels)),),
        "folder": (folder,),
        "text": (str(folder),),
        "tf.data": (tf.data.Dataset.from_tensor_slices((images[:8], labels)).batch(4),),
        "tf.data floats": (tf.data.Dataset.from_tensor_slices((floats, labels)).batch(4),),
    }


def test_every_kind_of_data_means_the_same(tiny, images, tmp_path):
    found = {name: tiny.evaluate(*data, verbose=0) for name, data in sources(images, tmp_path).items()}
    for name, scores in found.items():
        np.testing.assert_allclose(scores, found["arrays"], rtol=1e-4, err_msg=name)


def test_fit_takes_them_and_validates_on_them(tiny, images, tmp_path):
    data = sources(images, tmp_path)
    for name in ("arrays", "load", "folder", "tf.data", "tf.data floats"):
        validation = data[name][0] if len(data[name]) == 1 else data[name]
        history = tiny.fit(
            *data[name], epochs=2, batch_size=None if "tf" in name else 4, validation_data=validation, verbose=0
        )
        assert history.epoch == [0, 1], name
        assert np.isfinite(history.history["val_loss"]).all()
    x, y = data["arrays"]
    tiny.fit(x, y, 4, 1, 0, None, 0.0, (x, y, np.ones(8)), sample_weight=np.ones(8))  # in Keras's own order


def test_fit_resizes_images_and_refuses_what_it_cannot_read(tiny, images):
    larger = np.repeat(np.repeat(np.repeat(images, 2, axis=1), 2, axis=2), 3, axis=3)
    labels = np.arange(20) % 2
    tiny.fit(keras_gans.data.load((larger, labels)), verbose=0)
    before = int(tiny.optimizer.iterations)
    for x, y, words in (
        (larger, labels, "This model reads 28x28x1 images and the data has 56x56x3"),
        (images / 255.0, labels, r"looks like \[0, 1\]"),
        (images, None, "This model has 2 classes and the data has no labels"),
        (images, labels + 1, "classes 0 to 1 and the labels go from 1 to 2"),
        (keras_gans.data.load((images, labels), flip=True), None, "mirrored ones came"),
    ):
        for call in (tiny.fit, tiny.evaluate):
            with pytest.raises(keras_gans.DataError, match=words):
                call(x, y, verbose=0)
    assert int(tiny.optimizer.iterations) == before


def test_dtype(images, tmp_path):
    card = keras_gans.info("lenet_mnist")
    model = api.build(card, dtype="mixed_bfloat16")
    assert model.network.get_layer("conv_0").compute_dtype == "bfloat16"
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    assert model(images).dtype == "float32"
    assert model.features(images).dtype == np.float32
    model.compile()
    history = model.fit(images, np.arange(20) % 10, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    model.save_pretrained(tmp_path)
    assert "dtype" not in keras_gans.load(tmp_path).card["architecture"]
    assert LeNet.from_config(model.get_config()).network.get_layer("conv_0").compute_dtype == "bfloat16"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"num_classes": 1}, "num_classes must be a whole number of at least 2, got 1"),
        ({"widths": (20, 50, 80)}, r"widths must be 2 whole numbers of at least 1, got \(20, 50, 80\)"),
        ({"widths": (20, 0)}, r"widths\[1\] must be a whole number of at least 1, got 0"),
        ({"units": 1.5}, "units must be a whole number of at least 1, got 1.5"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        LeNet(**arguments)
