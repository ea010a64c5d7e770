"""Whole runs from a recipe on photographs: samples, curve, model, and going on bit for bit."""

import numpy as np
import pytest
from PIL import Image

import keras_gans
from keras_gans import artifacts, data
from keras_gans.models import srgan
from keras_gans.models.srgan import SRGAN, SRResNet
from keras_gans.training import callbacks, checkpoint, run, supervised, upscaled
from keras_gans.training.callbacks import Stopped, read_curve

FIRST = {
    "batch_size": 2,
    "steps": 7,
    "seed": 3,
    "data": {"crop": 16},
    "compile": {
        "loss": "mae",
        "run_eagerly": True,  # a few steps are sooner taken than traced
        "optimizer": {"class": "Adam", "learning_rate": 1e-2, "use_ema": True, "ema_momentum": 0.8},
    },
}
SECOND = {
    "batch_size": 2,
    "steps": 5,
    "seed": 3,
    "compile": {"perceptual": "mse", "pixel_weight": 0.5, "ema_decay": 0.5, "run_eagerly": True},
}


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(srgan, "STAGES", ((1, 1), (2, 2), (4, 2)))


@pytest.fixture
def folder(tmp_path, rng):
    """Two photographs: four steps an epoch."""
    for number, size in enumerate(((40, 32), (24, 40))):
        image = data.bicubic(rng.integers(0, 256, (8, 8, 3), dtype="uint8"), size=size)
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / "photos" / f"{number}.png")
    return tmp_path / "photos"


def card(family):
    """As far as `keras_gans.load` wants one."""
    return {
        **dict.fromkeys(("name", "title", "description", "license", "weights_license"), "toy"),
        **{"family": family.__name__, "task": "upscale", "version": 1, "paper": family.paper},
        "data": {"source": "toy", "split": "train", "seen": "two photographs"},
    }


def train_first(folder, out, recipe=FIRST, **more):
    return supervised.train(lambda: SRResNet(2, 1, 2), card(SRResNet), recipe, folder, out, sample_every=3, **more)


def train_second(folder, out, recipe=SECOND, **more):
    return run.train(lambda: SRGAN(2, 1, 2, 16), card(SRGAN), recipe, folder, out, sample_every=2, **more)


def same(a, b):
    return sorted(a) == sorted(b) and all(np.array_equal(a[key], b[key]) for key in a)


def stops_after(step):
    asked = iter([False] * (step - 1) + [True])
    return lambda: next(asked)


def grid(path):
    """The rows of a picture of 16x16 squares: (n, 3, 16, 16, 3)."""
    pixels = np.asarray(Image.open(path))[2:, 2:]
    rows = [
        [pixels[18 * i : 18 * i + 16, 18 * k : 18 * k + 16] for k in range(3)] for i in range(pixels.shape[0] // 18)
    ]
    return np.array(rows)


@pytest.mark.slow
def test_srresnet(folder, tmp_path):
    whole = train_first(folder, tmp_path / "whole")
    with pytest.raises(Stopped, match="Stopped after step 6, saved in"):  # four are an epoch
        train_first(folder, tmp_path / "parts", stop=stops_after(6))
    assert not (tmp_path / "parts" / "model").exists()
    resumed = train_first(str(folder), tmp_path / "parts")
    assert resumed.steps_taken == 7
    assert same(resumed.tensors(), whole.tensors())
    patches = data.super_resolution(folder, scale=2, crop=16, batch=2)
    for out in (tmp_path / "whole", tmp_path / "parts"):
        assert sorted(path.name for path in (out / "samples").iterdir()) == ["step-000000003.png", "step-000000006.png"]
        assert [row["step"] for row in read_curve(out / "curve.csv")] == list(range(1, 8))
        told = artifacts.read_provenance(out / "model")["provenance"]
        assert (told["steps"], told["images"], told["images_seen"], told["data"]) == (7, 2, 14, "photos")
        assert told["data_sha256"] == patches.fingerprint()
        loaded = keras_gans.load(out / "model")
        image = patches.at(0, 2)[0]
        np.testing.assert_array_equal(loaded.upscale(image), whole.upscale(image))
    rows = grid(tmp_path / "whole" / "samples" / "step-000000003.png")
    small, large = patches.at(0, 8)
    np.testing.assert_array_equal(rows[:, 0], data.bicubic(small, scale=2))
    np.testing.assert_array_equal(rows[:, 2], large)
    assert rows[:, 1].std() > 0
    page = upscaled.redrawn(whole, tmp_path / "whole" / "samples")
    data.save_png(tmp_path / "page.png", page)
    redrawn, small = grid(tmp_path / "page.png"), data.bicubic(large, scale=0.5)
    np.testing.assert_array_equal(redrawn[:, 1], whole.upscale(small))
    np.testing.assert_array_equal(redrawn[:, 2], large)
    assert upscaled.redrawn(whole, tmp_path) is None
    with pytest.raises(artifacts.CheckpointError, match="is at step 7, and 4 steps were asked for"):
        train_first(folder, tmp_path / "whole", steps=4)
    with pytest.raises(artifacts.CheckpointError, match="its recipe and data_sha256 differ"):
        train_first(folder, tmp_path / "whole", {**FIRST, "data": {"crop": 20}})


@pytest.mark.slow
def test_srgan(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(SRGAN, "settle", _settle)
    whole = train_second(folder, tmp_path / "whole")
    with pytest.raises(Stopped, match="Stopped after step 3, saved in"):
        train_second(folder, tmp_path / "parts", stop=stops_after(3))
    assert len(checkpoint.found(tmp_path / "parts" / "checkpoints")) == 2
    resumed = train_second(folder, tmp_path / "parts")
    assert resumed.steps_taken == 5
    assert same(resumed.tensors(), whole.tensors())
    for out in (tmp_path / "whole", tmp_path / "parts"):
        assert sorted(path.name for path in (out / "samples").iterdir()) == ["step-000000002.png", "step-000000004.png"]
        assert grid(out / "samples" / "step-000000004.png").shape == (8, 3, 16, 16, 3)
        rows = read_curve(out / "curve.csv")
        assert [row["step"] for row in rows] == list(range(1, 6))
        assert set(rows[0]) == {"step", "d_loss", "g_loss", "content", "pixels"}
        told = artifacts.read_provenance(out / "model")["provenance"]
        assert (told["steps"], told["images_seen"], told["data"]) == (5, 10, "photos")
        image = data.super_resolution(folder, scale=2, crop=16).at(0, 2)[0]
        np.testing.assert_array_equal(keras_gans.load(out / "model").upscale(image), whole.upscale(image))
    assert int(whole.ema_ready) == 1


def _settle(model, patches):
    """That a run ends with it, and with what it saw; test_srgan_game.py looks at what it does."""
    assert (patches.scale, patches.crop) == (2, 16)
    assert model.steps_taken == 5
    model.sampler()


@pytest.mark.parametrize(
    ("train", "recipe", "error", "words"),
    [
        (train_first, {**FIRST, "data": {"flip": True}}, artifacts.CardError, "data table takes crop = a number here"),
        (train_first, {**FIRST, "data": {"crop": 15}}, artifacts.DataError, "crop is a multiple of scale=2, and 15"),
        (train_first, {**FIRST, "data": {"crop": 400}}, artifacts.DataError, "lower crop"),
        (train_second, {**SECOND, "data": {"crop": 16}}, artifacts.CardError, "takes nothing here: the model's size"),
    ],
)
def test_recipes_that_do_not_fit_leave_nothing(train, recipe, error, words, folder, tmp_path):
    with pytest.raises(error, match=words) as caught:
        train(folder, tmp_path / "run", recipe)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_patches_of_ones_own_are_taken_as_they_are(folder):
    model = SRResNet(2, 1, 2)
    patches = data.super_resolution(folder, scale=2, crop=24, batch=5)
    for recipe in ({"batch_size": 3}, {"batch_size": 3, "data": {"crop": 24}}):
        taken, batches = model.training_batches(patches, recipe)
        assert taken is patches
        assert batches.batch_size == 3
    with pytest.raises(artifacts.DataError, match="Patches of scale=2, crop=16 were wanted, and scale=2, crop=24 came"):
        model.training_batches(patches, {"batch_size": 3, "data": {"crop": 16}})
    with pytest.raises(artifacts.DataError, match="Patches of scale=2, crop=16 were wanted"):
        SRGAN(2, 1, 2, 16).training_data(patches, {"batch_size": 3})
    assert model.training_batches(str(folder), {"batch_size": 3, "data": {"crop": 20}})[0].crop == 20


def test_pictures_are_drawn_every_so_many_steps(folder, tmp_path):
    """As a callback of anybody's `fit`."""
    patches = data.super_resolution(folder, scale=2, crop=16, batch=2)
    model = SRResNet(2, 1, 2)
    model.compile(run_eagerly=True)
    model.fit(patches, verbose=0, callbacks=[callbacks.UpscaledGrid(tmp_path / "seen", 2, patches, n=3)])
    assert [path.name for path in sorted((tmp_path / "seen").iterdir())] == ["step-000000002.png", "step-000000004.png"]
    rows = grid(tmp_path / "seen" / "step-000000004.png")
    assert rows.shape == (3, 3, 16, 16, 3)
    np.testing.assert_array_equal(rows[:, 1], model.upscale(patches.at(0, 3)[0]))
