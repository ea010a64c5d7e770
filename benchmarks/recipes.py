"""The recipes of a card against one another: the same width, as many images seen, the same measure.

python benchmarks/recipes.py dcgan_celeba                      # 192,000 images each, the shipped width
python benchmarks/recipes.py dcgan_celeba --images 1280        # to try it out

The measure is the sliced Wasserstein distance of 2,000 samples (seed 1) to 2,000 of the training images, at the finest
level and as a mean over levels; beside it that of 2,000 other training images. Rates that fall do so within the run.
Writes benchmarks/results/recipes_<name>.json, and each recipe's grid (seed 0) as docs/images/<name>_<recipe>.png.
"""

import argparse
import copy
import json
import tempfile
import time
from pathlib import Path

import numpy as np

import keras_gans
from keras_gans import data
from keras_gans.metrics import swd
from keras_gans.training import run

ROOT = Path(__file__).resolve().parents[1]
COMPARED = 2000


def fitted_to(recipe, steps):
    """The recipe for so many steps: what it schedules is stretched along with it."""
    recipe = copy.deepcopy(recipe)
    for table in recipe["compile"].values():
        rate = table.get("learning_rate") if isinstance(table, dict) else None
        if isinstance(rate, dict) and rate.get("class") == "LinearRamp":
            planned = recipe["steps"]
            for key in {"start", "end", "every"} & set(rate):
                rate[key] = rate[key] * steps // planned
    return {**recipe, "steps": steps}


def trained(card, name, images, pictures, folder):
    """(model, seconds) by a recipe, at the card's own width."""
    recipe = card.recipes[name]
    recipe = fitted_to(recipe, images // recipe["batch_size"])
    architecture = {**card.architecture, **recipe.pop("architecture", {}), "width": card.architecture["width"]}

    def build():
        return getattr(keras_gans, card.family)(**architecture, dtype=recipe.get("dtype"))

    began = time.monotonic()
    model = run.train(build, card.to_dict(), recipe, pictures, folder)
    return model, time.monotonic() - began


def distances(samples, real):
    """{"finest", "mean"}: rounded."""
    found = swd.of_images(samples, real, patches=32, directions=256)
    return {"finest": round(found[samples.shape[1]], 1), "mean": round(found["mean"], 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of a published card, or of a recipe without weights")
    parser.add_argument("--images", type=int, default=192_000, help="seen by the discriminator, of each recipe")
    parser.add_argument("--recipes", nargs="+", default=["paper", "modern"])
    parser.add_argument("--out", type=Path, default=ROOT)
    asked = parser.parse_args()
    card = keras_gans.info(asked.name)
    size, channels = card.architecture["size"], card.architecture["channels"]
    pictures = data.load(card.data["source"], split=card.data["split"], size=size, channels=channels)
    half = min(COMPARED, len(pictures) // 2)
    order = np.random.default_rng(0).permutation(len(pictures))
    real, other = pictures.images[order[:half]], pictures.images[order[half : 2 * half]]
    rows = [{"recipe": "other training images", **distances(other, real)}]
    for name in asked.recipes:
        with tempfile.TemporaryDirectory() as folder:
            model, seconds = trained(card, name, asked.images, pictures, Path(folder) / "run")
        drawn = model.generate(len(real), seed=1)
        row = {"recipe": name, **distances(drawn, real), "steps": model.steps_taken, "seconds": round(seconds)}
        rows.append(row)
        print(row, flush=True)
        data.save_png(asked.out / "docs" / "images" / f"{asked.name}_{name}.png", model.samples())
    found = {"model": asked.name, "images_seen": asked.images, "compared": len(real), **run.machine(), "recipes": rows}
    path = asked.out / "benchmarks" / "results" / f"recipes_{asked.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
