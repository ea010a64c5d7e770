"""Super-resolution on Keras's JAX backend: what TensorFlow draws, and steps of training, in a process of its own."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from commands import on_jax
from keras_gans.models.srgan import SRGAN, SRResNet

CODE = """
import numpy as np, keras, keras_gans
from keras_gans.models import srgan
from keras_gans.models.srgan import SRGAN, SRResNet
from keras_gans.training import checkpoint

assert keras.backend.backend() == "jax"
given = np.load("given.npz")
small, large = given["small"], given["large"]
first = keras_gans.load("./srresnet")
found = {"whole": first.upscale(given["image"], tile=None), "tiled": first.upscale(given["image"], tile=15)}
before = [np.array(v) for v in first.network.variables]
first.compile(keras.optimizers.SGD(0.1))
patches = keras_gans.data.super_resolution(list(given["photographs"]), scale=2, crop=16, batch=3)
found["first"] = np.array(first.fit(patches, verbose=0).history["loss"])
found["moved"] = np.array([(np.array(v) != b).any() for v, b in zip(first.network.variables, before)])
found["later"] = first.upscale(given["image"])  # the weights that moved since are the ones that draw

srgan.STAGES = ((1, 1), (2, 2))
model = keras.saving.load_model("srgan.keras")
found["terms"] = np.array(model.evaluate(small, large, batch_size=3, verbose=0))
model.fit(patches, verbose=0)
model.fit(small, large, batch_size=3, verbose=0)
found["steps"] = model.steps_taken
found["finite"] = all(np.isfinite(np.array(v)).all() for v in checkpoint.state_variables(model).values())
found["drawn"] = model.upscale(given["image"])
np.savez("found.npz", **found)
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """({name: array} of TensorFlow, of JAX)."""
    pytest.importorskip("jax")
    from keras_gans.models import srgan

    folder, rng = tmp_path_factory.mktemp("jax"), np.random.default_rng(0)
    small = rng.integers(0, 256, (6, 8, 8, 3), dtype="uint8")
    given = {
        "small": small,
        "large": small.repeat(2, axis=1).repeat(2, axis=2),
        "image": rng.integers(0, 256, (30, 10, 3), dtype="uint8"),
        "photographs": rng.integers(0, 256, (2, 32, 32, 3), dtype="uint8"),
    }
    np.savez(folder / "given.npz", **given)
    keras.utils.set_random_seed(0)
    first = SRResNet(2, 1, 4)
    first.network.get_layer("last").kernel.assign(100 * first.network.get_layer("last").kernel)
    first.save_pretrained(folder / "srresnet")
    found = {"whole": first.upscale(given["image"])}
    patch = pytest.MonkeyPatch()
    patch.setattr(srgan, "STAGES", ((1, 1), (2, 2)))
    model = SRGAN(2, 1, 4, 16)
    patch.undo()
    model.start_from(first)
    model.compile("sgd", "sgd", perceptual="mse", pixel_weight=0.5, run_eagerly=True)
    model.save(folder / "srgan.keras")
    found["terms"] = model.evaluate(small, given["large"], batch_size=3, verbose=0)
    done = subprocess.run([sys.executable, "-c", CODE], cwd=folder, env=on_jax(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return found, dict(np.load(folder / "found.npz"))


@pytest.mark.slow
def test_it_draws_what_tensorflow_draws(both):
    tensorflow, jax = both
    apart = np.abs(jax["whole"].astype(int) - tensorflow["whole"])
    assert apart.max() <= 1
    assert tensorflow["whole"].std() > 10
    assert np.abs(jax["tiled"].astype(int) - jax["whole"]).max() <= 1


@pytest.mark.slow
def test_it_trains(both):
    tensorflow, jax = both
    np.testing.assert_allclose(jax["terms"], tensorflow["terms"], rtol=1e-3)
    assert np.isfinite(jax["first"]).all()
    assert jax["moved"].all()
    assert (jax["later"] != jax["whole"]).any()
    assert int(jax["steps"]) == 2 + 2  # of the photographs' 2048 pixels and of the six images
    assert bool(jax["finite"])
    assert (jax["drawn"] != jax["whole"]).any()
