"""keras_gans.data.archive: a .zip of pictures, read where it lies."""

import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_gans.data import DataError, load
from keras_gans.data.lazy import Lazy


def picture(level: int, size: int = 4) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (size, size), (level, level, level)).save(file, "PNG")
    return file.getvalue()


def pack(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def levels(data) -> list[int]:
    return data.images[:, 0, 0, 0].tolist()


def test_folders_of_a_zip_are_classes_and_paths_are_sorted(tmp_path):
    entries = {"dog/b.png": picture(4), "dog/a.png": picture(3), "cat/deep/x.JPG": picture(2), "cat/a.png": picture(1)}
    others = {"__MACOSX/cat/a.png": picture(9), "cat/.hidden.png": picture(9), "notes.txt": b"none", "empty/": b""}
    data = load(pack(tmp_path / "pets.zip", entries | others))
    assert (levels(data), data.labels.tolist(), data.class_names) == ([1, 2, 3, 4], [0, 0, 1, 1], ["cat", "dog"])
    assert data.name == "pets.zip"
    assert levels(load(str(tmp_path / "pets.zip"), limit=2)) == [1, 3]


def test_a_zip_is_read_as_the_folder_it_was_made_of(tmp_path):
    names = ["b.png", "a/x.png", "a-b/x.png", "a/x/y.png", "a.png"]
    for level, name in enumerate(names):
        (tmp_path / "of" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "of" / name).write_bytes(picture(level))
    data = load(pack(tmp_path / "of.zip", {name: (tmp_path / "of" / name).read_bytes() for name in names}))
    assert data.labels is None
    assert levels(data) == levels(load(tmp_path / "of"))


def test_splits_of_classes_beside_a_table(tmp_path):
    """As tiny_imagenet_64.zip: train/<wnid>/*.webp, val/<wnid>/*.webp, classes.tsv."""
    entries = {"classes.tsv": b"n01\tgoldfish\nn02\tbullfrog\n"}
    for level, (split, wnid) in enumerate((s, w) for s in ("train", "val") for w in ("n02", "n01")):
        for i in range(2 if split == "train" else 1):
            file = io.BytesIO()
            Image.new("RGB", (8, 8), (40 * level + i,) * 3).save(file, "WEBP", lossless=True)
            entries[f"{split}/{wnid}/{i}.webp"] = file.getvalue()
    path = pack(tmp_path / "tiny.zip", entries)
    train, val = load(path), load(path, split="val")
    assert (levels(train), train.labels.tolist()) == ([40, 41, 0, 1], [0, 0, 1, 1])
    assert (levels(val), val.labels.tolist()) == ([120, 80], [0, 1])
    assert train.class_names == val.class_names == ["n01", "n02"]
    assert train.fingerprint() != val.fingerprint()
    with pytest.raises(DataError, match=r"has the splits train, val, and 'test' was asked for"):
        load(path, split="test")


def test_splits_and_a_folder_around_it_all(tmp_path):
    entries = {
        f"{split}/{c}/a.png": picture(10 * i + j)
        for i, split in enumerate(("train", "val"))
        for j, c in enumerate("xy")
    }
    for around in ("", "photos/"):
        path = pack(
            tmp_path / "photos.zip", {around + name: data for name, data in entries.items()} | {"readme.md": b"."}
        )
        assert (levels(load(path)), load(path).class_names) == ([0, 1], ["x", "y"])
        assert levels(load(path, split="val")) == [10, 11]
        with pytest.raises(DataError, match="has the splits train, val, and 'test' was asked for"):
            load(path, split="test")
    path = pack(tmp_path / "flat.zip", {"photos/a.png": picture(1), "photos/b.png": picture(2)})
    assert load(path).class_names == ["photos"]
    with pytest.raises(DataError, match="has no splits and 'val' was asked for"):
        load(path, split="val")


def test_nothing_is_unpacked_and_paths_lead_nowhere(tmp_path):
    (tmp_path / "in").mkdir()
    tricks = {"../out.png": picture(1), "/etc/x.png": picture(2), "C:\\win\\y.png": picture(3), "a//b.png": picture(4)}
    path = pack(tmp_path / "in" / "tricks.zip", tricks)
    before = sorted(tmp_path.rglob("*"))
    assert load(path).class_names == ["C:", "a", "etc"]
    assert sorted(levels(load(path))) == [2, 3, 4]  # ".." is hidden, as any name with a point before it
    assert sorted(tmp_path.rglob("*")) == before


def test_bombs_are_skipped_by_what_they_claim(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_MAX_PIXELS", "1e5")
    entries = {f"{i:03}.png": picture(i) for i in range(200)}
    entries["zeros.bmp"] = bytes(10_000_000)  # 10 kB in the archive
    data = load(pack(tmp_path / "bomb.zip", entries))
    assert len(data) == 200
    ((name, reason),) = data.skipped
    assert name.startswith("zeros.bmp in ")
    assert "it says it has 10,000,000 bytes" in reason


def test_a_zip_that_understates_its_sizes_is_not_believed(tmp_path):
    path = pack(
        tmp_path / "liar.zip", {f"{i:03}.png": picture(i % 256) for i in range(200)} | {"a.png": bytes(1_000_000)}
    )
    raw = path.read_bytes()
    claimed, small = struct.pack("<L", 1_000_000), struct.pack("<L", 100)
    assert claimed in raw
    path.write_bytes(raw.replace(claimed, small))
    data = load(path)
    assert [name.split(" ")[0] for name, _ in data.skipped] == ["a.png"]


def test_bad_entries_are_skipped_and_named(tmp_path):
    path = pack(tmp_path / "some.zip", {f"{i:03}.png": picture(i) for i in range(150)}, zipfile.ZIP_STORED)
    raw = bytearray(path.read_bytes())
    raw[raw.index(picture(7)) + 60] ^= 1
    path.write_bytes(raw)
    data = load(path)
    assert (len(data), [name for name, _ in data.skipped]) == (149, [f"007.png in {path}"])
    assert "Bad CRC-32" in data.skipped[0][1]


def test_zips_that_are_none(tmp_path):
    (tmp_path / "text.zip").write_text("no archive")
    whole = pack(tmp_path / "cut.zip", {f"{i}.png": picture(i) for i in range(9)}).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:-40])
    for name in ("text.zip", "cut.zip"):
        with pytest.raises(DataError, match=rf"{name} cannot be read as a \.zip \(.*\): it may be cut short") as caught:
            load(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match=r"No PNG, JPEG.* file lies in '.*none\.zip'"):
        load(pack(tmp_path / "none.zip", {"notes.txt": b"."}))


def test_a_zip_that_vanishes_is_one_sentence(tmp_path):
    path = pack(tmp_path / "gone.zip", {f"{i}.png": picture(i) for i in range(9)})
    data = load(path)
    os.unlink(path)
    with pytest.raises(DataError, match=r"gone\.zip: at least .* cannot be read.*No such file"):
        len(data)


def test_a_large_zip_is_decoded_as_it_is_asked_for(tmp_path, monkeypatch):
    entries = {f"{'ab'[i // 30]}/{i:02}.png": picture(i) for i in range(60)}
    path = pack(tmp_path / "many.zip", entries)
    held = load(path, size=4, channels=3)
    held.images  # noqa: B018
    monkeypatch.setenv("KERAS_GANS_MAX_DECODED", "1e3")
    monkeypatch.setattr("keras_gans.data.lazy._workers", lambda: 8)
    data = load(path, size=4, channels=3)
    assert isinstance(data.images, Lazy)
    index = np.random.default_rng(0).permutation(60)
    np.testing.assert_array_equal(data.images[index], held.images[index])
    np.testing.assert_array_equal(data.labels, held.labels)
    first = data.fingerprint()
    assert len(picture(7)) == len(picture(8))
    pack(path, entries | {"a/07.png": picture(8)})
    assert load(path, size=4, channels=3).fingerprint() != first
