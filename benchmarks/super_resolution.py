"""How near do the super-resolution models come to Set5 and Set14, in decibels and to a network that sees textures?

python benchmarks/super_resolution.py sr/test/Set5 sr/test/Set14

Folders with HR/ and LRx4/ of images with the same names. Prints, and writes
benchmarks/results/super_resolution.json: of bicubic, srresnet_x4 and srgan_x4 PSNR and SSIM (luminance, without a
border of 4 pixels), and the distance to the photograph by a judge that is in neither model's loss: the convolutions of
dcgan_tiny_imagenet's discriminator, which learnt to tell photographs of 200 kinds from drawn ones. The distance has the
form of LPIPS (Zhang et al. 2018): of the maps' unit vectors, squared, averaged over places, summed over layers. What
`tiny` says stands beside; it is a part of srgan_x4's loss, and no judge of it.

Of a folder called Set14, docs/images/super_resolution.png gets the places CROPS, four times as large, each by
bicubic, SRResNet, SRGAN, and as it is.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import keras_gans
from keras_gans import data
from keras_gans.api import pairs
from keras_gans.data import images as pixels
from keras_gans.models.residual import perceptual_distance, unit
from keras_gans.training import run

ROOT = Path(__file__).resolve().parents[1]
JUDGE, IN_THE_LOSS = "dcgan_tiny_imagenet", "tiny"
METHODS = ("bicubic", "srresnet_x4", "srgan_x4")
# Set14's comic (ornaments), baboon (eye and fur; whiskers) and bridge (branches): (file, left, top) of 64x64 pixels.
CROPS = (("img_005.png", 62, 72), ("img_001.png", 318, 6), ("img_001.png", 100, 366), ("img_003.png", 360, 262))
SIDE, ZOOM = 64, 4


def enlarged(models, folder):
    """[{method: uint8 image, "large": the photograph, "name": its file, "scores": {method: {"psnr", "ssim"}}}]."""
    found = []
    for several in zip(*(pairs.measured(model, folder) for model in models.values()), strict=True):
        first = several[0]
        row = {"name": first.name, "large": first.large, "bicubic": first.bicubic}
        row |= {name: pair.upscaled for name, pair in zip(models, several, strict=True)}
        scores = {name: pair.scores for name, pair in zip(models, several, strict=True)}
        found.append({**row, "scores": {"bicubic": first.bicubic_scores, **scores}})
        print(first.name, {name: round(of["psnr"], 2) for name, of in found[-1]["scores"].items()}, flush=True)
    return found


def judges():
    """{name: a function of two uint8 images (h, w, 3) of one size that gives their distance}."""
    return {JUDGE: seen_by(discriminator_maps(keras_gans.load(JUDGE))), IN_THE_LOSS: seen_by_tiny()}


def discriminator_maps(gan):
    """A network from images (n, h, w, 3) in [-1, 1], of any size, to the maps of all the discriminator's convolutions.

    It runs its layers up to the one that flattens, on an input of an open size.
    """
    import keras

    image = x = keras.Input((None, None, 3))
    maps = []
    for layer in gan.discriminator.layers[1:]:
        if layer.name == "flatten":
            return keras.Model(image, maps)
        x = layer(x)
        if layer.name.startswith("leaky"):
            maps.append(x)
    raise SystemExit(f"{JUDGE}: a discriminator that flattens its maps was wanted.")


def seen_by(network):
    def distance(a, b):
        a, b = ([unit(part) for part in network(pixels.to_range(x[None], -1.0, 1.0), training=False)] for x in (a, b))
        return float(perceptual_distance(a, b)[0])

    return distance


def seen_by_tiny():
    network = keras_gans.load(IN_THE_LOSS)
    return lambda a, b: float(network.distance(a[None], b[None])[0])


def table(rows, methods, looking):
    """{method: {"psnr", "ssim" and the distance by each judge: the mean over the images}}."""
    found = {}
    for method in methods:
        scores = {key: np.mean([row["scores"][method][key] for row in rows]) for key in pairs.METRICS}
        for name, distance in looking.items():
            scores[name] = np.mean([distance(*(coloured(row[key]) for key in (method, "large"))) for row in rows])
        found[method] = {key: round(float(value), 4) for key, value in scores.items()}
    return found


def coloured(image):
    return np.ascontiguousarray(pixels.with_channels(image, 3))


def crops(rows, methods):
    """uint8 (h, w, 3): a row a place of CROPS, a column a method and the photograph."""
    by_name = {row["name"]: row for row in rows}
    tiles = []
    for name, left, top in CROPS:
        for key in (*methods, "large"):
            part = coloured(by_name[name][key])[top : top + SIDE, left : left + SIDE]
            tiles.append(part.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1))
    return pixels.grid(np.stack(tiles), columns=len(methods) + 1, padding=8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="each with HR/ and LRx4/ in it")
    parser.add_argument("--models", nargs="+", default=list(METHODS[1:]), help="[srresnet_x4 srgan_x4]")
    parser.add_argument("--out", type=Path, default=ROOT)
    asked = parser.parse_args()
    models, looking = {name: keras_gans.load(name) for name in asked.models}, judges()
    methods = ("bicubic", *models)
    found = {"judge": JUDGE, "in_the_loss": IN_THE_LOSS, "folders": {}}
    for folder in asked.folders:
        rows = enlarged(models, folder)
        images = {row["name"]: {key: round(of["psnr"], 2) for key, of in row["scores"].items()} for row in rows}
        found["folders"][folder.name] = {"images": len(rows), "by": table(rows, methods, looking), "psnr": images}
        if folder.name == "Set14":
            picture = asked.out / "docs" / "images" / "super_resolution.png"
            picture.parent.mkdir(parents=True, exist_ok=True)
            data.save_png(picture, crops(rows, methods))
    found |= run.machine()
    print(json.dumps(found, indent=2))
    path = asked.out / "benchmarks" / "results" / "super_resolution.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
