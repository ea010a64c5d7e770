"""Do the metrics put real images before a strong model, that before a weak one, and that before noise?

python benchmarks/sanity.py mnist cifar10     # writes benchmarks/results/sanity_<name>.json, for docs/measured.md

Rows: the test split's real images; the zoo's class-conditional model; the same recipe stopped after 300 steps; uniform
noise. Columns: Fréchet and kernel distance, coverage and classification accuracy, which ought to keep that order, and
others, of which some are known not to. Needs TFDS's images.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

import keras_gans
from keras_gans import api, data, metrics
from keras_gans.api import evaluation, measures
from keras_gans.metrics import prdc
from keras_gans.training import run

ROOT = Path(__file__).resolve().parents[1]
SAMPLES, WEAK_STEPS = 10_000, 300
# name: (source, the model, features)
CASES = {
    "mnist": ("tfds:mnist", "dcgan_mnist_conditional", "lenet_mnist"),
    "cifar10": ("tfds:cifar10", "dcgan_cifar10_conditional", "tiny"),
}


def weak(card, real):
    """The card's recipe after its first 300 steps."""
    recipe = card.recipes[card.default_recipe]
    with tempfile.TemporaryDirectory() as folder:
        return run.train(lambda: api.build(card), card.to_dict(), {**recipe, "steps": WEAK_STEPS}, real, folder)


def rows_of(card, train, test):
    """(row, images, labels, what its classifier learns from)."""
    wanted = np.arange(SAMPLES) % card.architecture["num_classes"]
    yield "real", test.images[:SAMPLES], (train.images[:SAMPLES], train.labels[:SAMPLES])
    for row, model in (("strong", keras_gans.load(card.name)), ("weak", weak(card, train))):
        drawn = model.generate(SAMPLES, seed=0)
        yield row, drawn, (drawn, wanted)
    noise = np.random.default_rng(0).integers(0, 256, (SAMPLES, *test.shape), dtype="uint8")
    yield "noise", noise, (noise, wanted)


def measured(images, taught, extractor, side, test):
    """{metric: value} of one row."""
    _, rows = metrics.features_of(images, extractor)
    precision, recall, density, coverage = prdc.all_four(rows[: len(side.rows)], side.rows)
    classifier = measures.classifier_for(test.shape, int(test.labels.max()) + 1, seed=0)
    return {
        "fid": metrics.frechet_distance(images, side, extractor).value,
        "kid": metrics.kernel_distance(images, side, extractor).value,
        "coverage": coverage,
        "cas": metrics.classification_accuracy(classifier, taught, (test.images[:], test.labels)).value,
        "precision": precision,
        "recall": recall,
        "density": density,
        "is": metrics.inception_score(images, extractor).value,
    }


def main(names):
    for name in names:
        source, model, features = CASES[name]
        card, extractor = keras_gans.info(model), keras_gans.feature_extractor(features)
        size, channels = card.architecture["size"], card.architecture["channels"]
        train, test = (data.load(source, split=split, size=size, channels=channels) for split in ("train", "test"))
        side = evaluation.real_side(None, extractor, card.protocol)
        found = []
        for row, images, taught in rows_of(card, train, test):
            found.append({"row": row, **measured(images, taught, extractor, side, test)})
            print(found[-1], flush=True)
        result = {"source": source, "model": model, "features": extractor.name, "samples": SAMPLES, "rows": found}
        path = ROOT / "benchmarks" / "results" / f"sanity_{name}.json"
        path.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:] or list(CASES))
