"""benchmarks/pack.py: any data set in one file."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from keras_gans.data import DataError, Images, load
from keras_gans.data.pipeline import Decoded

PACK = runpy.run_path(str(Path(__file__).resolve().parents[2] / "benchmarks" / "pack.py"))


def smooth(n: int, channels: int = 3) -> np.ndarray:
    """Pictures that JPEG can hold: ramps from a level of their own."""
    ramp = np.linspace(0, 60, 16)[:, None, None] + np.arange(n)[:, None, None, None] * 5
    return np.broadcast_to(ramp, (n, 16, 16, channels)).astype("uint8")


@pytest.mark.parametrize("kind", ["jpeg", "webp", "png"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_zip_holds_the_resized_pictures_and_their_classes(tmp_path, kind, channels):
    labels = np.arange(30) % 3
    given = Images(smooth(30, channels), labels.astype("int32"))
    PACK["pack"](given, tmp_path / "x.zip", size=8, kind=kind)
    data = load(tmp_path / "x.zip", channels=channels)  # WebP knows no grey
    order = np.argsort(labels, kind="stable")
    assert (data.labels.tolist(), data.class_names) == (labels[order].tolist(), ["00000", "00001", "00002"])
    assert data.shape == (8, 8, channels)
    off = np.abs(data.images.astype(int) - given.with_shape(8, channels).images[order])
    assert off.max() <= {"jpeg": 8, "webp": 14, "png": 0}[kind]
    first = (tmp_path / "x.zip").read_bytes()
    PACK["pack"](given, tmp_path / "x.zip", size=8, kind=kind)
    assert (tmp_path / "x.zip").read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_an_npz_holds_everything(tmp_path):
    attributes = np.eye(6, 2) > 0
    labels = np.array([0, 4, 4, 0, 1, 1], "int32")
    given = Images.of(Decoded(smooth(6), labels, [], list("abcde"), attributes, ["tall", "old"]), "given")
    PACK["pack"](given, tmp_path / "deep" / "x.npz")
    data = load(tmp_path / "deep" / "x.npz")
    np.testing.assert_array_equal(data.images, given.images)
    np.testing.assert_array_equal(data.attributes, attributes)
    assert (data.labels.tolist(), data.class_names) == (labels.tolist(), list("abcde"))
    assert data.attribute_names == ["tall", "old"]
    assert data.fingerprint() == given.fingerprint()


def test_what_cannot_be_packed_leaves_nothing_behind(tmp_path):
    gap = Images(smooth(3), np.array([0, 2, 2], "int32"))
    for given, name, sentence in [
        (gap, "x.zip", "class 1 has no image"),
        (np.linspace(-1, 1, 2 * 64, dtype="float32").reshape(2, 8, 8), "x.zip", "float ones came: pack into an .npz"),
        (gap, "x.tar", r"A \.zip or an \.npz is written, and 'x\.tar' came"),
    ]:
        with pytest.raises(DataError, match=sentence):
            PACK["pack"](given, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_its_command_line(tmp_path, capsys, monkeypatch):
    np.save(tmp_path / "x.npy", smooth(9))
    PACK["main"]([str(tmp_path / "x.npy"), str(tmp_path / "y.zip"), "--size", "4", "--channels", "1", "--limit", "5"])
    assert "y.zip: 5 images of 4x4x1, 0.0 MB" in capsys.readouterr().out
    assert load(tmp_path / "y.zip").labels is None
    with pytest.raises(SystemExit, match=r"error: .*does not exist"):
        PACK["main"]([str(tmp_path / "nowhere"), str(tmp_path / "z.zip")])
