"""Squares out of photographs of any sizes, each beside itself made small: what super-resolution learns from."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_gans import _peak
from keras_gans.artifacts import DataError
from keras_gans.data import images as pixels
from keras_gans.data.batches import Batches, Rows, Spec
from keras_gans.data.bicubic import bicubic
from keras_gans.data.folder import split_of, subfolders, walk
from keras_gans.data.lazy import SKIPPED_AT_MOST, too_many_skipped
from keras_gans.data.pipeline import Images, philox

log = logging.getLogger("keras_gans")

SCALES = (2, 3, 4)
SMALL = 24  # pixels: side of the paper's small squares
_BYTES = 3 * (1 + 1 / 4)  # of a pixel: of the photograph, and of the small one at the least scale
_STREAM = 4  # of a step's draws: see pipeline.philox

Pair = tuple[np.ndarray, np.ndarray]


class Patches(Batches):
    """Random squares of photographs, turned and mirrored at random, with the small pictures that they come from.

    A batch is (small, large): uint8 (b, crop / scale, crop / scale, 3) and (b, crop, crop, 3). Every place of every
    photograph is as likely as any other. Photographs are made small as a whole, so that a square's edge knows what lies
    beyond it, as in the pictures that are upscaled later.
    """

    def __init__(self, photographs: Sequence[np.ndarray], name: str, scale: int, crop: int, batch_size: int) -> None:
        """Args:
        photographs: uint8 (h, w, 3) each; none smaller than a crop.
        name: where they come from, for people.
        scale: 2, 3 or 4.
        crop: side of the large squares, a multiple of `scale`.
        batch_size: what `fit` takes.
        """
        self.name, self.scale, self.crop, self.batch_size = name, scale, crop, batch_size
        self._large = [_whole(photograph, scale) for photograph in photographs]
        self._small = [bicubic(photograph, scale=1 / scale) for photograph in self._large]
        side = crop // scale
        places = [(s.shape[0] - side + 1) * (s.shape[1] - side + 1) for s in self._small]
        self._ends = np.cumsum(places)  # places are numbered through all photographs
        self._fingerprint: str | None = None

    def __len__(self) -> int:
        return len(self._large)

    def __repr__(self) -> str:
        return f"<Patches {self.name}: {len(self)} photographs, {self.crop}x{self.crop}, x{self.scale}>"

    def fingerprint(self) -> str:
        """sha256 of the photographs' shapes and bytes, of the scale and of the crop."""
        if self._fingerprint is None:
            digest = hashlib.sha256(f"patches x{self.scale} {self.crop}".encode())
            for photograph in self._large:
                digest.update(f"{photograph.shape}".encode())
                digest.update(np.ascontiguousarray(photograph).data)
            self._fingerprint = digest.hexdigest()
        return self._fingerprint

    def spec(self) -> list[Spec]:
        small = self.crop // self.scale
        return [((small, small, 3), "uint8"), ((self.crop, self.crop, 3), "uint8")]

    def steps_per_epoch(self, batch_size: int) -> int:
        """As many as take as many pixels as there are."""
        if batch_size < 1:
            raise ValueError(f"batch_size is at least 1, and {batch_size} came: give another.")
        area = sum(photograph.shape[0] * photograph.shape[1] for photograph in self._large)
        return max(1, area // (batch_size * self.crop**2))

    def batches(
        self, batch_size: int, seed: int = 0, start: int = 0, stop: int | None = None, rows: Rows | None = None
    ) -> Iterator[Pair]:
        """Yields (small, large) for the global steps `start` to before `stop`; None: to the end of start's epoch."""
        steps = self.steps_per_epoch(batch_size)
        for step in range(start, (start // steps + 1) * steps if stop is None else stop):
            yield self.at(step, batch_size, seed, rows)

    def at(self, step: int, batch_size: int, seed: int = 0, rows: Rows | None = None) -> Pair:
        """The batch of a global step, a function of (seed, step) alone, or its rows (first, last)."""
        rng = philox(seed, step, _STREAM)
        places, turns = rng.integers(0, self._ends[-1], batch_size), rng.integers(0, 8, batch_size)
        mine = slice(*(rows or (0, batch_size)))
        pairs = [self._square(int(place), int(turn)) for place, turn in zip(places[mine], turns[mine], strict=True)]
        small, large = (np.stack(parts) for parts in zip(*pairs, strict=True))
        return small, large

    def _square(self, place: int, turn: int) -> Pair:
        """(small, large) of one place. turn: quarter turns, and from 4 on mirrored first."""
        number = int(np.searchsorted(self._ends, place, side="right"))
        small, large, scale, side = self._small[number], self._large[number], self.scale, self.crop // self.scale
        begin = int(self._ends[number - 1]) if number else 0
        top, left = divmod(place - begin, small.shape[1] - side + 1)
        pair = (
            small[top : top + side, left : left + side],
            large[scale * top :, scale * left :][: self.crop, : self.crop],
        )
        first, second = (np.rot90(part[:, ::-1] if turn >= 4 else part, turn % 4) for part in pair)
        return first, second

    def in_order(self, batch_size: int) -> Iterator[Pair]:
        """An epoch of fixed squares."""
        for step in range(self.steps_in_order(batch_size)):
            yield self.at(step, batch_size)

    def steps_in_order(self, batch_size: int) -> int:
        return self.steps_per_epoch(batch_size)


def super_resolution(
    source: Any, scale: int = 4, crop: int | None = None, batch: int = 16, split: str = "train"
) -> Patches:
    """Photographs, of any sizes, as what a super-resolution model is fitted on.

        model.fit(keras_gans.data.super_resolution("photos", scale=4, crop=96, batch=16))

    Small pictures are made by `bicubic`, MATLAB's kernel, as the papers' are (Ledig et al. 2017, section 3.2, has crops
    of 96 and batches of 16).

    Args:
        source: a folder, looked through with all its subfolders; or uint8 arrays: a list of (h, w, 3) or (h, w), or one
            (n, h, w, c); or `Images`. Grey becomes colour.
        scale: 2, 3 or 4: how much smaller the small ones are.
        crop: side of the large squares in pixels, a multiple of `scale`. None: 24 times the scale, 96 at 4.
        batch: squares a step.
        split: of a folder whose subfolders are all called like splits.

    Raises:
        DataError: there is no photograph as large as a crop, more than 1 % cannot be read, memory does not hold them
            (they are kept decoded), or what came is none of the above. Smaller ones are left out, with a warning.
    """
    if scale not in SCALES:
        raise DataError(f"scale is 2, 3 or 4, and {scale!r} came: choose one.")
    crop = SMALL * scale if crop is None else crop
    if not _is_count(crop) or crop % scale:
        raise DataError(f"crop is a multiple of scale={scale}, and {crop!r} came: give one, as {SMALL * scale}.")
    if not _is_count(batch):
        raise DataError(f"batch is a whole number above 0, and {batch!r} came: give another.")
    photographs, name = photographs_of(source, split)
    large = [photograph for photograph in photographs if min(photograph.shape[:2]) >= crop]
    if not large:
        sizes = f"the largest is {_largest(photographs)}" if photographs else "there are none"
        raise DataError(f"{name}: photographs of at least {crop}x{crop} were wanted and {sizes}: lower crop.")
    if len(large) < len(photographs):
        log.warning(
            "%s: %d of %d photographs are smaller than %dx%d and left out",
            name,
            len(photographs) - len(large),
            len(photographs),
            crop,
            crop,
        )
    return Patches(large, name, scale, crop, batch)


def photographs_of(source: Any, split: str = "train") -> tuple[list[np.ndarray], str]:
    """(uint8 (h, w, 3) each, in their sizes; what they are called) of whatever `super_resolution` takes."""
    if isinstance(source, str | os.PathLike):
        return _from_folder(os.path.expanduser(os.fspath(source)), split)
    if isinstance(source, Images):
        return [_coloured(image) for image in source.images[:]], source.name
    if hasattr(source, "__array__") and getattr(source, "ndim", 0) == 4:
        source = list(np.asarray(source))
    if not isinstance(source, list | tuple) or not source:
        raise DataError(
            f"A folder of photographs, a list of them or an array (n, h, w, c) was wanted and {type(source).__name__} "
            "came: give one of these."
        )
    return [_coloured(np.asarray(image)) for image in source], "arrays"


def _from_folder(path: str, split: str) -> tuple[list[np.ndarray], str]:
    if not os.path.isdir(path):
        raise DataError(f"A folder of photographs was wanted and {path[-80:]!r} is none: check the path.")
    part = split_of(subfolders(path), split, path)
    folder = path if part is None else os.path.join(path, part)
    found: list[np.ndarray] = []
    skipped: list[tuple[str, str]] = []
    names = list(walk(folder))
    _check_memory(folder, names, path)
    for name in names:
        try:
            found.append(_coloured(np.asarray(pixels.decode(os.path.join(folder, name)))))
        except DataError as error:
            skipped.append((name, str(error)))
            if len(skipped) > SKIPPED_AT_MOST * len(names):
                raise too_many_skipped(skipped, len(names), path) from error
    if skipped:
        log.warning("%s: skipped %d of %d images: %s", path, len(skipped), len(names), "; ".join(r for _, r in skipped))
    title = Path(path).resolve().name
    return found, title if part is None else f"{title} {part}"


def _check_memory(folder: str, names: Sequence[str], path: str) -> None:
    """DataError where the photographs, decoded, would not fit into what memory is free."""
    pixels_of_all = 0
    for name in names:
        with contextlib.suppress(DataError):  # which is said when it is read
            height, width, _ = pixels.header(os.path.join(folder, name), name)
            pixels_of_all += height * width
    wanted, free = int(pixels_of_all * _BYTES), _peak.free_bytes()
    if free is not None and wanted > free:
        raise DataError(
            f"{path}: {len(names):,} photographs would take {wanted / 2**30:.1f} GiB of memory, of which "
            f"{free / 2**30:.1f} are free: make them smaller, or give fewer."
        )


def _coloured(image: np.ndarray) -> np.ndarray:
    """uint8 (h, w), (h, w, 1) or (h, w, 3) -> (h, w, 3)."""
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[-1] not in (1, 3)):
        raise DataError(f"Photographs are uint8 (h, w, 3) or (h, w), and {image.dtype} {image.shape} came: convert it.")
    return pixels.with_channels(image, 3)


def _whole(photograph: np.ndarray, scale: int) -> np.ndarray:
    """Without the rows and columns that `scale` leaves over."""
    height, width = (side - side % scale for side in photograph.shape[:2])
    return photograph[:height, :width]


def _largest(photographs: Sequence[np.ndarray]) -> str:
    height, width = max((p.shape[:2] for p in photographs), key=min)
    return f"{width}x{height}"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
