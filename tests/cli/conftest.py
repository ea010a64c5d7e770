"""A registry of tiny models, a command line to run in this process, and one to run in another."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from commands import card, starting
from keras_gans import artifacts
from keras_gans.zoo import registry
from model_folders import serve

__all__ = ["serve"]


@pytest.fixture(autouse=True)
def _own_place(monkeypatch, tmp_path):
    """A cache and a working folder of the test's own; no variable of the machine reaches it."""
    for variable in ("KERAS_GANS_MIRROR", "KERAS_GANS_OFFLINE", "KERAS_GANS_DEBUG", "TFDS_DATA_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("KERAS_GANS_HOME", str(tmp_path / "cache"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def kg():
    """Runs a command line in this process: kg("list", "--json") -> click's Result. No error gets out."""

    def run(*arguments):
        from keras_gans.cli.main import cli

        result = CliRunner().invoke(cli, [str(a) for a in arguments], prog_name="keras-gans")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def start():
    """Starts `python -m keras_gans` with these arguments; what is still running at the end is killed."""
    with starting() as run:
        yield run


TOYS = [
    (
        "toy_digits",
        "VanillaGAN",
        "generate",
        {"size": 28, "channels": 1, "latent": 4, "generator_units": [8, 8], "discriminator_units": 4},
        {"loss": "non_saturating", "run_eagerly": True},  # six steps are sooner taken than traced
    ),
    (
        "toy_classes",
        "DCGAN",
        "generate",
        {"size": 28, "channels": 1, "latent": 4, "width": 2, "num_classes": 3},
        {"loss": "non_saturating", "run_eagerly": True},  # six steps are sooner taken than traced
    ),
    (
        "toy_reader",
        "LeNet",
        "classify",
        {"num_classes": 3, "widths": [2, 2], "units": 4},
        {"optimizer": {"class": "Adam", "learning_rate": 1e-3}},
    ),
]


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """A folder of tiny published models, with fresh weights; toy_recipe has none."""
    import keras

    from keras_gans import models

    root = tmp_path_factory.mktemp("models")
    for toy in TOYS:
        keras.utils.set_random_seed(1)
        described = card(*toy)
        model = getattr(models, described["family"])(**described["architecture"])
        model.card = described
        model.save_pretrained(root / toy[0], {"steps": 0, "hardware": "none"})
    artifacts.write_card(root / "toy_recipe", {**card("toy_recipe", *TOYS[0][1:]), "status": "recipe"})
    return root


@pytest.fixture
def zoo(published, tmp_path, monkeypatch):
    """A copy of those, in the registry's place."""
    import shutil

    shutil.copytree(published, tmp_path / "models")
    monkeypatch.setattr(registry, "models_folder", lambda: tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def photos(tmp_path):
    """A folder of 24 random pictures of two sizes, in three subfolders: three classes."""
    rng = np.random.default_rng(0)
    for i in range(24):
        folder = tmp_path / "photos" / f"class_{i % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (28 + i % 2, 30), dtype="uint8")
        Image.fromarray(pixels).save(folder / f"{i:02d}.png")
    return tmp_path / "photos"


@pytest.fixture
def pixels():
    """A PNG's pixels as an array."""
    return lambda path: np.asarray(Image.open(path))


@pytest.fixture
def text_model():
    """A tiny model that reads, in ./toy_text."""
    from keras_gans.models.text_to_image import TextToImageGAN

    sizes = {"size": 16, "width": 4, "latent": 6, "compressed": 5, "reader_units": (4, 5, 6), "reader_dim": 8}
    model = TextToImageGAN(**sizes, reader_recurrent=0)
    rng = np.random.default_rng(0)
    for network in (model.generator, model.reader):
        network.set_weights([np.abs(rng.normal(size=w.shape)) for w in network.get_weights()])
    model.save_pretrained("toy_text")
    return model
