"""Pixels: value ranges, decoding, resizing, grids. No other file knows that a network draws in [-1, 1].

Images have shape (h, w, c), batches (n, h, w, c); c is 1 (grey) or 3 (RGB). They are stored as uint8 in
[0, 255] or as float in [-1, 1].
Pillow alone decodes, so that a file has the same pixels here whichever road it came by (a folder, TFDS).
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from keras_gans.artifacts import DataError

if TYPE_CHECKING:
    from PIL import Image

# Pillow knows some forty formats, and some of them start programs or follow links: only these are ever tried.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
SUFFIXES = frozenset(
    (
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif"),
        *(".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"),
    )
)

# More than the 60 megapixels of a large camera, less than the 8192 x 8192 zeros that fit in 65 kB of PNG.
DEFAULT_MAX_PIXELS = 64_000_000

_ORIENTATION = 0x0112  # the EXIF tag: how the camera was held
_UPRIGHT = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
_ON_ITS_SIDE = (5, 6, 7, 8)  # height is width
_BITS, _PHOTOMETRIC = 258, 262  # the TIFF tags: bits of a channel, and what 0 means
_PACKED = {"L;2": (3, 85), "L;4": (15, 17)}  # Pillow's name for a PNG's grey: its white, and 255 divided by that
DEEP = "keras_gans_deep"  # in an image's info, while it is converted: whether its file has 16 bits a channel
# At most: deflate makes 1,032 bytes of one, LZW 1,340, with 8 pixels each; Huffman's codes take a bit for 64 pixels.
_PIXELS_OF_A_BYTE = {"PNG": 8_256, "JPEG": 512, "tiff_adobe_deflate": 8_256, "tiff_deflate": 8_256, "tiff_lzw": 10_720}
_LUMA = np.array([0.299, 0.587, 0.114], "float32")  # ITU-R 601, what Pillow's "L" is


# --- value ranges -------------------------------------------------------------------------------------


def to_range(x: Any, low: float, high: float) -> Any:
    """Maps uint8 [0, 255] or float [-1, 1], of any shape, to float32 [low, high].

    keras.ops: it runs inside a graph. Raises DataError for any other dtype.
    """
    import keras

    x = keras.ops.convert_to_tensor(x)
    dtype = keras.backend.standardize_dtype(x.dtype)
    if dtype == "uint8":
        # The division comes first: 255 / 255 is exactly 1, so that white is exactly `high`.
        unit = keras.ops.cast(x, "float32") / 255.0
    elif "float" in dtype:
        x = keras.ops.cast(x, "float32")
        if (low, high) == (-1, 1):
            return x
        unit = (x + 1.0) / 2.0
    else:
        raise DataError(
            f"Images are uint8 in [0, 255] or float in [-1, 1], and {dtype} came: "
            "convert them, as in x.astype('uint8')."
        )
    return unit * (high - low) + low


def to_uint8(x: Any, low: float, high: float) -> np.ndarray:
    """Maps float [low, high], of any shape, to uint8: clipped, rounded half to even. DataError on NaN."""
    x = np.asarray(x, dtype="float32")
    if np.isnan(x).any():
        raise DataError("Pixels between black and white were wanted and NaN came: check the weights that drew them.")
    unit = (np.clip(x, low, high) - np.float32(low)) / np.float32(high - low)
    return np.rint(unit * np.float32(255)).astype("uint8")


# --- files --------------------------------------------------------------------------------------------


def max_pixels_allowed() -> int:
    """The pixel cap: KERAS_GANS_MAX_PIXELS (64e6 will do), or 64 million. DataError if that is no number."""
    text = os.environ.get("KERAS_GANS_MAX_PIXELS", "").strip()
    if not text:
        return DEFAULT_MAX_PIXELS
    try:
        cap = int(float(text))
    except (ValueError, OverflowError):
        cap = 0
    if cap < 1:
        raise DataError(f"KERAS_GANS_MAX_PIXELS is a number of pixels, and {text[:80]!r} came: set it like 64e6.")
    return cap


def decode(
    source: str | os.PathLike[str] | IO[bytes],
    max_pixels: int | None = None,
    name: str | None = None,
    convert: Callable[[Image.Image], Any] | None = None,
) -> Any:
    """Reads one image file as an upright 8-bit Pillow image of mode "L" or "RGB".

    Formats outside FORMATS are not tried. The size in the header is held against max_pixels (default:
    KERAS_GANS_MAX_PIXELS) before a pixel is decoded; Pillow's own cap of 179 million stands above ours.
    The EXIF orientation is applied; transparency lies over white; 16-bit grey is divided by 257; a palette,
    CMYK and the like become RGB; of an animation the first frame is taken. Refused are pixels of 12 or 32 bits or
    in floating point, 16-bit grey whose 0 is white, headers that claim far more pixels than the file can hold, and
    PNGs whose compressed texts may take more than 32 MiB.

    Args:
        source: a path, or an open binary file.
        max_pixels: width x height that is still decoded.
        name: what errors call the image (default: its path).
        convert: function that makes something else of the upright image, of any mode of Pillow's; the rest stays.

    Raises:
        DataError: whatever is wrong with the file, in one sentence that names it.
    """
    from PIL import Image, UnidentifiedImageError

    cap = max_pixels_allowed() if max_pixels is None else max_pixels
    if name is None:
        named = source if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
        name = os.fsdecode(named) if isinstance(named, str | os.PathLike) else "the image"
    name = printable(name)
    try:
        _refuse_wordy(source)
        with Image.open(source, formats=FORMATS) as image:
            if image.width * image.height > cap:
                raise DataError(
                    f"{name} says it has {image.width} x {image.height} pixels, more than the {cap:,} that "
                    "are decoded: shrink it, or raise KERAS_GANS_MAX_PIXELS if you trust it."
                )
            _refuse_unlike(image)
            _refuse_hollow(image)
            _scale_transparency(image)
            image.info[DEEP] = _has_sixteen_bits(image)
            image.load()
            return (convert or _eight_bit)(_upright(image))
    except DataError:
        raise
    except UnidentifiedImageError:
        reason = f"it is not a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} image"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        cap = min(cap, 2 * (Image.MAX_IMAGE_PIXELS or cap))
        reason = f"its header claims more pixels than the {cap:,} that are decoded"
    except Exception as error:  # hostile bytes make Pillow raise nearly anything: OSError, SyntaxError, struct.error
        reason = printable((str(error).rstrip(".").splitlines() or [""])[0][:200]) or type(error).__name__
    raise DataError(f"Cannot read {name} ({reason}): replace or remove it.")


def header(source: str | os.PathLike[str] | IO[bytes], name: str) -> tuple[int, int, int]:
    """(h, w, c) of what `decode` makes of an image file, mostly without reading pixels. DataError: there is no such."""
    from PIL import Image

    try:
        _refuse_wordy(source)
        with Image.open(source, formats=FORMATS) as image:
            grey = image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I")
            width, height = image.size
            if width * height > max_pixels_allowed():
                raise ValueError("it has too many pixels")
            # Pillow has turned a TIFF's size already, and reads a PNG to its end for the tag.
            if width != height and image.format != "TIFF" and _orientation(image) in _ON_ITS_SIDE:
                width, height = height, width
    except Exception as error:  # as in decode
        raise DataError(f"Cannot read {printable(name)}: replace or remove it.") from error
    return height, width, 1 if grey else 3


def printable(text: str) -> str:
    """A name or a reason as it stands in an error: in one line, and without what a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _refuse_wordy(source: str | os.PathLike[str] | IO[bytes]) -> None:
    """ValueError for a PNG whose compressed texts may take more than 32 MiB: Pillow unpacks them, and refuses at 64."""
    if isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:
            return _refuse_wordy(file)
    start = source.tell()
    try:
        most = sum(min(length * 1032, 1 << 20) for kind, length in _png_chunks(source) if kind in (b"zTXt", b"iTXt"))
    finally:
        source.seek(start)
    if most > 32 << 20:
        raise ValueError(f"its compressed texts may take {most >> 20} MiB")
    return None


def _png_chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """(kind, length) of each; none of what is no PNG."""
    if file.read(8) != b"\x89PNG\r\n\x1a\n":
        return
    while len(head := file.read(8)) == 8:
        length = int.from_bytes(head[:4], "big")
        yield head[4:], length
        file.seek(length + 4, os.SEEK_CUR)  # the chunk, and its check sum


def _refuse_unlike(image: Image.Image) -> None:
    """ValueError for pixels that Pillow would give otherwise than the file means them, before it decodes any."""
    if image.mode == "F":
        raise ValueError("it has floating-point pixels; save it with 8 or 16 bits")
    tags: Any = getattr(image, "tag_v2", {})  # of a TIFF
    if 12 in tags.get(_BITS, ()):  # white would be 16 of 255
        raise ValueError("it has 12-bit pixels; save it with 8 or 16 bits")
    if image.mode.startswith("I") and tags.get(_PHOTOMETRIC) == 0:  # Pillow turns the 8-bit ones alone
        raise ValueError("it has 16-bit pixels whose 0 is white; save it with 0 as black")


def _refuse_hollow(image: Image.Image) -> None:
    """ValueError for a header that claims more pixels than so few bytes can hold: Pillow would make up the rest."""
    packing = image.info.get("compression") if image.format == "TIFF" else image.format
    most, file = _PIXELS_OF_A_BYTE.get(str(packing)), getattr(image, "fp", None)
    if most is None or file is None:
        return
    here = file.tell()
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(here)
    if image.width * image.height > most * size:
        raise ValueError(f"its header claims {image.width} x {image.height} pixels, which {size:,} bytes cannot hold")


def _scale_transparency(image: Image.Image) -> None:
    """Brings a PNG's transparent colour to 8 bits, as Pillow does its pixels but not this."""
    see_through = image.info.get("transparency")
    tiles = getattr(image, "tile", None) if image.format == "PNG" else None
    packing = tiles[0][3] if tiles else None
    if isinstance(see_through, int) and packing in _PACKED:
        most, step = _PACKED[packing]
        image.info["transparency"] = (see_through & most) * step
    elif isinstance(see_through, tuple) and packing == "RGB;16B":
        image.info["transparency"] = tuple(part >> 8 for part in see_through)


def _has_sixteen_bits(image: Image.Image) -> bool:
    """Whether a file not yet read has 16 bits a channel, as far as Pillow's decoder tells ("RGB;16B")."""
    tiles: Any = getattr(image, "tile", None)
    return bool(tiles) and ";16" in str(tiles[0][3])


def _orientation(image: Image.Image) -> int:
    """The EXIF tag; broken EXIF does not make the picture unusable."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        return 1


def _upright(image: Image.Image) -> Image.Image:
    """Turns the image as its EXIF orientation says."""
    from PIL import Image

    turn = _UPRIGHT.get(_orientation(image))
    return image.transpose(Image.Transpose[turn]) if turn else image


def _eight_bit(image: Image.Image) -> Image.Image:
    """Brings any mode of Pillow's to "L" or "RGB" with 8 bits, transparency over white."""
    if image.mode.startswith("I"):
        return _from_sixteen_bit(image)
    if image.has_transparency_data:
        return over_white(image)
    if image.mode in ("1", "L"):
        return image.convert("L")
    return image.convert("RGB")


def _from_sixteen_bit(image: Image.Image) -> Image.Image:
    """257 k becomes k, so that 65535 is white; Pillow's own conversion makes everything above 255 white."""
    from PIL import Image

    pixels = np.asarray(image)
    if pixels.min() < 0 or pixels.max() > 65535:
        raise ValueError("it has 32-bit pixels; save it with 8 or 16 bits")
    pixels = pixels.astype("int32")
    see_through = image.info.get("transparency")  # PNG's tRNS: one grey value that means "nothing here"
    if isinstance(see_through, int):
        pixels[pixels == see_through] = 65535
    return Image.fromarray(((pixels + 128) // 257).astype("uint8"))


def over_white(image: Image.Image) -> Image.Image:
    from PIL import Image

    mode = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    if image.mode == "La":  # which Pillow converts to nothing else
        image = image.convert("LA")
    image = image.convert("RGBA")
    paper = Image.new(mode, image.size, "white")
    paper.paste(image.convert(mode), mask=image.getchannel("A"))
    return paper


# --- shapes -------------------------------------------------------------------------------------------


def square(image: Image.Image, size: int, channels: int) -> np.ndarray:
    """The centre square of an "L" or "RGB" image, resized by Pillow's antialiased bicubic.

    Returns uint8 (size, size, channels).
    """
    from PIL import Image

    mode = "L" if channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    width, height = image.size
    side = min(width, height)
    if width != height:
        left, top = (width - side) // 2, (height - side) // 2
        # Not resize(box=...): its filter would let the outside bleed in.
        image = image.crop((left, top, left + side, top + side))
    if side != size:
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    return with_channels(np.asarray(image), channels)


def with_channels(image: np.ndarray, channels: int | None) -> np.ndarray:
    """uint8 (h, w) or (h, w, 3) as (h, w, channels); None keeps what there is."""
    if image.ndim == 2:
        image = image[..., np.newaxis]
    if channels is None or image.shape[-1] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=-1)
    from PIL import Image

    return np.asarray(Image.fromarray(image).convert("L"))[..., np.newaxis]


def resize(images: np.ndarray, size: int, channels: int) -> np.ndarray:
    """square() for a batch: uint8 or float32 [-1, 1] (n, h, w, c) -> same dtype (n, size, size, channels)."""
    if images.shape[1:] == (size, size, channels):
        return images
    fit = _square_of_pixels if images.dtype == np.uint8 else _square_of_floats
    out = np.empty((len(images), size, size, channels), images.dtype)
    for index, image in enumerate(images):
        out[index] = fit(image, size, channels)
    return out


def _square_of_pixels(image: np.ndarray, size: int, channels: int) -> np.ndarray:
    from PIL import Image

    return square(Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image), size, channels)


def _square_of_floats(image: np.ndarray, size: int, channels: int) -> np.ndarray:
    """As square(), a plane at a time and without rounding to 256 levels."""
    from PIL import Image

    if channels == 1 and image.shape[-1] == 3:
        image = (image @ _LUMA)[..., np.newaxis]
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    image = image[top : top + side, left : left + side]
    planes = [Image.fromarray(np.ascontiguousarray(image[..., c])) for c in range(image.shape[-1])]
    if side != size:
        planes = [plane.resize((size, size), Image.Resampling.BICUBIC) for plane in planes]
    pixels = np.clip(np.stack([np.asarray(plane) for plane in planes], axis=-1), -1, 1)  # bicubic overshoots
    return np.broadcast_to(pixels, (size, size, channels))


# --- pages --------------------------------------------------------------------------------------------


def grid(images: np.ndarray, columns: int | None = None, padding: int = 2) -> np.ndarray:
    """Lays images out on white, row by row.

    Args:
        images: uint8 (n, h, w, c).
        columns: images a row; by default the page is about square.
        padding: white pixels around every image.

    Returns:
        uint8 (rows * (h + padding) + padding, columns * (w + padding) + padding, c).
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.dtype != np.uint8 or len(images) == 0:
        raise DataError(
            f"A grid is made of uint8 images (n, h, w, c), and {images.dtype} {images.shape} came: "
            "bring them there with keras_gans.data.to_uint8."
        )
    n, h, w, c = images.shape
    columns = min(n, columns or math.ceil(math.sqrt(n)))
    rows = math.ceil(n / columns)
    page = np.full((rows * (h + padding) + padding, columns * (w + padding) + padding, c), 255, "uint8")
    for index, image in enumerate(images):
        top = padding + (index // columns) * (h + padding)
        left = padding + (index % columns) * (w + padding)
        page[top : top + h, left : left + w] = image
    return page


def save_png(path: str | os.PathLike[str], image: np.ndarray) -> None:
    """Writes uint8 (h, w), (h, w, 1) or (h, w, 3) as a PNG and makes the folders that lead there."""
    from PIL import Image

    image = np.asarray(image)
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[-1] == 3)):
        raise DataError(
            f"A PNG is made of uint8 pixels (h, w, 1 or 3), and {image.dtype} {image.shape} came: "
            "bring them there with keras_gans.data.to_uint8."
        )
    encoded = io.BytesIO()  # encoded in memory, so that a failure leaves no half-written file
    Image.fromarray(image).save(encoded, format="PNG")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded.getvalue())
