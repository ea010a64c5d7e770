"""What the scripts in benchmarks/ decide before they measure: which colour, and what a variant of a recipe is."""

import sys
from pathlib import Path

import numpy as np
import pytest

import keras_gans

BENCHMARKS = str(Path(__file__).resolve().parents[1] / "benchmarks")
sys.path.insert(0, BENCHMARKS)
import colours  # noqa: E402
import recipes  # noqa: E402

sys.path.remove(BENCHMARKS)


@pytest.mark.parametrize(
    ("caption", "measure", "colour"),
    [
        ("this flower is Red, with long petals", colours.FLOWERS, "red"),
        ("red petals and a yellow centre", colours.FLOWERS, None),
        ("a flower with many petals", colours.FLOWERS, None),
        ("a coloured flower, bluered", colours.FLOWERS, None),
        ("a small grey bird with a long beak", colours.BIRDS, "gray"),
        ("the belly is mostly white", colours.BIRDS, "white"),
        ("this bird has a red beak", colours.BIRDS, None),
        ("a yellow bird with black wings", colours.BIRDS, None),
    ],
)
def test_the_colour_that_a_caption_names(caption, measure, colour):
    assert colours.named(caption, measure) == colour


def test_lab_of_known_colours():
    found = colours.lab(np.array([[1.0, 1, 1], [0, 0, 0], [1, 0, 0]]))
    np.testing.assert_allclose(found, [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.2]], atol=0.1)


def test_the_middles_saturated_half_is_what_is_measured():
    """A red thing on grey, and green all around the middle, which is not looked at."""
    image = np.zeros((1, 16, 16, 3), "uint8")
    image[...] = (0, 255, 0)
    image[:, 4:12, 4:12] = 128
    image[:, 4:12, 4:8] = (255, 0, 0)
    np.testing.assert_allclose(colours.measured(image, colours.FLOWERS), [[53.24, 80.09, 67.2]], atol=0.1)
    blue = np.full((1, 16, 16, 3), (0, 0, 255), "uint8")
    of = colours.Prototypes(np.concatenate([image, blue]), ["red", "blue"], colours.FLOWERS).of
    assert of(np.concatenate([blue, image])) == ["blue", "red"]


@pytest.mark.parametrize("name", ["dcgan_cifar10", "dcgan_celeba", "dcgan_lsun", "dcgan_pokemon"])
def test_variants_differ_from_the_recipe_and_end_with_the_run(name):
    card = keras_gans.info(name)
    found = {variant: recipes.recipe_of(card, variant, 3200) for variant in recipes.variants(card)}
    modern = found["modern"]
    assert [variant for variant, recipe in found.items() if recipe == modern] == ["modern"]
    assert found["batches of 64"]["steps"] == 50
    for variant, recipe in found.items():
        rate = recipe["compile"]["discriminator_optimizer"]["learning_rate"]
        flat = variant == "rates that do not fall"
        assert (
            isinstance(rate, float) if flat else rate["end"] == recipe["steps"] > rate["start"] and "every" not in rate
        )
    assert recipes.recipe_of(card, "paper", 3200)["steps"] == 25
    with pytest.raises(SystemExit, match="'other' is no recipe of"):
        recipes.recipe_of(card, "other", 3200)
