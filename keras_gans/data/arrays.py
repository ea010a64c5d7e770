"""Images in NumPy's own files: .npy, which is mapped and not read, and .npz. No pickles: no code runs at load."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keras_gans.artifacts import DataError
from keras_gans.data import check
from keras_gans.data.folder import refuse_split
from keras_gans.data.pipeline import Decoded, Images


def open_arrays(path: str, split: str, size: int | None, channels: int | None, limit: int | None) -> Images:
    """The images of an .npy; or of an .npz with `images` and, where there are any, `labels`, or with one array.

    An .npz may also hold class_names (text), attributes (bool (n, k)) and attribute_names (text), as benchmarks/pack.py
    writes them.
    """
    refuse_split(split, path)
    if not os.access(path, os.R_OK):
        raise DataError(f"{path!r} may not be read: change its rights, or copy it.")
    return Images(partial(_read, path, limit), name=Path(path).name, size=size, channels=channels)


def _read(path: str, limit: int | None, size: int | None, channels: int | None) -> Decoded:
    try:
        found = _loaded(path)
        images = check.as_batch(found["images"])
        labels = None if "labels" not in found else check.checked_labels(found["labels"], len(images))
        whole = Decoded(images, labels, [], _texts(found, "class_names"), *_attributes(found, len(images)))
        decoded = check.finite(whole)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    data = Images.of(decoded, name=Path(path).name)
    return (data if limit is None else data.take(limit)).with_shape(size, channels).decoded()


def _loaded(path: str) -> dict[str, np.ndarray]:
    """{"images": ..., "labels": ...} of what is there."""
    try:
        if path.lower().endswith(".npy"):
            return {"images": np.load(path, mmap_mode="r", allow_pickle=False)}
        with np.load(path, allow_pickle=False) as arrays:
            names = [name for name in arrays.files if name in _KNOWN]
            if "images" in names:
                return {name: arrays[name] for name in names}
            if len(arrays.files) == 1:
                return {"images": arrays[arrays.files[0]]}
            have = ", ".join(arrays.files) or "nothing"
    except DataError:
        raise
    except Exception as error:  # what hostile bytes make of NumPy, zipfile and zlib: nearly anything
        reason = str(error).strip().splitlines()[0].rstrip(".")[:200] if str(error) else type(error).__name__
        raise DataError(f"It cannot be read as NumPy's ({reason}): write it anew, without pickled objects.") from error
    raise DataError(
        f"An array called images and maybe one called labels were wanted and {have} came: "
        "write it as in np.savez(path, images=x, labels=y)."
    )


_KNOWN = ("images", "labels", "class_names", "attributes", "attribute_names")


def _texts(found: dict[str, np.ndarray], key: str) -> list[str] | None:
    return [str(text) for text in found[key].ravel()] if key in found else None


def _attributes(found: dict[str, np.ndarray], count: int) -> tuple[Any, list[str] | None]:
    names = _texts(found, "attribute_names")
    if "attributes" not in found or names is None:
        return None, None
    attributes = found["attributes"]
    if attributes.dtype != bool or attributes.shape != (count, len(names)):
        raise DataError(
            f"Attributes are bool of shape {(count, len(names))}, and {attributes.dtype} of shape "
            f"{attributes.shape} came: write one row an image, one column a name."
        )
    return attributes, names
