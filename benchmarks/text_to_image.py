"""Does a text-to-image model obey, and does its reader find pictures? On pictures and words that it never saw.

python benchmarks/text_to_image.py text2image_flowers
python benchmarks/text_to_image.py text2image_flowers --control ./runs/any_text/model --dcgan ./runs/unconditional/model

Writes benchmarks/results/text_to_image_<name>.json and docs/images/<name>_held_out.png: ten held-out captions, chosen
by seed 0, each with its photograph and six samples. A control is the same recipe without wrong sentences, as it comes
from `keras-gans train NAME --set wrong_text=false --out ...`; --dcgan names an unconditional model of the same
pictures and no others, as from `keras-gans train dcgan_flowers --split train --out ...` (dcgan_flowers itself has seen
the held-out ones), whose Fréchet distance stands beside. All of them are measured on as many samples as there are
training photographs. Needs TFDS's pictures.

- colour: held-out captions that name one colour; how often it is the drawn picture's, and the photograph's
  (colours.py).
- retrieval: 500 held-out pairs; how often a picture's own caption is among the first 10.
- rejection: held-out pairs; how often the discriminator prefers the right caption to one of another class.
"""

import argparse
import json
from pathlib import Path

import colours
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import keras_gans
from keras_gans import data
from keras_gans.training import run
from keras_gans.zoo import registry

ROOT = Path(__file__).resolve().parents[1]
PAIRS, FIRST, PROMPTS, SEEDS, MARGIN, SIDE = 500, 10, 10, 6, 8, 64


def of_one_colour(found, measure):
    """(indices of pictures, colours, captions): of each picture the first caption that names one colour."""
    rows = []
    for index, captions in enumerate(found.captions):
        named = ((colours.named(caption, measure), caption) for caption in captions)
        first = next(((colour, caption) for colour, caption in named if colour), None)
        if first:
            rows.append((index, *first))
    return [list(column) for column in zip(*rows, strict=True)]


def share(read, asked):
    """How many are as asked."""
    return round(float(np.mean(np.array(read) == np.array(asked))), 4)


def obedience(models, train, test, measure):
    """{"photographs", each model's name, "captions": how many}: the share whose measured colour is the caption's."""
    indices, names, _ = of_one_colour(train, measure)
    prototypes = colours.Prototypes(train.middles(np.array(indices)), names, measure)
    indices, names, captions = of_one_colour(test, measure)
    found = {"captions": len(names)}
    found["photographs"] = share(prototypes.of(test.middles(np.array(indices))), names)
    for name, model in models.items():
        z = keras_gans.latent.sample(model, len(captions), seed=0)
        model.prompts = tuple(captions)
        found[name] = share(prototypes.of(model.prompted(z)), names)
    return found


def retrieval(model, test):
    """The share of 500 pictures whose caption (one each) is among the 10 that agree most."""
    chosen = np.random.default_rng(0).permutation(len(test))[:PAIRS]
    captions = model.vectors([test.captions[i][0] for i in chosen])
    return ranked(model.picture_vectors(test.middles(chosen)) @ captions.T)


def ranked(agreement):
    """The share of rows (n, n) whose own column is among the first `FIRST`; columns as good as it come before it."""
    if not np.isfinite(agreement).all():
        raise SystemExit("Finite agreements were wanted, and others came: the reader is broken.")
    rank = (agreement >= np.diag(agreement)[:, None]).sum(axis=1) - 1
    return round(float((rank < FIRST).mean()), 4)


def rejection(model, test):
    """The share of pictures to which the discriminator prefers a caption of theirs to one of another class."""
    everything = np.arange(len(test))
    images = test.middles(everything)
    rng = np.random.default_rng(0)
    others = np.array([rng.choice(np.flatnonzero(test.labels != label)) for label in test.labels])
    right = model.vectors([captions[0] for captions in test.captions])
    return round(float(np.mean(judged(model, images, right) > judged(model, images, right[others]))), 4)


def judged(model, images, vectors):
    """The discriminator's logits (n,)."""
    found = []
    for start in range(0, len(images), 64):
        part = images[start : start + 64].astype("float32") / 127.5 - 1
        found.append(np.asarray(model.discriminator([part, vectors[start : start + 64]], training=False)))
    return np.concatenate(found)[:, 0].astype("float32")


def distances(models, train, test, card):
    """{who: Fréchet distance to the held-out photographs}: of training photographs, and of as many of each model's."""
    source, split = card.protocol["source"], card.protocol["split"]
    asked = {"against": source, "split": split, "features": card.protocol["features"], "seeds": 1}

    def fid(what, **more):
        return round(keras_gans.evaluate(what, "fid", **asked, **more)[0].value, 2)

    photographs = train.middles(np.arange(len(train)))
    for model in models.values():
        model.prompts = tuple(captions[0] for captions in test.captions)  # which an unconditional one passes over
    drawn = {name: fid(model, n=len(photographs)) for name, model in models.items()}
    return {"training photographs": fid(photographs), **drawn}


def page(model, test):
    """uint8 (h, w, 3): a row of a caption, its photograph and six samples, for each of ten captions."""
    chosen = np.random.default_rng(0).permutation(len(test))[:PROMPTS]
    captions = [test.captions[i][0] for i in chosen]
    drawn = model.generate(captions, n=SEEDS, seed=0).reshape(PROMPTS, SEEDS, 64, 64, 3)
    rows = np.concatenate([test.middles(chosen)[:, None], drawn], axis=1)
    high, wide = 64 + 20 + MARGIN, MARGIN + (64 + MARGIN) * (1 + SEEDS) + MARGIN
    sheet = Image.new("RGB", (wide, MARGIN + PROMPTS * high), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for row, (caption, pictures) in enumerate(zip(captions, rows, strict=True)):
        top = MARGIN + row * high
        pen.text((MARGIN, top), _within(caption, pen, font, wide - 2 * MARGIN), "black", font)
        for column, picture in enumerate(pictures):
            left = MARGIN + column * (64 + MARGIN) + (MARGIN if column else 0)
            sheet.paste(Image.fromarray(picture), (left, top + 18))
    return np.asarray(sheet)


def _within(text, pen, font, width):
    """The text, cut to a width."""
    while pen.textlength(text, font) > width:
        text = text[:-2].rstrip(" .") + "…"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of the zoo, or a model's folder that begins with ./ or /")
    parser.add_argument("--control", help="folder of a model that saw no wrong sentences")
    parser.add_argument("--dcgan", help="an unconditional model of the same pictures")
    parser.add_argument("--out", type=Path, default=ROOT)
    asked = parser.parse_args()
    model, card = keras_gans.load(asked.name), registry.find(asked.name)
    splits = card.data["split"], card.protocol["split"]
    # Whole squares, as the protocol's: a model that was shown squares out of larger ones draws a little larger.
    train, test = (data.captioned(card.protocol["source"], split=split, loaded=SIDE) for split in splits)
    measure = colours.BIRDS if "cub" in card.protocol["source"] else colours.FLOWERS
    models = {"model": model, **({"control": keras_gans.load(asked.control)} if asked.control else {})}
    unconditional = {"an unconditional DCGAN": keras_gans.load(asked.dcgan)} if asked.dcgan else {}
    found = {"model": card.name, "distance": distances({**models, **unconditional}, train, test, card)}
    found["colour"] = obedience(models, train, test, measure)
    found["retrieval"], found["rejection"] = retrieval(model, test), rejection(model, test)
    found |= run.machine()
    print(json.dumps(found, indent=2))
    path = asked.out / "benchmarks" / "results" / f"text_to_image_{card.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n")
    picture = asked.out / "docs" / "images" / f"{card.name}_held_out.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    data.save_png(picture, page(model, test))


if __name__ == "__main__":
    main()
