"""Photographs in files: what is read stays what it was, and what is written can be read again."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageCms

from keras_gans.data import DataError
from keras_gans.data.photograph import WRITTEN, Photograph, flat, read, write

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(*shape, dtype="uint8"):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, shape, dtype)


@pytest.fixture
def saved(tmp_path):
    """Saves a Pillow image, and gives what `read` makes of the file."""

    def save(image, name="photo.png", **options):
        image.save(tmp_path / name, **options)
        return read(tmp_path / name)

    return save


# --- reading ------------------------------------------------------------------------------------------

# What the camera did to the upright picture before it stored it (EXIF 2.32, table 6).
_STORED = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.transpose(1, 0, 2),
    6: lambda x: np.rot90(x),
    7: lambda x: x[::-1, ::-1].transpose(1, 0, 2),
    8: lambda x: np.rot90(x, -1),
}


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["colour", "alpha", "grey", "deep"])
def test_it_stands_upright(turn, kind, saved):
    channels = {"colour": 3, "alpha": 4}.get(kind, 1)
    upright = noise(4, 6, channels, dtype="uint16" if kind == "deep" else "uint8")
    stored = np.ascontiguousarray(_STORED[turn](upright))
    exif = Image.Exif()
    exif[0x0112] = turn
    found = saved(Image.fromarray(stored[..., 0] if channels == 1 else stored), exif=exif)
    assert found.pixels.dtype == upright.dtype
    np.testing.assert_array_equal(found.pixels, upright)


def test_colour_grey_and_their_alpha(saved):
    for channels, mode in ((1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")):
        pixels = noise(5, 7, channels)
        image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
        assert image.mode == mode
        found = saved(image)
        np.testing.assert_array_equal(found.pixels, pixels)
        assert found.profile is None


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "photo.webp", "photo.tif"])
def test_the_profile_comes_along(name, saved):
    found = saved(Image.fromarray(noise(5, 7, 3)), name, icc_profile=PROFILE)
    assert found.profile == PROFILE
    assert found.pixels.shape == (5, 7, 3)


def test_a_palette_becomes_colour(saved):
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    for i in range(3):
        image.putpixel((i, 0), i)
    colours = [[10, 20, 30], [40, 50, 60], [70, 80, 90]]
    np.testing.assert_array_equal(saved(image).pixels[0], colours)
    for transparency, alpha in ((1, [255, 0, 255]), (bytes([255, 9, 0]), [255, 9, 0])):
        found = saved(image, transparency=transparency, icc_profile=PROFILE)
        np.testing.assert_array_equal(found.pixels[0], np.c_[colours, alpha])
        assert found.profile == PROFILE
    np.testing.assert_array_equal(saved(image, "photo.gif", transparency=2).pixels[0, :, 3], [255, 255, 0])


def test_one_grey_or_colour_may_mean_nothing_here(saved):
    grey = saved(Image.fromarray(np.array([[0, 7, 9]], "uint8")), transparency=7).pixels
    np.testing.assert_array_equal(grey[0], [[0, 255], [7, 0], [9, 255]])
    colour = saved(Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], "uint8")), transparency=(1, 2, 3)).pixels
    np.testing.assert_array_equal(colour[0], [[1, 2, 3, 0], [4, 5, 6, 255]])
    bits = saved(Image.fromarray(np.array([[True, False]])), transparency=0).pixels
    np.testing.assert_array_equal(bits[0], [[255, 255], [0, 0]])


def test_bits_become_black_and_white(saved):
    pixels = np.array([[True, False, True]])
    for name in ("photo.png", "photo.tif", "photo.pbm"):
        np.testing.assert_array_equal(saved(Image.fromarray(pixels), name).pixels[..., 0], [[255, 0, 255]])


@pytest.mark.parametrize("name", ["photo.png", "photo.tif", "photo.pgm"])
def test_sixteen_bits_stay(name, saved):
    pixels = noise(5, 7, dtype="uint16")
    found = saved(Image.fromarray(pixels), name).pixels
    assert (found.dtype.name, found.shape) == ("uint16", (5, 7, 1))
    np.testing.assert_array_equal(found[..., 0], pixels)


@pytest.mark.parametrize(("channels", "read_as"), [(3, 3), (4, 4), (2, 4)])
def test_other_sixteen_bits_become_eight_and_that_is_told(channels, read_as, tmp_path):
    """Of colour, and of grey with alpha: Pillow makes 8 bits of them, and colour of the latter."""
    pixels = np.full((5, 7, channels), 0x1234, "uint16")
    (tmp_path / "photo.png").write_bytes(tf.io.encode_png(pixels).numpy())
    found = read(tmp_path / "photo.png")
    assert (found.pixels.dtype.name, found.pixels.shape, found.deeper) == ("uint8", (5, 7, read_as), True)
    assert np.abs(found.pixels[..., :3].astype(int) - 0x12).max() <= 1


def test_eight_bits_and_deep_grey_lose_nothing(saved):
    for pixels in (noise(5, 7, 3), noise(5, 7), noise(5, 7, dtype="uint16")):
        assert not saved(Image.fromarray(pixels)).deeper


def test_one_deep_grey_value_may_mean_nothing(tmp_path):
    grey = np.array([[0, 257, 65535]], "uint16")
    data = tf.io.encode_png(grey[..., None]).numpy()
    body = b"tRNS" + struct.pack(">H", 257)
    chunk = struct.pack(">I", 2) + body + struct.pack(">I", zlib.crc32(body))
    at = data.index(b"IDAT") - 4
    (tmp_path / "photo.png").write_bytes(data[:at] + chunk + data[at:])
    found = read(tmp_path / "photo.png")
    np.testing.assert_array_equal(found.pixels[0], [[0, 255], [1, 0], [255, 255]])
    assert found.deeper


@pytest.mark.parametrize(
    ("values", "reason"),
    [(np.full((2, 2), 70000, "int32"), "32-bit pixels"), (np.full((2, 2), 0.5, "float32"), "floating-point pixels")],
)
def test_deeper_ones_are_refused(values, reason, saved):
    with pytest.raises(DataError, match=rf"Cannot read .*photo.tif \(it has {reason}; save it with 8 or 16 bits\)"):
        saved(Image.fromarray(values), "photo.tif")


def test_cmyk_becomes_rgb_whose_profile_is_not_its_own(saved):
    image = Image.new("CMYK", (2, 3), (0, 255, 255, 0))
    found = saved(image, "photo.tif", icc_profile=PROFILE)
    np.testing.assert_array_equal(found.pixels, np.broadcast_to([255, 0, 0], (3, 2, 3)))
    assert found.profile is None


def test_of_an_animation_the_first_frame_is_taken(saved):
    frames = [Image.new("L", (3, 2), shade) for shade in (40, 200)]
    found = saved(frames[0], "photo.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(found.pixels[..., :3], np.full((2, 3, 3), 40))


# --- what cannot be read ------------------------------------------------------------------------------


def _refused(path, words, **more):
    with pytest.raises(DataError, match=words) as caught:
        read(path, **more)
    assert str(path.name) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "photo.webp", "photo.tif", "photo.gif", "photo.bmp"])
def test_half_a_file(name, tmp_path):
    Image.fromarray(noise(40, 40, 3)).save(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    _refused(tmp_path / name, "Cannot read .*: replace or remove it")


def test_what_is_no_image(tmp_path):
    for data in (b"", b"not an image", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n"):
        (tmp_path / "photo.jpg").write_bytes(data)
        _refused(tmp_path / "photo.jpg", "Cannot read .*: replace or remove it")
    _refused(tmp_path, "Cannot read")
    _refused(tmp_path / "nowhere.png", "Cannot read .*nowhere.png")


def _bomb(path, side):
    """A PNG that says it is large, and has no pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))


def test_the_cap_on_pixels(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_GANS_MAX_PIXELS", raising=False)
    for side in (9_000, 40_000):
        _bomb(tmp_path / "bomb.png", side)
        _refused(tmp_path / "bomb.png", "pixels")
    Image.fromarray(noise(10, 10, 3)).save(tmp_path / "photo.png")
    monkeypatch.setenv("KERAS_GANS_MAX_PIXELS", "99")
    _refused(tmp_path / "photo.png", "says it has 10 x 10 pixels, more than the 99 that are decoded")
    monkeypatch.setenv("KERAS_GANS_MAX_PIXELS", "100")
    assert read(tmp_path / "photo.png").pixels.shape == (10, 10, 3)
    _refused(tmp_path / "photo.png", "more than the 99", max_pixels=99)


# --- writing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [".png", ".tif", ".tiff", ".bmp", ".PNG"])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_formats_keep_every_pixel(end, channels, tmp_path):
    pixels, path = noise(5, 7, channels), tmp_path / f"photo{end}"
    write(path, Photograph(pixels, PROFILE))
    found = read(path)
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.profile == (None if end == ".bmp" else PROFILE)


@pytest.mark.parametrize("end", [".png", ".tif"])
def test_alpha_and_depth_are_kept_where_they_can_be(end, tmp_path):
    for pixels in (noise(5, 7, 2), noise(5, 7, 4), noise(5, 7, 1, dtype="uint16")):
        write(tmp_path / f"photo{end}", Photograph(pixels, None))
        found = read(tmp_path / f"photo{end}").pixels
        assert found.dtype == pixels.dtype
        np.testing.assert_array_equal(found, pixels)


def smooth(channels):
    """Bars that JPEG and WebP hold on to."""
    bars = np.linspace(0, 255, 32).astype("uint8")
    return np.repeat(np.broadcast_to(bars, (24, 32))[..., None], channels, axis=-1)


@pytest.mark.parametrize("end", [".jpg", ".jpeg", ".webp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossy_formats_keep_it_about(end, channels, tmp_path):
    write(tmp_path / f"photo{end}", Photograph(smooth(channels), PROFILE))
    found = read(tmp_path / f"photo{end}")
    np.testing.assert_allclose(found.pixels.astype(int), smooth(found.pixels.shape[-1]), atol=6)
    assert found.pixels.shape[-1] == (3 if end == ".webp" else channels)  # WebP has no grey
    assert found.profile == (None if end == ".webp" and channels == 1 else PROFILE)  # and no use for grey's profile


def test_webp_keeps_alpha(tmp_path):
    for channels in (2, 4):
        pixels = smooth(channels)
        pixels[:, 16:, -1] = 0
        pixels[:, :16, -1] = 255
        write(tmp_path / "photo.webp", Photograph(pixels, None))
        found = read(tmp_path / "photo.webp").pixels
        np.testing.assert_array_equal(found[..., 3], pixels[..., -1])
        np.testing.assert_allclose(found[:, :14, 0].astype(int), pixels[:, :14, 0], atol=6)


@pytest.mark.parametrize("end", [".jpg", ".bmp"])
def test_elsewhere_alpha_lies_over_white(end, tmp_path):
    for channels in (2, 4):
        pixels = np.full((16, 16, channels), 100, "uint8")
        pixels[:8, :, -1], pixels[8:, :, -1] = 255, 0
        write(tmp_path / f"photo{end}", Photograph(pixels, None))
        found = read(tmp_path / f"photo{end}").pixels.astype(int)
        assert found.shape == (16, 16, channels - 1)
        np.testing.assert_allclose(found[:8], 100, atol=2)
        np.testing.assert_allclose(found[8:], 255, atol=2)


@pytest.mark.parametrize("end", [".jpg", ".bmp", ".webp"])
def test_elsewhere_sixteen_bits_become_eight(end, tmp_path):
    pixels = smooth(1).astype("uint16") * 257
    write(tmp_path / f"photo{end}", Photograph(pixels, None))
    found = read(tmp_path / f"photo{end}").pixels
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found[..., :1].astype(int), smooth(1), atol=6)


def test_sixteen_bits_are_rounded(tmp_path):
    deep = np.array([[0, 128, 129, 385, 386, 65406, 65407, 65535]], "uint16")[..., None]
    write(tmp_path / "photo.bmp", Photograph(deep, None))
    np.testing.assert_array_equal(read(tmp_path / "photo.bmp").pixels[0, :, 0], [0, 0, 1, 1, 2, 254, 255, 255])


def test_other_ends_are_refused(tmp_path):
    for name in ("photo.gif", "photo", "photo.xyz"):
        with pytest.raises(DataError, match=rf"Images are written as .png, .*, and '{name}' came"):
            write(tmp_path / name, Photograph(noise(2, 2, 3), None))
    assert not list(tmp_path.iterdir())
    assert ".gif" not in WRITTEN


@pytest.mark.parametrize(("name", "side"), [("photo.jpg", 65_536), ("photo.webp", 16_384)])
def test_what_a_format_cannot_hold_is_one_sentence_and_no_file(name, side, tmp_path):
    """And what stood there stays."""
    wide = Photograph(np.zeros((1, side, 3), "uint8"), None)
    with pytest.raises(DataError, match=rf"{name} would be of {side}x1 pixels, and \w+ holds at most") as caught:
        write(tmp_path / "new" / name, wide)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.*"))
    (tmp_path / name).write_bytes(b"old")
    with pytest.raises(DataError):
        write(tmp_path / name, wide)
    assert (tmp_path / name).read_bytes() == b"old"
    assert len(list(tmp_path.rglob("*.*"))) == 1
    write(tmp_path / "photo.png", wide)
    assert read(tmp_path / "photo.png").pixels.shape == (1, side, 3)


def test_folders_that_lead_there_are_made(tmp_path):
    write(tmp_path / "a" / "b" / "photo.png", Photograph(noise(2, 2, 3), None))
    assert read(tmp_path / "a" / "b" / "photo.png").pixels.shape == (2, 2, 3)


# --- flat ---------------------------------------------------------------------------------------------


def test_flat_is_eight_bit_colour_over_white():
    colour = noise(3, 4, 3)
    np.testing.assert_array_equal(flat(colour), colour)
    grey = noise(3, 4, 1)
    np.testing.assert_array_equal(flat(grey), grey.repeat(3, axis=-1))
    np.testing.assert_array_equal(flat(grey.astype("uint16") * 257), grey.repeat(3, axis=-1))
    np.testing.assert_array_equal(flat(np.array([[[100, 255], [100, 0], [0, 51]]], "uint8"))[0, :, 1], [100, 255, 204])
    np.testing.assert_array_equal(flat(np.array([[[9, 8, 7, 255], [9, 8, 7, 0]]], "uint8"))[0], [[9, 8, 7], [255] * 3])


def test_a_stream_is_read_as_a_file_is():
    file = io.BytesIO()
    Image.fromarray(noise(3, 4, 4)).save(file, "PNG")
    file.seek(0)
    np.testing.assert_array_equal(read(file).pixels, noise(3, 4, 4))
