"""The finder that stands in for an installation: which zoo and which cli a checkout gets."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def checkout(tmp_path):
    """A function that makes a small checkout: the real finder beside an empty zoo, cli and setup.py."""

    def make(name="checkout"):
        root = tmp_path / name
        for package in ("keras_gans", "zoo", "cli"):
            (root / package).mkdir(parents=True)
            (root / package / "__init__.py").write_text("")
        shutil.copy(ROOT / "keras_gans" / "_checkout.py", root / "keras_gans")
        (root / "keras_gans" / "__init__.py").write_text("from keras_gans import _checkout\n_checkout.install()\n")
        (root / "zoo" / "card.py").write_text("")
        (root / "setup.py").write_text("")
        return root

    return make


def run(code, *paths):
    """Runs Python without site-packages, so that no installed keras_gans can answer; returns its output."""
    result = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=paths[0].parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
    )
    return result.stdout.strip() + result.stderr.strip()


def test_zoo_and_cli_are_found_under_their_package_only(checkout):
    root = checkout()
    code = (
        "import sys, keras_gans.zoo.card, keras_gans.cli;"
        "print(keras_gans.zoo.card.__file__, keras_gans.cli.__file__,"
        "'zoo' in sys.modules, 'cli' in sys.modules)"
    )
    assert run(code, root) == f"{root}/zoo/card.py {root}/cli/__init__.py False False"


def test_nothing_else_is_answered(checkout):
    root = checkout()
    code = (
        "import sys, keras_gans; finder = sys.meta_path[0];"
        "names = ['zoo', 'cli', 'keras_gans', 'keras_gans.zoo', 'keras_gans.zoo.card', 'keras_gans.cli',"
        "'keras_gans.zoology']; print([name for name in names if finder.find_spec(name)])"
    )
    assert run(code, root) == "['keras_gans.zoo', 'keras_gans.cli']"


def test_an_environment_that_maps_another_checkout_does_not_mix_in(checkout):
    ours, theirs = checkout("ours"), checkout("theirs")
    code = (  # what an editable install's finder does: answer for the names out of the other checkout
        "import sys, importlib.util as u\n"
        "class Editable:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == 'keras_gans.zoo': return u.spec_from_file_location(name, {str(theirs)!r} + "
        f"'/zoo/__init__.py', submodule_search_locations=[{str(theirs)!r} + '/zoo'])\n"
        "sys.meta_path.insert(0, Editable())\n"
        "import keras_gans.zoo; print(keras_gans.zoo.__file__)"
    )
    assert run(code, ours) == f"{ours}/zoo/__init__.py"


def test_it_keeps_out_of_an_installation(checkout):
    """Without setup.py beside it, or with zoo inside the package, the finder is not there."""
    code = "import sys, keras_gans; print(type(sys.meta_path[0]).__name__)"
    root = checkout()
    assert run(code, root) == "_CheckoutFinder"
    shutil.copytree(root / "zoo", root / "keras_gans" / "zoo")
    assert "_CheckoutFinder" not in run(code, root)
    shutil.rmtree(root / "keras_gans" / "zoo")
    (root / "setup.py").unlink()
    assert "_CheckoutFinder" not in run(code, root)
    assert "ModuleNotFoundError" in run("import keras_gans.zoo", root)


def test_installing_twice_adds_it_once(checkout):
    code = (
        "import sys, keras_gans; keras_gans._checkout.install();"
        "print([type(f).__name__ for f in sys.meta_path].count('_CheckoutFinder'))"
    )
    assert run(code, checkout()) == "1"


def test_this_checkout_has_no_top_level_zoo():
    import keras_gans.zoo.registry

    assert Path(keras_gans.zoo.registry.__file__) == ROOT / "zoo" / "registry.py"
    assert "zoo" not in sys.modules
    assert "cli" not in sys.modules
