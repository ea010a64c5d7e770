"""Every recipe of every card runs for 100 steps, at tiny width and on made-up images. Recipes that differ in numbers
alone (how long, how fast) are one run; whether the numbers of each fit together is looked at without training."""

import json

import numpy as np
import pytest

import keras_gans
from keras_gans import data, models
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
    "SRResNet": {"blocks": 1, "width": 2},
    "SRGAN": {"blocks": 1, "width": 2, "size": 16},
    "TextToImageGAN": {
        "size": 16,
        "width": 2,
        "discriminator_width": 2,
        "latent": 4,
        "compressed": 4,
        "reader_units": [2, 2, 2],
        "reader_recurrent": 2,
        "reader_dim": 4,
        "picture_features": 3,
    },
}


class Looker:
    """Sees the mean colour of pictures, where a reader's recipe has `tiny`."""

    def perceptual(self, images):
        return [images / 255.0]


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
def test_a_recipe_trains(card, name, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_gans.models.text_to_image.looker", Looker)
    recipe = {**card.recipes[name], "batch_size": 4}
    if "reader" in recipe:
        recipe["reader"] = {**recipe["reader"], "batch_size": 4, "steps": 5}
    architecture = {**card.architecture, **recipe.get("architecture", {}), **_tiny(card)}
    classes = architecture.get("num_classes")
    rng = np.random.default_rng(0)
    size, channels = architecture.get("size", 28), architecture.get("channels", 1)
    images = rng.integers(0, 256, (40, size, size, channels), dtype="uint8")
    labels = np.arange(40, dtype="int32") % (classes or 10)
    seen = []
    pictures = data.load((images, labels))
    if card.family == "TextToImageGAN":
        pictures = data.captioned((images, [[f"picture {i}", "any"] for i in range(40)], labels), size=size)

    def build():
        model = getattr(models, card.family)(**architecture, dtype=recipe.get("dtype"))
        seen.append(model.tensors())
        return model

    model = run.train(
        build,
        card.to_dict(),
        recipe,
        pictures,
        tmp_path,
        steps=STEPS,
        sample_every=STEPS,
        checkpoint_every=STEPS,
    )
    assert model.steps_taken == STEPS
    after = keras_gans.load(tmp_path / "model").tensors()
    assert all(np.isfinite(tensor).all() for tensor in after.values())
    for player in ("generator", "discriminator", *(["reader"] if "reader" in recipe else [])):
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
    supervised.train(lambda: model, card.to_dict(), recipe, seen, tmp_path, steps=STEPS)
    after = keras_gans.load(tmp_path / "model").tensors()
    assert model.steps_taken == STEPS
    assert all(np.isfinite(tensor).all() for tensor in after.values())
    kernels = [key for key in after if key.endswith("kernel")]
    assert kernels
    assert all(np.abs(after[key] - before[key]).max() > 0 for key in kernels)


# --- numbers ------------------------------------------------------------------------------------------

EVERY = [(card, name) for card in registry.list_models() for name in card.recipes]


def _optimizers(recipe):
    """{its key in `compile`: an optimizer's table}."""
    return {key: table for key, table in recipe["compile"].items() if key.endswith("optimizer")}


def _updates(recipe, key):
    """How many times an optimizer moves its weights in the whole recipe."""
    turns = recipe["compile"].get("discriminator_steps", 1) if key == "discriminator_optimizer" else 1
    return recipe["steps"] * turns


def _fits(table, updates):
    """Whether a schedule's table begins before it ends, and ends within so many updates."""
    if table["class"] == "LinearRamp":
        every = table.get("every", updates)
        return 0 <= table.get("start", 0) < table["end"] <= every <= updates and updates % every == 0
    if table["class"] == "CosineDecay":
        warmup = table.get("warmup_steps", 0)
        return 0 <= warmup < warmup + table["decay_steps"] <= updates
    if table["class"] == "PiecewiseConstantDecay":
        boundaries = [0, *table["boundaries"], updates]
        return boundaries == sorted(set(boundaries)) and len(table["values"]) == len(boundaries) - 1
    if table["class"] == "ExponentialDecay":
        return 0 < table["decay_rate"] < 1 and 0 < table["decay_steps"] < updates
    if table["class"] == "DecayToFloor":
        return table["factor"] > 1 and 0 <= table["floor"] < table["initial"]
    raise AssertionError(f"say here when a {table['class']} fits")


@pytest.mark.parametrize(
    ("table", "fits"),
    [
        ({"class": "LinearRamp", "start": 50, "end": 100}, True),
        ({"class": "LinearRamp", "end": 100}, True),
        ({"class": "LinearRamp", "start": 50, "end": 101}, False),
        ({"class": "LinearRamp", "start": 50, "end": 50}, False),
        ({"class": "LinearRamp", "start": 25, "end": 50, "every": 50}, True),
        ({"class": "LinearRamp", "start": 25, "end": 50, "every": 40}, False),
        ({"class": "LinearRamp", "start": 25, "end": 40, "every": 40}, False),
        ({"class": "CosineDecay", "warmup_steps": 10, "decay_steps": 90}, True),
        ({"class": "CosineDecay", "warmup_steps": 10, "decay_steps": 100}, False),
        ({"class": "PiecewiseConstantDecay", "boundaries": [50], "values": [2, 1]}, True),
        ({"class": "PiecewiseConstantDecay", "boundaries": [100], "values": [2, 1]}, False),
        ({"class": "ExponentialDecay", "decay_rate": 0.5, "decay_steps": 30}, True),
        ({"class": "ExponentialDecay", "decay_rate": 0.5, "decay_steps": 100}, False),
        ({"class": "DecayToFloor", "initial": 0.1, "factor": 0.9, "floor": 1e-6}, False),
    ],
)
def test_numbers_that_do_not_fit_are_seen(table, fits):
    assert _fits(table, 100) is fits


@pytest.mark.parametrize(("card", "name"), [pytest.param(c, n, id=f"{c.name}-{n}") for c, n in EVERY])
def test_a_recipes_numbers_fit_together(card, name):
    recipe = card.recipes[name]
    for part in [recipe, *([recipe["reader"]] if "reader" in recipe else [])]:
        assert _optimizers(part)
        for key, table in _optimizers(part).items():
            for schedule in [value for value in table.values() if isinstance(value, dict)]:
                assert _fits(schedule, _updates(part, key)), (key, schedule)


@pytest.mark.parametrize(("card", "name"), [pytest.param(c, n, id=f"{c.name}-{n}") for c, n in EVERY])
def test_a_recipe_compiles_to_rates_that_can_be(card, name):
    """At the start, half way and at the end of the recipe; half way every weight is still moved."""
    recipe = card.recipes[name]
    model = getattr(models, card.family)(**{**card.architecture, **recipe.get("architecture", {}), **_tiny(card)})
    compiled = {key: optimizers.get(value) if key == "optimizer" else value for key, value in recipe["compile"].items()}
    if "perceptual" in compiled:
        compiled["perceptual"] = "mse"  # others have weights of their own, which may not be here
    model.compile(**compiled)
    for key in _optimizers(recipe):
        optimizer = getattr(model, key)
        rates = []
        for step in (0, recipe["steps"] // 2, recipe["steps"]):
            optimizer.iterations.assign(step)
            momentum = getattr(optimizer, "momentum", 0.0)
            momentum = float(momentum(optimizer.iterations) if callable(momentum) else momentum)
            assert 0 <= momentum < 1
            rates.append(float(optimizer.learning_rate))
        assert np.isfinite(rates).all()
        assert min(rates) >= 0
        assert 0 < rates[1] <= 1
