"""The Parzen-window likelihood of real MNIST, which stands above the models' in docs/results.md.

TFDS_DATA_DIR=... python benchmarks/parzen_real.py     # writes benchmarks/results/parzen_real.json

The samples are 10,000 training images, drawn without repetition from train[:50000], five times (seeds 0 to 4); all else
is as `keras-gans evaluate vanilla_mnist --metrics parzen` does it: the width by images of train[-10000:], the score on
the test split.
"""

import json
from pathlib import Path

import numpy as np

import keras_gans
from keras_gans import data, metrics

RESULT = Path(__file__).resolve().parent / "results" / "parzen_real.json"
SOURCE, SPLIT, SAMPLES, SEEDS = "tfds:mnist", "train[:50000]", 10_000, 5


def main():
    images, scores = data.load(SOURCE, split=SPLIT).images, []
    for seed in range(SEEDS):
        chosen = np.random.default_rng(seed).permutation(len(images))[:SAMPLES]
        scores += keras_gans.evaluate(images[chosen], "parzen", SOURCE)
    score = metrics.over_seeds(scores)
    print(score)
    found = {"samples": f"{SAMPLES:,} images of {SOURCE.removeprefix('tfds:')} {SPLIT}", "score": score.to_dict()}
    RESULT.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
