"""Where very many pictures are written: into one array, or into a folder of PNGs. Whatever the order, in equal bytes.

Both are begun under another name, `partial`, which several processes may write to, and are moved to their place when
they are whole. A record beside the array, or in the folder, then says what the pictures are of.
"""

import contextlib
import io
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from keras_gans import artifacts
from keras_gans.artifacts import KerasGansError
from keras_gans.data import images as image_data
from keras_gans.data.folder import walk

PER_FOLDER = 10_000  # file systems and people are slow with folders of a million files
RECORD = "generated.json"
WRITERS = min(4, os.cpu_count() or 1)  # threads: to encode a small PNG takes as long as to draw it
_OTHER_FILES = frozenset({*image_data.SUFFIXES, ".npz", ".zip"})


def target(path, n, shape):
    """What `path` names: an `Array` if it ends in .npy, else a `Folder`.

    Args:
        path: of n pictures.
        shape: (h, w, c) of each.

    Raises:
        KerasGansError: it ends like a file of another kind, or something else is there already.
    """
    path = Path(path)
    if path.suffix.lower() in _OTHER_FILES:
        raise KerasGansError(
            f"An array, which ends in .npy, or a folder was wanted, and {path} came: name one of these."
        )
    return (Array if path.suffix.lower() == ".npy" else Folder)(path, n, shape)


class Array:
    """uint8 (n, h, w, c) in an .npy file. What stands at its place is replaced when the new one is whole."""

    def __init__(self, path, n, shape):
        self.path, self.n, self.shape = path, n, shape
        self._record = path.with_name(f"{path.name}.json")

    def refuse(self):
        """Raises if it can not be put in its place."""
        if self.path.is_dir():
            raise KerasGansError(f"{self.path} is a folder, and an array shall be written there: name a file.")

    def is_whole(self, about):
        """Whether an array of just that is in its place already."""
        return self.path.is_file() and _read(self._record) == {**_state(self.path), "about": about}

    def is_begun(self, partial):
        return partial.is_file() and partial.stat().st_size == self._begins() + self.n * self._bytes()

    def begin(self, partial):
        """Makes it in its full size, which takes no room before it is written to."""
        partial.unlink(missing_ok=True)
        with open(partial, "xb") as file:
            self._write_header(file)
            file.truncate(file.tell() + self.n * self._bytes())

    def _write_header(self, file):
        form = {"descr": "|u1", "fortran_order": False, "shape": (self.n, *self.shape)}
        np.lib.format.write_array_header_1_0(file, form)

    def _begins(self):
        """Where the pixels begin."""
        header = io.BytesIO()
        self._write_header(header)
        return header.tell()

    def _bytes(self):
        return int(np.prod(self.shape))

    @contextlib.contextmanager
    def writing(self, partial, count):
        """Gives (write, settle): `write(start, pictures)`, and `settle()` until what was written would survive.

        Plain writes: pages of a memory map count as the process's memory for as long as it stands.

        count: how many pictures will come. KerasGansError if there is no room for them.
        """
        _check_room(partial, count * self._bytes())
        begins = self._begins()
        with open(partial, "r+b", buffering=0) as file:

            def write(start, pictures):
                file.seek(begins + start * self._bytes())
                rest = memoryview(np.ascontiguousarray(pictures)).cast("B")
                while rest:
                    rest = rest[file.write(rest) :]

            yield write, lambda: os.fsync(file.fileno())

    def finish(self, partial, about):
        """Moves it to its place. The record comes first: it knows the file, under whatever name."""
        artifacts.write_json(self._record, {**_state(partial), "about": about})
        os.replace(partial, self.path)

    def paths(self):
        return [self.path]


class Folder:
    """Pictures 000000.png and so on, with as many digits as it takes.

    From the ten thousandth on they lie in subfolders of as many, each named like its first picture: 010000/010000.png.
    The first ones lie beside these, so that a reader of folders does not take the subfolders for classes, and finds all
    in their order.
    """

    def __init__(self, path, n, shape):
        self.path, self.n = path, n
        self._digits = max(6, len(str(n - 1)))

    def refuse(self):
        """Raises if it can not be put in its place."""
        if self.path.exists() and not (self.path.is_dir() and not any(self.path.iterdir())):
            what = "holds other files" if self.path.is_dir() else "is a file"
            raise KerasGansError(f"Pictures want a folder of their own, and {self.path} {what}: name another.")

    def is_whole(self, about):
        """Whether a folder of just that is in its place already."""
        return _read(self.path / RECORD) == {"about": about} and sum(1 for _ in walk(self.path)) == self.n

    def is_begun(self, partial):
        return partial.is_dir()

    def begin(self, partial):
        partial.mkdir()

    @contextlib.contextmanager
    def writing(self, partial, count):
        """As `Array.writing`. What is settled survives the end of the process, not that of the machine."""
        waiting = []

        def settle():
            for each in waiting:
                each.result()
            waiting.clear()  # not where one failed: then nothing is settled any more

        def write(start, pictures):
            settle()  # the batch before, which was encoded while this one was drawn
            waiting.extend(
                threads.submit(image_data.save_png, partial / self.name(start + i), picture)
                for i, picture in enumerate(pictures)
            )

        with ThreadPoolExecutor(WRITERS) as threads:
            yield write, settle

    def finish(self, partial, about):
        """Moves it to its place."""
        artifacts.write_json(partial / RECORD, {"about": about})
        with contextlib.suppress(FileNotFoundError):
            self.path.rmdir()  # an empty one
        partial.rename(self.path)

    def name(self, index):
        """Where a picture lies in the folder."""
        name, first = f"{index:0{self._digits}d}.png", index - index % PER_FOLDER
        return f"{first:0{self._digits}d}/{name}" if first else name

    def paths(self):
        return [self.path / self.name(index) for index in range(self.n)]


def _state(path):
    """What tells a file from one that was written later under its name."""
    found = path.stat()
    return {"bytes": found.st_size, "changed_ns": found.st_mtime_ns}


def _read(path):
    """What a JSON file says; None where there is none."""
    try:
        return artifacts.read_json(path)
    except (OSError, ValueError):
        return None


def _check_room(path, needed):
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise KerasGansError(
            f"{path.parent} has {free / 1e9:,.1f} GB free, and what is left to draw takes {needed / 1e9:,.1f} GB: "
            "make room, or name another place."
        )
