"""What is built has what it needs, and puts nothing called zoo or cli into anybody's site-packages."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILD = "import setuptools.build_meta as b; print(b.{hook}({folder!r}))"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of what git knows, so that building leaves nothing behind here."""
    copy = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    files = listed.stdout.split("\n") if listed.returncode == 0 else [str(p.relative_to(ROOT)) for p in ROOT.rglob("*")]
    for name in filter(None, files):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    return copy


def build(hook, checkout, folder):
    code = BUILD.format(hook=hook, folder=str(folder))
    run = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder / run.stdout.strip().split("\n")[-1]


def test_the_wheel(checkout, tmp_path):
    with zipfile.ZipFile(build("build_wheel", checkout, tmp_path)) as wheel:
        names = wheel.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"keras_gans"}
    for wanted in (
        "keras_gans/py.typed",
        "keras_gans/zoo/registry.py",
        "keras_gans/cli/main.py",
        "keras_gans/layers/maxout.py",
        "keras_gans/zoo/models/dcgan_mnist/card.toml",
        "keras_gans/zoo/models/dcgan_mnist/weights.safetensors",
        "keras_gans/zoo/statistics/lenet_mnist-v1-mnist-train.stats.safetensors",
    ):
        assert wanted in names
    for wanted in ("LICENSE", "NOTICE"):
        assert any(name.endswith(f".dist-info/licenses/{wanted}") for name in names)
    on_disk = {p.relative_to(ROOT / "keras_gans") for p in (ROOT / "keras_gans").rglob("*.py")}
    assert all(f"keras_gans/{p.as_posix()}" in names for p in on_disk)
    assert not any(name.endswith(".pyc") or "/tests/" in name for name in names)


def test_the_sdist_holds_the_tests_and_the_models(checkout, tmp_path):
    with tarfile.open(build("build_sdist", checkout, tmp_path)) as sdist:
        names = {name.split("/", 1)[-1] for name in sdist.getnames()}
    assert {
        "zoo/models/dcgan_mnist/weights.safetensors",
        "zoo/statistics/lenet_mnist-v1-mnist-train.stats.safetensors",
        "tests/conftest.py",
        "tests/golden/metrics.npz",
        "docs/published.toml",
        "LICENSE",
        "NOTICE",
        "SECURITY.md",
        "README.md",
    } <= names
    assert {str(path.relative_to(checkout)) for path in (checkout / "docs").rglob("*.py")} <= names
    assert "docs/build_pages.py" in names  # which the tests in it run


def test_an_editable_install_maps_both_folders(checkout, tmp_path):
    with zipfile.ZipFile(build("build_editable", checkout, tmp_path)) as wheel:
        text = "".join(wheel.read(n).decode() for n in wheel.namelist() if n.endswith((".py", ".pth")))
        tops = {n.split("/")[0] for n in wheel.namelist()}
    assert "'keras_gans.zoo'" in text
    assert "'keras_gans.cli'" in text
    assert not {"zoo", "cli"} & tops
