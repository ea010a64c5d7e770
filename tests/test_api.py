"""Where cards, weights and models meet."""

import inspect

import numpy as np
import pytest

import keras_gans
from keras_gans import artifacts


def test_weights_of_another_architecture_are_refused_in_plain_words(tmp_path):
    folder = tmp_path / "small"
    keras_gans.VanillaGAN(size=8, latent=3, generator_units=(4,), discriminator_units=2).save_pretrained(folder)
    card = artifacts.read_card(folder)
    card["architecture"]["generator_units"] = [5]
    artifacts.write_card(folder, card)
    words = r"^These weights do not fit the VanillaGAN that the card of small describes \(of another shape: "
    with pytest.raises(keras_gans.IncompatibleWeightsError, match=words):
        keras_gans.load(folder)


@pytest.mark.parametrize("model", [keras_gans.AdversarialModel, keras_gans.TextToImageGAN])
def test_generate_to_takes_what_generate_takes(model):
    """But for latents, which are in memory already, and for floats."""
    memory, disk = (inspect.signature(method).parameters for method in (model.generate, model.generate_to))
    only = {"shard", "progress", "path"}
    assert set(disk) - only == set(memory) - {"latents", "output"}
    assert [name for name in disk if name not in only] == [name for name in memory if name in disk]
    for name in set(disk) - only - {"n"}:  # how many is not left to chance when it goes to disk
        assert disk[name].default == memory[name].default


def test_a_published_model_draws_to_disk(tmp_path):
    gan = keras_gans.load("vanilla_mnist")
    assert gan.generate_to(tmp_path / "digits.npy", 40, seed=2)
    np.testing.assert_array_equal(np.load(tmp_path / "digits.npy"), gan.generate(40, seed=2))
