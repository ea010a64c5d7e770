"""Sentences that a text-to-image card's model is measured on: one of each picture that it does not see in training.

python benchmarks/prompts.py text2image_flowers       # writes zoo/models/text2image_flowers/prompts.txt

They are the first caption of each picture of the card's protocol (its split). With them beside the weights,
`keras-gans evaluate` needs no data set. Needs TFDS's pictures.
"""

import sys

import keras_gans
from keras_gans import artifacts, data


def main(names):
    for name in names:
        card = keras_gans.info(name)
        found = data.captioned(card.protocol["source"], split=card.protocol["split"])
        artifacts.write_prompts(card.folder, [of_one[0] for of_one in found.captions])
        print(f"{card.folder / artifacts.PROMPTS}: {len(found)} sentences")


if __name__ == "__main__":
    main(sys.argv[1:])
