"""keras_gans.training.run: what a recipe's table `data` says reaches training, and nothing else."""

import numpy as np
import pytest

from keras_gans import artifacts
from keras_gans.data import Images
from keras_gans.models import VanillaGAN
from keras_gans.training import run

RECIPE = {"batch_size": 4, "steps": 1, "seed": 0, "compile": {"run_eagerly": True}}
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 28, 28, 1), "uint8")
CARD = {"name": "toy", "family": "VanillaGAN"}


def build():
    return VanillaGAN(size=28, channels=1, latent=2, generator_units=[4, 4], discriminator_units=2)


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Trains one step in a folder of that name and returns the discriminator's weights."""
    monkeypatch.setattr(run, "_finish", lambda *unused: None)  # nothing here is published

    def train(out, images, **table):
        model = run.train(build, CARD, {**RECIPE, **table}, images, tmp_path / out, sample_every=9)
        return np.concatenate([np.ravel(w) for w in model.discriminator.get_weights()])

    return train


def test_flips_of_a_recipe_change_what_is_seen(trained):
    data = Images(PIXELS)
    flipped = trained("flipped", data, data={"flip": True})
    np.testing.assert_array_equal(flipped, trained("by_hand", data.with_flips()))
    assert not np.array_equal(flipped, trained("plain", data.with_flips(), data={"flip": False}))


def test_a_run_goes_on_with_the_same_flips_alone(trained):
    data = Images(PIXELS)
    trained("run", data, data={"flip": True})
    with pytest.raises(artifacts.CheckpointError, match="recipe and data_sha256 differ"):
        trained("run", data)
    trained("loaded", data.with_flips())
    with pytest.raises(artifacts.CheckpointError, match="data_sha256 differ"):
        trained("loaded", data)


def test_what_is_evaluated_is_never_mirrored():
    data = Images(PIXELS)
    model = build()
    model.compile(run_eagerly=True)
    shown = [model.evaluate(d, batch_size=4, verbose=0, return_dict=True) for d in (data, data.with_flips())]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("table", [{"crop": 3}, {"flip": 1}, "flip", {"flip": True, "size": 4}])
def test_an_unknown_wish_is_one_sentence(trained, tmp_path, table):
    with pytest.raises(artifacts.CardError, match="A recipe's data table takes flip = true or flip = false, and"):
        trained("run", Images(PIXELS), data=table)
    assert not (tmp_path / "run").exists()
