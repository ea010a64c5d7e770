"""Where images come from: TFDS, a folder, arrays. load() takes any of them and gives Images."""

from __future__ import annotations

import io
import logging
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_gans.artifacts import DataError, is_offline
from keras_gans.data import check
from keras_gans.data import images as pixels
from keras_gans.data.pipeline import Decoded, Images

log = logging.getLogger("keras_gans")

# name/config:version. No namespaces and no paths: those make TFDS fetch and run somebody's code.
_TFDS_NAME = re.compile(r"[a-z][a-z0-9_]*(/[A-Za-z0-9_.\-]+)?(:\d+\.\d+\.\d+)?")
_SPLIT_NAMES = frozenset({"train", "test", "val", "valid", "validation"})
_SKIPPED_AT_MOST = 0.01  # above this share, what cannot be read is no accident
_BLOCK = 128  # images a task


class Item(NamedTuple):
    """One image that has not been decoded."""

    name: str
    file: Path | bytes
    label: int


def load(
    source: Any,
    split: str = "train",
    size: int | None = None,
    channels: int | None = None,
    limit: int | None = None,
) -> Images:
    """Opens a data set. What lies in files is decoded when first looked at, once, and kept in memory.

    Args:
        source: one of
            "tfds:NAME", a TFDS data set (what is not prepared in TFDS_DATA_DIR, TFDS downloads);
            a folder: its images, or, where it has subfolders, one class a subfolder, sorted by name;
            images (n, h, w, c) or grey (n, h, w), uint8 in [0, 255] or float in [-1, 1];
            a pair (images, labels);
            Images.
        split: TFDS's own notation, as "train[:50000]"; of a folder, the name of a subfolder, where all of
            them are called like splits.
        size: resizes to (size, size): the centre square, antialiased bicubic. None: as it is.
        channels: 1 for grey, 3 for RGB. None: as it is.
        limit: at most so many: the first ones, or, of a folder, spread over it, so that no class is lost.

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

    if isinstance(source, str) and source.startswith("tfds:"):
        return _tfds(source.removeprefix("tfds:"), split, size, channels, limit)
    if isinstance(source, str | os.PathLike):
        return _folder(os.path.expanduser(source), split, size, channels, limit)
    data = source if isinstance(source, Images) else _arrays(source)
    if limit is not None:
        data = data.take(limit)
    return data.with_shape(size, channels)


def _arrays(source: Any) -> Images:
    if isinstance(source, tuple) and len(source) == 2:
        images = check.checked_images(source[0])
        return Images(images, check.checked_labels(source[1], len(images)))
    return Images(check.checked_images(source))


# --- a folder -----------------------------------------------------------------------------------------


def _folder(
    path: str | os.PathLike[str], split: str, size: int | None, channels: int | None, limit: int | None
) -> Images:
    if not os.path.isdir(path):  # Path.is_dir raises where a name is too long, and Path("") is here
        what = "is not a folder" if os.path.exists(path) else "does not exist"
        raise DataError(
            f"A folder of images or tfds:NAME was wanted and {str(path)[-80:]!r} {what}: check the path, "
            "or write tfds: before a TFDS name."
        )
    name = Path(path).resolve().name
    folder = _split_of(Path(path), split)
    parts = [part for part in sorted(folder.iterdir()) if part.is_dir() and not _hidden(part.name)]
    found = [(part.name, _image_files(part)) for part in parts]
    found = [(part, files) for part, files in found if files]
    loose = [path for path in folder.iterdir() if _is_image(path) and path.is_file()]
    class_names: list[str] | None = [part for part, _ in found]
    if loose or not found:  # pictures beside the subfolders: then these are no classes
        found, class_names = [("", sorted(loose + [file for _, files in found for file in files]))], None
    items = [Item(str(file), file, label) for label, (_, files) in enumerate(found) for file in files]
    if not items:
        raise DataError(
            f"No {', '.join(pixels.FORMATS[:-1])} or {pixels.FORMATS[-1]} file lies in {str(folder)!r}: "
            "give a folder of images, or of one subfolder a class."
        )
    if limit is not None and limit < len(items):
        items = [items[number * len(items) // limit] for number in range(limit)]
    read = partial(_read_folder, items, str(folder), class_names)
    return Images(read, name=name, size=size, channels=channels)


def _split_of(folder: Path, split: str) -> Path:
    """folder/split where every subfolder is called like a split; elsewhere the folder itself."""
    subfolders = {path.name for path in folder.iterdir() if path.is_dir() and not _hidden(path.name)}
    if subfolders and subfolders <= _SPLIT_NAMES:
        if split in subfolders:
            return folder / split
        raise DataError(
            f"{str(folder)!r} has the splits {', '.join(sorted(subfolders))}, and {split!r} was asked for: "
            "take one of these."
        )
    if split != "train":
        raise DataError(
            f"{str(folder)!r} has no splits and {split!r} was asked for: leave split= out, "
            "or make subfolders train and test."
        )
    return folder


def _hidden(name: str) -> bool:
    return name.startswith((".", "__"))  # .thumbnails, __MACOSX


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in pixels.SUFFIXES and not _hidden(path.name)


def _image_files(folder: Path) -> list[Path]:
    """Every image under a folder, sorted. Links to folders are not followed: they may lead in circles."""
    found: list[Path] = []
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _hidden(name)]  # so that walk() does not go there
        found.extend(path for name in names if _is_image(path := Path(where) / name))
    return sorted(found)


def _read_folder(
    items: list[Item], folder: str, class_names: list[str] | None, size: int | None, channels: int | None
) -> Decoded:
    return _decode_all(items, len(items), folder, class_names, size, channels)


# --- TFDS ---------------------------------------------------------------------------------------------


def _tfds(name: str, split: str, size: int | None, channels: int | None, limit: int | None) -> Images:
    if not _TFDS_NAME.fullmatch(name):
        raise DataError(f"A TFDS name as in tfds:mnist was wanted and {name[:80]!r} came: check how it is written.")
    return Images(partial(_read_tfds, name, split, limit), name=f"tfds:{name} {split}", size=size, channels=channels)


def _read_tfds(name: str, split: str, limit: int | None, size: int | None, channels: int | None) -> Decoded:
    import tensorflow_datasets as tfds

    builder = _prepared(name)
    title = f"tfds:{name} {split}"
    try:
        count = builder.info.splits[split].num_examples
    except (KeyError, ValueError, AssertionError) as error:
        have = ", ".join(builder.info.splits)
        raise DataError(f"tfds:{name} has no split {split!r}: take one of {have}, or a slice of it.") from error
    image_key, label_key = _keys(name, builder.info.features)
    image = builder.info.features[image_key]
    label = builder.info.features[label_key] if label_key else None
    wanted = {key: True for key in (image_key, label_key) if key}
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
    return _decode_all(
        _tfds_items(dataset, image_key, label_key),
        count,
        title,
        None if label is None else list(label.names),
        size,
        channels or (1 if image.shape[-1] == 1 else 3),
        threads=image.shape[0] is None or image.shape[0] > 64,
    )


def _prepared(name: str) -> Any:
    """The TFDS builder of a data set that lies on disk, downloaded by TFDS where it does not."""
    import tensorflow_datasets as tfds

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


def _tfds_items(dataset: Any, image_key: str, label_key: str | None) -> Iterator[Item]:
    number = 0
    for batch in dataset.batch(1024).as_numpy_iterator():  # one by one, the hand-over costs more than the decoding
        labels = batch[label_key].tolist() if label_key else [0] * len(batch[image_key])
        for encoded, label in zip(batch[image_key], labels, strict=True):
            yield Item(f"example {number}", encoded, label)
            number += 1


# --- decoding -----------------------------------------------------------------------------------------


def _decode_all(
    items: Iterable[Item],
    count: int,
    name: str,
    class_names: list[str] | None,
    size: int | None,
    channels: int | None,
    threads: bool = True,
) -> Decoded:
    """Decodes up to `count` items in their order, and skips those that cannot be, up to 1 %."""
    from PIL import Image

    Image.init()  # registers Pillow's formats before threads would
    known = None if size is None or channels is None else (size, size, channels)
    rows: Any = [] if known is None else np.empty((count, *known), "uint8")
    labels: list[int] = []
    skipped: list[tuple[str, str]] = []
    for block in _in_order(_blocks(items), partial(_decode_block, size, channels), threads):
        for item, result in block:
            if isinstance(result, DataError):
                skipped.append((item.name, str(result)))
                continue
            if known is None:
                rows.append(result)
            else:
                rows[len(labels)] = result
            labels.append(item.label)
        _check_skipped(skipped, count, name)
    if skipped:
        log.warning("%s: skipped %d of %d images: %s", name, len(skipped), count, "; ".join(r for _, r in skipped))
    if not labels:
        raise DataError(f"{name} has no images: choose another split or source.")
    images = rows[: len(labels)] if known is not None else _stack(rows, name)
    return Decoded(images, np.array(labels, "int32") if class_names else None, skipped, class_names)


def _check_skipped(skipped: list[tuple[str, str]], count: int, name: str) -> None:
    if len(skipped) > _SKIPPED_AT_MOST * count:
        reasons = " ".join(reason for _, reason in skipped[:3])
        raise DataError(
            f"{name}: at least {len(skipped)} of {count} images cannot be read, and no more than 1 % may be "
            f"skipped. {reasons}"
        )


def _blocks(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while block := list(islice(iterator, _BLOCK)):
        yield block


def _in_order(
    blocks: Iterable[list[Item]], work: Callable[[list[Item]], Any], threads: bool
) -> Iterator[list[tuple[Item, np.ndarray | DataError]]]:
    """map(work, blocks) in threads, a few blocks ahead: Pillow lets go of the GIL while it decodes."""
    workers = min(8, os.cpu_count() or 1)
    if not threads or workers == 1:
        yield from map(work, blocks)
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Any]] = deque()
        for block in blocks:
            waiting.append(pool.submit(work, block))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _decode_block(
    size: int | None, channels: int | None, block: list[Item]
) -> list[tuple[Item, np.ndarray | DataError]]:
    return [(item, _decode_item(item, size, channels)) for item in block]


def _decode_item(item: Item, size: int | None, channels: int | None) -> np.ndarray | DataError:
    """uint8 (h, w, c), or what is wrong with the file."""
    try:
        source = io.BytesIO(item.file) if isinstance(item.file, bytes) else item.file
        image = pixels.decode(source, name=item.name)
    except DataError as error:
        return error
    if size is None:
        return pixels.with_channels(np.asarray(image), channels)
    return pixels.square(image, size, channels or (1 if image.mode == "L" else 3))


def _stack(rows: list[np.ndarray], name: str) -> np.ndarray:
    """Grey ones become RGB among RGB ones; sizes must agree."""
    sizes = sorted({row.shape[:2] for row in rows})
    if len(sizes) > 1:
        (h, w), (high, wide) = sizes[0], sizes[-1]
        raise DataError(
            f"{name} has images of {len(sizes)} sizes, from {w}x{h} to {wide}x{high}: "
            "say one, as in keras_gans.data.load(..., size=64)."
        )
    channels = max(row.shape[-1] for row in rows)
    return np.stack([pixels.with_channels(row[..., 0], channels) if row.shape[-1] == 1 else row for row in rows])
