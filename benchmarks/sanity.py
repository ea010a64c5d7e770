"""Do the metrics put real images before a strong model, that before a weak one, and that before noise?

python benchmarks/sanity.py mnist cifar10     # writes benchmarks/results/sanity_<name>.json, for docs/measured.md

Rows: the test split's real images; the zoo's class-conditional model; the same recipe stopped after 300 steps; uniform
noise. Columns: Fréchet and kernel distance, coverage and classification accuracy, which ought to keep that order, and
others, of which some are known not to. What learns from samples (cas, one_nn, parzen) learns from training images in
the first row. Shorter than `keras-gans evaluate`: cas takes 1,000 steps, and memorized asks 2,000 training images for
their nearest other. Needs TFDS's images.
"""

import functools
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

import keras_gans
from keras_gans import api, data, metrics
from keras_gans.api import measures, real_images
from keras_gans.training import run

ROOT = Path(__file__).resolve().parents[1]
SAMPLES, WEAK_STEPS, CAS_STEPS, ASKED = 10_000, 300, 1000, 2000
FIRST = ("fid", "kid", "coverage", "cas")  # of the table: what ought to keep the order
# name: (source, the model, features, metrics of samples, metrics that learn from them)
CASES = {
    "mnist": (
        "tfds:mnist",
        "dcgan_mnist_conditional",
        "lenet_mnist",
        ("fid", "kid", "prdc", "is", "support", "ms_ssim"),
        ("one_nn", "parzen"),  # the sliced Wasserstein distance takes sides of 16, 32, 64, ...
    ),
    "cifar10": (
        "tfds:cifar10",
        "dcgan_cifar10_conditional",
        "tiny",
        ("fid", "kid", "prdc", "is", "support", "ms_ssim", "swd"),
        ("one_nn",),
    ),
}


def weak(card, real):
    """The card's recipe after its first 300 steps."""
    recipe = card.recipes[card.default_recipe]
    with tempfile.TemporaryDirectory() as folder:
        return run.train(lambda: api.build(card), card.to_dict(), {**recipe, "steps": WEAK_STEPS}, real, folder)


def rows_of(card, train, test):
    """(row, images, (images, labels) that others learn from)."""
    wanted = np.arange(SAMPLES) % card.architecture["num_classes"]
    yield "real", test.images[:SAMPLES], (train.images[:SAMPLES], train.labels[:SAMPLES])
    for row, model in (("strong", keras_gans.load(card.name)), ("weak", weak(card, train))):
        drawn = model.generate(SAMPLES, seed=0)
        yield row, drawn, (drawn, wanted)
    noise = np.random.default_rng(0).integers(0, 256, (SAMPLES, *test.shape), dtype="uint8")
    yield "noise", noise, (noise, wanted)


def scores_of(fake, names, extractor, side, real):
    """{metric: value} of what `keras-gans evaluate` measures."""
    subject = measures.Subject(fake, None, extractor, lambda: side, real, 64, None)
    chosen = [measures.MEASURES[name] for name in names]
    measures.check(chosen, subject)
    return {score.metric: score.value for measure in chosen for score in measure.run(subject, 0)}


def measured(case, images, taught, extractor, side, real):
    """{metric: value} of one row."""
    *_, looking, learning = case
    test = real("test")
    classifier = measures.classifier_for(test.shape, int(test.labels.max()) + 1, seed=0)
    found = {
        **scores_of(images, looking, extractor, side, real),
        **scores_of(taught, learning, extractor, side, real),
        "cas": metrics.classification_accuracy(classifier, taught, test, steps=CAS_STEPS).value,
        "memorized": metrics.memorization(images[:1000], real("train"), asked=ASKED).value,
    }
    return {name: found.pop(name) for name in FIRST} | found


def main(names):
    for name in names:
        source, model, features, *_ = CASES[name]
        card, extractor = keras_gans.info(model), keras_gans.feature_extractor(features)
        size, channels = card.architecture["size"], card.architecture["channels"]
        side = real_images.real_side(source, extractor, {})

        @functools.cache
        def real(split, source=source, size=size, channels=channels):
            return data.load(source, split=split or "train", size=size, channels=channels)

        found = []
        for row, images, taught in rows_of(card, real("train"), real("test")):
            found.append({"row": row, **measured(CASES[name], images, taught, extractor, side, real)})
            print(found[-1], flush=True)
        result = {"source": source, "model": model, "features": extractor.name, "samples": SAMPLES, "rows": found}
        path = ROOT / "benchmarks" / "results" / f"sanity_{name}.json"
        path.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:] or list(CASES))
