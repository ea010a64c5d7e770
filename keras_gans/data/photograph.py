"""A photograph as it lies in a file: its own channels and depth, and its colour profile."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from keras_gans.artifacts import DataError, write_atomically
from keras_gans.data import images

if TYPE_CHECKING:
    from PIL import Image


class Format(NamedTuple):
    """What Pillow calls a format, whether its files hold alpha, and 16 bits of grey, and the pixels a side at most."""

    name: str
    alpha: bool
    deep: bool
    side: int = 2**31 - 1


_JPEG = Format("JPEG", alpha=False, deep=False, side=65_500)  # libjpeg's own limit
_TIFF = Format("TIFF", alpha=True, deep=True)
WRITTEN = {
    ".png": Format("PNG", alpha=True, deep=True),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": Format("WEBP", alpha=True, deep=False, side=16_383),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": Format("BMP", alpha=False, deep=False),
}
_QUALITY: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95},
    "TIFF": {"compression": "tiff_deflate"},
}


class Photograph(NamedTuple):
    """pixels: (h, w, c) uint8, c = 1, 2, 3 or 4 with alpha last; or uint16 (h, w, 1). profile: ICC, or None.

    deeper: whether the file has 16 bits that `pixels` has not: of colour, or of grey with alpha.
    """

    pixels: np.ndarray
    profile: bytes | None
    deeper: bool = False


def read(path: str | os.PathLike[str], max_pixels: int | None = None) -> Photograph:
    """Reads one image file, upright, with its alpha, its depth where it is grey, and its colour profile.

    Formats and the cap on pixels are those of `keras_gans.data.decode`. A palette becomes colour, CMYK becomes RGB
    (whose profile is not its own any more). 16 bits of colour, or of grey with alpha, become 8.

    Raises:
        DataError: whatever is wrong with the file, in one sentence that names it.
    """
    found: Photograph = images.decode(path, max_pixels, convert=_photograph)
    return found


def _photograph(image: Image.Image) -> Photograph:
    profile, deeper = image.info.get("icc_profile"), bool(image.info.get(images.DEEP))
    if image.mode.startswith("I"):
        pixels = np.asarray(image)
        if pixels.min() < 0 or pixels.max() > 65535:
            raise ValueError("it has 32-bit pixels; save it with 8 or 16 bits")
        nothing = image.info.get("transparency")  # one grey value may mean "nothing here"
        if not isinstance(nothing, int):
            return Photograph(pixels.astype("uint16")[..., None], profile)
        alpha = np.where(pixels == nothing, 0, 255).astype("uint8")
        return Photograph(np.stack([_eight_bits(pixels), alpha], axis=-1), profile, deeper=True)
    if image.mode not in ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX"):
        profile = None  # of other colours than those that it becomes
    grey = image.mode in ("1", "L", "LA", "La")
    mode = ("LA" if grey else "RGBA") if image.has_transparency_data else ("L" if grey else "RGB")
    if mode == "LA" and image.mode in ("1", "L"):
        image = image.convert("RGBA")  # one grey value means "nothing here": Pillow knows it on this way alone
    pixels = np.asarray(image.convert(mode))
    return Photograph(pixels if pixels.ndim == 3 else pixels[..., None], profile, deeper)


def flat(pixels: np.ndarray) -> np.ndarray:
    """Any photograph's pixels as uint8 (h, w, 3): alpha over white, 16 bits as 8, grey as colour."""
    from PIL import Image

    pixels = _eight_bits(pixels)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image = images.over_white(image) if pixels.shape[-1] in (2, 4) else image
    return np.asarray(image.convert("RGB"))


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.dtype == np.uint8 else ((pixels.astype("uint32") + 128) // 257).astype("uint8")


def check_size(path: str | os.PathLike[str], height: int, width: int) -> None:
    """DataError where files of the format that the path's end says hold no image of this size."""
    kind = WRITTEN[Path(path).suffix.lower()]
    if max(height, width) > kind.side:
        raise DataError(
            f"{Path(path).name} would be of {width}x{height} pixels, and {kind.name} holds at most {kind.side:,} a "
            "side: take .png."
        )


def write(path: str | os.PathLike[str], photograph: Photograph) -> None:
    """Writes a photograph in the format that the path's end says; whole, or not at all.

    Alpha lies over white where the format has none, 16 bits become 8 where it has no more.

    Raises:
        DataError: the format is not among `WRITTEN`, or its files hold no image of this size.
    """
    from PIL import Image

    end = Path(path).suffix.lower()
    if end not in WRITTEN:
        raise DataError(f"Images are written as {', '.join(WRITTEN)}, and {Path(path).name!r} came: end its name so.")
    pixels, (kind, alpha, deep, _) = photograph.pixels, WRITTEN[end]
    check_size(path, *pixels.shape[:2])
    if not deep:
        pixels = _eight_bits(pixels)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    if not alpha and pixels.shape[-1] in (2, 4):
        image = images.over_white(image)
    encoded = io.BytesIO()
    lost = kind == "BMP" or (kind == "WEBP" and pixels.shape[-1] < 3)  # WebP writes grey as colour
    profile = {"icc_profile": photograph.profile} if photograph.profile and not lost else {}
    try:
        image.save(encoded, format=kind, **profile, **_QUALITY.get(kind, {}))
    except (OSError, ValueError) as error:
        raise DataError(f"{Path(path).name} cannot be written as {kind} ({error}): take .png.") from error
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(Path(path), encoded.getvalue())
