"""The samples that are closest to real images, found and shown."""

import numpy as np
import pytest

import keras_gans
from keras_gans import data
from keras_gans.api import closest
from keras_gans.artifacts import MetricError


@pytest.fixture
def gan():
    return keras_gans.DCGAN(size=28, channels=1, width=2, latent=4)


def test_the_closest_come_first_with_what_they_are_close_to(rng, monkeypatch):
    monkeypatch.setattr(closest, "_BLOCK", 7)
    real = rng.integers(0, 200, (20, 6, 6, 3), dtype="uint8")
    fake = rng.integers(0, 200, (9, 6, 6, 3), dtype="uint8")
    fake[4], fake[2] = real[13] + 2, real[5, :, ::-1] + 1
    found = closest.closest_pairs(fake, real, count=3, mirror=True)
    assert found.numbers[:2].tolist() == [2, 4]
    assert found.real_numbers[:2].tolist() == [5, 13]
    assert found.mirrored[:2].tolist() == [True, False]
    np.testing.assert_allclose(found.distances[:2], [np.sqrt(108), 2 * np.sqrt(108)])
    np.testing.assert_array_equal(found.samples[0], fake[2])
    np.testing.assert_array_equal(found.real[:2], [real[5, :, ::-1], real[13]])
    assert closest.closest_pairs(fake, real, count=3).numbers[0] == 4  # nobody said that they are mirrored
    assert len(closest.closest_pairs(fake, real, n=4).samples) == 4
    page = closest.page(found)
    np.testing.assert_array_equal(page[2:8, 2:8], fake[2])
    np.testing.assert_array_equal(page[2:8, 10:16], real[5, :, ::-1])
    np.testing.assert_array_equal(page[2:8, 18:24], fake[4])


def test_a_model_is_asked_for_its_samples_and_recipe(gan, rng):
    drawn = gan.generate(6, seed=3)
    real = rng.integers(0, 256, (12, 28, 28, 1), dtype="uint8")
    real[7] = drawn[2, :, ::-1]
    found = closest.closest_pairs(gan, real, n=6, count=2, seed=3)
    assert not found.mirrored.any()
    card = keras_gans.info("dcgan_mnist").to_dict()
    card["recipes"][card["default_recipe"]]["data"] = {"flip": True}
    gan.card = card
    found = closest.closest_pairs(gan, real, n=6, count=2, seed=3)
    assert (found.numbers[0], found.real_numbers[0], found.mirrored[0], found.distances[0]) == (2, 7, True, 0.0)


def test_folders_are_brought_to_the_size_of_the_samples(tmp_path, rng):
    real = rng.integers(0, 256, (5, 12, 12, 3), dtype="uint8")
    for i, image in enumerate(real):
        data.save_png(tmp_path / f"{i}.png", image)
    fake = data.resize(real[[3, 1]], 6, 3)
    assert closest.closest_pairs(fake, tmp_path).real_numbers.tolist() == [3, 1]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"n": 0}, "n is a number of images, and 0 came"),
        ({"count": 1.5}, r"count is a number of images, and 1\.5 came"),
        ({"against": None}, "The real images themselves were wanted: say where they are"),
        ({"against": np.zeros((3, 5, 4, 1), "uint8")}, "Real images of 7x5x1 were wanted, as the samples are"),
    ],
)
def test_mistakes_are_one_sentence(options, sentence):
    fake = np.zeros((3, 5, 7, 1), "uint8")
    with pytest.raises(MetricError, match=sentence):
        closest.closest_pairs(fake, **{"against": fake, **options})
