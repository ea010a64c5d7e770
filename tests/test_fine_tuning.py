"""A published model takes what its user has."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_gans


@pytest.fixture(scope="module")
def gan():
    return keras_gans.load("dcgan_mnist")


@pytest.fixture
def folder(tmp_path, rng):
    """Grey, RGB, alpha, palette, 16-bit and EXIF-turned pictures of several sizes, and a file that is none."""

    def noise(*shape):
        return rng.integers(0, 256, shape, dtype="uint8")

    Image.fromarray(noise(40, 30)).save(tmp_path / "grey.png")
    Image.fromarray(noise(64, 64, 3)).save(tmp_path / "rgb.jpg")
    Image.fromarray(noise(28, 50, 4)).save(tmp_path / "alpha.png")
    Image.fromarray(noise(33, 33, 3)).convert("P").save(tmp_path / "palette.gif")
    Image.fromarray(rng.integers(0, 65536, (30, 30)).astype("uint16")).save(tmp_path / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(noise(20, 60, 3)).save(tmp_path / "turned.jpg", exif=exif)
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def moved(gan, fit):
    before = [w.numpy() for w in gan.generator.weights]
    gan.compile()
    history = fit()
    assert np.isfinite(history.history["d_loss"]).all()
    return any((a != b.numpy()).any() for a, b in zip(before, gan.generator.weights, strict=True))


def test_a_folder_of_mixed_pictures(gan, folder):
    assert moved(gan, lambda: gan.fit(folder, verbose=0))
    assert moved(gan, lambda: gan.fit(str(folder), batch_size=2, verbose=0))


def test_an_array_and_floats(gan, rng):
    x = rng.integers(0, 256, (16, 28, 28, 1), dtype="uint8")
    assert moved(gan, lambda: gan.fit(x, batch_size=8, verbose=0))
    assert moved(gan, lambda: gan.fit(x / 127.5 - 1, batch_size=8, verbose=0))


def test_a_pipeline(gan, rng):
    x = rng.integers(0, 256, (20, 28, 28, 1), dtype="uint8")
    dataset = tf.data.Dataset.from_tensor_slices(x).shuffle(20, seed=0).batch(8)
    assert moved(gan, lambda: gan.fit(dataset, epochs=2, verbose=0))


def test_floats_and_bytes_mean_the_same(rng):
    x = rng.integers(0, 256, (16, 28, 28, 1), dtype="uint8")
    results = []
    for images in (x, (x / 127.5 - 1).astype("float32")):
        gan = keras_gans.load("dcgan_mnist")
        gan.compile()
        history = gan.fit(images, batch_size=8, verbose=0)
        results.append(history.history["d_loss"][0])
    np.testing.assert_allclose(*results, rtol=1e-4)


def test_another_size_gets_a_sentence_that_says_what_to_do(gan):
    gan.compile()
    with pytest.raises(keras_gans.DataError) as caught:
        gan.fit(np.zeros((8, 32, 32, 3), "uint8"))
    assert "28x28x1" in str(caught.value)
    assert "32x32x3" in str(caught.value)
    assert "keras_gans.data.load" in str(caught.value)
