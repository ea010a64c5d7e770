"""keras_gans.data.lsun: LSUN's LMDB, and the folder that its export script makes."""

import hashlib
import io
import shutil
import subprocess
import sys
from pathlib import Path

import lmdb
import numpy as np
import pytest
from PIL import Image

from keras_gans import artifacts
from keras_gans.data import DataError, load
from keras_gans.data.lazy import Lazy

ROOT = Path(__file__).resolve().parents[2]


def picture(level: int, kind: str) -> bytes:
    """Of LSUN's form: short side fixed, long side not; the square in the middle has the level."""
    pixels = np.full((12, 16 + level % 3, 3), 255, "uint8")
    pixels[:, 2:-2] = level
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **({"lossless": True} if kind == "WEBP" else {"quality": 95}))
    return file.getvalue()


def entries(n: int) -> dict[str, bytes]:
    """{id: file}, in the order of ids; some are JPEG, as in LSUN."""
    ids = sorted(hashlib.sha1(str(i).encode()).hexdigest() for i in range(n))
    return {key: picture(i, "JPEG" if i % 4 == 0 else "WEBP") for i, key in enumerate(ids)}


def write(folder: Path, pictures: dict[str, bytes]) -> Path:
    with lmdb.open(str(folder), map_size=1 << 26) as database, database.begin(write=True) as transaction:
        for key, value in pictures.items():
            transaction.put(key.encode(), value)
    return folder


def levels(images) -> np.ndarray:
    return images[:, 4, 4, 0].astype(int)


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "bedroom_train_lmdb", entries(50))


@pytest.fixture
def small(monkeypatch):
    """As if memory held 1000 bytes of images."""
    monkeypatch.setenv("KERAS_GANS_MAX_DECODED", "1e3")


def test_an_lmdb_gives_its_pictures_in_the_order_of_ids(folder):
    data = load(f"lsun:{folder}", size=8)
    assert (data.shape, len(data), data.labels, data.name) == ((8, 8, 3), 50, None, "lsun:bedroom_train_lmdb")
    np.testing.assert_allclose(levels(data.images), np.arange(50), atol=3)
    np.testing.assert_array_equal(load(f"lsun:{folder}", size=8, limit=7).images, data.images[:7])
    assert load(f"lsun:{folder}", size=8, channels=1).shape == (8, 8, 1)
    assert [load(f"lsun:{folder}", limit=limit).count() for limit in (None, 7)] == [
        50,
        7,
    ]  # which no size is needed for


def test_a_large_lmdb_is_decoded_as_it_is_asked_for(folder, monkeypatch):
    held = load(f"lsun:{folder}", size=8)
    assert isinstance(held.images, np.ndarray)
    monkeypatch.setenv("KERAS_GANS_MAX_DECODED", "1e3")
    monkeypatch.setattr("keras_gans.data.lazy._workers", lambda: 8)
    data = load(f"lsun:{folder}", size=8, flip=True)
    assert isinstance(data.images, Lazy)
    index = np.random.default_rng(0).permutation(50)
    np.testing.assert_array_equal(data.images[index], held.images[index])
    for ours, theirs in zip(data.batches(16, seed=1), held.batches(16, seed=1, flip=True), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert len(load(f"lsun:{folder}", size=8, limit=30)) == 30


def test_the_fingerprint_is_of_ids_and_sizes(folder, tmp_path, small):
    def of(path, **arguments):
        return load(f"lsun:{path}", size=8, **arguments).fingerprint()

    first = of(folder)
    assert of(shutil.copytree(folder, tmp_path / "elsewhere")) == first
    pictures = entries(50)
    last = max(pictures)
    other = write(tmp_path / "other", {k: v for k, v in pictures.items() if k != last} | {"f" * 40: pictures[last]})
    larger = write(tmp_path / "larger", pictures | {last: picture(49, "JPEG") + bytes(9000)})
    assert len({first, of(other), of(larger), of(folder, limit=40), of(folder, flip=True)}) == 5


def test_an_unpacked_folder_has_no_classes_and_the_lmdbs_order(folder, tmp_path, small):
    for key, value in entries(50).items():
        path = tmp_path / "unpacked" / "/".join(key[:6]) / f"{key}.webp"  # as LSUN's export script does
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value)
    data = load(f"lsun:{tmp_path / 'unpacked'}", size=8)
    assert isinstance(data.images, Lazy)
    assert data.labels is None
    np.testing.assert_array_equal(data.images[:], load(f"lsun:{folder}", size=8).images[:])


def test_a_split_chooses_among_lsuns_folders(folder, tmp_path):
    write(tmp_path / "bedroom_val_lmdb", entries(3))
    assert len(load(f"lsun:{tmp_path}", size=8)) == 50
    assert len(load(f"lsun:{tmp_path}", size=8, split="val")) == 3
    with pytest.raises(DataError, match="bedroom_train_lmdb, bedroom_val_lmdb, and one that ends in _test_lmdb was"):
        load(f"lsun:{tmp_path}", split="test")
    with pytest.raises(DataError, match="has no splits and 'val' was asked for"):
        load(f"lsun:{folder}", split="val")
    write(tmp_path / "church_outdoor_train_lmdb", entries(3))
    with pytest.raises(DataError, match="give the folder itself"):
        load(f"lsun:{tmp_path}")


def test_threads_and_forks_read_the_same(folder):
    """In a process of its own, for a test's has threads that a fork would cut off."""
    code = f"""
import os, sys
os.environ["KERAS_GANS_MAX_DECODED"] = "1e3"
from keras_gans.data import lazy, load
lazy._workers = lambda: 4
data = load("lsun:{folder}", size=8)
before = data.images[:]
child = os.fork()
if child == 0:
    os._exit(0 if (data.images[:] == before).all() else 3)
status = os.waitpid(child, 0)[1]
assert status == 0, status
assert (data.images[:] == before).all()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_an_unreadable_picture_is_replaced(tmp_path, small):
    pictures = entries(120)
    bad = list(pictures)[60]
    data = load(f"lsun:{write(tmp_path / 'some_lmdb', pictures | {bad: b'no picture'})}", size=8)
    np.testing.assert_array_equal(data.images[60], data.images[61])
    assert [name for name, _ in data.skipped] == [f"{bad} in {tmp_path / 'some_lmdb'}"]


def test_nothing_is_written(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "lock.mdb").unlink()
    folder.chmod(0o555)
    try:
        assert len(load(f"lsun:{folder}", size=8)) == 50
    finally:
        folder.chmod(0o755)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"data.mdb": before["data.mdb"]}


def test_lmdbs_that_are_none(folder, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="LSUN's pictures are of many sizes: say one"):
        len(load(f"lsun:{folder}"))
    with pytest.raises(DataError, match=r"'.*nowhere' does not exist: check the path, or unzip it"):
        load(f"lsun:{tmp_path / 'nowhere'}", size=8)
    with pytest.raises(DataError, match=r"data\.mdb' is not a folder"):
        load(f"lsun:{folder / 'data.mdb'}", size=8)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"Neither data\.mdb nor a picture lies in"):
        load(f"lsun:{tmp_path / 'empty'}", size=8)
    with pytest.raises(DataError, match="none_lmdb has no images"):
        len(load(f"lsun:{write(tmp_path / 'none_lmdb', {})}", size=8))
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "data.mdb").write_text("no database" * 999)
    with pytest.raises(DataError, match=r"data\.mdb cannot be read as an LMDB \(.*\): close what uses it"):
        load(f"lsun:{tmp_path / 'text'}", size=8)
    monkeypatch.setitem(sys.modules, "lmdb", None)  # what Python does where it is not installed
    with pytest.raises(DataError, match=r'pip install "keras-gans\[lsun\]"'):
        load(f"lsun:{shutil.copytree(folder, tmp_path / 'again')}", size=8)


def test_a_download_that_was_cut_short_is_found_at_once(tmp_path):
    """A map of memory that ends early would kill the process when it is read."""
    folder = write(tmp_path / "cut_lmdb", {f"{i:040}": bytes(1 << 20) for i in range(4)})
    whole = (folder / "data.mdb").read_bytes()
    (folder / "data.mdb").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        DataError, match=r"data\.mdb has [\d,]+ bytes of the [\d,]+ that it says it has: fetch it again"
    ):
        load(f"lsun:{folder}", size=8)


@pytest.fixture
def train(tmp_path, monkeypatch):
    """`keras-gans train ... --out run` in tmp_path, which has to come to its end."""
    from click.testing import CliRunner

    from keras_gans.cli.main import cli

    def run(*arguments):
        monkeypatch.chdir(tmp_path)
        result = CliRunner().invoke(cli, ["train", *arguments, "--out", "run"])
        assert result.exit_code == 0, result.output
        assert result.stdout == "wrote run/model (2 steps)\n"
        return tmp_path / "run"

    return run


CARD = """
name = "rooms"
family = "DCGAN"
task = "generate"
status = "recipe"
version = 1
title = "Rooms"
description = "For a test."
license = "Apache-2.0"
weights_license = "unstated"
default_recipe = "quick"
architecture = { size = 32, channels = 3, latent = 2, width = 1 }
paper = { title = "A paper", authors = "A. Author", year = 2015, url = "https://example.org" }
data = { source = "lsun:rooms", split = "train", seen = "rooms" }
[recipes.quick]
batch_size = 8
steps = 2
data = { flip = true }
compile = { run_eagerly = true }
"""


def test_the_command_line_trains_on_it(folder, tmp_path, small, train):
    """Where pictures are decoded as they are asked for."""
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms" / "card.toml").write_text(CARD)
    run = train("./rooms", "--data", "lsun:bedroom_train_lmdb")
    assert '"data": "lsun:bedroom_train_lmdb"' in (run / "run.json").read_text()


@pytest.mark.slow
def test_the_published_card_trains_on_it(folder, train):
    """As docs/data.md says; narrower, for 2 steps."""
    run = train("dcgan_lsun", "--data", "lsun:bedroom_train_lmdb", "--set", "width=2", "--steps", "2")
    card = artifacts.read_card(run / "model")
    assert card["data"] == {
        "source": "lsun:bedroom_train_lmdb",
        "split": "train",
        "seen": "50 pictures of lsun:bedroom_train_lmdb",
    }
    assert card["title"] == "DCGAN trained on 50 pictures of lsun:bedroom_train_lmdb"
    assert (card["architecture"]["size"], card["architecture"]["width"]) == (64, 2)
    assert artifacts.read_provenance(run / "model")["provenance"]["images"] == 50
