"""Imports point one way, and light paths stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEAVES = {"artifacts", "autodiff", "random"}
GROUND = {"losses", "augmentation", "penalties", "layers", "data"}
# What each part may import of ours at module level (docs/decisions.md).
ALLOWED = {
    "artifacts": set(),
    "autodiff": set(),
    "random": set(),
    "losses": set(),
    "augmentation": set(),
    "layers": {"_processor", "random"},
    "data": {"_peak", "artifacts"},
    "penalties": {"autodiff"},
    "training": LEAVES | GROUND | {"_processor"},
    "models": LEAVES | GROUND | {"_peak", "training"},
    "latent": LEAVES | GROUND | {"training"},
    "metrics": {"artifacts", "data", "random"},
    "zoo": {"artifacts"},
    "api": {"_peak", "artifacts", "data", "metrics"},
    "cli": {"artifacts"},
    "_checkout": set(),
    "_peak": set(),
    "_processor": set(),
    "_registration": set(),
    "__init__": {"_checkout", "_registration"},
    "__main__": {"cli"},
}


def part_of(name):
    """keras_gans.zoo.card -> zoo"""
    return name.split(".")[1] if name.startswith("keras_gans.") else "__init__"


def module_name(path):
    relative = path.relative_to(ROOT).with_suffix("")
    parts = relative.parts if relative.parts[0] == "keras_gans" else ("keras_gans", *relative.parts)
    return ".".join(parts)


def own_imports(path):
    """(part, at module level?) of every import of ours."""
    tree = ast.parse(path.read_text())
    inside = {n for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for n in ast.walk(f)}
    guarded = {
        n for i in ast.walk(tree) if isinstance(i, ast.If) and "TYPE_CHECKING" in ast.dump(i.test) for n in ast.walk(i)
    }
    here = module_name(path).split(".")
    for node in ast.walk(tree):
        if node in guarded:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: -node.level]) if node.level else ""
            stem = ".".join(x for x in (base, node.module or "") if x)
            names = [f"{stem}.{a.name}" for a in node.names] if stem == "keras_gans" else [stem]
        else:
            continue
        for name in names:
            if name.startswith("keras_gans."):
                yield part_of(name), node not in inside


FILES = [p for folder in ("keras_gans", "zoo", "cli") for p in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path):
    part = part_of(module_name(path))
    for imported, at_module_level in own_imports(path):
        if imported == part or (part in ("api", "cli") and not at_module_level):
            continue
        assert imported in ALLOWED[part], f"{part} must not import {imported}"


def test_every_part_is_in_the_table():
    assert {part_of(module_name(p)) for p in FILES} <= set(ALLOWED)


HEAVY = "{'tensorflow', 'keras', 'jax', 'tensorflow_datasets', 'PIL', 'requests', 'pooch'}"


@pytest.mark.parametrize(
    "code",
    [
        "import keras_gans; dir(keras_gans)",
        "import keras_gans; keras_gans.list_models(); keras_gans.info('dcgan_mnist')",
        "import keras_gans.data, keras_gans.artifacts",
        "import keras_gans\ntry: keras_gans.load('no_such_model')\nexcept keras_gans.UnknownModelError: pass",
    ],
)
def test_light_paths_import_nothing_heavy(code):
    check = f"{code}\nimport sys; found = {HEAVY} & set(sys.modules); assert not found, found"
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True)


def test_nothing_called_zoo_or_cli_is_importable_at_the_top():
    import keras_gans.cli
    import keras_gans.zoo

    assert keras_gans.zoo.__name__ == "keras_gans.zoo"
    assert keras_gans.cli.__name__ == "keras_gans.cli"
    assert "zoo" not in sys.modules
    assert "cli" not in sys.modules


def test_public_names_exist():
    import keras_gans

    for name in keras_gans.__all__:
        assert getattr(keras_gans, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        keras_gans.nothing  # noqa: B018
