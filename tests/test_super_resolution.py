"""The script that measures how near upscaled photographs come to the originals."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import keras_gans
from keras_gans import metrics
from keras_gans.data import bicubic

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(ROOT / "benchmarks" / "super_resolution.py"))


def photograph(seed, height, width):
    spots = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), dtype="uint8")
    return bicubic(spots, size=(height, width))


@pytest.fixture
def folder(tmp_path):
    """Two pairs, one of them grey."""
    for part in ("HR", "LRx4"):
        (tmp_path / "Toys" / part).mkdir(parents=True)
    for name, large in (("a.png", photograph(0, 48, 64)), ("b.png", photograph(1, 40, 40)[..., :1])):
        small = bicubic(large, scale=0.25)
        for part, pixels in (("HR", large), ("LRx4", small)):
            Image.fromarray(pixels.squeeze()).save(tmp_path / "Toys" / part / name)
    return tmp_path / "Toys"


def test_bicubic_and_each_model_are_measured(script, folder, tmp_path, monkeypatch, capsys):
    for name in ("smooth", "sharp"):
        keras_gans.SRResNet(blocks=1, width=4).save_pretrained(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys, "argv", ["script", str(folder), "--models", "./smooth", "./sharp", "--out", str(tmp_path / "out")]
    )
    script["main"]()
    found = json.loads((tmp_path / "out" / "benchmarks" / "results" / "super_resolution.json").read_text())
    toys = found["folders"]["Toys"]
    assert toys["images"] == 2
    assert set(toys["by"]) == {"bicubic", "./smooth", "./sharp"}
    assert set(toys["by"]["bicubic"]) == {"psnr", "ssim", "dcgan_tiny_imagenet", "tiny"}
    wanted = [
        metrics.psnr(bicubic(np.asarray(Image.open(folder / "LRx4" / name)), scale=4), np.asarray(large), border=4)
        for name, large in ((name, Image.open(folder / "HR" / name)) for name in ("a.png", "b.png"))
    ]
    assert toys["by"]["bicubic"]["psnr"] == pytest.approx(np.mean(wanted), abs=1e-3)
    assert toys["psnr"]["a.png"]["bicubic"] == pytest.approx(wanted[0], abs=0.01)
    assert toys["by"]["bicubic"]["dcgan_tiny_imagenet"] > 0
    assert not (tmp_path / "out" / "docs").exists()  # these are not Set14's
    assert "Toys" in capsys.readouterr().out


def test_the_judge_sees_what_bicubic_lost(script):
    large = photograph(0, 64, 48) // 2 + np.random.default_rng(1).integers(0, 128, (64, 48, 3), dtype="uint8")
    blurred = bicubic(bicubic(large, scale=0.25), scale=4)
    for name, distance in script["judges"]().items():
        less = bicubic(bicubic(large, scale=0.5), scale=2)
        assert distance(large, large) == pytest.approx(0, abs=1e-6), name
        assert distance(large, blurred) > distance(large, less) > 0, name


def test_the_judges_maps_are_the_discriminators_own(script):
    """At the discriminator's own size they are the activations whose maxima its features are."""
    gan = keras_gans.load(script["JUDGE"])
    image = gan.generate(1, seed=0)
    maps = script["discriminator_maps"](gan)(image.astype("float32") / 127.5 - 1, training=False)
    features = gan.features(image)[0]
    first = np.asarray(maps[0])[0]  # (16, 16, c)
    pooled = first.reshape(4, 4, 4, 4, -1).max(axis=(1, 3)).reshape(-1)
    np.testing.assert_allclose(features[: len(pooled)], pooled, rtol=1e-5, atol=1e-6)
    assert len(maps) == len(gan.feature_layers())


def test_crops_are_of_the_places_that_are_said(script):
    names = {name for name, *_ in script["CROPS"]}
    rows = [
        {"name": name, "large": photograph(i, 512, 512), "bicubic": photograph(9, 512, 512)}
        for i, name in enumerate(sorted(names))
    ]
    page = script["crops"](rows, ("bicubic",))
    name, left, top = script["CROPS"][0]
    large = next(row["large"] for row in rows if row["name"] == name)
    tile = page[8 : 8 + 256, 256 + 16 : 256 + 16 + 256]
    np.testing.assert_array_equal(tile[::4, ::4], large[top : top + 64, left : left + 64])
    assert page.shape == (len(script["CROPS"]) * 264 + 8, 2 * 264 + 8, 3)
