"""Packs any data set into one file, to carry it to a machine that has no TFDS, or none of the originals.

python benchmarks/pack.py tfds:celeb_a_10k faces.zip --size 64          # the resized squares as JPEG, quality 95
python benchmarks/pack.py tfds:mnist digits.npz --split "train[:1000]"  # exact pixels, labels and attributes

Then `keras_gans.data.load("faces.zip")`, or `keras-gans train NAME --data faces.zip`. In a .zip, class 3 lies in the
folder 00003/, so that classes keep their order, and images keep theirs within a class; their names, and attributes,
stay behind. An .npz has all of it. 10,000 faces of 64 x 64 take 35 MB as JPEG, 22 as WebP (which knows no grey: say
channels=1 when it is loaded), 108 as .npz.
"""

import argparse
import io
import sys
import zipfile
from pathlib import Path

import numpy as np

from keras_gans import data
from keras_gans.artifacts import DataError

SAVED = {
    "jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    "webp": {"format": "WEBP", "quality": 95, "method": 4},
    "png": {"format": "PNG"},
}
SUFFIX = {"jpeg": "jpg", "webp": "webp", "png": "png"}
BLOCK = 256  # images held at once, where they are not in memory already


def encoded(image, kind):
    """The bytes of uint8 (h, w, c) as a JPEG, WebP or PNG file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, **SAVED[kind])
    return file.getvalue()


def in_blocks(images):
    for start in range(0, len(images), BLOCK):
        yield from images[start : start + BLOCK]


def check_labels(labels):
    """A class without images would have no folder, and those after it other numbers."""
    if labels is None:
        return
    missing = sorted(set(range(int(labels.max()) + 1)) - set(labels.tolist()))
    if missing or labels.min() < 0 or labels.max() > 99999:
        raise DataError(
            f"A .zip has one folder a class, and class {missing[0] if missing else int(labels.min())} has no image or "
            "no such folder: pack into an .npz."
        )


def write_zip(images, path, kind):
    """Entries are stored as they are: pictures do not shrink further."""
    labels = images.labels
    check_labels(labels)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number, image in enumerate(in_blocks(images.images)):
            folder = "" if labels is None else f"{labels[number]:05d}/"
            # A date of its own, for the same pictures to give the same bytes.
            entry = zipfile.ZipInfo(f"{folder}{number:08d}.{SUFFIX[kind]}", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, encoded(image, kind))


def write_npz(images, path):
    parts = {"images": np.asarray(images.images), "labels": images.labels, "attributes": images.attributes}
    names = {"class_names": images.class_names, "attribute_names": images.attribute_names}
    parts |= {key: None if texts is None else np.array(texts) for key, texts in names.items()}
    np.savez_compressed(path, **{key: array for key, array in parts.items() if array is not None})


def pack(source, out, split="train", size=None, channels=None, limit=None, kind="jpeg"):
    """Writes `out`, a .zip or an .npz, beside its place first, so that no half of one is left. Returns the Images."""
    out = Path(out)
    if out.suffix not in (".zip", ".npz"):
        raise DataError(f"A .zip or an .npz is written, and {out.name!r} came: end its name so.")
    images = data.load(source, split=split, size=size, channels=channels, limit=limit)
    if images.images.dtype != np.uint8 and out.suffix == ".zip":
        raise DataError("A .zip is made of uint8 images, and float ones came: pack into an .npz.")
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f".{out.name}.part{out.suffix}")
    try:
        write_npz(images, beside) if out.suffix == ".npz" else write_zip(images, beside, kind)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
    return images


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="whatever keras_gans.data.load takes: tfds:NAME, lsun:PATH, a folder, a file")
    parser.add_argument("out", help="a .zip or an .npz")
    parser.add_argument("--split", default="train", help="as TFDS writes it [train]")
    parser.add_argument("--size", type=int, help="side of the square that is kept [as it is]")
    parser.add_argument("--channels", type=int, choices=(1, 3), help="grey or colour [as it is]")
    parser.add_argument("--limit", type=int, help="at most so many images")
    parser.add_argument("--format", default="jpeg", choices=tuple(SAVED), help="of a .zip's pictures [jpeg]")
    asked = parser.parse_args(arguments)
    try:
        images = pack(asked.source, asked.out, asked.split, asked.size, asked.channels, asked.limit, asked.format)
    except (DataError, ValueError) as error:
        sys.exit(f"error: {error}")
    h, w, c = images.shape
    megabytes = Path(asked.out).stat().st_size / 1e6
    print(f"wrote {asked.out}: {len(images)} images of {w}x{h}x{c}, {megabytes:.1f} MB")


if __name__ == "__main__":
    main()
