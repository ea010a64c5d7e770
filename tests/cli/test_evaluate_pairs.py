"""keras-gans evaluate, of models that upscale"""

import json
from pathlib import Path

import numpy as np
import pytest

import keras_gans
from keras_gans.api import pairs
from keras_gans.data import bicubic, images
from keras_gans.models.srgan import SRResNet


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """The folder of a tiny model."""
    model = SRResNet(2, 1, 2)
    model.network.get_layer("last").kernel.assign(100 * model.network.get_layer("last").kernel)
    folder = tmp_path_factory.mktemp("models") / "mine"
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(tmp_path, rng):
    for name, height, width in (("a.png", 30, 40), ("b.png", 40, 32)):
        large = bicubic(rng.integers(0, 256, (7, 7, 3), dtype="uint8"), size=(height, width))
        images.save_png(tmp_path / "Toys" / "HR" / name, large)
        images.save_png(tmp_path / "Toys" / "LRx2" / name, bicubic(large, scale=0.5))
    return tmp_path / "Toys"


def test_a_table_of_all_images_and_a_strip(kg, mine, folder, pixels):
    result = kg("evaluate", mine, "--against", folder)
    assert result.exit_code == 0, result.stderr
    header, a, b, mean = (line.split() for line in result.stdout.splitlines())
    assert header == ["image", "psnr", "bicubic", "psnr", "ssim", "bicubic", "ssim"]
    psnr, ssim = keras_gans.evaluate(mine, against=folder)
    found = list(pairs.measured(keras_gans.load(mine), folder))
    for row, pair in zip((a, b), found, strict=True):
        ours, beside = pair.scores, pair.bicubic_scores
        expected = [ours["psnr"], beside["psnr"], ours["ssim"], beside["ssim"]]
        assert row == [pair.name, *(f"{value:.{d}f}" for value, d in zip(expected, (2, 2, 4, 4), strict=True))]
    assert mean[0] == "mean"
    expected = [psnr.value, psnr.details["bicubic"], ssim.value, ssim.details["bicubic"]]
    np.testing.assert_allclose([float(value) for value in mean[1:]], expected, atol=0.006)
    assert "wrote mine_Toys.png" in result.stderr
    np.testing.assert_array_equal(pixels("mine_Toys.png"), pairs.strip(found))
    for score in (psnr, ssim):
        assert score.protocol in result.stderr.splitlines()


def test_json_metrics_and_another_strip(kg, mine, folder):
    result = kg("evaluate", mine, "--against", folder, "--metrics", "ssim", "--json", "--strip", "deep/strip.png")
    (score,) = keras_gans.evaluate(mine, "ssim", folder)
    assert json.loads(result.stdout) == [score.to_dict()]
    assert [str(path) for path in Path().rglob("*.png")] == ["deep/strip.png"]


def test_scores_are_recorded(kg, mine, folder):
    result = kg("evaluate", mine, "--against", folder, "--record")
    assert result.exit_code == 0, result.stderr
    scores = json.loads((mine / "scores.json").read_text())["scores"]
    name = pairs.identity(folder, 2)
    assert [score["protocol"] for score in scores] == [f"psnr[y, crop2, {name} x2]", f"ssim[y, crop2, {name} x2]"]
    assert set(scores[0]["details"]) == {"bicubic", "a.png", "b.png"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "A folder with HR and LRx4 in it is what upscaling is measured on: give --against FOLDER"),
        (["--against", "./nowhere"], "A folder with HR and LRx2 in it, of large and small images, was wanted"),
        (["--against", "{folder}", "--metrics", "fid"], "What upscales is measured by psnr and ssim, and 'fid' came"),
        (["--against", "{folder}", "--metrics", "psnr,"], "and '' came"),
        (["--against", "{folder}", "--strip", "{folder}/HR/a.png/x.png"], "a.png is no folder: take another"),
        (["--against", "{folder}", "--strip", "strip.jpg"], "--strip is a .png, and strip.jpg came"),
    ],
)
def test_mistakes_are_one_sentence(arguments, words, kg, mine, folder):
    result = kg("evaluate", mine, *(argument.format(folder=folder) for argument in arguments))
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr
    assert sum(line.startswith("Error") for line in result.stderr.splitlines()) == 1
    assert not list(Path().iterdir())


@pytest.mark.parametrize("given", [["--features", "pixels"], ["--seeds", "3"], ["-n", "9"], ["--split", "test"]])
def test_options_of_other_models_are_refused(given, kg, mine, folder):
    result = kg("evaluate", mine, "--against", folder, *given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{given[0]} is not for a model that upscales: leave it out" in result.stderr


def test_what_is_infinite_is_null(kg, mine, folder):
    """Bicubic makes a flat image what it was."""
    for part, side in (("HR", 40), ("LRx2", 20)):
        images.save_png(folder / part / "a.png", np.full((side, side, 3), 90, "uint8"))
    result = kg("evaluate", mine, "--against", folder, "--metrics", "psnr", "--json")
    (score,) = json.loads(result.stdout, parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    assert score["details"]["bicubic"] is None
    assert score["value"] > 0
