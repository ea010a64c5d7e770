"""Does a model repeat its training images? Needs the images of its card (TFDS fetches them, or TFDS_DATA_DIR has them).

python benchmarks/memorization.py dcgan_celeba ...    # no names: every generator that ships, if it draws in colour

For 1,000 samples (seed 0) the nearest training image, mirrored or not where the recipe mirrors, by pixels and by the
features of the model's own discriminator. A sample is close if it lies nearer to a training image than 99 % of the
training images lie to their nearest other. Writes benchmarks/results/memorization.json, which the docs and the cards'
limits repeat, and docs/images/nearest_<name>.png: the 16 closest by pixels, each sample left of what it is near to.
A row has the sha256 of the weights that it is of, and in `closest` which samples the picture shows, by their numbers.
"""

import json
import sys
from pathlib import Path

import numpy as np

import keras_gans
from keras_gans import artifacts, data
from keras_gans.api import closest
from keras_gans.metrics.nearest import nearer, nearest, of_rows
from keras_gans.zoo import registry

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "memorization.json"
SAMPLES, PAIRS, ASKED = 1000, 16, 10_000


def training_images(card):
    """What the card's default recipe trains on: `Images` of the model's size."""
    size, channels = card.architecture["size"], card.architecture["channels"]
    return data.load(card.data["source"], split=card.data["split"], size=size, channels=channels)


def features(gan, labels):
    """A function of images: the discriminator's features, of a class-conditional model with their labels."""
    return lambda images: gan.features(images, labels if gan.num_classes else None)


def found_by(look, samples, look_at_real, training, flipped):
    """(`nearest.of_rows` of what these functions give for images, bool (n,): whether the nearest one is mirrored).

    The threshold is of the images as they are; samples are held to their mirror images too, if those were trained on.
    """
    seen, real = look(samples), look_at_real(training)
    found = of_rows(seen, real, asked=ASKED)
    if not flipped:
        return found, np.zeros(len(samples), bool)
    best, turned = nearer(found.nearest, nearest(seen, look_at_real(training[:, :, ::-1])))
    share = float(np.mean(best.distances < found.threshold))
    return found._replace(share=share, nearest=best), turned


def measure(name):
    """One row of the results; writes the picture."""
    card = keras_gans.info(name)
    gan, real = keras_gans.load(name), training_images(card)
    training = real.images
    samples = gan.generate(SAMPLES, seed=0)
    flipped = card.recipes[card.default_recipe].get("data", {}).get("flip", False)
    wanted = np.arange(SAMPLES) % (gan.num_classes or 1)
    by_pixels, turned = found_by(lambda images: images, samples, lambda images: images, training, flipped)
    by_features, _ = found_by(features(gan, wanted), samples, features(gan, real.labels), training, flipped)
    pairs = closest.chosen(samples, training, by_pixels.nearest, turned, PAIRS)
    data.save_png(ROOT / "docs" / "images" / f"nearest_{name}.png", closest.page(pairs))
    return {
        "samples": SAMPLES,
        "training_images": len(training),
        "mirrored_too": flipped,
        "sha256": artifacts.read_provenance(card.folder)["sha256"],
        "closer_by_pixels_per_cent": round(100 * by_pixels.share, 1),
        "closer_by_features_per_cent": round(100 * by_features.share, 1),
        "closest": pairs.numbers.tolist(),
    }


def main(names):
    cards = registry.list_models(task="generate", status="pretrained")
    names = names or [card.name for card in cards if card.architecture.get("channels") == 3]
    results = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    for name in names:
        results[name] = measure(name)
        print(name, results[name], flush=True)
    RESULT.write_text(json.dumps(dict(sorted(results.items())), indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
