"""A .keras file loads in a process that has imported no more than keras and keras_gans, in either order."""

import importlib
import importlib.util
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_gans
from keras_gans import _registration

ROOT = Path(__file__).resolve().parents[1]
LOAD = """
import sys
assert "keras_gans.models" not in sys.modules and "keras_gans.layers" not in sys.modules
model = keras.saving.load_model("m.keras")
from keras_gans.models import {family}
assert type(model) is {family}
assert keras.saving.get_registered_object("keras_gans>{family}") is {family}
"""


def fresh(code, folder):
    """Runs code in a new process, warnings being errors of ours only (TensorFlow has its own)."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("imports", ["import keras_gans, keras", "import keras, keras_gans"])
def test_a_family_loads_in_a_fresh_process(imports, tmp_path):
    model = keras_gans.VanillaGAN(size=8, latent=3, generator_units=(4,), discriminator_units=2)
    model.compile(generator_optimizer={"class": "MomentumSGD"})
    model.save(tmp_path / "m.keras")
    np.save(tmp_path / "drawn.npy", model.generate(3))
    code = imports + LOAD.format(family="VanillaGAN")
    same = "import numpy\nassert (model.generate(3) == numpy.load('drawn.npy')).all()\n"
    optimizer = "assert type(model.generator_optimizer).__name__ == 'MomentumSGD'"
    fresh(code + same + optimizer, tmp_path)


@pytest.mark.slow
def test_a_plain_model_with_our_layers_loads_in_a_fresh_process(tmp_path):
    x = keras.Input((3,))
    keras.Model(x, keras_gans.layers.Maxout(2, 2)(x)).save(tmp_path / "m.keras")
    fresh(
        "import keras_gans, keras\nassert keras.saving.load_model('m.keras')(0 * keras.ops.ones((1, 3))).shape",
        tmp_path,
    )


@pytest.mark.slow
def test_any_part_may_be_what_imports_keras(tmp_path):
    """The hook runs within that part's own import, and must ask nothing of it."""
    fresh("import keras_gans.layers; keras_gans.layers.Maxout(2, 2)", tmp_path)


def test_the_table_is_what_the_decorators_register():
    for module in pkgutil.walk_packages(keras_gans.__path__, "keras_gans."):
        if module.name != "keras_gans.__main__":
            importlib.import_module(module.name)
    found = {
        k.partition(">")[2]: v for k, v in keras.saving.get_custom_objects().items() if k.startswith("keras_gans>")
    }
    assert set(found) == set(_registration.HOMES)
    for name, home in _registration.HOMES.items():
        assert found[name] is getattr(importlib.import_module(f"keras_gans.{home}"), name)


def test_the_finder_leaves_no_trace_on_what_it_finds(tmp_path, monkeypatch):
    """Keras keeps the loader that it would have had; other modules are none of the finder's business."""
    assert type(keras.__loader__) is type(keras.__spec__.loader) is type(np.__loader__)
    finder = _registration._KerasFinder()
    assert finder.find_spec("numpy") is None
    monkeypatch.setattr(sys, "meta_path", [finder])
    assert finder.find_spec("keras") is None
