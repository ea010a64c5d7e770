"""Where pictures with captions come from: TFDS, a table beside the pictures, the layouts that papers' data came in."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_gans.artifacts import DataError
from keras_gans.data import check, tfds
from keras_gans.data.captioned import MARGIN, Captioned
from keras_gans.data.encoded import Found, Item, decode_all
from keras_gans.data.folder import refuse_split, walk

TABLES = ("captions.csv", "captions.tsv", "captions.txt")
TEXTS = "text_c10"  # of Reed et al.'s release: a folder of text for each class
PICTURES = ("images", "jpg", "CUB_200_2011/images")  # where their pictures lie
# What a table's first line may call its columns.
FILE_COLUMNS = ("file", "filename", "file_name", "image", "name", "path")
CAPTION_COLUMNS = ("caption", "text", "comment", "description")

_FORMS = (
    "captions.csv with lines FILE,CAPTION beside the pictures, a .txt of captions named like each picture, "
    f"{TEXTS}/CLASS/NAME.txt with images/, or COCO's annotations/captions_SPLIT.json"
)


def captioned(
    source: Any,
    split: str = "train",
    size: int = 64,
    flip: bool | None = None,
    loaded: int | None = None,
    averaged: int | None = None,
) -> Captioned:
    """Pictures with captions, as `TextToImageGAN.fit` takes them.

        model.fit(keras_gans.data.captioned("my_flowers"), batch_size=32, epochs=10)

    Args:
        source: one of
            "tfds:NAME", a TFDS data set with the field "captions";
            a folder with captions.csv (or .tsv, or .txt with tabs or commas) in it: a picture's path and a caption a
            line, as many lines a picture as it has captions, with or without a line of column names;
            a folder of pictures with a .txt of the same name beside each, a caption a line;
            a folder in the layout of Reed et al. (2016): text_c10/CLASS/NAME.txt, the pictures in images/CLASS or jpg/,
            and trainvalclasses.txt and testclasses.txt, which list the classes of the splits;
            a folder in COCO's layout: annotations/captions_train2014.json and train2014/;
            (images, captions) or (images, captions, labels): uint8 (n, h, h, 3), a list with the captions of each (or
            the one caption), class numbers;
            `Captioned`.
        split: of TFDS; of a folder "train", or another where it has splits.
        size: side of the squares that a model sees, in pixels.
        flip: whether batches mirror pictures. None: they do; `Captioned` stays as it is.
        loaded: side at which files are loaded (the centre square, resized), of which random squares are taken. None: 76
            for a size of 64, as the released code has it. Arrays are taken as they are.
        averaged: of how many of a picture's captions a condition is the mean. None: 4, as in the released code;
            `Captioned` stays as it is.

    Raises:
        DataError: one sentence: what was wanted, what came. Pictures that cannot be read are skipped and named in a
            warning, unless they are more than 1 %.
    """
    found = _opened(source, split, size, _side(size, loaded))
    found = found if flip is None else found.with_flips(flip)
    return found if averaged is None else found.with_averaged(averaged)


def _side(size: int, loaded: int | None) -> int:
    if loaded is None:
        return round(size * MARGIN)
    if isinstance(loaded, bool) or not isinstance(loaded, int) or loaded < size:
        raise DataError(f"loaded is at least the size, {size}, and {loaded!r} came: give another.")
    return loaded


def _opened(source: Any, split: str, size: int, loaded: int) -> Captioned:
    if isinstance(source, Captioned):
        return source.with_shape(size)
    if isinstance(source, tuple):
        return _arrays(source, size)
    if not isinstance(source, str | os.PathLike):
        raise DataError(
            f"A folder with captions, tfds:NAME or (images, captions) was wanted and a {type(source).__name__} came: "
            "give one of these."
        )
    path = os.path.expanduser(os.fspath(source))
    if path.startswith("tfds:"):
        return _decoded(*tfds.captioned_examples(path.removeprefix("tfds:"), split), f"{path} {split}", size, loaded)
    if not os.path.isdir(path):
        raise DataError(f"A folder with captions was wanted and {path[-80:]!r} is none: check the path.")
    found, class_names = _reader(path)(path, split)
    title = Path(path).resolve().name
    return _decoded(found, class_names, title if split == "train" else f"{title} {split}", size, loaded)


def _arrays(source: tuple[Any, ...], size: int) -> Captioned:
    if len(source) not in (2, 3):
        raise DataError(f"(images, captions) or (images, captions, labels) was wanted and {len(source)} things came.")
    images = check.checked_images(source[0])
    if images.dtype != np.uint8 or images.shape[1] != images.shape[2]:
        raise DataError(f"uint8 images (n, h, h, c) were wanted and {images.dtype} {images.shape} came: convert them.")
    images = np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images
    captions: list[Any] = [[one] if isinstance(one, str | bytes) else one for one in source[1]]
    labels = check.checked_labels(source[2], len(images)) if len(source) == 3 else None
    return Captioned(images, captions, labels).with_shape(size)


def _decoded(found: Iterable[Found], class_names: list[str] | None, title: str, size: int, loaded: int) -> Captioned:
    found = list(found)
    items = (Item(one.name, one.opened, number) for number, one in enumerate(found))
    decoded = decode_all(items, len(found), title, ["their numbers"], loaded, 3)
    assert decoded.labels is not None
    kept = [found[number] for number in decoded.labels]  # those that could be read
    return Captioned(
        np.asarray(decoded.images),
        [one.captions for one in kept],
        np.array([one.label for one in kept], "int32") if class_names else None,
        name=title,
        crop=size,
        class_names=class_names,
    )


# --- folders ------------------------------------------------------------------------------------------

Read = Callable[[str, str], tuple[Iterable[Found], list[str] | None]]


def _reader(folder: str) -> Read:
    """What reads a folder, by what lies in it. DataError where it is in none of the forms."""
    if _table_in(folder):
        return _read_table
    if os.path.isdir(os.path.join(folder, TEXTS)):
        return _read_reed
    if os.path.isdir(os.path.join(folder, "annotations")):
        return _read_coco
    if any(name.endswith(".txt") for name in os.listdir(folder)):
        return _read_beside
    raise DataError(f"{folder!r} has no captions in it: {_FORMS} was wanted.")


def _table_in(folder: str) -> str | None:
    return next((name for name in TABLES if os.path.isfile(os.path.join(folder, name))), None)


def _read_table(folder: str, split: str) -> tuple[Iterable[Found], None]:
    refuse_split(split, folder)
    path = os.path.join(folder, str(_table_in(folder)))
    captions: dict[str, list[str]] = defaultdict(list)
    for name, caption in _rows(path):
        captions[name].append(caption)
    missing = [name for name in captions if not os.path.isfile(os.path.join(folder, name))]
    if missing:
        raise DataError(
            f"{path} names {missing[0]!r}{_and_more(missing)}, which does not lie beside it: correct the paths."
        )
    return [Found(path, path, captions[name]) for name in captions for path in [os.path.join(folder, name)]], None


def _rows(path: str) -> Iterator[tuple[str, str]]:
    """(file, caption) of each line of a table, which tabs or commas divide."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = file.read()
    rows = [row for row in _cells(lines, path) if row]
    if not rows:
        raise DataError(f"{path} is empty: lines FILE,CAPTION were wanted.")
    first, second = 0, 1
    titles = [cell.strip().lower() for cell in rows[0]]
    named = [[i for i, title in enumerate(titles) if title in known] for known in (FILE_COLUMNS, CAPTION_COLUMNS)]
    if all(named):
        first, second, rows = named[0][0], named[1][0], rows[1:]
    for number, row in enumerate(rows, start=1):
        # A caption with commas that nobody put in quotes goes on to the line's end.
        cells = row if all(named) and len(row) == len(titles) else [row[0], ",".join(row[1:])]
        caption = cells[second].strip() if len(cells) > second else ""
        if not caption or not cells[first].strip():
            came = ",".join(row)[:60]
            raise DataError(f"{path}, line {number}: FILE,CAPTION was wanted and {came!r} came: correct it.")
        yield cells[first].strip(), caption


def _cells(lines: str, path: str) -> list[list[str]]:
    """A table's cells. DataError for a quotation mark that is not closed, which would take in the lines after it."""
    if "\t" in lines.split("\n", 1)[0]:  # where a quotation mark is one
        return [line.split("\t") for line in lines.replace("\r\n", "\n").split("\n") if line]
    reader = csv.reader(io.StringIO(lines, newline=""), strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        raise DataError(
            f"{path}, line {reader.line_num}: a quotation mark before it is not closed, or not doubled ({error}): "
            "correct it."
        ) from error


def _read_beside(folder: str, split: str) -> tuple[Iterable[Found], None]:
    refuse_split(split, folder)
    found = []
    for name in walk(folder):
        path = os.path.join(folder, name)
        beside = os.path.splitext(path)[0] + ".txt"
        if os.path.isfile(beside):
            found.append(Found(path, path, _lines(beside)))
    if not found:
        raise DataError(f"{folder!r} has no picture with a .txt of its name beside it: {_FORMS} was wanted.")
    return found, None


def _lines(path: str) -> list[str]:
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _read_reed(folder: str, split: str) -> tuple[Iterable[Found], list[str]]:
    texts = os.path.join(folder, TEXTS)
    classes = _classes_of_split(folder, split, sorted(e.name for e in os.scandir(texts) if e.is_dir()))
    pictures = _pictures(folder)
    found = []
    for label, name in enumerate(classes):
        for entry in sorted(os.listdir(os.path.join(texts, name))):
            stem, ending = os.path.splitext(entry)
            if ending == ".txt":
                path = pictures.get(f"{name}/{stem}") or pictures.get(stem)
                if path is None:
                    raise DataError(f"{texts}/{name}/{entry} has no picture of its name in {' or '.join(PICTURES)}.")
                found.append(Found(path, path, _lines(os.path.join(texts, name, entry)), label))
    if not found:
        raise DataError(f"{texts} has no captions of the split {split!r}: check its classes' folders.")
    return found, classes


def _classes_of_split(folder: str, split: str, there: list[str]) -> list[str]:
    lists = {"train": ("trainvalclasses.txt", "trainclasses.txt")}.get(split, (f"{split}classes.txt",))
    path = next((path for name in lists if os.path.isfile(path := os.path.join(folder, name))), None)
    if path is None:
        refuse_split(split, folder)
        others = [name for name in os.listdir(folder) if name.endswith("classes.txt")]
        kept_away = {name for other in others for name in _lines(os.path.join(folder, other))}
        return [name for name in there if name not in kept_away]
    classes = _lines(path)
    missing = [name for name in classes if name not in there]
    if missing:
        raise DataError(f"{path} lists {missing[0]!r}{_and_more(missing)}, which {TEXTS} has not: correct the list.")
    return classes


def _pictures(folder: str) -> dict[str, str]:
    """{CLASS/NAME or NAME, without ending: path} of the pictures in a release."""
    found: dict[str, str] = {}
    for part in PICTURES:
        top = os.path.join(folder, part)
        if os.path.isdir(top):
            for name in walk(top):
                found.setdefault(os.path.splitext(name)[0], os.path.join(top, name))
    return found


def _read_coco(folder: str, split: str) -> tuple[Iterable[Found], None]:
    annotations = os.path.join(folder, "annotations")
    names = sorted(name for name in os.listdir(annotations) if name.startswith("captions_") and name.endswith(".json"))
    chosen = [name for name in names if name.startswith(f"captions_{split}")]
    if not chosen:
        have = ", ".join(names) or "no captions_*.json"
        raise DataError(f"{annotations} has {have}, and the split {split!r} was asked for: take another.")
    path = os.path.join(annotations, chosen[0])
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
        files = {image["id"]: image["file_name"] for image in told["images"]}
        captions: dict[str, list[str]] = defaultdict(list)
        for one in told["annotations"]:
            captions[files[one["image_id"]]].append(str(one["caption"]).strip())
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"{path} is not as COCO's captions are ({reason}): take the original.") from error
    pictures = os.path.join(folder, chosen[0].removeprefix("captions_").removesuffix(".json"))
    if not os.path.isdir(pictures):
        raise DataError(f"{path} is about pictures in {pictures!r}, which is not there: put them there.")
    return [Found(p, p, captions[name]) for name in sorted(captions) for p in [os.path.join(pictures, name)]], None


def _and_more(names: list[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""
