"""The recipes of a card against one another, and what each part of `modern` does: as many images, the same measure.

python benchmarks/recipes.py dcgan_cifar10                     # 192,000 images each, the shipped width
python benchmarks/recipes.py dcgan_celeba --images 96000 --variants modern "no DiffAugment" "R1 of 0.1"

A variant is `modern` but for what its name says; all of one card are trained from scratch, with the same seed, and
rates that fall do so within the run. The measure is what `keras-gans evaluate --metrics fid,prdc` gives, of sampling
seed 0. "modern, another seed" shows how far apart two runs of the same recipe lie.

Writes benchmarks/results/recipes_<name>.json after each variant, and goes on from there: what it holds of as many
images is not trained again. The first ten samples of each are docs/images/recipes/<name>_<variant>.png. Needs TFDS's
images.
"""

import argparse
import copy
import json
import re
import tempfile
import time
from pathlib import Path

import numpy as np

import keras_gans
from keras_gans import data
from keras_gans.training import checkpoint, run

ROOT = Path(__file__).resolve().parents[1]
METRICS = ("fid", "coverage", "recall")
EVERY_POLICY = ["color", "translation", "cutout"]
AS_LEFT, NOT_AVERAGED = ", statistics as training left them", ", no average"


def variants(card):
    """{name: changes}: of a recipe's table, "modern" first. Those that would change nothing are left out."""
    modern = card.recipes["modern"]
    rate = modern["compile"]["generator_optimizer"]["learning_rate"]
    rates = {player: f"{player}_optimizer" for player in ("generator", "discriminator")}
    twice = {**rate, "initial": 2 * rate["initial"]}
    asked = {
        "modern": {},
        "modern, another seed": {"seed": modern.get("seed", 0) + 100},
        "no DiffAugment": {"compile": {"augment": []}},
        "DiffAugment: translation": {"compile": {"augment": ["translation"]}},
        "DiffAugment: color, translation, cutout": {"compile": {"augment": EVERY_POLICY}},
        "equal rates": {"compile": {rates["discriminator"]: {"learning_rate": rate}}},
        "discriminator at twice the rate": {"compile": {rates["discriminator"]: {"learning_rate": twice}}},
        "rates that do not fall": {"compile": {name: {"learning_rate": {"final": None}} for name in rates.values()}},
        "R1 of 0.1": {"compile": {"penalties": {"r1": 0.1}}},
        "spectral normalisation": {"architecture": {"normalization": "spectral"}},
        "spectral normalisation, hinge loss": {
            "architecture": {"normalization": "spectral"},
            "compile": {"loss": "hinge"},
        },
        "a bias in the first layer": {"architecture": {"first_bias": True}},
        "no bias in the first layer": {"architecture": {"first_bias": False}},
        "batches of 64": {"batch_size": 64},
        "no mirroring": {"data": {"flip": False}},
    }
    shipped = {**modern, "architecture": {key: card.architecture.get(key, False) for key in ("first_bias",)}}
    return {name: changes for name, changes in asked.items() if not changes or changed(shipped, changes) != shipped}


def changed(recipe, changes):
    """The recipe with a tree of changes."""
    recipe = copy.deepcopy(recipe)
    for key, value in changes.items():
        recipe[key] = changed(recipe.get(key, {}), value) if isinstance(value, dict) else value
    return recipe


def fitted_to(recipe, steps):
    """The recipe for so many steps: what it schedules is stretched along with it; a ramp without an end stays flat."""
    recipe = copy.deepcopy(recipe)
    for table in recipe["compile"].values():
        rate = table.get("learning_rate") if isinstance(table, dict) else None
        if isinstance(rate, dict) and rate.get("class") == "LinearRamp":
            planned = rate.pop("every", recipe["steps"])
            if rate["final"] is None:
                table["learning_rate"] = rate["initial"]
            for key in ("start", "end"):
                rate[key] = rate[key] * steps // planned
    return {**recipe, "steps": steps}


def recipe_of(card, name, images):
    """The recipe of a variant's or of a card's recipe's name, for as many images."""
    known = variants(card)
    if name not in known and name not in card.recipes:
        raise SystemExit(f"{name!r} is no recipe of {card.name}: it has {', '.join([*known, *card.recipes])}.")
    recipe = changed(card.recipes["modern"], known[name]) if name in known else card.recipes[name]
    return fitted_to(recipe, images // recipe["batch_size"])


def trained(card, recipe, pictures, folder):
    """(function that makes the model anew, the trained model, seconds) at the card's own width."""
    architecture = {**card.architecture, **recipe.pop("architecture", {}), "width": card.architecture["width"]}

    def build():
        return getattr(keras_gans, card.family)(**architecture, dtype=recipe.get("dtype"))

    began = time.monotonic()
    model = run.train(build, card.to_dict(), recipe, pictures, folder)
    return build, model, time.monotonic() - began


def drawn_otherwise(build, recipe, folder):
    """(name, model) of the same training, drawn without one of the two things that are done to a finished one."""
    for name in (AS_LEFT, NOT_AVERAGED):
        model = build()
        model.compile(**{"seed": recipe.get("seed", 0), **recipe["compile"]})
        checkpoint.restore(model, folder / run.CHECKPOINTS)
        if name == NOT_AVERAGED:
            model.ema_ready.assign(0)  # so that the sampler is a copy of the generator
            model.reestimate_statistics()
        yield name, model


def row_of(name, model, card):
    """What is measured of a model."""
    scores = keras_gans.evaluate(model, "fid,prdc", seeds=1, **_against(card))
    found = {score.metric: score for score in scores}
    return {"recipe": name, **{metric: float(f"{found[metric].value:.4g}") for metric in METRICS}}


def _against(card):
    """What the card's protocol says, as arguments of `evaluate`."""
    names = {"source": "against", "split": "split", "features": "features", "samples": "n"}
    return {names[key]: value for key, value in card.protocol.items() if key in names}


def strip_of(name, variant):
    """The picture's path, from docs/."""
    return f"images/recipes/{name}_{re.sub('[^a-z0-9]+', '_', variant.lower()).strip('_')}.png"


def rows(card, variant, images, pictures, out):
    """The rows that one training gives, the finished model's first."""
    recipe = recipe_of(card, variant, images)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder) / "run"
        build, model, seconds = trained(card, recipe, pictures, folder)
        path = out / "docs" / strip_of(card.name, variant)
        path.parent.mkdir(parents=True, exist_ok=True)
        data.save_png(path, np.concatenate(list(model.generate(10, seed=0)), axis=1))
        took = {"steps": model.steps_taken, "seconds": round(seconds), "samples": strip_of(card.name, variant)}
        yield {**row_of(variant, model, card), **took}
        if variant == "modern":
            for how, other in drawn_otherwise(build, recipe, folder):
                yield row_of(variant + how, other, card)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of a published card")
    parser.add_argument("--images", type=int, default=192_000, help="seen by the discriminator, of each recipe")
    parser.add_argument("--variants", nargs="+", help="of `modern`, or recipes; without: paper and all variants")
    parser.add_argument("--out", type=Path, default=ROOT)
    asked = parser.parse_args()
    card = keras_gans.info(asked.name)
    size, channels = card.architecture["size"], card.architecture["channels"]
    pictures = data.load(card.data["source"], split=card.data["split"], size=size, channels=channels)
    path = asked.out / "benchmarks" / "results" / f"recipes_{asked.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(path.read_text()) if path.is_file() else {}
    kept = kept["recipes"] if kept.get("images_seen") == asked.images else []
    for variant in asked.variants or [*variants(card), "paper"]:
        if any(row["recipe"] == variant for row in kept):
            continue
        for row in rows(card, variant, asked.images, pictures, asked.out):
            kept.append(row)
            print(row, flush=True)
        found = {"model": asked.name, "images_seen": asked.images, **run.machine(), "recipes": kept}
        path.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
