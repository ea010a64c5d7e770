"""Man with glasses - man + woman, after Radford et al. 2015 (section 6.3.2, figure 7).

python docs/face_arithmetic.py                                     # dcgan_celeba, read by attributes_celeba
python docs/face_arithmetic.py runs/mine/model --reader runs/reader/model --out figure.png

It draws 20,000 samples and has the reader say what each shows. A concept is the mean latent of its K surest samples,
three as in the paper, which chose them by eye. The sum of concepts is drawn, and around it, as in the paper, the same
with uniform noise of +-0.25 added. Then the reader says how many of 64 such variations show a woman with glasses.

Beside it, for three samples are few: the mean woman moved along `latent.direction`, from all samples to the 100 surest
of glasses, with sex and hats held, and the same noise.

Writes the figure and beside it, with the ending .json, the numbers and the sha256 of both models' weights. It works
offline once both models are there.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import keras_gans
from keras_gans import artifacts, data, latent

CONCEPTS = {
    "man with glasses": {"Male": True, "Eyeglasses": True},
    "man": {"Male": True, "Eyeglasses": False},
    "woman": {"Male": False, "Eyeglasses": False},
}
WANTED = {"Male": False, "Eyeglasses": True}  # the sum's: man with glasses - man + woman
NOISE = 0.25  # the paper's
# The direction: what it follows, and what it holds (those with glasses are often men, and often have hats); of how many
# surest samples, and how often it is added. Hats and both numbers were chosen by looking at the pictures.
FOLLOWED, HELD = "Eyeglasses", ("Male", "Wearing_Hat")
SUREST, TIMES = 100, 5.0
FIGURE = Path(__file__).resolve().parent / "images" / "face_arithmetic.png"
GAP, LINE = 8, 14  # pixels between parts of the figure, and of a line of text


def concepts(gan, reader, n, k, seed):
    """`latent.Exemplars` of CONCEPTS, (3, k): the surest of n samples; and how many of the n show WANTED."""
    shown = []

    def score(images):
        read = reader.predict_attributes(brought(images, reader))
        shown.append(shows(reader, read))
        return np.stack([reader.agreement(read, wanted) for wanted in CONCEPTS.values()], axis=1)

    found = latent.exemplars(gan, score, n, k, seed)
    return found, int(np.concatenate(shown).sum())


def way_to_glasses(gan, reader, n, k, seed):
    """`latent.direction` to FOLLOWED, without what is HELD as far as the reader knows it."""
    names = [FOLLOWED, *(name for name in HELD if name in reader.attribute_names)]
    columns = reader.column(*names)
    return latent.direction(
        gan, lambda images: reader.predict_attributes(brought(images, reader))[:, columns], n, k, seed
    )


def brought(images, reader):
    """Drawn images at the reader's size."""
    size, _, channels = reader.image_shape
    return data.resize(images, size, channels)


def shows(reader, read):
    """bool (n,): whether each of WANTED is the likelier answer."""
    columns = read[:, reader.column(*WANTED)]
    return ((columns > 0.5) == list(WANTED.values())).all(axis=1)


def variations(z, count, seed):
    """z with uniform noise added, `count` times: float32 (count, latent)."""
    noise = np.random.default_rng(seed).uniform(-NOISE, NOISE, (count, len(z)))
    return (z + noise).astype("float32")


def with_noise(gan, reader, z, seed):
    """How many of 64 variations of a latent show WANTED."""
    varied = gan.generate(latents=variations(z, 64, seed))
    return int(shows(reader, reader.predict_attributes(brought(varied, reader))).sum())


def figure(gan, found, means, results, seed):
    """uint8 (h, w, 3): a column of exemplars for each concept, their mean's picture below; and 3x3 around each result.

    Args:
        results: {title: latent}.
    """
    columns = [
        gan.generate(latents=np.concatenate([latents[:3], mean[None]]))
        for latents, mean in zip(found.latents, means, strict=True)
    ]
    parts = [(name, column[:, None]) for name, column in zip(CONCEPTS, columns, strict=True)]
    for title, z in results.items():
        around = gan.generate(latents=np.insert(variations(z, 8, seed), 4, z, axis=0))  # itself in the middle
        parts.append((title, around.reshape(3, 3, *around.shape[1:])))
    return page(parts)


def page(parts):
    """Titled grids of pictures side by side on white: [(title, uint8 (rows, columns, h, w, c)), ...]."""
    tiles = [(title, laid_out(pictures)) for title, pictures in parts]
    widths = [max(tile.shape[1], 7 * len(title)) for title, tile in tiles]  # a letter is about 6 pixels wide
    height = max(tile.shape[0] for _, tile in tiles)
    canvas = Image.new("RGB", (sum(widths) + GAP * (len(tiles) + 1), height + LINE + 2 * GAP), "white")
    pen, left = ImageDraw.Draw(canvas), GAP
    for (title, tile), width in zip(tiles, widths, strict=True):
        pen.text((left, GAP // 2), title, fill="black")
        canvas.paste(Image.fromarray(tile), (left, GAP + LINE))
        left += width + GAP
    return np.asarray(canvas)


def laid_out(pictures):
    """uint8 (rows, columns, h, w, c) as one picture (rows h, columns w, 3), twice the size."""
    rows, columns, h, w, c = pictures.shape
    joined = pictures.transpose(0, 2, 1, 3, 4).reshape(rows * h, columns * w, c)
    joined = np.repeat(joined, 3, axis=2) if c == 1 else joined
    return joined.repeat(2, axis=0).repeat(2, axis=1)


def sha256_of(model):
    """Of the weights of a model, given by its name or its folder."""
    folder = Path(model) if Path(model).is_dir() else keras_gans.info(model).folder
    return artifacts.read_provenance(folder)["sha256"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="dcgan_celeba", help="what draws: a name, or a model folder")
    parser.add_argument("--reader", default="attributes_celeba", help="what reads: a name, or a model folder")
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument(
        "-k", type=int, default=3, help="samples averaged for each concept (default: 3, as in the paper)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=FIGURE)
    asked = parser.parse_args()
    gan, reader = (keras_gans.load(Path(x) if Path(x).is_dir() else x) for x in (asked.model, asked.reader))
    found, as_drawn = concepts(gan, reader, asked.samples, asked.k, asked.seed)
    means = found.latents.mean(axis=1)
    glasses, man, woman = means
    sum_of = latent.arithmetic([glasses, woman], [man])
    way = way_to_glasses(gan, reader, asked.samples, min(SUREST, max(1, asked.samples // 2)), asked.seed)
    moved = latent.move(woman, way, TIMES)
    results = {"sum, and noise added": sum_of, "woman moved, and noise": moved}
    data.save_png(asked.out, figure(gan, found, means, results, asked.seed))
    as_summed, as_moved = (with_noise(gan, reader, z, asked.seed) for z in results.values())
    numbers = {
        "model": gan.card["name"],
        "model_sha256": sha256_of(asked.model),
        "reader": reader.card["name"],
        "reader_sha256": sha256_of(asked.reader),
        "samples": asked.samples,
        "seed": asked.seed,
        "k": asked.k,
        "surest": {
            name: [round(float(s), 4) for s in scores] for name, scores in zip(CONCEPTS, found.scores, strict=True)
        },
        "women with glasses among the samples": as_drawn,
        "women with glasses among 64 variations": as_summed,
        "direction": {"of the surest": SUREST, "added": TIMES, "held": list(HELD)},
        "women with glasses among 64 variations of the woman moved": as_moved,
    }
    asked.out.with_suffix(".json").write_text(json.dumps(numbers, indent=2) + "\n")
    print(f"{asked.samples:,} samples, of each concept the {asked.k} surest averaged; the least sure of them:")
    for name, scores in zip(CONCEPTS, found.scores, strict=True):
        print(f"  {name}: {100 * scores[-1]:.1f} %")
    print(f"women with glasses: {as_drawn} of {asked.samples:,} samples, {as_summed} of 64 variations of the sum")
    print(f"and {as_moved} of 64 variations of the woman moved {TIMES:g} times along the direction of glasses")
    print(f"wrote {asked.out}")


if __name__ == "__main__":
    main()
