"""LSUN as it is handed out: an LMDB (key: the picture's id, value: its WebP or JPEG file), or its unpacked folder.

TFDS's own reader of it stands on tensorflow_io, which does not follow today's TensorFlow.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from keras_gans.artifacts import DataError
from keras_gans.data.encoded import read
from keras_gans.data.folder import Files, refuse_split, spread, walk
from keras_gans.data.lazy import Encoded
from keras_gans.data.pipeline import Decoded, Images

_DATA = "data.mdb"
_UNWRITTEN = 1 << 20  # bytes at a file's end that LMDB may have set aside and never written


class Lmdb(Encoded):
    """The pictures of an LMDB in the order of their keys, known by these and by the pages that they take."""

    def __init__(self, folder: str, limit: int | None) -> None:
        self.title = folder
        self._limit = limit

    def __len__(self) -> int:
        return len(self._keys[1])

    def name(self, index: int) -> str:
        return f"{self._key(index).decode('ascii', 'backslashreplace')} in {self.title}"

    def open(self, index: int) -> bytes:
        try:
            with _environment(self.title).begin() as transaction:
                found = transaction.get(self._key(index))
        except Exception as error:
            raise DataError(f"Cannot read {self.name(index)} ({error}): check the file.") from error
        if found is None:
            raise DataError(f"Cannot read {self.name(index)} (it is gone): open the data again.")
        return found

    def identity(self) -> Iterator[bytes]:
        yield f"{_environment(self.title).stat()['overflow_pages']} pages\n".encode()  # where values of 2 kB up lie
        yield self._keys[0]
        yield self._keys[1].tobytes()

    def _key(self, index: int) -> bytes:
        keys, ends = self._keys
        return keys[ends[index - 1] if index else 0 : ends[index]]

    @functools.cached_property
    def _keys(self) -> tuple[bytes, np.ndarray]:
        """All keys in one piece, and where each ends, int64 (n,): three million take 150 MB so, not 400."""
        with _environment(self.title).begin() as transaction, transaction.cursor() as cursor:
            keys = list(islice(cursor.iternext(keys=True, values=False), self._limit))
        return b"".join(keys), np.cumsum([len(key) for key in keys], dtype="int64")


def open_lsun(path: str, split: str, size: int | None, channels: int | None, limit: int | None) -> Images:
    """LSUN's pictures, without labels.

    Args:
        path: a folder with data.mdb; one with folders such as bedroom_train_lmdb, of which `split` chooses; or the
            folder that LSUN's export script makes, whose one-letter subfolders are no classes.
        limit: the first so many ids (of an LMDB; they are hashes, in no order), or spread over the folder's files.
    """
    if not os.path.isdir(path):
        what = "is not a folder" if os.path.exists(path) else "does not exist"
        raise DataError(
            f"lsun: wants LSUN's folder with {_DATA}, or one of its unpacked pictures, and {path[-80:]!r} {what}: "
            "check the path, or unzip it."
        )
    folder = _folder(path, split)
    name = f"lsun:{Path(folder).resolve().name}"
    encoded: Encoded
    if os.path.isfile(os.path.join(folder, _DATA)):
        encoded = Lmdb(folder, limit)
        _environment(folder)  # what is wrong with it is said now
    else:
        encoded = Files(folder, spread(list(walk(folder)), limit), classes=False)
        if not len(encoded):
            raise DataError(f"Neither {_DATA} nor a picture lies in {folder!r}: give one of LSUN's folders.")
    return Images(partial(_read, encoded), name=name, size=size, channels=channels, count=partial(len, encoded))


def _folder(path: str, split: str) -> str:
    """The folder of a split, where LSUN's own folders of several lie in `path`; elsewhere `path`."""
    parts = sorted(p for p in os.listdir(path) if os.path.isfile(os.path.join(path, p, _DATA)))
    if os.path.isfile(os.path.join(path, _DATA)) or not parts:
        refuse_split(split, path)
        return path
    found = [part for part in parts if part.endswith(f"_{split}_lmdb")]
    if len(found) != 1:
        raise DataError(
            f"{path!r} has {', '.join(parts)}, and one that ends in _{split}_lmdb was wanted: give the folder itself."
        )
    return os.path.join(path, found[0])


def _read(encoded: Encoded, size: int | None, channels: int | None) -> Decoded:
    if size is None:  # else three million pictures would be decoded to find that out
        raise DataError("LSUN's pictures are of many sizes: say one, as in keras_gans.data.load(..., size=64).")
    if not len(encoded):
        raise DataError(f"{encoded.title} has no images: choose another source.")
    return read(encoded, size, channels or 3)


# --- opening ------------------------------------------------------------------------------------------

_open: dict[str, Any] = {}
_opening = threading.Lock()


def _environment(folder: str) -> Any:
    """The open LMDB; it may be opened once in a process. Read without locks, it serves threads and forks alike."""
    key = os.path.realpath(folder)
    if key not in _open:
        with _opening:
            if key not in _open:
                _open[key] = _opened(folder)
    return _open[key]


def _opened(folder: str) -> Any:
    try:
        import lmdb
    except ImportError as error:
        raise DataError(
            'lsun: reads LMDB with the package lmdb, and it is not installed: pip install "keras-gans[lsun]".'
        ) from error
    try:
        # Read-only and without locks: it may lie on a disk that is read-only too. Read in no order: nothing ahead.
        environment = lmdb.open(folder, readonly=True, lock=False, create=False, readahead=False)
    except lmdb.Error as error:
        raise DataError(
            f"{os.path.join(folder, _DATA)} cannot be read as an LMDB ({error}): close what uses it, or fetch it anew."
        ) from error
    wanted = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    have = os.path.getsize(os.path.join(folder, _DATA))
    if have < wanted - _UNWRITTEN:  # memory-mapped: reading beyond the end would kill the process
        environment.close()
        raise DataError(
            f"{os.path.join(folder, _DATA)} has {have:,} bytes of the {wanted:,} that it says it has: fetch it again."
        )
    return environment
