"""Where cards, weights and models meet."""

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
