"""keras_gans.data.images: ranges, every kind of file, shapes, pages."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from keras_gans.data import DataError, decode, grid, resize, save_png, square, to_range, to_uint8
from keras_gans.data.images import header


def encoded(image: Image.Image, format: str, **options) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, format=format, **options)
    file.seek(0)
    return file


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, "uint8")


def png(width: int, height: int, bits: int, colour: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> io.BytesIO:
    """A PNG written by hand: what Pillow will not write, or what lies."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))


# --- value ranges -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 1), (0, 255), (-0.5, 0.5)])
def test_uint8_spans_the_range_and_comes_back(low, high):
    levels = np.arange(256, dtype="uint8")
    out = np.asarray(to_range(levels, low, high))
    assert out.dtype == np.float32
    assert (out[0], out[255]) == (low, high)
    np.testing.assert_allclose(out, low + (high - low) * (levels / 255), atol=1e-6 * (high - low))
    np.testing.assert_array_equal(to_uint8(out, low, high), levels)


def test_floats_are_taken_from_minus_one_to_one():
    x = np.array([-1, -0.5, 0, 1], "float64")
    np.testing.assert_array_equal(np.asarray(to_range(x, 0, 1)), np.array([0, 0.25, 0.5, 1], "float32"))
    same = np.asarray(to_range(x, -1, 1))
    assert same.dtype == np.float32
    np.testing.assert_array_equal(same, x)


def test_to_range_refuses_other_dtypes():
    with pytest.raises(DataError, match="int32 came"):
        to_range(np.zeros(3, "int32"), -1, 1)


def test_to_uint8_clips_rounds_half_to_even_and_refuses_nan():
    np.testing.assert_array_equal(to_uint8([-7.0, 7.0, -np.inf, np.inf], -1, 1), [0, 255, 0, 255])
    np.testing.assert_array_equal(to_uint8([0.5, 1.5, 2.5, 3.5], 0, 255), [0, 2, 2, 4])
    with pytest.raises(DataError, match="NaN"):
        to_uint8([0.0, np.nan], -1, 1)


# --- files: modes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM", "GIF", "WEBP"])
def test_lossless_formats_keep_every_pixel(format):
    grey = np.repeat(noise(6, 5, 1), 3, axis=-1) if format in ("GIF", "WEBP") else noise(6, 5, 3)
    options = {"lossless": True} if format == "WEBP" else {}
    image = Image.fromarray(grey[..., 0]) if format == "GIF" else Image.fromarray(grey)
    out = decode(encoded(image, format, **options))
    np.testing.assert_array_equal(np.asarray(out.convert("RGB")), grey)


def test_jpeg_is_read_about_right():
    out = decode(encoded(Image.new("RGB", (16, 8), (200, 40, 90)), "JPEG", quality=95))
    assert (out.mode, out.size) == ("RGB", (16, 8))
    np.testing.assert_allclose(np.asarray(out, "int32"), np.broadcast_to([200, 40, 90], (8, 16, 3)), atol=3)


def test_alpha_lies_over_white():
    rgba = np.zeros((1, 3, 4), "uint8")
    rgba[0, :, :3] = (100, 0, 200)
    rgba[0, :, 3] = (255, 0, 51)  # 51 / 255 is a fifth
    out = decode(encoded(Image.fromarray(rgba), "PNG"))
    assert out.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(out)[0], [[100, 0, 200], [255, 255, 255], [224, 204, 244]])


def test_grey_with_alpha_stays_grey():
    pixels = np.array([[[100, 255], [100, 0], [0, 51]]], "uint8")
    out = decode(encoded(Image.fromarray(pixels), "PNG"))
    assert out.mode == "L"
    np.testing.assert_array_equal(np.asarray(out), [[100, 255, 204]])


def test_palette_and_its_transparency():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    np.testing.assert_array_equal(np.asarray(decode(encoded(image, "PNG")))[0], [[10, 20, 30], [40, 50, 60]])
    for transparency in (1, bytes([255, 0])):
        out = np.asarray(decode(encoded(image, "PNG", transparency=transparency)))
        np.testing.assert_array_equal(out[0], [[10, 20, 30], [255, 255, 255]])


def test_one_colour_of_grey_or_rgb_may_be_transparent():
    grey = decode(encoded(Image.fromarray(np.array([[0, 7]], "uint8")), "PNG", transparency=7))
    np.testing.assert_array_equal(np.asarray(grey), [[0, 255]])
    rgb = np.array([[[1, 2, 3], [4, 5, 6]]], "uint8")
    out = decode(encoded(Image.fromarray(rgb), "PNG", transparency=(1, 2, 3)))
    np.testing.assert_array_equal(np.asarray(out)[0], [[255, 255, 255], [4, 5, 6]])


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_grey_is_divided_by_257(format):
    levels = np.array([[0, 128, 129, 257, 32768, 65535]], "uint16")
    out = decode(encoded(Image.fromarray(levels), format))
    assert out.mode == "L"
    np.testing.assert_array_equal(np.asarray(out), [[0, 0, 1, 1, 128, 255]])


def test_sixteen_bit_grey_with_a_transparent_level():
    rows = b"\0" + struct.pack(">HHH", 0, 5000, 65535)
    out = decode(png(3, 1, 16, 0, rows, (b"tRNS", struct.pack(">H", 5000))))
    np.testing.assert_array_equal(np.asarray(out), [[0, 255, 255]])


def test_sixteen_bit_colour_and_grey_with_alpha():
    rows = b"\0" + struct.pack(">HHH", 0, 32896, 65535)
    np.testing.assert_array_equal(np.asarray(decode(png(1, 1, 16, 2, rows))), [[[0, 128, 255]]])
    rows = b"\0" + struct.pack(">HHHH", 32896, 65535, 0, 0)
    np.testing.assert_array_equal(np.asarray(decode(png(2, 1, 16, 4, rows)).convert("L")), [[128, 255]])


def test_one_bit_and_cmyk():
    bits = decode(encoded(Image.fromarray(np.array([[True, False]])), "PNG"))
    assert bits.mode == "L"
    np.testing.assert_array_equal(np.asarray(bits), [[255, 0]])
    cmyk = decode(encoded(Image.new("CMYK", (2, 2), (0, 255, 255, 0)), "TIFF"))
    np.testing.assert_array_equal(np.asarray(cmyk)[0, 0], [255, 0, 0])


@pytest.mark.parametrize(
    "values", [np.array([[0.5]], "float32"), np.array([[-5]], "int32"), np.array([[70000]], "int32")]
)
def test_pixels_without_a_range_are_refused(values):
    with pytest.raises(DataError, match="save it with 8 or 16 bits"):
        decode(encoded(Image.fromarray(values), "TIFF"))


def test_the_first_frame_of_an_animation():
    frames = [Image.new("L", (4, 4), level) for level in (10, 200)]
    out = decode(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert np.asarray(out.convert("L")).max() == 10


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_put_upright(format, orientation):
    # Four quarters of 16 pixels, so that JPEG's blocks do not run into each other.
    upright = np.kron(np.array([[0, 90], [170, 255], [60, 200]], "uint8"), np.ones((16, 16), "uint8"))
    lies = {  # how the camera stored what was seen, from the EXIF standard: what row 0 and column 0 are
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if format == "WEBP" else {}
    file = encoded(Image.fromarray(np.ascontiguousarray(lies)), format, exif=exif, **options)
    out = decode(file)
    np.testing.assert_allclose(np.asarray(out.convert("L"), "int32"), upright, atol=2)
    assert header(file, "it") == (*upright.shape, 1 if out.mode == "L" else 3)


def test_broken_exif_does_not_hide_a_picture():
    pixels = noise(8, 8, 3)
    out = decode(encoded(Image.fromarray(pixels), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    np.testing.assert_array_equal(np.asarray(out), pixels)


# --- files: hostile -----------------------------------------------------------------------------------


def test_a_bomb_is_refused_by_its_header(monkeypatch):
    rows = b"\0" * 8193 * 8192  # 67 million pixels in 65 kB
    bomb = png(8192, 8192, 8, 0, rows)
    assert len(bomb.getvalue()) < 70_000
    loaded = []
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: loaded.append(self))
    with pytest.raises(DataError, match=r"8192 x 8192 pixels, more than the 64,000,000.*KERAS_GANS_MAX_PIXELS"):
        decode(bomb)
    assert not loaded


@pytest.mark.parametrize("side", [10_000, 60_000, 2**31 - 1])  # from 89 million on, Pillow itself warns, then raises
def test_a_header_that_claims_too_much(side):
    with pytest.raises(DataError, match=r"more( pixels)? than the 64,000,000"):
        decode(png(side, side, 8, 0, b"\0"))


def test_the_cap_can_be_set(monkeypatch):
    image = encoded(Image.new("L", (10, 10)), "PNG")
    assert decode(image, max_pixels=100).size == (10, 10)
    image.seek(0)
    with pytest.raises(DataError, match="more than the 99"):
        decode(image, max_pixels=99)
    monkeypatch.setenv("KERAS_GANS_MAX_PIXELS", "5e1")
    image.seek(0)
    with pytest.raises(DataError, match="more than the 50"):
        decode(image)
    monkeypatch.setenv("KERAS_GANS_MAX_PIXELS", "lots")
    image.seek(0)
    with pytest.raises(DataError, match="'lots' came: set it like 64e6"):
        decode(image)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5])
def test_truncated_files_are_named(format, kept, tmp_path):
    data = encoded(Image.fromarray(noise(64, 64, 3)), format).getvalue()
    path = tmp_path / f"cut.{format.lower()}"
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(DataError, match=rf"Cannot read .*cut\.{format.lower()} \(.+\): replace or remove it\."):
        decode(path)


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE html><html><body>404</body></html>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"\x89PNG\r\n\x1a\n",
        b"P6 -1 -1 255\n",
    ],
)
def test_what_is_no_image_is_named(data, tmp_path):
    path = tmp_path / "page.png"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"Cannot read .*page\.png"):
        decode(path)


def test_formats_outside_the_list_are_not_tried(tmp_path):
    path = tmp_path / "real.png"
    path.write_bytes(encoded(Image.new("L", (4, 4)), "ICO").getvalue())
    with pytest.raises(DataError, match="it is not a PNG, JPEG"):
        decode(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(DataError, match=f"Cannot read {path}"):
            decode(path)


# --- shapes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(12, 8), (8, 12), (13, 8), (8, 8)])
def test_the_centre_square_is_taken(width, height):
    pixels = noise(height, width, 3)
    left, top = (width - 8) // 2, (height - 8) // 2
    out = square(Image.fromarray(pixels), 8, 3)
    np.testing.assert_array_equal(out, pixels[top : top + 8, left : left + 8])


def test_the_outside_of_the_square_does_not_bleed_in():
    pixels = np.zeros((8, 24), "uint8")
    pixels[:, :8] = pixels[:, 16:] = 255
    assert square(Image.fromarray(pixels), 4, 1).max() == 0


def test_grey_and_colour():
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]] * 3, "uint8")
    np.testing.assert_array_equal(square(Image.fromarray(colours), 3, 1)[0, :, 0], [76, 150, 29])
    grey = noise(5, 5)
    np.testing.assert_array_equal(square(Image.fromarray(grey), 5, 3), np.stack([grey] * 3, axis=-1))


def test_shrinking_is_antialiased():
    stripes = np.tile(np.array([0, 255], "uint8"), (64, 32))  # to pick pixels would give all black or all white
    out = square(Image.fromarray(stripes), 8, 1)
    assert 120 <= out.min() <= out.max() <= 135


def test_resize_is_square_for_each_image():
    images = noise(3, 9, 12, 3)
    for channels in (1, 3):
        out = resize(images, 6, channels)
        assert (out.shape, out.dtype) == ((3, 6, 6, channels), np.uint8)
        for i in range(3):
            np.testing.assert_array_equal(out[i], square(Image.fromarray(images[i]), 6, channels))
    np.testing.assert_array_equal(resize(images, 9, 3), images[:, :, 1:10])


def test_floats_are_resized_like_pixels():
    # The same picture as floats: within the rounding to 256 levels, at both passes of the filter.
    images = noise(2, 12, 9, 3)
    floats = (images / 127.5 - 1).astype("float32")
    for size, channels in [(6, 3), (20, 1), (9, 1)]:
        out = resize(floats, size, channels)
        assert (out.shape, out.dtype) == ((2, size, size, channels), np.float32)
        assert np.abs(out).max() <= 1
        assert np.abs((out + 1) * 127.5 - resize(images, size, channels).astype("float32")).max() < 2
    np.testing.assert_array_equal(resize(floats[..., :1], 9, 3)[..., 2], floats[:, 1:10, :, 0])


# --- pages --------------------------------------------------------------------------------------------


def test_a_grid_is_laid_out_row_by_row():
    images = np.arange(1, 6, dtype="uint8")[:, None, None, None] * np.ones((1, 2, 3, 1), "uint8")
    page = grid(images, padding=1)
    assert page.shape == (2 * 3 + 1, 3 * 4 + 1, 1)
    np.testing.assert_array_equal(page[1, :, 0], [255, 1, 1, 1, 255, 2, 2, 2, 255, 3, 3, 3, 255])
    np.testing.assert_array_equal(page[4, :, 0], [255, 4, 4, 4, 255, 5, 5, 5, 255, 255, 255, 255, 255])
    assert grid(images, columns=1, padding=0).shape == (10, 3, 1)
    with pytest.raises(DataError, match="float32"):
        grid(images.astype("float32"))


def test_a_png_comes_back_from_a_new_folder(tmp_path):
    for name, image in [("grey", noise(4, 5, 1)), ("colour", noise(4, 5, 3)), ("flat", noise(4, 5))]:
        path = tmp_path / "a" / "b" / f"{name}.png"
        save_png(path, image)
        np.testing.assert_array_equal(np.asarray(Image.open(path)), np.squeeze(image))
    with pytest.raises(DataError, match=r"float64 \(4, 5\)"):
        save_png(tmp_path / "x.png", np.zeros((4, 5)))
