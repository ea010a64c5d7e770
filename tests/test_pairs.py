"""Models that upscale, measured on pairs of a small and a large image."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

import keras_gans
from keras_gans import metrics
from keras_gans.api import pairs
from keras_gans.artifacts import DataError, MetricError
from keras_gans.data import bicubic
from keras_gans.models.srgan import SRResNet


class Doubles:
    """Upscales by repeating pixels."""

    scale = 2

    def upscale(self, image):
        return image.repeat(2, axis=0).repeat(2, axis=1)


def photograph(seed, *shape):
    return bicubic(np.random.default_rng(seed).integers(0, 256, (7, 7, shape[-1]), dtype="uint8"), size=shape[:2])


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(path)


@pytest.fixture
def folder(tmp_path):
    """Three pairs, one of them grey; and what is no pair."""
    for seed, (name, *shape) in enumerate([("b.png", 30, 40, 3), ("a.png", 36, 32, 3), ("c/grey.png", 40, 30, 1)]):
        large = photograph(seed, *shape)
        save(tmp_path / "Toys" / "HR" / name, large)
        save(tmp_path / "Toys" / "LRx2" / name, bicubic(large, scale=0.5))
    save(tmp_path / "Toys" / "HR" / "without.png", photograph(9, 20, 20, 3))
    save(tmp_path / "Toys" / "LRx4" / "a.png", photograph(9, 9, 8, 3))
    return tmp_path / "Toys"


NAMES = ["a.png", "b.png", "c/grey.png"]


def by_hand(folder, metric, upscale):
    """{name: value}: on the luminance, a border of the scale left out."""
    found = {}
    for name in NAMES:
        small, large = (np.asarray(Image.open(folder / part / name)) for part in ("LRx2", "HR"))
        found[name] = getattr(metrics, metric)(upscale(small), large, border=2)
    return found


def test_means_with_bicubic_beside_them(folder):
    seen = []
    scores = keras_gans.evaluate(Doubles(), against=folder, progress=lambda done, of: seen.append((done, of)))
    assert [score.metric for score in scores] == ["psnr", "ssim"]
    name = pairs.identity(folder, 2)
    assert [score.protocol for score in scores] == [f"psnr[y, crop2, {name} x2]", f"ssim[y, crop2, {name} x2]"]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    for score in scores:
        ours = by_hand(folder, score.metric, Doubles().upscale)
        beside = by_hand(folder, score.metric, lambda small: bicubic(small, scale=2))
        assert score.value == pytest.approx(np.mean(list(ours.values())))
        assert score.n_real == 3
        assert list(score.details) == ["bicubic", *NAMES]
        assert score.details == pytest.approx({"bicubic": np.mean(list(beside.values())), **ours})
        assert score.details["bicubic"] > score.value  # which sees more than repeated pixels


def test_a_model_its_folder_and_its_name(folder, tmp_path):
    model = SRResNet(2, 1, 2)
    model.network.get_layer("last").kernel.assign(100 * model.network.get_layer("last").kernel)
    scores = keras_gans.evaluate(model, against=folder)
    expected = by_hand(folder, "psnr", model.upscale)
    assert scores[0].value == pytest.approx(np.mean(list(expected.values())))
    model.save_pretrained(tmp_path / "mine")
    for what in (tmp_path / "mine", str(tmp_path / "mine")):
        assert keras_gans.evaluate(what, against=str(folder)) == scores


def test_a_protocol_means_one_set_of_images(folder, tmp_path):
    name = pairs.identity(folder, 2)
    assert re.fullmatch(r"Toys@[0-9a-f]{8}", name)
    other = tmp_path / "elsewhere" / "Toys"
    shutil.copytree(folder, other)
    assert pairs.identity(other, 2) == name
    save(other / "LRx2" / NAMES[0], bicubic(photograph(9, 30, 30, 3), scale=0.5))
    assert pairs.identity(other, 2) != name


def test_metrics_are_chosen(folder):
    (score,) = keras_gans.evaluate(Doubles(), "ssim", folder)
    assert score == keras_gans.evaluate(Doubles(), against=folder)[1]
    assert [s.metric for s in keras_gans.evaluate(Doubles(), "ssim, psnr,ssim", folder)] == ["ssim", "psnr"]
    assert [s.metric for s in keras_gans.evaluate(Doubles(), ["psnr"], folder)] == ["psnr"]
    for wrong, came in (("fid", "'fid'"), ("psnr,", "''"), ([], "none")):
        with pytest.raises(MetricError, match=f"What upscales is measured by psnr and ssim, and {came} came"):
            keras_gans.evaluate(Doubles(), wrong, folder)


def test_alpha_is_left_out_and_grey_in_colour_is_grey(folder):
    large = photograph(5, 30, 30, 1)
    small = bicubic(large, scale=0.5)
    kinds = {
        "grey": lambda x: x,
        "colour": lambda x: x.repeat(3, axis=-1),
        "alpha": lambda x: np.concatenate([x.repeat(3, axis=-1), 255 - x], axis=-1),
        "grey alpha": lambda x: np.concatenate([x, 255 - x], axis=-1),
    }
    for one, other in (("grey", "grey"), ("grey", "colour"), ("colour", "grey"), ("alpha", "grey alpha")):
        save(folder / "HR" / f"{one} {other}.png", kinds[one](large))
        save(folder / "LRx2" / f"{one} {other}.png", kinds[other](small))
    details = keras_gans.evaluate(Doubles(), "psnr", folder)[0].details
    found = [value for name, value in details.items() if name.count(" ")]
    assert len(found) == 4
    assert found == pytest.approx([found[0]] * 4)


# --- what is no pair ----------------------------------------------------------------------------------


def _refused(words, folder, error=MetricError, model=None, **more):
    with pytest.raises(error, match=words) as caught:
        keras_gans.evaluate(model or Doubles(), against=folder, **more)
    assert "\n" not in str(caught.value)


def test_folders_that_are_not_there(folder, tmp_path):
    _refused(
        "A folder with HR and LRx2 in it, of large and small images, was wanted and '.*nowhere'", tmp_path / "nowhere"
    )
    _refused("has not both: arrange it so", str(folder / "HR"))
    three = Doubles()
    three.scale = 3
    _refused("A folder with HR and LRx3 in it", folder, model=three)
    (tmp_path / "empty" / "HR").mkdir(parents=True)
    (tmp_path / "empty" / "LRx2").mkdir()
    _refused("no image lies in '.*LRx2': match them", tmp_path / "empty")
    for against in (None, np.zeros((2, 8, 8, 3), "uint8")):
        _refused("is measured on a folder with HR and LRx4 in it: say where, as in against='Set14'", against)


def test_a_missing_twin(folder):
    (folder / "HR" / "a.png").rename(folder / "HR" / "a.bmp")
    _refused("Images of the same names in HR and LRx2 were wanted and 'a.png' has no large one: match them", folder)


def test_a_twin_of_another_size(folder):
    save(folder / "HR" / "b.png", photograph(1, 31, 40, 3))
    words = "b.png: 8-bit images of 20x15 and of 40x30 were wanted, and the large one is uint8, 40x31: mend the pair"
    _refused(words, folder)


def test_a_twin_of_another_depth(folder):
    Image.fromarray(np.zeros((30, 40), "uint16")).save(folder / "HR" / "b.png")
    _refused("the large one is uint16, 40x30", folder)


def test_a_file_that_cannot_be_read(folder):
    (folder / "HR" / "b.png").write_bytes(b"no image")
    _refused("Cannot read .*b.png", folder, DataError)


def test_images_smaller_than_a_window(folder):
    save(folder / "HR" / "b.png", photograph(1, 12, 12, 3))
    save(folder / "LRx2" / "b.png", photograph(1, 6, 6, 3))
    _refused("b.png: At least 11 x 11 pixels were wanted within the border", folder)


# --- pictures -----------------------------------------------------------------------------------------


def test_a_strip_has_a_row_a_pair(folder):
    found = list(pairs.measured(Doubles(), folder))
    assert [pair.name for pair in found] == NAMES
    page = pairs.strip(found, side=34)
    assert page.shape == (3 * 38 + 4, 3 * 38 + 4, 3)
    for row, pair in enumerate(found):
        for column, image in enumerate((pair.bicubic, pair.upscaled, pair.large)):
            tile = page[4 + 38 * row :, 4 + 38 * column :][:34, :34]
            height, width = (min(34, side) for side in image.shape[:2])
            top, left = ((side - min(34, side)) // 2 for side in image.shape[:2])
            middle = np.broadcast_to(image, (*image.shape[:2], 3))[top : top + height, left : left + width]
            np.testing.assert_array_equal(tile[:height, :width], middle)
            assert (tile[height:] == 255).all()
            assert (tile[:, width:] == 255).all()
