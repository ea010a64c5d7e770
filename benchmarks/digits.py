"""What the classifier says of the shipped digits. Needs MNIST (TFDS fetches it, or TFDS_DATA_DIR points at it).

python benchmarks/digits.py           # prints, and writes benchmarks/results/digits.json
"""

import json
from pathlib import Path

import numpy as np

import keras_gans

RESULT = Path(__file__).resolve().parent / "results" / "digits.json"


def per_cent(share):
    return round(100 * float(share), 2)


def rarest(name, reader):
    """The share of the digit that comes up least in 10,000 samples."""
    read = reader.classify(keras_gans.load(name).generate(10_000))
    return per_cent(np.bincount(read, minlength=10).min() / len(read))


def as_asked(reader):
    """The share of 10,000 samples that are read as the label that was asked for."""
    asked = np.arange(10_000) % 10
    return per_cent(
        (reader.classify(keras_gans.load("dcgan_mnist_conditional").generate(10_000, labels=asked)) == asked).mean()
    )


def after_fine_tuning(reader, digit, n=2000, epochs=3):
    """The share of `digit` among 1,000 samples after `epochs` on n real images of it."""
    train = keras_gans.data.load("tfds:mnist")
    gan = keras_gans.load("dcgan_mnist")
    gan.compile()
    gan.fit(train.images[train.labels == digit][:n], epochs=epochs, verbose=0)
    return per_cent((reader.classify(gan.generate(1000)) == digit).mean())


def main():
    reader = keras_gans.load("lenet_mnist")
    test = keras_gans.data.load("tfds:mnist", split="test")
    rows = [
        ("lenet_mnist reads MNIST's test split", per_cent((reader.classify(test.images) == test.labels).mean()), 99)
    ]
    rows += [("dcgan_mnist_conditional is read as asked, 10,000 samples", as_asked(reader), 95)]
    rows += [("the rarest digit of dcgan_mnist, 10,000 samples", rarest("dcgan_mnist", reader), 5)]
    rows += [("the rarest digit of vanilla_mnist, 10,000 samples", rarest("vanilla_mnist", reader), 5)]
    for digit in range(10):
        what = f"dcgan_mnist after 3 epochs on 2,000 images of a {digit} draws it"
        rows += [(what, after_fine_tuning(reader, digit), 80)]
    for what, value, aim in rows:
        print(f"{what}: {value} % (aim {aim})")
    RESULT.parent.mkdir(exist_ok=True)
    found = [dict(zip(("what", "value", "aim"), row, strict=True)) for row in rows]
    RESULT.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
