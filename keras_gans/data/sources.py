"""Where images come from: load() takes any source and gives Images. Each kind of source has a file beside this one."""

from __future__ import annotations

import os
from typing import Any

from keras_gans.artifacts import DataError
from keras_gans.data import check
from keras_gans.data.archive import open_zip
from keras_gans.data.arrays import open_arrays
from keras_gans.data.folder import open_folder
from keras_gans.data.lsun import open_lsun
from keras_gans.data.pipeline import Images
from keras_gans.data.tfds import open_tfds


def load(
    source: Any,
    split: str = "train",
    size: int | None = None,
    channels: int | None = None,
    limit: int | None = None,
    flip: bool = False,
) -> Images:
    """Opens a data set. What lies in files is decoded when first looked at, once, and kept in memory.

    Files whose images would take more than 4 GB decoded (KERAS_GANS_MAX_DECODED, in bytes) are decoded each time
    they are asked for instead: see `keras_gans.data.lazy.Lazy`. TFDS's are always kept.

    Args:
        source: one of
            "tfds:NAME", a TFDS data set (what is not prepared in TFDS_DATA_DIR, TFDS downloads);
            "lsun:PATH", LSUN's LMDB, or the folder of pictures that its export script makes;
            a folder: its images, or, where it has subfolders, one class a subfolder, sorted by name;
            a .zip of images, with classes as in a folder; it is not unpacked;
            an .npy of images, or an .npz of `images` and, optionally, `labels`;
            images (n, h, w, c) or grey (n, h, w), uint8 in [0, 255] or float in [-1, 1];
            a pair (images, labels);
            Images.
        split: TFDS's own notation, as "train[:50000]"; of a folder, the name of a subfolder, where all of
            them are called like splits.
        size: resizes to (size, size): the centre square, antialiased bicubic. None: as it is.
        channels: 1 for grey, 3 for RGB. None: as it is.
        limit: at most so many: the first ones, or, of a folder, spread over it, so that no class is lost.
        flip: batches mirror each image left to right, or not, by (seed, epoch, image). Images that mirror keep
            doing so.

    Raises:
        DataError: one sentence; also later, when files are decoded. Unreadable ones are skipped and named in
            one warning, unless they are more than 1 % of all.
    """
    if size is not None and size < 1:
        raise ValueError(f"size is the side of an image in pixels, and {size!r} came: give a whole number above 0.")
    if channels not in (None, 1, 3):
        raise ValueError(f"channels is 1 (grey) or 3 (RGB), and {channels!r} came: give one of these.")
    if limit is not None and limit < 1:
        raise ValueError(f"limit is a number of images, and {limit!r} came: give a whole number above 0.")
    data = _opened(source, split, size, channels, limit)
    return data.with_flips() if flip else data


def _opened(source: Any, split: str, size: int | None, channels: int | None, limit: int | None) -> Images:
    if isinstance(source, str) and source.startswith("tfds:"):
        return open_tfds(source.removeprefix("tfds:"), split, size, channels, limit)
    if isinstance(source, str) and source.startswith("lsun:"):
        return open_lsun(os.path.expanduser(source.removeprefix("lsun:")), split, size, channels, limit)
    if isinstance(source, str | os.PathLike):
        return _path(os.path.expanduser(os.fspath(source)), split, size, channels, limit)
    data = source if isinstance(source, Images) else _arrays(source)
    if limit is not None:
        data = data.take(limit)
    return data.with_shape(size, channels)


def _path(path: str, split: str, size: int | None, channels: int | None, limit: int | None) -> Images:
    if os.path.isdir(path):  # Path.is_dir raises where a name is too long, and Path("") is here
        return open_folder(path, split, size, channels, limit)
    if not os.path.exists(path):
        raise DataError(
            f"A folder of images, a .zip, .npz or .npy file, or tfds:NAME was wanted and {path[-80:]!r} does not "
            "exist: check the path, or write tfds: before a TFDS name."
        )
    kind = FILES.get(os.path.splitext(path)[1].lower())
    if kind is None:
        raise DataError(
            f"A folder of images, or a .zip, .npz or .npy file was wanted and {path[-80:]!r} is none: "
            "give its folder, or another file."
        )
    return kind(path, split, size, channels, limit)


# The files that are data sets, by how their names end.
FILES = {".zip": open_zip, ".npz": open_arrays, ".npy": open_arrays}


def _arrays(source: Any) -> Images:
    return check.of_arrays(*source) if isinstance(source, tuple) and len(source) == 2 else check.of_arrays(source)
