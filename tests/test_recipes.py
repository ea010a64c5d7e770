"""Every recipe of every card runs for 100 steps, at tiny width and on made-up images. Recipes that differ in numbers
alone (how long, how fast) are one run."""

import json

import numpy as np
import pytest

import keras_gans
from keras_gans import data
from keras_gans.data.pipeline import Decoded
from keras_gans.training import optimizers, run, supervised
from keras_gans.zoo import registry

STEPS = 100
TINY = {
    "DCGAN": {"width": 2, "latent": 4},
    "VanillaGAN": {"latent": 4, "generator_units": [8, 8], "discriminator_units": 4},
    "LeNet": {"widths": [2, 2], "units": 4},
    "AttributeNet": {"size": 16, "widths": [2, 2], "attributes": ["Smiling", "Young"]},
    "ResidualNet": {"num_classes": 3, "size": 16, "widths": [2, 2], "blocks": [1, 1]},
}


def _shape(table):
    """A table without its numbers: what kind of run it is."""
    if isinstance(table, dict):
        return {key: _shape(value) for key, value in table.items() if key not in ("note", "steps", "seed")}
    return table if isinstance(table, (str, bool, list)) else type(table).__name__


def _runs(task="generate"):
    """{kind of run: (card, recipe's name)}: the first recipe of each kind."""
    found = {}
    for card in registry.list_models(task=task):
        for name, recipe in card.recipes.items():
            size = {key: card.architecture.get(key) for key in ("size", "channels", "num_classes", "hidden")}
            kind = json.dumps([card.family, size, _shape(recipe)], sort_keys=True)
            found.setdefault(kind, (card, name))
    return list(found.values())


@pytest.mark.slow
@pytest.mark.parametrize(("card", "name"), [pytest.param(c, n, id=f"{c.name}-{n}") for c, n in _runs()])
def test_a_recipe_trains(card, name, tmp_path):
    recipe = {**card.recipes[name], "batch_size": 4}
    architecture = {**card.architecture, **recipe.get("architecture", {}), **_tiny(card)}
    classes = architecture.get("num_classes")
    rng = np.random.default_rng(0)
    size, channels = architecture.get("size", 28), architecture.get("channels", 1)
    images = rng.integers(0, 256, (40, size, size, channels), dtype="uint8")
    labels = np.arange(40, dtype="int32") % (classes or 10)
    seen = []

    def build():
        model = getattr(keras_gans, card.family)(**architecture, dtype=recipe.get("dtype"))
        seen.append(model.tensors())
        return model

    model = run.train(
        build,
        card.to_dict(),
        recipe,
        data.load((images, labels)),
        tmp_path,
        steps=STEPS,
        sample_every=STEPS,
        checkpoint_every=STEPS,
    )
    assert model.steps_taken == STEPS
    after = keras_gans.load(tmp_path / "model").tensors()
    assert all(np.isfinite(tensor).all() for tensor in after.values())
    for player in ("generator", "discriminator"):
        kernels = [key for key in after if key.startswith(player) and "kernel" in key]
        assert kernels
        assert all(np.abs(after[key] - seen[0][key]).max() > 0 for key in kernels)
    assert _asked_for(model, recipe)


def _tiny(card):
    known = TINY[card.family]
    hidden = {"hidden": 4} if card.architecture.get("hidden") else {}
    return {**known, **hidden}


def _asked_for(model, recipe):
    """Whether the compiled model is what the recipe says."""
    compiled = recipe["compile"]
    return (
        model.loss_name == compiled["loss"]
        and list(model.augment_policies) == list(compiled.get("augment", []))
        and model.penalties == compiled.get("penalties", {})
        and type(model.generator_optimizer) is type(optimizers.get(compiled["generator_optimizer"]))
    )


@pytest.mark.slow
@pytest.mark.parametrize(("card", "name"), [pytest.param(c, n, id=f"{c.name}-{n}") for c, n in _runs("classify")])
def test_a_classifiers_recipe_trains(card, name, tmp_path):
    recipe = {**card.recipes[name], "batch_size": 4}
    model = getattr(keras_gans, card.family)(
        **{**card.architecture, **TINY[card.family]}, dtype=recipe.get("dtype"), name="reader"
    )
    before = model.tensors()
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (24, *model.image_shape), dtype="uint8")
    truth = rng.integers(0, 2, (24, 2)).astype(bool)
    seen = data.Images.of(
        Decoded(images, np.arange(24, dtype="int32") % 3, [], list("abc"), truth, ["Smiling", "Young"]), "x"
    )
    supervised.train(lambda: model, card.to_dict(), recipe, seen, tmp_path, steps=20)
    after = keras_gans.load(tmp_path / "model").tensors()
    assert model.steps_taken == 20
    assert all(np.isfinite(tensor).all() for tensor in after.values())
    kernels = [key for key in after if key.endswith("kernel")]
    assert kernels
    assert all(np.abs(after[key] - before[key]).max() > 0 for key in kernels)
