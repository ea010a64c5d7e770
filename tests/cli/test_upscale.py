"""keras-gans upscale"""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_gans
from keras_gans import artifacts
from keras_gans.data import bicubic
from keras_gans.data.photograph import Photograph, read, write
from keras_gans.models import srgan, upscaling
from keras_gans.models.srgan import SRGAN, SRResNet


def _card(name, model):
    return {
        **dict.fromkeys(("title", "description", "license", "weights_license"), "toy"),
        **{"name": name, "family": type(model).__name__, "task": "upscale", "status": "pretrained", "version": 1},
        "architecture": model.architecture(),
        "paper": model.paper,
        "data": {"source": "toy", "split": "train", "seen": "nothing"},
        "recipes": {"quick": {"batch_size": 2, "steps": 1, "seed": 0, "compile": {}}},
        "default_recipe": "quick",
        "limits": ["Draws toys only."],
    }


@pytest.fixture(scope="session")
def upscalers(tmp_path_factory):
    """A folder of two tiny published models, which draw something."""
    import keras

    root, patch = tmp_path_factory.mktemp("upscalers"), pytest.MonkeyPatch()
    patch.setattr(srgan, "STAGES", ((1, 1), (2, 2)))
    for seed, (name, model) in enumerate({"srresnet_x2": SRResNet(2, 1, 2), "srgan_x2": SRGAN(2, 1, 2, 16)}.items()):
        keras.utils.set_random_seed(seed)
        network = model.upscaler()
        network.get_layer("last").kernel.assign(100 * network.get_layer("last").kernel)
        if name == "srgan_x2":
            model.ema_ready.assign(1)
        model.card = _card(name, model)
        model.save_pretrained(root / name, {"steps": 0, "hardware": "none"})
    patch.undo()
    return root


@pytest.fixture
def zoo(upscalers, zoo, monkeypatch):
    """The registry of the other tests, and these."""
    monkeypatch.setattr(srgan, "STAGES", ((1, 1), (2, 2)))
    for model in upscalers.iterdir():
        (zoo / model.name).symlink_to(model)
    return zoo


@pytest.fixture
def up(kg, zoo):
    """Runs the command with the tiny SRResNet."""
    return lambda *arguments: kg("upscale", *arguments, "--model", "srresnet_x2")


@pytest.fixture
def model(zoo):
    return keras_gans.load("srresnet_x2")


def photo(path, *shape, dtype="uint8", profile=None, seed=0):
    """Writes noise. Returns its pixels."""
    pixels = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape or (9, 7, 3), dtype)
    write(path, Photograph(pixels, profile))
    return pixels


def files(folder="."):
    return sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())


# --- what is written where ----------------------------------------------------------------------------


def test_one_file_beside_itself(up, model):
    pixels = photo("photo.png")
    result = up("photo.png")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.splitlines()[-1] == "wrote photo_x2.png (14x18)"
    np.testing.assert_array_equal(read("photo_x2.png").pixels, model.upscale(pixels))
    np.testing.assert_array_equal(read("photo.png").pixels, pixels)


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (["photo.png", "--out", "deep/large.tif"], ["deep/large.tif"]),
        (["photo.png", "--out", "large"], ["large/photo.png"]),
        (["photo.png", "--out", "large", "--suffix", "-big"], ["large/photo-big.png"]),
        (["photo.png", "--suffix", "-big"], ["photo-big.png"]),
        (["photo.png", "--out", "large.PNG"], ["large.PNG"]),
        (["photo.png", "b/c/other.bmp"], ["b/c/other_x2.bmp", "photo_x2.png"]),
        (["photo.png", "b/c/other.bmp", "--out", "large"], ["large/other.bmp", "large/photo.png"]),
        (["b", "--out", "large"], ["large/c/other.bmp", "large/deep.png"]),
        (["b"], ["b/c/other_x2.bmp", "b/deep_x2.png"]),
        (["*.png", "--out", "large"], ["large/photo.png", "large/second.png"]),
        (["**/*.bmp", "--out", "large"], ["large/other.bmp"]),
        (["b/deep.png", "./b/deep.png", "b", "--out", "large"], ["large/c/other.bmp", "large/deep.png"]),
        (["{here}/photo.png", "photo.png", "*.png", "--out", "large"], ["large/photo.png", "large/second.png"]),
        (["animation.gif"], ["animation_x2.png"]),
        (["no_end"], ["no_end_x2.png"]),
        (["photo.png", "--out", "taken.png"], ["taken.png/photo.png"]),
        (["photo.png", "--out", "new.png/"], ["new.png/photo.png"]),
        (["b", "--out", "b/large"], ["b/large/c/other.bmp", "b/large/deep.png"]),
    ],
)
def test_where_they_go(arguments, written, up):
    for name in ("photo.png", "second.png", "b/deep.png", "b/c/other.bmp"):
        photo(name, 4, 5, 3)
    Image.new("L", (4, 3)).save("animation.gif")
    Path("photo.png").with_name("no_end").write_bytes(Path("photo.png").read_bytes())
    Path("b/notes.txt").write_text("no image")
    Path("taken.png").mkdir()
    before = files()
    result = up(*(argument.format(here=Path.cwd()) for argument in arguments))
    assert result.exit_code == 0, result.stderr
    assert sorted(set(files()) - set(before)) == written
    assert result.stderr.count("wrote ") == len(written)


def test_a_model_in_a_folder_and_the_default(kg, zoo, model):
    pixels = photo("photo.png", 4, 5, 3)
    assert kg("upscale", "photo.png", "--model", zoo / "srresnet_x2").exit_code == 0
    np.testing.assert_array_equal(read("photo_x2.png").pixels, model.upscale(pixels))
    (zoo / "srgan_x4").symlink_to(zoo / "nowhere")
    assert "no model 'srgan_x4'" in kg("upscale", "photo.png").stderr  # which is the default


def test_json(up):
    photo("photo.png", 4, 5, 3)
    Path("bad.png").write_text("no image")
    result = up("photo.png", "bad.png", "--json")
    assert json.loads(result.stdout) == {"paths": ["photo_x2.png"], "failed": 1}
    assert result.exit_code == 1


# --- nothing is lost ----------------------------------------------------------------------------------


def _refused(result, words, code=1):
    assert result.exit_code == code
    assert words in result.stderr
    assert result.stdout == ""
    assert "wrote" not in result.stderr


def test_nothing_is_written_over_unasked(up):
    photo("a.png", 4, 5, 3)
    photo("b.png", 4, 5, 3)
    Path("b_x2.png").write_text("old")
    before = files()
    _refused(up("a.png", "b.png"), "b_x2.png is there already: take another --out or --suffix, or --overwrite")
    assert files() == before  # a.png was not begun with
    assert Path("b_x2.png").read_text() == "old"
    assert up("a.png", "b.png", "--overwrite").exit_code == 0
    assert read("b_x2.png").pixels.shape == (8, 10, 3)


@pytest.mark.parametrize(
    "arguments",
    [
        ["photo.png", "--suffix", ""],
        ["photo.png", "--out", "."],
        ["photo.png", "--out", "photo.png"],
        ["{here}/photo.png", "--out", "photo.png"],
        ["link.png", "--out", "photo.png"],
        ["photo.png", "--out", "link.png"],
        ["photo.png", "photo_x2.png"],
        [".", "--out", "."],
    ],
)
def test_what_came_in_is_never_written_over(arguments, up):
    photo("photo.png", 4, 5, 3)
    photo("photo_x2.png", 4, 5, 3, seed=1)
    Path("link.png").symlink_to("photo.png")
    before = {name: Path(name).read_bytes() for name in files()}
    arguments = [argument.format(here=Path.cwd()) for argument in arguments]
    _refused(up(*arguments, "--overwrite"), "is one of the images that came in: take another --out or --suffix")
    assert {name: Path(name).read_bytes() for name in files()} == before


@pytest.mark.parametrize("arguments", [["photos"], ["photos/*.png"], ["photos", "--out", "photos/large"]])
def test_what_was_made_before_is_not_made_larger_again(arguments, up):
    for name in ("a.png", "b.png"):
        photo(f"photos/{name}", 4, 5, 3)
    assert up(*arguments).exit_code == 0
    made = files()
    _refused(up(*arguments), "is there already: take another --out or --suffix, or --overwrite, or --skip-existing")
    again = up(*arguments, "--overwrite")
    assert (again.exit_code, again.stderr.count("wrote ")) == (0, 2)
    assert files() == made
    (gone,) = (name for name in made if "a_x2" in name or "large/a" in name)
    Path(gone).unlink()  # as if the call had been stopped
    assert up(*arguments, "--skip-existing").stderr.count("wrote ") == 1
    assert files() == made
    rest = up(*arguments, "--skip-existing", "--json")
    assert (rest.exit_code, json.loads(rest.stdout)) == (0, {"paths": [], "failed": 0})
    assert "Nothing is left to do" in rest.stderr


def test_what_comes_to_be_there_meanwhile_stays(up, monkeypatch):
    photo("a.png", 4, 5, 3)
    draw = upscaling.Upscales._draw

    def slow(self, run, small):
        Path("a_x2.png").write_text("another's")
        return draw(self, run, small)

    monkeypatch.setattr(upscaling.Upscales, "_draw", slow)
    result = up("a.png")
    assert result.exit_code == 1
    assert "error: a_x2.png has come to be there meanwhile" in result.stderr
    assert Path("a_x2.png").read_text() == "another's"
    assert up("a.png", "--overwrite").exit_code == 0


def test_two_that_would_become_one(up):
    for name in ("a/photo.png", "b/photo.png", "c/photo.gif"):
        Path(name).parent.mkdir()
        Image.new("L", (5, 4)).save(name)
    words = "b/photo.png and a/photo.png would both become large/photo.png: rename one"
    _refused(up("a", "b", "--out", "large", "--overwrite"), words)
    _refused(up("a/photo.png", "c/photo.gif", "--out", "large"), "would both become large/photo.png")
    assert not Path("large").exists()
    assert up("a/photo.png", "b/photo.png").exit_code == 0  # each beside itself


def test_a_corrupt_file_among_others_is_said_and_left_out(up):
    for name in ("a.png", "c.png", "d.jpg"):
        photo(f"photos/{name}", 4, 5, 3)
    Path("photos/b.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    half = Path("photos/d.jpg").read_bytes()
    Path("photos/d.jpg").write_bytes(half[: len(half) // 2])
    result = up("photos", "--out", "large")
    assert result.exit_code == 1
    assert files("large") == ["large/a.png", "large/c.png"]
    lines = result.stderr.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 2
    assert "photos/b.png" in errors[0]
    assert "photos/d.jpg" in errors[1]
    assert lines[-1] == "Error: 2 of 4 images could not be upscaled; the others were."
    alone = up("photos/b.png", "--out", "other")
    assert alone.stderr.splitlines()[-1] == "Error: 1 of 1 images could not be upscaled."
    assert not Path("other").exists()


def test_what_a_format_cannot_hold_is_said_before_it_is_drawn(up, monkeypatch):
    """JPEG ends at 65,500 pixels a side."""
    monkeypatch.setattr(upscaling.Upscales, "_draw", None)
    photo("wide.png", 1, 32_800, 3)
    photo("page.png", 1, 11_000, 3)
    words = "error: wide.jpg would be of 65600x2 pixels, and JPEG holds at most 65,500 a side: take .png"
    assert words in up("wide.png", "--out", "wide.jpg").stderr
    words = "error: page.jpg would be of 66048x42 pixels"  # three pictures and their margins
    assert words in up("page.png", "--compare", "--out", "page.jpg").stderr
    assert files() == ["page.png", "wide.png"]


def test_what_cannot_be_written_is_said_and_left_out(up):
    photo("wide.png", 4, 5, 3)
    photo("small.png", 4, 5, 3)
    Path("large").mkdir()
    (Path("large") / "wide.png").mkdir()
    result = up("wide.png", "small.png", "--out", "large", "--overwrite")
    assert result.exit_code == 1
    assert "error: wide.png: " in result.stderr
    assert "wrote large/small.png" in result.stderr


@pytest.mark.parametrize("error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "no more")])
def test_out_of_memory_costs_one_image(error, up, monkeypatch):
    photo("a.png", 4, 5, 3)
    photo("b.png", 8, 5, 3)
    draw = upscaling.Upscales._draw

    def limited(self, run, small):
        if small.shape[0] > 4:
            raise error
        return draw(self, run, small)

    monkeypatch.setattr(upscaling.Upscales, "_draw", limited)
    result = up("b.png", "a.png")
    assert result.exit_code == 1
    assert "error: b.png: memory ran out on a tile of 8x8 pixels" in result.stderr
    assert "wrote a_x2.png" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere.png"], 1, "An image, a folder of images or a pattern was wanted and 'nowhere.png' is none"),
        (["*.webp"], 1, "'*.webp' is none"),
        (["empty"], 1, "'empty' is none"),
        ([], 2, "Missing argument 'IN...'"),
        (["photo.png", "second.png", "--out", "large.png"], 2, "--out large.png is one file, and 2 images came"),
        (["photo.png", "--out", "large.gif"], 2, "--out is a folder, or a file that ends in .png, .jpg,"),
        (["photo.png", "second.png", "--out", "notes"], 2, "and notes came"),
        (["photo.png", "--tile", "0"], 2, "0 is not in the range x>=1"),
        (["photo.png", "--overwrite", "--skip-existing"], 2, "take one of them"),
        (["photo.png", "--suffix", "/../x"], 2, "--suffix is a part of a name, and '/../x' came"),
    ],
)
def test_refused_before_anything_is_loaded(arguments, code, words, up, zoo, monkeypatch):
    monkeypatch.setattr(keras_gans, "load", None)
    photo("photo.png", 4, 5, 3)
    photo("second.png", 4, 5, 3)
    Path("empty").mkdir()
    Path("notes").write_text("a file")
    before = files()
    _refused(up(*arguments), words, code)
    assert files() == before


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("toy_digits", "toy_digits is a model to generate, and one that upscales was wanted"),
        ("toy_reader", "toy_reader is a model to classify, and one that upscales was wanted"),
        ("toy_nothing", "There is no model 'toy_nothing'"),
    ],
)
def test_other_models_are_refused(name, words, kg, zoo):
    photo("photo.png", 4, 5, 3)
    _refused(kg("upscale", "photo.png", "--model", name), words)


def test_a_recipe_says_how_it_is_trained(kg, zoo, upscalers):
    (zoo / "srresnet_x2").unlink()
    card = {**artifacts.read_card(upscalers / "srresnet_x2"), "status": "recipe"}
    artifacts.write_card(zoo / "srresnet_x2", card)
    photo("photo.png", 4, 5, 3)
    _refused(kg("upscale", "photo.png", "--model", "srresnet_x2"), "keras-gans train srresnet_x2")


# --- kinds of images ----------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_channels_and_profile_are_kept(channels, up, model):
    pixels = photo("photo.png", 5, 6, channels, profile=b"a profile")
    assert up("photo.png").exit_code == 0
    found = read("photo_x2.png")
    assert found.profile == b"a profile"
    np.testing.assert_array_equal(found.pixels, model.upscale(pixels))


def test_sixteen_bits_are_kept(up, model):
    pixels = photo("photo.png", 5, 6, 1, dtype="uint16")
    assert up("photo.png").exit_code == 0
    found = read("photo_x2.png").pixels
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, model.upscale(pixels))


def test_lost_depth_is_said(up):
    Path("photo.png").write_bytes(tf.io.encode_png(np.full((5, 6, 3), 0x1234, "uint16")).numpy())
    result = up("photo.png")
    assert result.exit_code == 0
    assert "photo.png: its 16 bits a channel become 8" in result.stderr


def test_it_stands_upright_as_the_camera_meant(up, model):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype="uint8")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(pixels))).save("photo.png", exif=exif)
    assert up("photo.png").exit_code == 0
    assert not Image.open("photo_x2.png").getexif()  # else it would be turned again
    np.testing.assert_array_equal(read("photo_x2.png").pixels, model.upscale(pixels))


def test_tiles_are_of_the_size_that_was_asked_for(up, model, monkeypatch):
    pixels = photo("photo.png", 30, 40, 3)
    seen = []
    draw = upscaling.Upscales._draw
    monkeypatch.setattr(
        upscaling.Upscales, "_draw", lambda self, run, part: seen.append(part.shape[:2]) or draw(self, run, part)
    )
    assert up("photo.png", "--tile", 20).exit_code == 0
    assert len(seen) == 4
    apart = read("photo_x2.png").pixels.astype(int) - model.upscale(pixels)
    assert np.abs(apart).max() <= 1


@pytest.mark.parametrize(
    "name",
    ["grüße aus Köln.png", "日本 🗻.png", "a\nb.png", "[1] photo.png", "-dash.png", "a.b.c.png", "bad \udcff.png"],
)
def test_names_are_taken_as_they_are(name, up):
    photo(Path("in") / name, 4, 5, 3)
    assert up("in", "--out", "large").exit_code == 0
    assert files("large") == [f"large/{name}"]
    assert up(f"in/{name}", "--suffix", "_2", "--json").exit_code == 0
    assert len(files("in")) == 2


# --- beside one another -------------------------------------------------------------------------------


def _parts(page, height, width, count):
    """The pictures of a page, without captions and margins."""
    assert page.shape == (height + 40, count * (width + 16), 3)
    return [page[32 : 32 + height, 8 + i * (width + 16) :][:, :width] for i in range(count)]


def test_compare_writes_them_side_by_side(kg, zoo):
    pixels = photo("photo.png", 30, 20, 3, profile=b"a profile")
    result = kg("upscale", "photo.png", "--compare", "--model", "srgan_x2")
    assert result.exit_code == 0, result.stderr
    found = read("photo_compared.png")
    assert found.profile == b"a profile"
    parts = _parts(found.pixels, 60, 40, 4)
    np.testing.assert_array_equal(parts[0], pixels.repeat(2, axis=0).repeat(2, axis=1))
    np.testing.assert_array_equal(parts[1], bicubic(pixels, scale=2))
    np.testing.assert_array_equal(parts[2], keras_gans.load("srresnet_x2").upscale(pixels))
    np.testing.assert_array_equal(parts[3], keras_gans.load("srgan_x2").upscale(pixels))
    for i in range(4):  # each has its name above it
        assert (found.pixels[8:24, i * 56 + 8 : i * 56 + 48] < 128).any()


def test_compare_of_an_srresnet_has_it_once(up):
    photo("photo.jpg", 30, 20, 3)
    assert up("photo.jpg", "--compare").exit_code == 0
    assert files() == ["photo.jpg", "photo_compared.png"]  # a page is wider than JPEG holds, soon
    photo("photo.png", 30, 20, 3)
    assert up("photo.png", "--compare", "--out", "page.png").exit_code == 0
    _parts(read("page.png").pixels, 60, 40, 3)


def test_compare_without_an_srresnet_of_the_scale(kg, zoo):
    (zoo / "srresnet_x2").unlink()
    photo("photo.png", 30, 20, 3)
    assert kg("upscale", "photo.png", "--compare", "--model", "srgan_x2").exit_code == 0
    _parts(read("photo_compared.png").pixels, 60, 40, 3)


@pytest.mark.parametrize(("channels", "dtype"), [(1, "uint8"), (1, "uint16"), (2, "uint8"), (4, "uint8")])
def test_compare_of_other_kinds_is_in_colour(channels, dtype, up):
    photo("photo.png", 30, 20, channels, dtype=dtype, profile=b"a profile")
    assert up("photo.png", "--compare").exit_code == 0
    found = read("photo_compared.png")
    _parts(found.pixels, 60, 40, 3)
    assert found.profile == (b"a profile" if channels == 4 else None)  # grey's is not that of colour
