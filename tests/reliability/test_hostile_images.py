"""Hostile pictures: each is read to the pixels that its format says, or refused in one sentence and in little memory.

The files are written here, mostly byte by byte, because no honest program writes them; what they must look like is
worked out here too, so that Pillow is not held against itself. Two tables say what has to come of each: `READ` and
`REFUSED`. A picture that Pillow must decode before it shows that it is broken costs what a good one of its size does:
such files are small here, and KERAS_GANS_MAX_PIXELS is what bounds them.
"""

import functools
import io
import json
import logging
import os
import pickle
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from keras_gans.data import DataError, decode, load, photograph
from keras_gans.data.images import header

RISE = 50 * 2**20  # bytes that a refusal may take
PLAIN = np.array([[10, 200, 90], [60, 0, 255]], "uint8")  # the picture that most of the readable files hold
COLOUR = np.array([[[10, 20, 30], [200, 0, 255]], [[1, 2, 3], [90, 80, 70]]], "uint8")


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, "uint8")


# --- writing them -------------------------------------------------------------------------------------


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, bits, colour, rows, *chunks, after=()):
    """A PNG of filtered rows; chunks lie before and after them."""
    start = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    chunks = [chunk(*one) for one in (*chunks, (b"IDAT", zlib.compress(rows, 9)), *after, (b"IEND", b""))]
    return b"\x89PNG\r\n\x1a\n" + start + b"".join(chunks)


def rows_of(pixels):
    """Rows as PNG filters them, by filter 0: not at all."""
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def grey_png(pixels, *chunks, **rest):
    return png(pixels.shape[1], pixels.shape[0], 8, 0, rows_of(pixels), *chunks, **rest)


def tiff(width, height, bits, photometric, data, end="<", following=0, **tags):
    """A TIFF of one strip; tags=... adds or replaces entries of the directory: tag number -> (type, values)."""
    sizes = {1: "B", 2: "B", 3: "H", 4: "I"}
    entries = {256: (4, [width]), 257: (4, [height]), 258: (3, bits), 259: (3, [1]), 262: (3, [photometric])}
    entries |= {273: (4, [0]), 277: (3, [len(bits)]), 278: (4, [height]), 279: (4, [len(data)])}
    entries |= {int(tag.removeprefix("t")): entry for tag, entry in tags.items()}
    values = {tag: struct.pack(f"{end}{len(v)}{sizes[kind]}", *v) for tag, (kind, v) in entries.items()}
    beyond = 8 + 2 + 12 * len(entries) + 4
    if "t273" not in tags:
        strip = beyond + sum(len(v) for v in values.values() if len(v) > 4)
        values[273] = struct.pack(end + "I", strip)
    directory, heap = b"", b""
    for tag, (kind, v) in sorted(entries.items()):
        where = values[tag].ljust(4, b"\0")
        if len(where) > 4:
            where, heap = struct.pack(end + "I", beyond + len(heap)), heap + where
        directory += struct.pack(end + "HHI", tag, kind, len(v)) + where
    magic = (b"II" if end == "<" else b"MM") + struct.pack(end + "HIH", 42, 8, len(entries))
    return magic + directory + struct.pack(end + "I", following) + heap + data


def bmp(width, height, bits, data, palette=b"", compression=0, colours=0, offset=None, header_size=40):
    start = 14 + 40 + len(palette) if offset is None else offset
    info = struct.pack("<IiiHHIIiiII", header_size, width, height, 1, bits, compression, len(data), 0, 0, colours, 0)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + info + palette + data


def gif(width, height, frame, palette, codes, extension=b""):
    """A GIF of one frame (left, top, width, height) with 4 colours; codes: 3-bit LZW codes, packed."""
    screen = struct.pack("<HHBBB", width, height, 0b1000_0001, 0, 0) + bytes(palette)
    image = b"," + struct.pack("<HHHHB", *frame, 0) + b"\2" + bytes([len(codes)]) + codes + b"\0"
    return b"GIF89a" + screen + extension + image + b";"


def lzw(pixels):
    """GIF's codes for pixels 0 to 3: each for itself, with the table cleared before every second one."""
    codes = [code for i, pixel in enumerate(pixels) for code in ([4, pixel] if i % 2 == 0 else [pixel])]
    number = sum(code << (3 * i) for i, code in enumerate([*codes, 5]))
    return number.to_bytes((3 * (len(codes) + 1) + 7) // 8, "little")


def riff(*chunks):
    """A WebP of chunks."""
    body = b"WEBP" + b"".join(k + struct.pack("<I", len(d)) + d + b"\0" * (len(d) % 2) for k, d in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def canvas(width, height, flags=0):
    """The chunk that says how large a WebP is."""
    return b"VP8X", struct.pack("<I", flags) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def bitstream(pixels):
    """The lossless WebP chunk of a picture."""
    data = saved(pixels, "WEBP", lossless=True)
    return b"VP8L", data[20 : 20 + struct.unpack("<I", data[16:20])[0]]


def frame(pixels):
    """A frame of an animated WebP, at its upper left."""
    kind, data = bitstream(pixels)
    size = b"".join((side - 1).to_bytes(3, "little") for side in (pixels.shape[1], pixels.shape[0]))
    return b"ANMF", bytes(6) + size + bytes(4) + kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", grey_png(PLAIN))
    return file.getvalue()


def saved(pixels, form, **options):
    """What Pillow writes."""
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, form, **options)
    return file.getvalue()


def segments(data):
    """A JPEG as [(marker, bytes with the marker)], the last with all that follows."""
    found, at = [(0xD8, data[:2])], 2
    while data[at + 1] != 0xDA:
        end = at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        found.append((data[at + 1], data[at:end]))
        at = end
    return [*found, (0xDA, data[at:])]


def jpeg_with(data, *new, without=()):
    """A JPEG with segments (marker, payload) put at its front, and without those of some markers."""
    first, *rest = segments(data)
    new = [struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload for marker, payload in new]
    return b"".join([first[1], *new, *(part for marker, part in rest if marker not in without)])


def jpeg_sized(data, width, height):
    """A JPEG whose header claims another size."""
    frames = (0xC0, 0xC1, 0xC2)
    parts = [p[:5] + struct.pack(">HH", height, width) + p[9:] if m in frames else p for m, p in segments(data)]
    return b"".join(parts)


def exif(value, kind=3, count=1):
    """EXIF, big-endian, with one entry: the orientation."""
    place = struct.pack(">HH", value, 0) if kind == 3 else struct.pack(">I", value)
    return b"MM\0*" + struct.pack(">IHHHI", 8, 1, 0x0112, kind, count) + place + struct.pack(">I", 0)


def flat_jpeg(side=16, level=100, **options):
    return saved(np.full((side, side), level, "uint8"), "JPEG", quality=95, **options)


def black(side):
    """A square black PNG: 1,032 pixels a byte."""
    squeezer = zlib.compressobj(9)
    rows = b"".join(squeezer.compress(bytes(side + 1)) for _ in range(side)) + squeezer.flush()
    start = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + start + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def over_white(colours, alpha):
    """Colours (..., c) with alpha (...) in 0..255 on white paper."""
    part = np.asarray(alpha, "float64")[..., None] / 255
    return np.rint(np.asarray(colours, "float64") * part + 255 * (1 - part)).astype("uint8")


# --- those that are read ------------------------------------------------------------------------------


def upright(stored, orientation):
    """A picture as it was seen, from how the camera stored it (EXIF 2.32, table 6): what its first row and column are.

    1: top, left; 2: top, right; 3: bottom, right; 4: bottom, left; 5: left, top; 6: right, top; 7: right, bottom;
    8: left, bottom.
    """
    seen = stored.T if orientation >= 5 else stored
    if orientation in (3, 4, 7, 8):
        seen = seen[::-1]
    return seen[:, ::-1] if orientation in (2, 3, 6, 7) else seen


def naive_rgb(cmyk):
    """CMYK without a profile: each ink and black take their part of white."""
    inks = 255 - np.asarray(cmyk, "float64")
    return inks[..., :3] * inks[..., 3:] / 255


def cmyk_jpeg(ink, transform=0):
    """A JPEG of one CMYK colour, inverted as Adobe writes it, with or without Adobe's mark."""
    image = Image.new("CMYK", (16, 16), ink)
    data = saved(image, "JPEG", quality=100, subsampling=0)
    mark = [] if transform is None else [(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, transform))]
    return jpeg_with(data, *mark, without=(0xEE,))


def ycck():
    """What to write as CMYK for a JPEG of luma, two differences and black, and the RGB that it must be read as.

    Adobe stores inks inverted and takes luma and differences of the inverse of that: so they are those of the inks.
    """
    luma, blue, red, dark = 120, 140, 90, 40
    stored = (luma, blue, red, 255 - dark)
    cyan = luma + 1.402 * (red - 128)
    magenta = luma - 0.344136 * (blue - 128) - 0.714136 * (red - 128)
    yellow = luma + 1.772 * (blue - 128)
    inverse = tuple(255 - part for part in stored)  # Pillow inverts what it writes
    return inverse, naive_rgb([cyan, magenta, yellow, dark])


def profiled(size):
    """A JPEG with an ICC profile of that many bytes, in as many segments as it takes."""
    profile, part = bytes(noise(size)), 65_000
    count = -(-size // part)
    parts = [b"ICC_PROFILE\0" + bytes([i + 1, count]) + profile[i * part : (i + 1) * part] for i in range(count)]
    return jpeg_with(flat_jpeg(), *((0xE2, payload) for payload in parts))


def stereo():
    """An MPO: two JPEGs in one file."""
    return saved(
        Image.new("L", (16, 16), 100), "MPO", save_all=True, append_images=[Image.new("L", (16, 16), 9)], quality=95
    )


def animation(form, **options):
    frames = [Image.new("RGB", (4, 4), (level, level, level)) for level in (10, 200)]
    return saved(frames[0], form, save_all=True, append_images=frames[1:], **options)


_PALETTE = bytes([10, 20, 30, 200, 0, 255, 1, 2, 3, 90, 80, 70])
_IN_PALETTE = COLOUR.reshape(4, 3)
_CLEAR = b"\x21\xf9\x04\x01\0\0\1\0"  # a GIF's extension: index 1 is transparent
_INK = (40, 100, 200, 50)
_LEVELS = np.array([0, 128, 129, 257, 32768, 65535])
_DEEP = np.array([0x1234, 0x56FF, 0xFF00, 0x34AA, 0, 0x0101], ">u2")  # two pixels of 16-bit colour
_DEEP_READ = np.array([[[0x12, 0x56, 0xFF], [0x34, 0, 0x01]]])
_YCCK, _YCCK_READ = ycck()
_GREY16 = np.full((16, 16), 100)

# Name -> (the file's name, its bytes, what is read, by how much a pixel may be off).
# fmt: off
READ = {
    "16-bit grey, most significant byte first": (
        "a.tif", lambda: tiff(6, 1, [16], 1, _LEVELS.astype(">u2").tobytes(), end=">"), [[0, 0, 1, 1, 128, 255]], 0,
    ),
    "16-bit grey as text": (
        "a.pgm", lambda: b"P2 6 1 65535 " + " ".join(map(str, _LEVELS)).encode(), [[0, 0, 1, 1, 128, 255]], 0,
    ),
    "16-bit colour": ("a.png", lambda: png(2, 1, 16, 2, b"\0" + _DEEP.tobytes()), _DEEP_READ, 0),
    "16-bit colour in a TIFF": ("a.tif", lambda: tiff(2, 1, [16] * 3, 2, _DEEP.astype("<u2").tobytes()), _DEEP_READ, 0),
    "16-bit colour, one of them transparent": (
        "a.png",
        lambda: png(2, 1, 16, 2, b"\0" + _DEEP.tobytes(), (b"tRNS", _DEEP[:3].tobytes())),
        [[[255, 255, 255], [0x34, 0, 0x01]]],
        0,
    ),
    "16-bit colour with alpha": (
        "a.png",
        lambda: png(1, 1, 16, 6, b"\0" + np.array([0x6464, 0, 0xC8C8, 0x3333], ">u2").tobytes()),
        over_white([[[100, 0, 200]]], [[51]]),
        0,
    ),
    "1 bit": ("a.png", lambda: png(4, 1, 1, 0, b"\0\x50"), [[0, 255, 0, 255]], 0),
    "1 bit, black transparent": (
        "a.png", lambda: png(4, 1, 1, 0, b"\0\x50", (b"tRNS", b"\0\0")), [[255, 255, 255, 255]], 0,
    ),
    "1 bit, white transparent": (
        "a.png", lambda: png(4, 1, 1, 0, b"\0\x50", (b"tRNS", b"\0\1")), [[0, 255, 0, 255]], 0,
    ),
    "1 bit, 0 is white": ("a.tif", lambda: tiff(4, 1, [1], 0, b"\x50"), [[255, 0, 255, 0]], 0),
    "1 bit of two colours": (
        "a.bmp", lambda: bmp(2, 1, 1, b"\x40\0\0\0", b"\1\2\3\0\4\5\6\0"), [[[3, 2, 1], [6, 5, 4]]], 0,
    ),
    "2-bit grey": ("a.png", lambda: png(4, 1, 2, 0, b"\0\x1b"), [[0, 85, 170, 255]], 0),
    "2-bit grey, a level transparent": (
        "a.png", lambda: png(4, 1, 2, 0, b"\0\x1b", (b"tRNS", b"\0\1")), [[0, 255, 170, 255]], 0,
    ),
    "4-bit grey, a level transparent": (
        "a.png", lambda: png(4, 1, 4, 0, b"\0\x0a\x5f", (b"tRNS", b"\0\5")), [[0, 170, 255, 255]], 0,
    ),
    "grey with alpha": (
        "a.tif", lambda: tiff(3, 1, [8, 8], 1, bytes([100, 255, 100, 51, 9, 0]), t338=(3, [2])), [[100, 224, 255]], 0,
    ),
    "grey that alpha was multiplied into": (
        "a.tif", lambda: tiff(3, 1, [8, 8], 1, bytes([100, 255, 20, 51, 0, 0]), t338=(3, [1])), [[100, 224, 255]], 0,
    ),
    "grey that alpha was multiplied into, as a TIFF in a .png": (
        "a.png", lambda: tiff(1, 1, [8, 8], 1, bytes([51, 51]), end=">", t338=(3, [1])), [[255]], 0,
    ),
    "colour that alpha was multiplied into": (
        "a.tif",
        lambda: tiff(2, 1, [8] * 4, 2, bytes([100, 0, 200, 255, 20, 0, 40, 51]), t338=(3, [1])),
        over_white([[[100, 0, 200]] * 2], [[255, 51]]),
        0,
    ),
    "colour with alpha": (
        "a.tif",
        lambda: tiff(2, 1, [8] * 4, 2, bytes([100, 0, 200, 255, 100, 0, 200, 51]), t338=(3, [2])),
        over_white([[[100, 0, 200]] * 2], [[255, 51]]),
        0,
    ),
    "colour with a channel that says nothing": (
        "a.tif", lambda: tiff(1, 1, [8] * 4, 2, bytes([100, 0, 200, 51]), t338=(3, [0])), [[[100, 0, 200]]], 0,
    ),
    "palette with alpha beside it": (
        "a.tif",
        lambda: tiff(
            2, 1, [8, 8], 3, bytes([7, 255, 7, 51]), t338=(3, [2]), t320=(3, [i * 257 for i in range(256)] * 3)
        ),
        over_white([[[7, 7, 7]] * 2], [[255, 51]]),
        0,
    ),
    "palette with alpha": (
        "a.png",
        lambda: png(2, 2, 8, 3, b"\0\0\1\0\2\3", (b"PLTE", _PALETTE), (b"tRNS", bytes([255, 51, 0]))),
        over_white(COLOUR, [[255, 51], [0, 255]]),
        0,
    ),
    "palette of 2 bits": ("a.png", lambda: png(4, 1, 2, 3, b"\0\x1b", (b"PLTE", _PALETTE)), [_IN_PALETTE], 0),
    "palette that is too short for its alpha": (
        "a.png",
        lambda: png(2, 1, 8, 3, b"\0\0\1", (b"PLTE", _PALETTE), (b"tRNS", bytes([255, 51, *[0] * 254]))),
        over_white([_IN_PALETTE[:2]], [[255, 51]]),
        0,
    ),
    "GIF of four colours": ("a.gif", lambda: gif(4, 1, (0, 0, 4, 1), _PALETTE, lzw([0, 1, 2, 3])), [_IN_PALETTE], 0),
    "GIF with a transparent colour": (
        "a.gif",
        lambda: gif(4, 1, (0, 0, 4, 1), _PALETTE, lzw([0, 1, 2, 3]), _CLEAR),
        over_white([_IN_PALETTE], [[255, 0, 255, 255]]),
        0,
    ),
    "GIF whose frame is larger than its screen": (
        "a.gif", lambda: gif(1, 1, (0, 0, 4, 1), _PALETTE, lzw([0, 1, 2, 3])), [_IN_PALETTE], 0,
    ),
    "CMYK": (
        "a.tif", lambda: tiff(2, 1, [8] * 4, 5, bytes([*_INK, 255, 0, 0, 0])), [naive_rgb([_INK, (255, 0, 0, 0)])], 1,
    ),
    "CMYK, inverted": ("a.jpg", lambda: cmyk_jpeg(_INK), np.broadcast_to(naive_rgb(_INK), (16, 16, 3)), 3),
    "CMYK, inverted without a word": (
        "a.jpg", lambda: cmyk_jpeg(_INK, None), np.broadcast_to(naive_rgb(_INK), (16, 16, 3)), 3,
    ),
    "CMYK as luma and colour": ("a.jpg", lambda: cmyk_jpeg(_YCCK, 2), np.broadcast_to(_YCCK_READ, (16, 16, 3)), 3),
    "32-bit integers that fit": (
        "a.tif", lambda: tiff(6, 1, [32], 1, _LEVELS.astype("<u4").tobytes()), [[0, 0, 1, 1, 128, 255]], 0,
    ),
    **{
        f"EXIF orientation {turn}": (
            "a.png",
            lambda turn=turn: grey_png(PLAIN, (b"eXIf", exif(turn))),
            upright(PLAIN, turn),
            0,
        )
        for turn in range(1, 9)
    },
    "EXIF orientation after the pixels": (
        "a.png", lambda: grey_png(PLAIN, after=[(b"eXIf", exif(6))]), upright(PLAIN, 6), 0,
    ),
    "EXIF orientation 0": ("a.png", lambda: grey_png(PLAIN, (b"eXIf", exif(0))), PLAIN, 0),
    "EXIF orientation 9": ("a.png", lambda: grey_png(PLAIN, (b"eXIf", exif(9))), PLAIN, 0),
    "EXIF orientation 65535": ("a.png", lambda: grey_png(PLAIN, (b"eXIf", exif(65535))), PLAIN, 0),
    "EXIF orientation in letters": (
        "a.png", lambda: grey_png(PLAIN, (b"eXIf", exif(0x41424300, kind=2, count=4))), PLAIN, 0,
    ),
    "EXIF orientation beyond the end": (
        "a.png", lambda: grey_png(PLAIN, (b"eXIf", exif(0xFFFFFF00, kind=4, count=9))), PLAIN, 0,
    ),
    "EXIF of four thousand million orientations": (
        "a.png", lambda: grey_png(PLAIN, (b"eXIf", exif(0, kind=4, count=2**32 - 1))), PLAIN, 0,
    ),
    "EXIF cut short": ("a.jpg", lambda: jpeg_with(flat_jpeg(), (0xE1, b"Exif\0\0" + exif(6)[:12])), _GREY16, 1),
    "EXIF of noise": ("a.jpg", lambda: jpeg_with(flat_jpeg(), (0xE1, b"Exif\0\0" + bytes(noise(60_000)))), _GREY16, 1),
    "EXIF that leads back to itself": (
        "a.png",
        lambda: grey_png(PLAIN, (b"eXIf", b"MM\0*" + struct.pack(">IHHHIII", 8, 1, 0x8769, 4, 1, 8, 8))),
        PLAIN,
        0,
    ),
    "animated GIF": ("a.gif", lambda: animation("GIF"), np.full((4, 4, 3), 10), 0),
    "animated PNG": ("a.png", lambda: animation("PNG"), np.full((4, 4, 3), 10), 0),
    "animated WebP": ("a.webp", lambda: animation("WEBP", lossless=True), np.full((4, 4, 3), 10), 0),
    "TIFF of two pages": ("a.tif", lambda: animation("TIFF"), np.full((4, 4, 3), 10), 0),
    "two JPEGs in one file": ("a.jpg", stereo, _GREY16, 1),
    "TIFF whose next directory is its first": (
        "a.tif", lambda: tiff(3, 2, [8], 1, PLAIN.tobytes(), following=8), PLAIN, 0,
    ),
    "TIFF whose next directory lies nowhere": (
        "a.tif", lambda: tiff(3, 2, [8], 1, PLAIN.tobytes(), following=2**32 - 2), PLAIN, 0,
    ),
    "PNG that claims less than there is": (
        "a.png", lambda: png(3, 2, 8, 0, rows_of(PLAIN) + bytes(5_000_000)), PLAIN, 0,
    ),
    "JPEG that claims less than there is": ("a.jpg", lambda: jpeg_sized(flat_jpeg(64), 16, 16), _GREY16, 1),
    "GIF that claims less than there is": (
        "a.gif", lambda: gif(3, 1, (0, 0, 3, 1), _PALETTE, lzw([0, 1, 2, 3, 3, 3])), [_IN_PALETTE[:3]], 0,
    ),
    "BMP that claims less than there is": (
        "a.bmp", lambda: bmp(1, 1, 24, bytes([30, 20, 10, 0]) + bytes(4000)), [[[10, 20, 30]]], 0,
    ),
    "TIFF that claims less than there is": (
        "a.tif", lambda: tiff(3, 2, [8], 1, PLAIN.tobytes() + bytes(4000)), PLAIN, 0,
    ),
    "WebP that claims less than there is": ("a.webp", lambda: riff(bitstream(COLOUR)) + bytes(4000), COLOUR, 0),
    "PPM that claims less than there is": ("a.ppm", lambda: b"P5 3 2 255\n" + PLAIN.tobytes() + bytes(4000), PLAIN, 0),
    "PNG with a ZIP behind it": ("a.png", lambda: grey_png(PLAIN) + zipped(), PLAIN, 0),
    "JPEG with HTML behind it": ("a.jpg", lambda: flat_jpeg() + b"<script>alert(1)</script>", _GREY16, 1),
    "JPEG named .png": ("a.png", flat_jpeg, _GREY16, 1),
    "PPM named .gif": ("a.gif", lambda: b"P5 3 2 255\n" + PLAIN.tobytes(), PLAIN, 0),
    "BMP from the top": (
        "a.bmp", lambda: bmp(1, -2, 24, bytes([3, 2, 1, 0, 6, 5, 4, 0])), [[[1, 2, 3]], [[4, 5, 6]]], 0,
    ),
    "BMP of runs": (
        "a.bmp",
        lambda: bmp(3, 1, 8, bytes([2, 0, 1, 1, 0, 0, 0, 1]), b"\1\2\3\0\4\5\6\0", compression=1, colours=2),
        [[[3, 2, 1], [3, 2, 1], [6, 5, 4]]],
        0,
    ),
    "JPEG with a profile of 4 MB": ("a.jpg", lambda: profiled(4_000_000), _GREY16, 1),
    "TIFF with a profile of 2 MB": (
        "a.tif", lambda: tiff(3, 2, [8], 1, PLAIN.tobytes(), t34675=(1, bytes(2_000_000))), PLAIN, 0,
    ),
    "JPEG with a segment of no length": ("a.jpg", lambda: b"\xff\xd8\xff\xe0\0\0" + flat_jpeg()[2:], _GREY16, 1),
    "PNG with a profile that is none": (
        "a.png", lambda: grey_png(PLAIN, (b"iCCP", b"x\0\0" + zlib.compress(b"no"))), PLAIN, 0,
    ),
    "PNG with some compressed texts": (
        "a.png", lambda: grey_png(PLAIN, *[(b"zTXt", b"%d\0\0" % i + zeros(1_000_000)) for i in range(20)]), PLAIN, 0,
    ),
    "PNG with a thousand texts": ("a.png", lambda: grey_png(PLAIN, *[(b"tEXt", b"a\0b")] * 1000), PLAIN, 0),
    "a line break in the name": ("a\nb.png", lambda: grey_png(PLAIN), PLAIN, 0),
    "a terminal's orders in the name": ("\x1b[2Ja\x07.png", lambda: grey_png(PLAIN), PLAIN, 0),
    "a name that is no UTF-8": (b"\xff\xfe.png", lambda: grey_png(PLAIN), PLAIN, 0),
    "a name of 250 letters": ("a" * 246 + ".png", lambda: grey_png(PLAIN), PLAIN, 0),
}
# fmt: on


# --- those that are refused ---------------------------------------------------------------------------


class Payload:
    """Unpickled, it would leave a mark."""

    def __reduce__(self):
        return os.system, ("touch $MARK",)


@functools.cache
def zeros(size):
    return zlib.compress(bytes(size), 9)


def cut(data, share):
    return data[: max(1, int(len(data) * share))]


_MANY = 7900  # squared, pixels that are still decoded
_PAGE = noise(64, 64, 3)
_HOLLOW = r"7900 x 7900 pixels, which [\d,]+ bytes cannot hold"
_OTHER = "it is not a PNG, JPEG, WEBP, BMP, GIF, TIFF or PPM image"
_TOO_MANY = r"more( pixels)? than the 64,000,000"
_POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(mark) print showpage\n%%EOF\n"
_IM = b"Image type: L image\r\nImage size (x*y): 3*2\r\n".ljust(511, b"\0") + b"\x1a" + PLAIN.tobytes()
_FORMATS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "BMP": "bmp", "GIF": "gif", "TIFF": "tif", "PPM": "ppm"}

# Name -> (the file's name, its bytes, what the sentence says).
# fmt: off
REFUSED = {
    # Headers that claim more than is decoded.
    "bomb of 8,001 x 8,001": ("a.png", lambda: black(8001), _TOO_MANY),
    "bomb of 8,192 x 8,192": ("a.png", lambda: black(8192), _TOO_MANY),
    "PNG of 10,000 x 10,000": ("a.png", lambda: png(10_000, 10_000, 8, 0, b"\0"), _TOO_MANY),
    "PNG of 2,147,483,647 x 2,147,483,647": ("a.png", lambda: png(2**31 - 1, 2**31 - 1, 8, 0, b"\0"), _TOO_MANY),
    "JPEG of 65,500 x 65,500": ("a.jpg", lambda: jpeg_sized(flat_jpeg(), 65_500, 65_500), _TOO_MANY),
    "GIF of 65,535 x 65,535": ("a.gif", lambda: gif(65_535, 65_535, (0, 0, 4, 1), _PALETTE, lzw([0])), _TOO_MANY),
    "GIF whose frame has 65,535 x 65,535": (
        "a.gif", lambda: gif(4, 1, (0, 0, 65_535, 65_535), _PALETTE, lzw([0])), _TOO_MANY,
    ),
    "BMP of 2,147,483,647 x 2,147,483,647": ("a.bmp", lambda: bmp(2**31 - 1, 2**31 - 1, 24, b"\0"), _TOO_MANY),
    "TIFF of 4,294,967,295 x 4,294,967,295": (
        "a.tif", lambda: tiff(2**32 - 1, 2**32 - 1, [8], 1, b"\0"), "Cannot read",
    ),
    "TIFF of 60,000 x 60,000": ("a.tif", lambda: tiff(60_000, 60_000, [8], 1, b"\0"), _TOO_MANY),
    "WebP of 16,383 x 16,383": (
        "a.webp", lambda: riff(canvas(16_383, 16_383, 2), (b"ANIM", bytes(6)), frame(COLOUR)), _TOO_MANY,
    ),
    "PPM of 60,000 x 60,000": ("a.ppm", lambda: b"P6 60000 60000 255\n", _TOO_MANY),
    # Headers that claim more than there is, though less than is decoded.
    "PNG without most of its rows": ("a.png", lambda: png(_MANY, _MANY, 8, 2, bytes(3 * _MANY + 1)), _HOLLOW),
    "JPEG without most of its blocks": ("a.jpg", lambda: jpeg_sized(flat_jpeg(), _MANY, _MANY), _HOLLOW),
    "progressive JPEG without most of its blocks": (
        "a.jpg", lambda: jpeg_sized(flat_jpeg(progressive=True), _MANY, _MANY), _HOLLOW,
    ),
    "GIF without most of its pixels": (
        "a.gif", lambda: gif(_MANY, _MANY, (0, 0, _MANY, _MANY), _PALETTE, lzw([0])), "Cannot read",
    ),
    "BMP without most of its rows": ("a.bmp", lambda: bmp(_MANY, _MANY, 24, bytes(100)), "Cannot read"),
    "TIFF without most of its rows": ("a.tif", lambda: tiff(_MANY, _MANY, [8] * 3, 2, bytes(100)), "Cannot read"),
    "deflated TIFF without most of its rows": (
        "a.tif", lambda: tiff(_MANY, _MANY, [8] * 3, 2, zeros(100), t259=(3, [8])), _HOLLOW,
    ),
    "WebP with a frame beyond its edge": (
        "a.webp", lambda: riff(canvas(2, 2, 2), (b"ANIM", bytes(6)), frame(_PAGE)), "Cannot read",
    ),
    "WebP whose canvas is larger than its picture": (
        "a.webp", lambda: riff(canvas(_MANY, _MANY), bitstream(COLOUR)), "Cannot read",
    ),
    "PPM without most of its rows": ("a.ppm", lambda: b"P6 7900 7900 255\n" + bytes(100), "Cannot read"),
    "PPM as text without most of its numbers": ("a.ppm", lambda: b"P3 7900 7900 255\n1 2 3\n", "Cannot read"),
    # Files that end early.
    **{
        f"{form} cut to {share}": (
            f"a.{end}",
            lambda form=form, share=share: cut(saved(_PAGE, form), share),
            "Cannot read",
        )
        for form, end in _FORMATS.items()
        for share in (0.0, 0.1, 0.3, 0.8, 0.95)
    },
    # Pixels that are no 8 or 16 bits.
    "floating point": ("a.tif", lambda: tiff(1, 1, [32], 1, struct.pack("<f", 0.5), t339=(3, [3])), "floating-point"),
    "floating point, 16 million": (
        "a.tif",
        lambda: tiff(4000, 4000, [32], 1, zeros(64_000_000), t259=(3, [8]), t339=(3, [3])),
        "floating-point",
    ),
    "floating point in a PFM": ("a.ppm", lambda: b"Pf\n1 1\n-1.0\n" + struct.pack("<f", 0.5), "floating-point"),
    "32-bit integers": ("a.tif", lambda: tiff(2, 1, [32], 1, struct.pack("<II", 0, 65_536)), "32-bit pixels"),
    "negative integers": (
        "a.tif", lambda: tiff(2, 1, [32], 1, struct.pack("<ii", 0, -1), t339=(3, [2])), "32-bit pixels",
    ),
    "12-bit grey": ("a.tif", lambda: tiff(2, 1, [12], 1, bytes([0x12, 0x3F, 0xFF])), "12-bit pixels"),
    "16-bit grey whose 0 is white": ("a.tif", lambda: tiff(1, 1, [16], 0, b"\0\0"), "whose 0 is white"),
    "7-bit grey": ("a.tif", lambda: tiff(1, 1, [7], 1, b"\0"), "Cannot read"),
    # No pictures, or none of a format that is tried.
    "HTML": ("a.png", lambda: b"<!DOCTYPE html><html><body><img src=a.png></body></html>", _OTHER),
    "text": ("a.jpg", lambda: b"This is no picture.\n" * 1000, _OTHER),
    "an empty file": ("a.png", lambda: b"", _OTHER),
    "zeros": ("a.tif", lambda: bytes(100_000), _OTHER),
    "noise": ("a.webp", lambda: bytes(noise(100_000)), _OTHER),
    "a ZIP": ("a.jpg", zipped, _OTHER),
    "a pickle": ("a.jpg", lambda: pickle.dumps(Payload()), _OTHER),
    "a shell script": ("a.jpg", lambda: b"#!/bin/sh\ntouch $MARK\n", _OTHER),
    "SVG": (
        "a.png", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', _OTHER,
    ),
    "EPS": ("a.png", lambda: _POSTSCRIPT, _OTHER),
    "EPS by its own name": ("a.eps", lambda: _POSTSCRIPT, _OTHER),
    "EPS with a preview": (
        "a.jpg",
        lambda: struct.pack("<4sIIIIIIH", b"\xc5\xd0\xd3\xc6", 30, len(_POSTSCRIPT), 0, 0, 0, 0, 0xFFFF) + _POSTSCRIPT,
        _OTHER,
    ),
    "PostScript": ("a.jpg", lambda: b"%!PS\n(mark) print showpage\n", _OTHER),
    "PDF": ("a.png", lambda: saved(PLAIN, "PDF"), _OTHER),
    "ICO": ("a.png", lambda: saved(PLAIN, "ICO"), _OTHER),
    "ICNS": ("a.png", lambda: saved(Image.new("RGBA", (32, 32)), "ICNS"), _OTHER),
    "TGA": ("a.png", lambda: saved(PLAIN, "TGA"), _OTHER),
    "PCX": ("a.bmp", lambda: saved(PLAIN, "PCX"), _OTHER),
    "DDS": ("a.png", lambda: saved(COLOUR, "DDS"), _OTHER),
    "SGI": ("a.png", lambda: saved(PLAIN, "SGI"), _OTHER),
    "IM": ("a.png", lambda: _IM, _OTHER),
    "XBM": ("a.png", lambda: saved(Image.new("1", (8, 8)), "XBM"), _OTHER),
    "JPEG 2000": ("a.jpg", lambda: b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 \0\0\0\0jp2 ", _OTHER),
    "AVIF": ("a.webp", lambda: b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", _OTHER),
    "Photoshop": ("a.png", lambda: b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 1, 1, 8, 3) + bytes(14), _OTHER),
    "WMF": ("a.bmp", lambda: b"\xd7\xcd\xc6\x9a\0\0" + bytes(16) + b"\x01\0\x09\0", _OTHER),
    # Chunks that unpack to more than they are.
    "PNG with 50 MB of compressed text": (
        "a.png", lambda: grey_png(PLAIN, (b"zTXt", b"a\0\0" + zeros(50_000_000))), "Cannot read",
    ),
    "PNG with 50 MB of international text": (
        "a.png", lambda: grey_png(PLAIN, (b"iTXt", b"a\0\1\0\0\0" + zeros(50_000_000))), "Cannot read",
    ),
    "PNG with 50 MB of text behind its pixels": (
        "a.png", lambda: grey_png(PLAIN, after=[(b"zTXt", b"a\0\0" + zeros(50_000_000))]), "Cannot read",
    ),
    "PNG with a profile of 50 MB": (
        "a.png", lambda: grey_png(PLAIN, (b"iCCP", b"x\0\0" + zeros(50_000_000))), "Cannot read",
    ),
    # No pixels.
    "PNG of 0 x 0": ("a.png", lambda: png(0, 0, 8, 0, b""), "Cannot read"),
    "PNG of 0 x 5": ("a.png", lambda: png(0, 5, 8, 0, b"\0" * 5), "Cannot read"),
    "JPEG of 16 x 0": ("a.jpg", lambda: jpeg_sized(flat_jpeg(), 16, 0), "Cannot read"),
    "GIF of 0 x 0": ("a.gif", lambda: gif(0, 0, (0, 0, 0, 0), _PALETTE, lzw([])), "Cannot read"),
    "BMP of 0 x 4": ("a.bmp", lambda: bmp(0, 4, 24, b""), "Cannot read"),
    "TIFF of 0 x 4": ("a.tif", lambda: tiff(0, 4, [8], 1, b""), "Cannot read"),
    "PPM of 0 x 4": ("a.ppm", lambda: b"P6 0 4 255\n", "Cannot read"),
    # Parts that are wrong.
    "PNG without pixels": (
        "a.png",
        lambda: (
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 0, 0, 0, 0)) + chunk(b"IEND", b"")
        ),
        "Cannot read",
    ),
    "PNG with a chunk of 2 GB": (
        "a.png", lambda: grey_png(PLAIN)[:33] + struct.pack(">I", 2**31 - 1) + b"IDAT" + bytes(100), "Cannot read",
    ),
    "PNG with a wrong sum": ("a.png", lambda: grey_png(PLAIN)[:29] + bytes(4) + grey_png(PLAIN)[33:], "Cannot read"),
    "PNG of 3 bits": ("a.png", lambda: png(3, 2, 3, 0, rows_of(PLAIN)), "Cannot read"),
    "PNG of colour type 5": ("a.png", lambda: png(3, 2, 8, 5, rows_of(PLAIN)), "Cannot read"),
    "PNG with filter 9": ("a.png", lambda: png(3, 1, 8, 0, b"\x09\1\2\3"), "Cannot read"),
    "PNG of noise": (
        "a.png",
        lambda: grey_png(PLAIN).replace(
            zlib.compress(rows_of(PLAIN), 9), bytes(noise(len(zlib.compress(rows_of(PLAIN), 9))))
        ),
        "Cannot read",
    ),
    "GIF with codes of 13 bits": (
        "a.gif",
        lambda: gif(4, 1, (0, 0, 4, 1), _PALETTE, lzw([0, 1, 2, 3])).replace(b"\0\2\3", b"\0\x0d\3"),
        "Cannot read",
    ),
    "GIF without a frame": ("a.gif", lambda: gif(4, 1, (0, 0, 4, 1), _PALETTE, lzw([0]))[:25] + b";", "Cannot read"),
    "BMP of 17 bits": ("a.bmp", lambda: bmp(1, 1, 17, bytes(4)), "Cannot read"),
    "BMP with a header of 4 GB": ("a.bmp", lambda: bmp(1, 1, 24, bytes(4), header_size=2**32 - 1), "Cannot read"),
    "BMP whose pixels lie nowhere": ("a.bmp", lambda: bmp(1, 1, 24, bytes(4), offset=2**31), "Cannot read"),
    "BMP of runs that end early": (
        "a.bmp", lambda: bmp(4, 4, 8, b"\2\0\0\1", bytes(8), compression=1, colours=2), "Cannot read",
    ),
    "TIFF with a directory of 65,535 entries": (
        "a.tif", lambda: b"II*\0\x08\0\0\0\xff\xff" + bytes(100), "Cannot read",
    ),
    "TIFF with an entry of 4 GB": (
        "a.tif", lambda: tiff(1, 1, [8], 1, b"\0")[:10] + struct.pack("<HHII", 256, 4, 2**30, 8), "Cannot read",
    ),
    "TIFF whose directory is its header": ("a.tif", lambda: b"II*\0\0\0\0\0", "Cannot read"),
    "TIFF of an unknown compression": (
        "a.tif", lambda: tiff(3, 2, [8], 1, PLAIN.tobytes(), t259=(3, [9999])), "Cannot read",
    ),
    "TIFF whose strip lies nowhere": (
        "a.tif", lambda: tiff(3, 2, [8], 1, PLAIN.tobytes(), t273=(4, [2**32 - 1])), "Cannot read",
    ),
    "TIFF of noise for LZW": ("a.tif", lambda: tiff(64, 64, [8], 1, bytes(noise(500)), t259=(3, [5])), "Cannot read"),
    "JPEG without a size": ("a.jpg", lambda: b"".join(p for m, p in segments(flat_jpeg()) if m != 0xC0), "Cannot read"),
    "JPEG of the first mark alone": ("a.jpg", lambda: b"\xff\xd8\xff" * 1000, "Cannot read"),
    "WebP that claims 4 GB": (
        "a.webp", lambda: b"RIFF\xff\xff\xff\xffWEBPVP8L\xff\xff\xff\xff" + bytes(50), "Cannot read",
    ),
    "WebP of noise": ("a.webp", lambda: riff((b"VP8L", bytes(noise(200)))), "Cannot read"),
    "PPM whose white is 0": ("a.ppm", lambda: b"P6 1 1 0\n" + bytes(3), "Cannot read"),
    "PPM whose white is 70,000": ("a.ppm", lambda: b"P6 1 1 70000\n" + bytes(6), "Cannot read"),
    "PPM of less than nothing": ("a.ppm", lambda: b"P6 -5 -5 255\n" + bytes(75), "Cannot read"),
    "PPM with a number of a million digits": ("a.ppm", lambda: b"P6 " + b"1" * 1_000_000, "Cannot read"),
    "PPM that gives a terminal orders": ("a.ppm", lambda: b"P6 \x1b[2J\x07 1 255\n" + bytes(3), "Cannot read"),
    # Names.
    "a line break in the name": ("a\nb.png", lambda: b"no", r"a\\nb\.png"),
    "a terminal's orders in the name": ("\x1b[2Ja\x07.png", lambda: b"no", r"\\x1b\[2Ja\\x07\.png"),
    "a name from right to left": ("a\u202egnp.png", lambda: b"no", r"a\\u202egnp\.png"),
    "a name that is no UTF-8": (b"\xff\xfe.png", lambda: b"no", r"\\udcff\\udcfe\.png"),
    "a line break in a bomb's name": ("a\nb.png", lambda: png(60_000, 60_000, 8, 0, b"\0"), r"a\\nb\.png|more pixels"),
    # Last, because where the peak cannot be set back, all that follow would share it.
    "PNG with a hundred texts of 1 MB": (
        "a.png",
        lambda: grey_png(PLAIN, *[(b"zTXt", b"%d\0\0" % i + zeros(1_000_000)) for i in range(100)]),
        "its compressed texts may take",
    ),
    "PNG with a hundred international texts behind its pixels": (
        "a.png",
        lambda: grey_png(PLAIN, after=[(b"iTXt", b"%d\0\1\0\0\0" % i + zeros(1_000_000)) for i in range(100)]),
        "its compressed texts may take",
    ),
}
# fmt: on


# --- what comes of them -------------------------------------------------------------------------------


def put(folder, name, data):
    """Writes a file in a folder of its own; its path."""
    folder.mkdir(parents=True)
    path = os.path.join(os.fsencode(folder), name if isinstance(name, bytes) else name.encode())
    Path(os.fsdecode(path)).write_bytes(data)
    return os.fsdecode(path)


def check_read(case, folder):
    """The pixels, by every road: `decode`, what `header` says of it beforehand, and `photograph`."""
    name, write, wanted, off = READ[case]
    path, wanted = put(folder, name, write()), np.asarray(wanted)
    image = decode(path)
    assert image.mode == ("L" if wanted.ndim == 2 else "RGB")
    pixels = np.asarray(image)
    assert pixels.shape == wanted.shape
    assert np.abs(pixels.astype("float64") - wanted).max() <= off + 0.5 * (off > 0)
    assert header(path, case) == (*wanted.shape[:2], 1 if wanted.ndim == 2 else 3)
    seen = photograph.flat(photograph.read(path).pixels)
    assert np.abs(seen.astype("float64") - (wanted if wanted.ndim == 3 else wanted[..., None])).max() <= off + 1
    return pixels


def is_one_sentence(text):
    return text.isprintable() and (text.endswith(": replace or remove it.") or text.endswith("if you trust it."))


if (b"II", 1, (1,), 1, (8, 8), (1,)) not in TiffImagePlugin.OPEN_INFO:  # Pillow 11
    READ = {case: row for case, row in READ.items() if not case.startswith("grey that alpha was multiplied into")}


@pytest.mark.filterwarnings("ignore")  # Pillow warns of some; that is no error where this package runs
@pytest.mark.parametrize("case", READ)
def test_it_is_read(case, tmp_path):
    check_read(case, tmp_path / "it")


def test_the_largest_is_read(tmp_path):
    """8,000 x 8,000 in 65 kB are 64 million pixels, and these may be decoded."""
    path = put(tmp_path / "it", "a.png", black(8000))
    assert os.path.getsize(path) < 70_000
    pixels = np.asarray(decode(path))
    assert pixels.shape == (8000, 8000)
    assert not pixels.any()


# In a fresh process: whose memory is not used yet, and whose peak is known before and after each file.
_REFUSE = """
import json, os, resource, sys
from keras_gans.data.images import decode

def peak():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

def forget():
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the peak begins anew
    except OSError:
        pass

start = peak()
for path in json.load(sys.stdin):
    forget()
    try:
        decode(path)
        error, kind = None, None
    except Exception as caught:
        error, kind = str(caught), type(caught).__name__
    print(json.dumps({"error": error, "kind": kind, "rise": peak() - start}), flush=True)
"""


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    """{case: what one process said of it}, and whether any program was started."""
    folder = tmp_path_factory.mktemp("refused")
    mark = folder / "mark"
    programs = folder / "programs"
    programs.mkdir()
    for program in ("gs", "gswin32c", "gswin64c", "inkscape", "convert"):
        (programs / program).write_text(f"#!/bin/sh\ntouch {mark}\n")
        (programs / program).chmod(0o755)
    paths = [put(folder / str(i), name, write()) for i, (name, write, _) in enumerate(REFUSED.values())]
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_", "KERAS_GANS_"))}
    environment = {**plain, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "MARK": str(mark)}
    done = subprocess.run(
        [sys.executable, "-c", _REFUSE], input=json.dumps(paths), env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return dict(zip(REFUSED, found, strict=True)), dict(zip(REFUSED, paths, strict=True)), mark.exists()


def check_refused(case, refusals):
    """One sentence that names the file and says why, for no more memory than a refusal may take; what was measured."""
    found, paths, _ = refusals
    said = found[case]
    assert said["kind"] == "DataError", said
    assert re.search(REFUSED[case][2], said["error"]), said
    assert is_one_sentence(said["error"]), said
    assert said["error"].count(shown(paths[case])) == 1, said
    assert said["rise"] < RISE, said
    return said


def shown(path):
    """A path as an error shows it, where it has letters that are not printed."""
    return re.sub(r"[^ -~]", lambda found: found[0].encode("unicode_escape").decode(), path)


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused(case, refusals):
    check_refused(case, refusals)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", REFUSED)
def test_photographs_and_headers_refuse_it_alike(case, refusals):
    """`header` may know nothing of what is wrong with the pixels; it never raises anything else."""
    _, paths, _ = refusals
    with pytest.raises(DataError, match=r"Cannot read|more than") as caught:
        photograph.read(paths[case])
    assert is_one_sentence(str(caught.value))
    error = None
    try:
        header(paths[case], paths[case])
    except DataError as caught_too:
        error = str(caught_too)
    assert error is None or is_one_sentence(error)


def test_no_program_is_started(refusals):
    """Ghostscript above all; the programs that stand in for it here leave a mark."""
    assert not refusals[2]


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
def test_all_of_them(tmp_path, refusals, record):
    for number, case in enumerate(READ):
        check_read(case, tmp_path / str(number))
    rises = {case: check_refused(case, refusals)["rise"] for case in REFUSED}
    worst = max(rises, key=rises.get)
    record(
        "hostile images",
        images=len(READ) + len(REFUSED),
        read_as_specified=len(READ),
        refused_as_specified=len(REFUSED),
        greatest_rise_mib=round(rises[worst] / 2**20, 1),
        greatest_rise_of=worst,
        programs_started=int(refusals[2]),
    )


# --- in a folder --------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """300 pictures, each of one grey, and room for others."""
    for level in range(300):
        (tmp_path / f"{level:03}.png").write_bytes(grey_png(np.full((8, 8), level % 256, "uint8")))
    return tmp_path


_BAD = ["bomb of 8,192 x 8,192", "EPS", "a shell script", "PNG with 50 MB of compressed text"]


def test_three_among_three_hundred_are_skipped(folder, caplog):
    names = [f"{number}50b.png" for number in range(3)]
    for name, case in zip(names, _BAD, strict=False):
        (folder / name).write_bytes(REFUSED[case][1]())
    with caplog.at_level(logging.WARNING, logger="keras_gans"):
        data = load(folder)
        np.testing.assert_array_equal(np.asarray(data.images)[:, 0, 0, 0], np.arange(300) % 256)
    assert [Path(path).name for path, _ in data.skipped] == names
    assert "skipped 3 of 303 images" in caplog.text
    assert all(caplog.text.count(str(folder / name)) == 1 for name in names)


def test_four_among_three_hundred_are_too_many(folder):
    for number, case in enumerate(_BAD):
        (folder / f"{number}50b.png").write_bytes(REFUSED[case][1]())
    with pytest.raises(DataError, match="4 of 304 images cannot be read, and no more than 1 % may be"):
        len(load(folder))
