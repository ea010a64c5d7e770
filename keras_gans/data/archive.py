"""A .zip of pictures, read where it lies: nothing is unpacked, so neither paths nor sizes in it can do harm."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from keras_gans.artifacts import DataError
from keras_gans.data import images as pixels
from keras_gans.data.encoded import read
from keras_gans.data.folder import classes_of, has_classes, hidden, is_image, split_of, spread
from keras_gans.data.lazy import Encoded
from keras_gans.data.pipeline import Images


class Zipped(Encoded):
    """Pictures in a .zip, known by their paths in it, sizes and CRC-32."""

    def __init__(self, title: str, entries: dict[str, zipfile.ZipInfo], paths: list[str], classes: bool) -> None:
        """Args:
        title: the archive's path.
        entries: {path: entry}.
        paths: those that are wanted, in order.
        classes: whether the first part is a class.
        """
        self.title = title
        self._paths = paths
        self._entries = [entries[path] for path in paths]
        self._opened: tuple[int, zipfile.ZipFile | None] = (0, None)
        if classes:
            self.labels, self.class_names = classes_of(paths)

    def __len__(self) -> int:
        return len(self._paths)

    def name(self, index: int) -> str:
        return f"{self._paths[index]} in {self.title}"

    def open(self, index: int) -> bytes:
        entry = self._entries[index]
        try:
            # Eight bytes a pixel hold any picture that may be decoded; no more is ever read than the entry claims.
            if entry.file_size > 8 * pixels.max_pixels_allowed():
                raise ValueError(f"it says it has {entry.file_size:,} bytes")
            return self._archive().read(entry)
        except Exception as error:  # a checksum, a password, a method unknown here, a file that was replaced
            reason = str(error).rstrip(".").splitlines()[0][:200] if str(error) else type(error).__name__
            raise DataError(f"Cannot read {self.name(index)} ({reason}): replace or remove it.") from error

    def identity(self) -> Iterator[bytes]:
        for path, entry in zip(self._paths, self._entries, strict=True):
            yield f"{path} {entry.file_size} {entry.CRC}\n".encode("utf-8", "surrogateescape")

    def _archive(self) -> zipfile.ZipFile:
        """The open file of this process: one that is shared with a fork's parent has one position for both."""
        process, archive = self._opened
        if archive is None or process != os.getpid():
            archive = zipfile.ZipFile(self.title)
            self._opened = (os.getpid(), archive)
        return archive


def open_zip(path: str, split: str, size: int | None, channels: int | None, limit: int | None) -> Images:
    """A .zip's images: splits and classes as of a folder. One folder that holds all others is looked through."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {_clean(entry.filename): entry for entry in archive.infolist() if not entry.is_dir()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(
            f"{path} cannot be read as a .zip ({str(error).rstrip('.')}): it may be cut short, fetch it again."
        ) from error
    found = {key: entry for key, entry in entries.items() if _shown(key)}
    found = _within(found)
    part = split_of({key.split("/", 1)[0] for key in found if "/" in key}, split, path)
    if part is not None:
        found = {key.removeprefix(f"{part}/"): entry for key, entry in found.items() if key.startswith(f"{part}/")}
    paths = sorted(found, key=lambda key: key.split("/"))
    if not paths:
        raise DataError(
            f"No {', '.join(pixels.FORMATS[:-1])} or {pixels.FORMATS[-1]} file lies in {path!r}: "
            "give a .zip of images, or of one folder a class."
        )
    zipped = Zipped(path, found, spread(paths, limit), classes=has_classes(paths))
    return Images(partial(read, zipped), name=Path(path).name, size=size, channels=channels, encoded=zipped)


def _clean(name: str) -> str:
    """An entry's path with / between parts and none that is empty; it names the entry and is never opened."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part)


def _shown(path: str) -> bool:
    *folders, name = path.split("/")
    return is_image(name) and not any(hidden(part) for part in folders)


def _within(found: dict[str, zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Without the one folder that all lies in, as archives of a folder have it, unless that holds the pictures."""
    tops = {key.split("/", 1)[0] for key in found}
    if len(tops) != 1 or not all(key.count("/") > 1 for key in found):
        return found
    (top,) = tops
    return {key.removeprefix(f"{top}/"): entry for key, entry in found.items()}
