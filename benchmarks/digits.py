"""What the classifier says of the shipped digits. Needs MNIST (TFDS fetches it, or TFDS_DATA_DIR points at it).

python benchmarks/digits.py           # prints, and writes benchmarks/results/digits.json
"""

import json
from pathlib import Path

import numpy as np

import keras_gans

RESULT = Path(__file__).resolve().parent / "results" / "digits.json"


def shares(classes):
    """Per cent of each digit."""
    return [round(float(x), 2) for x in np.bincount(classes, minlength=10) * 100 / len(classes)]


def fine_tuning(reader, digit=7, n=2000, epochs=3):
    """The share of `digit` among 1,000 samples before and after `epochs` on n real images of it."""
    train = keras_gans.data.load("tfds:mnist")
    images = train.images[train.labels == digit][:n]
    gan = keras_gans.load("dcgan_mnist")
    before = reader.classify(gan.generate(1000)) == digit
    gan.compile()
    gan.fit(images, epochs=epochs, verbose=0)
    after = reader.classify(gan.generate(1000)) == digit
    return {
        "digit": digit,
        "images": n,
        "epochs": epochs,
        "before": float(before.mean()),
        "after": float(after.mean()),
    }


def main():
    reader = keras_gans.load("lenet_mnist")
    test = keras_gans.data.load("tfds:mnist", split="test")
    found = {"lenet_mnist on MNIST's test split": float((reader.classify(test.images) == test.labels).mean())}
    asked = np.arange(10_000) % 10
    drawn = keras_gans.load("dcgan_mnist_conditional").generate(10_000, labels=asked)
    found["dcgan_mnist_conditional read as asked"] = float((reader.classify(drawn) == asked).mean())
    for name in ("dcgan_mnist", "vanilla_mnist"):
        found[f"{name}, per cent of each digit in 10,000"] = shares(
            reader.classify(keras_gans.load(name).generate(10_000))
        )
    found["fine-tuning dcgan_mnist"] = fine_tuning(reader)
    for name, value in found.items():
        print(f"{name}: {value}")
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
