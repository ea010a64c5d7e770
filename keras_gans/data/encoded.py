"""Pictures that have not been decoded, and how they are: all at once, or as they are asked for."""

from __future__ import annotations

import io
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from keras_gans.artifacts import DataError
from keras_gans.data import images as pixels
from keras_gans.data.lazy import SKIPPED_AT_MOST, Encoded, Lazy, too_many_skipped
from keras_gans.data.pipeline import Decoded

log = logging.getLogger("keras_gans")

DEFAULT_MAX_DECODED = 4_000_000_000  # bytes: a third of a million pictures at 64 x 64 in colour
_BLOCK = 128  # images a task


class Item(NamedTuple):
    """One image that has not been decoded."""

    name: str
    file: bytes | Callable[[], str | bytes]  # its bytes, or what finds them or their path
    label: int
    attributes: np.ndarray | None = None  # bool (k,)


class Found(NamedTuple):
    """A picture that has not been decoded, with its captions and its class."""

    name: str
    file: bytes | str  # its bytes or its path
    captions: list[str]
    label: int = 0

    def opened(self) -> str | bytes:
        """What `Item` finds it by."""
        return self.file


def max_decoded_bytes() -> int:
    """How much is held decoded: KERAS_GANS_MAX_DECODED (4e9 will do), or 4 GB. DataError if that is no number."""
    text = os.environ.get("KERAS_GANS_MAX_DECODED", "").strip()
    if not text:
        return DEFAULT_MAX_DECODED
    try:
        return int(float(text))
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"KERAS_GANS_MAX_DECODED is a number of bytes, and {text[:80]!r} came: set it like 4e9."
        ) from error


def read(encoded: Encoded, size: int | None, channels: int | None) -> Decoded:
    """Decodes all pictures, or, where they would take more than max_decoded_bytes(), gives them as Lazy.

    Without a size the pictures' own decides, which takes decoding them all. Lazy pictures are in colour unless
    one channel is asked for.
    """
    if size is not None and len(encoded) * size * size * (channels or 3) > max_decoded_bytes():
        images = Lazy(encoded, size, channels or 3)
        images.probe()
        log.info("%s: %d images are decoded as they are asked for", encoded.title, len(images))
        return Decoded(images, encoded.labels, images.skipped, encoded.class_names)
    labels = encoded.labels
    items = (
        Item(encoded.name(i), partial(encoded.open, i), 0 if labels is None else int(labels[i]))
        for i in range(len(encoded))
    )
    return decode_all(items, len(encoded), encoded.title, encoded.class_names, size, channels)


def decode_all(
    items: Iterable[Item],
    count: int,
    name: str,
    class_names: list[str] | None,
    size: int | None,
    channels: int | None,
    threads: bool = True,
    attribute_names: list[str] | None = None,
) -> Decoded:
    """Decodes up to `count` items in their order, and skips those that cannot be, up to 1 %."""
    from PIL import Image

    Image.init()  # registers Pillow's formats before threads would
    known = None if size is None or channels is None else (size, size, channels)
    rows: Any = [] if known is None else np.empty((count, *known), "uint8")
    labels: list[int] = []
    attributes: list[Any] = []
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
            attributes.append(item.attributes)
        if len(skipped) > SKIPPED_AT_MOST * count:
            raise too_many_skipped(skipped, count, name)
    if skipped:
        log.warning("%s: skipped %d of %d images: %s", name, len(skipped), count, "; ".join(r for _, r in skipped))
    if not labels:
        raise DataError(f"{name} has no images: choose another split or source.")
    return Decoded(
        rows[: len(labels)] if known is not None else _stack(rows, name),
        np.array(labels, "int32") if class_names else None,
        skipped,
        class_names,
        np.array(attributes, bool) if attribute_names else None,
        attribute_names or None,
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
        found = item.file() if callable(item.file) else item.file
        image = pixels.decode(io.BytesIO(found) if isinstance(found, bytes) else found, name=item.name)
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
