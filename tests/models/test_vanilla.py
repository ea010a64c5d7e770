"""The 2014 GAN."""

import numpy as np
import pytest

import keras_gans
from keras_gans.models.vanilla import VanillaGAN
from model_contract import ModelContract


class TestVanillaGAN(ModelContract):
    def build(self, **changes):
        return VanillaGAN(**{"size": 8, "latent": 6, "generator_units": (12, 12), "discriminator_units": 6, **changes})


def test_the_papers_sizes():
    model = VanillaGAN()
    g = 100 * 1200 + 1200 + 1200 * 1200 + 1200 + 1200 * 784 + 784
    d = 784 * 1200 + 1200 + 240 * 1200 + 1200 + 240 + 1
    assert model.generator.count_params() == g
    assert model.discriminator.count_params() == d


def test_initial_weights_are_uniform_as_in_the_released_code():
    model = VanillaGAN()
    for network, reach in ((model.generator, 0.05), (model.discriminator, 0.005)):
        for v in network.variables:
            if v.name == "kernel":
                assert 0.98 * reach < np.abs(v.numpy()).max() <= reach


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"channels": 2}, "channels must be one of 1, 3, got 2"),
        ({"latent": 0}, "latent must be a whole number of at least 1"),
        ({"pieces": 0}, "pieces must be a whole number of at least 1, got 0"),
        ({"dropout": 0.5}, "dropout must be 2 numbers of at least 0 and less than 1, got 0.5"),
        ({"dropout": (0.5,)}, "dropout must be 2 numbers"),
        ({"dropout": (0.5, 1.0)}, r"dropout must be 2 numbers .*, got \(0.5, 1.0\)"),
        ({"dropout": (0.5, "x")}, "dropout must be 2 numbers"),
        ({"generator_units": ()}, r"generator_units must be a list of whole numbers of at least 1, got \(\)"),
        ({"generator_units": 1200}, "generator_units must be a list of whole numbers of at least 1, got 1200"),
        ({"generator_units": (8, 0)}, r"generator_units\[1\] must be a whole number of at least 1, got 0"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        VanillaGAN(**arguments)


def test_the_paper_recipe_of_the_card_compiles_and_runs():
    card = keras_gans.info("vanilla_mnist")
    model = VanillaGAN(generator_units=(8, 8), discriminator_units=4)
    recipe = card.recipes["paper"]
    model.compile(**recipe["compile"])
    assert model.update == "simultaneous"
    x = np.random.default_rng(0).integers(0, 256, (200, 28, 28, 1), dtype="uint8")
    model.fit(x, batch_size=recipe["batch_size"], epochs=2, verbose=0)
    optimizer = model.generator_optimizer
    assert np.isclose(float(optimizer.learning_rate), 0.1 / 1.000004**4)
    assert np.isclose(float(optimizer.momentum(125000)), 0.7)
