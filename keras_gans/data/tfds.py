"""TensorFlow Datasets: one image an example, its class, and CelebA's attributes. Pillow decodes, not TensorFlow."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keras_gans.artifacts import DataError, is_offline
from keras_gans.data.encoded import Found, Item, decode_all
from keras_gans.data.pipeline import Decoded, Images

log = logging.getLogger("keras_gans")

# name/config:version. No namespaces and no paths: those make TFDS fetch and run somebody's code.
_NAME = re.compile(r"[a-z][a-z0-9_]*(/[A-Za-z0-9_.\-]+)?(:\d+\.\d+\.\d+)?")


def open_tfds(name: str, split: str, size: int | None, channels: int | None, limit: int | None) -> Images:
    """A TFDS data set, downloaded when it is first looked at and not prepared yet."""
    if not _NAME.fullmatch(name):
        raise DataError(f"A TFDS name as in tfds:mnist was wanted and {name[:80]!r} came: check how it is written.")
    read, count = partial(_read, name, split, limit), partial(_count, name, split, limit)
    return Images(read, name=f"tfds:{name} {split}", size=size, channels=channels, count=count)


def _count(name: str, split: str, limit: int | None) -> int:
    examples = _examples(_prepared(name, _library(name)), name, split)
    return examples if limit is None else min(limit, examples)


def _examples(builder: Any, name: str, split: str) -> int:
    """How many a split has; DataError where there is no such split."""
    try:
        return int(builder.info.splits[split].num_examples)
    except (KeyError, ValueError, AssertionError) as error:
        have = ", ".join(builder.info.splits)
        raise DataError(f"tfds:{name} has no split {split!r}: take one of {have}, or a slice of it.") from error


def _read(name: str, split: str, limit: int | None, size: int | None, channels: int | None) -> Decoded:
    tfds = _library(name)
    builder = _prepared(name, tfds)
    title = f"tfds:{name} {split}"
    count = _examples(builder, name, split)
    image_key, label_key = _keys(name, builder.info.features)
    image = builder.info.features[image_key]
    label = builder.info.features[label_key] if label_key else None
    attributes_key, attribute_names = _attributes(builder.info.features)
    wanted: dict[str, Any] = {key: True for key in (image_key, label_key) if key}
    if attributes_key:
        wanted[attributes_key] = dict.fromkeys(attribute_names, True)
    dataset = builder.as_dataset(
        split=split,
        shuffle_files=False,
        # One file after the other: the order on disk. Only the fields we want are parsed, and the image's
        # bytes are left as they are: Pillow decodes them.
        read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
        decoders=tfds.decode.PartialDecoding(wanted, decoders={image_key: tfds.decode.SkipDecoding()}),
    )
    if limit is not None:
        dataset, count = dataset.take(limit), min(limit, count)
    return decode_all(
        _items(dataset, image_key, label_key, attributes_key, attribute_names),
        count,
        title,
        None if label is None else list(label.names),
        size,
        channels or (1 if image.shape[-1] == 1 else 3),
        threads=image.shape[0] is None or image.shape[0] > 64,
        attribute_names=attribute_names or None,
    )


def captioned_examples(name: str, split: str) -> tuple[Iterator[Found], list[str] | None]:
    """(pictures with what the field "captions" holds, the classes' names or None) of a split, in the order on disk."""
    if not _NAME.fullmatch(name):
        raise DataError(f"A TFDS name as in tfds:cub_captions was wanted and {name[:80]!r} came: check it.")
    tfds = _library(name)
    builder = _prepared(name, tfds)
    _examples(builder, name, split)
    features = builder.info.features
    if "captions" not in features:
        raise DataError(f"tfds:{name} has the fields {', '.join(features)}, and captions were wanted: take another.")
    image_key, label_key = _keys(name, features)
    return _captioned(builder, split, image_key, label_key), list(features[label_key].names) if label_key else None


def _captioned(builder: Any, split: str, image_key: str, label_key: str | None) -> Iterator[Found]:
    import tensorflow_datasets as tfds

    config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    decoders = {image_key: tfds.decode.SkipDecoding()}
    dataset = builder.as_dataset(split=split, shuffle_files=False, read_config=config, decoders=decoders)
    for number, example in enumerate(dataset.as_numpy_iterator()):
        captions = example["captions"]
        captions = captions["text"] if isinstance(captions, dict) else captions  # as coco_captions has them
        texts = [caption.decode("utf-8", "replace") for caption in captions]
        yield Found(f"example {number}", example[image_key], texts, int(example[label_key]) if label_key else 0)


def _library(name: str) -> Any:
    try:
        import tensorflow  # noqa: F401  tfds itself is imported without, and fails later
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise DataError(
            f"tfds:{name} is read by tensorflow-datasets with TensorFlow, and {error.name or error} is not installed "
            "here: install both, or bring the images as a folder, .zip or .npz (benchmarks/pack.py makes these)."
        ) from error
    return tfds


def _prepared(name: str, tfds: Any) -> Any:
    """The TFDS builder of a data set that lies on disk, downloaded by TFDS where it does not."""
    try:
        builder = tfds.builder(name, data_dir=os.environ.get("TFDS_DATA_DIR") or None)
    except Exception as error:
        raise DataError(
            f"TFDS knows no data set {name!r} ({_first_line(error)}): check the name, "
            "or TFDS_DATA_DIR if you made it yourself."
        ) from error
    if Path(builder.data_path).exists():
        return builder
    if is_offline():
        raise DataError(
            f"tfds:{name} is not prepared in {builder.data_path} and KERAS_GANS_OFFLINE is set: "
            "point TFDS_DATA_DIR at a folder that has it, or unset KERAS_GANS_OFFLINE."
        )
    log.info("tfds:%s is not prepared in %s: downloading it", name, builder.data_path)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # TFDS prints how far it is; results alone go to stdout
            builder.download_and_prepare()
    except Exception as error:  # the network, the disk, a checksum, a manual download: whatever a builder does
        raise DataError(
            f"tfds:{name} is not prepared in {builder.data_path} and TFDS could not download it "
            f"({_first_line(error)}): mend that, or point TFDS_DATA_DIR at a folder that has it."
        ) from error
    return builder


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:")[:200] if lines else type(error).__name__


def _keys(name: str, features: Any) -> tuple[str, str | None]:
    """The fields of the image and, if any, the class: by their usual names, or the only one of a kind."""
    import tensorflow_datasets as tfds

    images = [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]
    labels = [key for key, feature in features.items() if isinstance(feature, tfds.features.ClassLabel)]
    if "image" not in images and len(images) != 1:
        raise DataError(
            f"One image an example was wanted and tfds:{name} has the images {images}: take another data set."
        )
    image = "image" if "image" in images else images[0]
    if np.dtype(features[image].np_dtype) not in ("uint8", "uint16"):
        raise DataError(
            f"tfds:{name} holds {features[image].np_dtype} images and uint8 was wanted: take another data set."
        )
    if "label" in labels or len(labels) == 1:
        return image, "label" if "label" in labels else labels[0]
    return image, None


def _attributes(features: Any) -> tuple[str | None, list[str]]:
    """The field whose parts are all booleans, as CelebA's "attributes", and their names; sorted, as TFDS does not."""
    import tensorflow_datasets as tfds

    for key, feature in features.items():
        parts = list(feature.values()) if isinstance(feature, tfds.features.FeaturesDict) else []
        if parts and all(part.shape == () and part.np_dtype == np.bool_ for part in parts):
            return key, sorted(feature)
    return None, []


def _items(
    dataset: Any, image_key: str, label_key: str | None, attributes_key: str | None, attribute_names: list[str]
) -> Iterator[Item]:
    number = 0
    for batch in dataset.batch(1024).as_numpy_iterator():  # one by one, the hand-over costs more than the decoding
        n = len(batch[image_key])
        labels = batch[label_key].tolist() if label_key else [0] * n
        rows = np.stack([batch[attributes_key][a] for a in attribute_names], 1) if attributes_key else [None] * n
        for encoded, label, attributes in zip(batch[image_key], labels, rows, strict=True):
            yield Item(f"example {number}", encoded, label, attributes)
            number += 1
