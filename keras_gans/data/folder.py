"""A folder of pictures, and what a source's paths say of splits and classes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from keras_gans.artifacts import DataError
from keras_gans.data import images as pixels
from keras_gans.data.encoded import read
from keras_gans.data.lazy import Encoded
from keras_gans.data.pipeline import Images

_SPLIT_NAMES = frozenset({"train", "test", "val", "valid", "validation"})


class Files(Encoded):
    """Picture files below a folder, known by their paths in it and their sizes."""

    def __init__(self, folder: str, paths: list[str], classes: bool) -> None:
        """Args:
        folder: where they lie.
        paths: relative to it, in order, with / between parts: strings, because there may be millions.
        classes: whether the first part is a class.
        """
        self.title = folder
        self._paths = paths
        if classes:
            self.labels, self.class_names = classes_of(paths)

    def __len__(self) -> int:
        return len(self._paths)

    def name(self, index: int) -> str:
        return os.path.join(self.title, self._paths[index])

    def open(self, index: int) -> str:
        return self.name(index)

    def identity(self) -> Iterator[bytes]:
        for index, path in enumerate(self._paths):
            yield f"{path} {os.stat(self.name(index)).st_size}\n".encode("utf-8", "surrogateescape")


def open_folder(
    path: str | os.PathLike[str], split: str, size: int | None, channels: int | None, limit: int | None
) -> Images:
    """A folder's images; where it has subfolders, one class a subfolder, sorted by name."""
    folder = path if (part := split_of(subfolders(path), split, path)) is None else os.path.join(path, part)
    paths = list(walk(folder))
    if not paths:
        raise DataError(
            f"No {', '.join(pixels.FORMATS[:-1])} or {pixels.FORMATS[-1]} file lies in {str(folder)!r}: "
            "give a folder of images, or of one subfolder a class."
        )
    files = Files(str(Path(folder)), spread(paths, limit), classes=has_classes(paths))
    return Images(partial(read, files), name=Path(path).resolve().name, size=size, channels=channels, encoded=files)


def subfolders(folder: str | os.PathLike[str]) -> set[str]:
    """The names of the folders in one, but for hidden ones."""
    return {entry.name for entry in os.scandir(folder) if entry.is_dir() and not hidden(entry.name)}


def walk(folder: str | os.PathLike[str]) -> Iterator[str]:
    """Every image under a folder, sorted part by part, as a path relative to it with / between parts.

    Links to folders count as folders at the top alone: further down they may lead in circles.
    """
    levels = [("", _entries(folder))]
    while levels:
        inside, entries = levels[-1]
        entry = next(entries, None)
        if entry is None:
            levels.pop()
        elif hidden(entry.name):
            continue
        elif entry.is_dir(follow_symlinks=len(levels) == 1):
            levels.append((f"{inside}{entry.name}/", _entries(entry.path)))
        elif is_image(entry.name) and (inside or entry.is_file()):
            yield inside + entry.name


def _entries(folder: str | os.PathLike[str]) -> Iterator[os.DirEntry[str]]:
    try:
        return iter(sorted(os.scandir(folder), key=lambda entry: entry.name))
    except OSError:  # one that may not be read
        return iter(())


# --- paths, of folders and archives alike -------------------------------------------------------------


def hidden(name: str) -> bool:
    """Whether a file's or folder's name says that it is nobody's picture."""
    return name.startswith((".", "__"))  # .thumbnails, __MACOSX


def is_image(name: str) -> bool:
    """Whether a name ends as an image's does."""
    return os.path.splitext(name)[1].lower() in pixels.SUFFIXES and not hidden(name)


def splits_in(path: str | os.PathLike[str]) -> set[str]:
    """The splits that a folder has, by its subfolders: none, unless all of these are called like one."""
    if not os.path.isdir(path):
        return set()
    tops = subfolders(path)
    return tops if tops <= _SPLIT_NAMES else set()


def split_of(subfolders: set[str], split: str, title: str | os.PathLike[str]) -> str | None:
    """The subfolder of a split, where every subfolder is called like one; else None, and only "train" is there."""
    if subfolders and subfolders <= _SPLIT_NAMES:
        if split in subfolders:
            return split
        raise DataError(
            f"{os.fspath(title)!r} has the splits {', '.join(sorted(subfolders))}, and {split!r} was asked for: "
            "take one of these."
        )
    refuse_split(split, title)
    return None


def refuse_split(split: str, title: str | os.PathLike[str]) -> None:
    """DataError for another split than "train", which is how people leave split= out."""
    if split != "train":
        raise DataError(
            f"{os.fspath(title)!r} has no splits and {split!r} was asked for: leave split= out, "
            "or make subfolders train and test."
        )


def has_classes(paths: Sequence[str]) -> bool:
    """Pictures beside the subfolders: then these are no classes."""
    return all("/" in path for path in paths)


def classes_of(paths: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """(labels int32 (n,), names) by the paths' first parts, sorted."""
    parts = [path.split("/", 1)[0] for path in paths]
    names = sorted(set(parts))
    number = {name: label for label, name in enumerate(names)}
    return np.array([number[part] for part in parts], "int32"), names


def spread(paths: list[str], limit: int | None) -> list[str]:
    """At most `limit` of them, spread evenly, so that no class is lost."""
    if limit is None or limit >= len(paths):
        return paths
    return [paths[number * len(paths) // limit] for number in range(limit)]
