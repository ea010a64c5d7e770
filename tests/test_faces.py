"""The scripts about faces, on tiny models: what attributes_celeba is measured by, and the figure of sums."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import keras_gans
from keras_gans import latent
from keras_gans.data.pipeline import Decoded, Images
from keras_gans.models.attributes import AttributeNet

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def measuring():
    return runpy.run_path(str(ROOT / "benchmarks" / "attributes.py"))


@pytest.fixture(scope="module")
def summing():
    return runpy.run_path(str(ROOT / "docs" / "face_arithmetic.py"))


@pytest.fixture(scope="module")
def reader():
    return AttributeNet(attributes=["Young", "Male", "Eyeglasses"], size=16, widths=(4, 4), dropout=0.0)


@pytest.fixture(scope="module")
def gan():
    """A DCGAN whose pictures differ plainly."""
    model = keras_gans.DCGAN(size=32, width=2, latent=5)
    rng = np.random.default_rng(0)
    for v in model.generator.trainable_variables:
        if len(v.shape) > 1:
            v.assign(rng.normal(0, 2 / np.sqrt(np.prod(v.shape[:-1])), v.shape))
    return model


def test_average_precision(measuring):
    of = measuring["average_precision"]
    truth = np.array([True, False, True, False])
    assert of(np.array([4, 3, 2, 1]), truth) == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert of(np.array([4, 1, 3, 2]), truth) == 1.0
    assert of(np.array([1, 4, 2, 3]), truth) == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert of(np.zeros(4), truth) == 0.5  # all at one place: how often it is true
    assert of(np.array([2, 2, 1, 0]), truth) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert np.isnan(of(np.arange(4), np.zeros(4, bool)))


def test_what_is_measured(measuring, reader, rng):
    images = rng.integers(0, 256, (50, 20, 16, 3), dtype="uint8")
    read = reader.predict_attributes(keras_gans.data.resize(images, 16, 3)) > 0.5
    truth = np.stack([read[:, 2], ~read[:, 1], rng.random(50) < 0.2], axis=1)
    data = Images(lambda size, channels: Decoded(images, None, [], None, truth, ["Eyeglasses", "Male", "Young"]))
    data = keras_gans.data.load(data)
    assert len(data) == 50  # read, so that with_shape has to resize
    rows = measuring["measure"](reader, data)
    assert [row["attribute"] for row in rows] == ["Young", "Male", "Eyeglasses"]
    young, male, glasses = rows
    assert glasses["accuracy"] == 1.0
    assert male["accuracy"] == 0.0
    share = truth[:, 2].mean()
    assert young["true"] == pytest.approx(share)
    assert young["commoner"] == pytest.approx(1 - share)
    assert measuring["mean"](rows)["accuracy"] == pytest.approx((young["accuracy"] + 1) / 3, abs=1e-4)


def test_the_concepts_are_the_surest_samples(summing, gan, reader):
    found, as_drawn = summing["concepts"](gan, reader, n=40, k=3, seed=2)
    read = reader.predict_attributes(keras_gans.data.resize(gan.generate(40, seed=2), 16, 3))
    _, male, glasses = read.T
    for i, score in enumerate((male * glasses, male * (1 - glasses), (1 - male) * (1 - glasses))):
        np.testing.assert_array_equal(found.indices[i], np.argsort(-score, kind="stable")[:3])
    assert as_drawn == ((male <= 0.5) & (glasses > 0.5)).sum()


def test_the_direction_holds_what_the_reader_knows(summing, gan, reader):
    """Of HELD the tiny reader knows the sex alone."""
    way = summing["way_to_glasses"](gan, reader, n=60, k=10, seed=2)

    def male(images):
        return reader.predict_attributes(keras_gans.data.resize(images, 16, 3))[:, 1]

    assert abs(way @ latent.direction(gan, male, n=60, k=10, seed=2)) < 1e-4


def test_variations_are_within_the_papers_noise(summing):
    z = np.linspace(-1, 1, 5)
    around = summing["variations"](z, 200, seed=0)
    assert around.dtype == np.float32
    assert 0.2 < np.abs(around - z).max() <= 0.25
    np.testing.assert_allclose(around.mean(axis=0), z, atol=0.05)


def test_the_figure_and_its_numbers(gan, reader, tmp_path, monkeypatch):
    gan.save_pretrained(tmp_path / "gan")
    reader.save_pretrained(tmp_path / "reader")
    out = tmp_path / "figures" / "sum.png"
    command = ["x", str(tmp_path / "gan"), "--reader", str(tmp_path / "reader"), "--samples", "40", "-k", "2"]
    monkeypatch.setattr(sys, "argv", [*command, "--out", str(out)])
    runpy.run_path(str(ROOT / "docs" / "face_arithmetic.py"), run_name="__main__")
    numbers = json.loads(out.with_suffix(".json").read_text())
    assert numbers["k"] == 2
    for role in ("gan", "reader"):
        sha256 = keras_gans.artifacts.read_provenance(tmp_path / role)["sha256"]
        assert numbers[f"{'model' if role == 'gan' else role}_sha256"] == sha256
    assert {name: len(scores) for name, scores in numbers["surest"].items()} == {
        "man with glasses": 2,
        "man": 2,
        "woman": 2,
    }
    for what in ("", " of the woman moved"):
        assert 0 <= numbers[f"women with glasses among 64 variations{what}"] <= 64
    picture = np.asarray(Image.open(out))
    assert picture.shape[2] == 3
    found = latent.exemplars(
        gan,
        lambda x: reader.probability(keras_gans.data.resize(x, 16, 3), {"Male": False, "Eyeglasses": False}),
        n=40,
        k=2,
    )
    woman = gan.generate(latents=found.latents[:1])[0].repeat(2, axis=0).repeat(2, axis=1)
    left = picture.shape[1] - 2 * (8 + 3 * 64) - 8 - 64  # the column before the two results
    np.testing.assert_allclose(picture[22:86, left : left + 64].astype(int), woman, atol=1)
