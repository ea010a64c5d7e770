"""keras_gans.data.lazy: what memory would not hold is decoded as it is asked for."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_gans.data import DataError, load
from keras_gans.data.encoded import max_decoded_bytes
from keras_gans.data.lazy import Lazy


def make(folder: Path, n: int, classes: int = 2) -> Path:
    """Picture i is of level i, so that all can be told apart; class i * classes // n, so that names are in order."""
    for i in range(n):
        path = folder / f"class_{i * classes // n}" / f"{i:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 4), (i % 256, 0, 255)).save(path)
    return folder


def levels(images: np.ndarray) -> list[int]:
    return images[:, 0, 0, 0].tolist()


@pytest.fixture
def small(monkeypatch):
    """As if memory held 1000 bytes of images."""
    monkeypatch.setenv("KERAS_GANS_MAX_DECODED", "1e3")


@pytest.fixture
def folder(tmp_path):
    return make(tmp_path / "photos", 60)


def test_the_threshold_is_of_decoded_bytes(folder, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_MAX_DECODED", str(60 * 4 * 4 * 3))
    assert isinstance(load(folder, size=4).images, np.ndarray)
    assert isinstance(load(folder, size=5).images, Lazy)
    assert isinstance(load(folder, size=6, channels=1).images, np.ndarray)
    assert isinstance(load(folder).images, np.ndarray)  # there is nothing to reckon with
    monkeypatch.setenv("KERAS_GANS_MAX_DECODED", "much")
    with pytest.raises(
        DataError, match="KERAS_GANS_MAX_DECODED is a number of bytes, and 'much' came: set it like 4e9"
    ):
        len(load(folder, size=4))
    monkeypatch.delenv("KERAS_GANS_MAX_DECODED")
    assert max_decoded_bytes() == 4_000_000_000


def test_lazy_images_are_those_that_would_be_held(folder, monkeypatch):
    held = load(folder, size=4, channels=3)
    assert isinstance(held.images, np.ndarray)
    monkeypatch.setenv("KERAS_GANS_MAX_DECODED", "1e3")
    data = load(folder, size=4, channels=3)
    images = data.images
    assert isinstance(images, Lazy)
    assert (images.shape, images.dtype, images.ndim, len(images)) == ((60, 4, 4, 3), np.uint8, 4, 60)
    assert (data.shape, data.class_names) == ((4, 4, 3), held.class_names)
    np.testing.assert_array_equal(data.labels, held.labels)
    wanted = held.images
    for key in (
        slice(None),
        slice(50, 99),
        slice(40, 3, -7),
        [3, 1, -1, 3],
        np.array([59, 0], "int32"),
        np.arange(60) % 7 == 0,
        [],
        5,
        np.int64(-2),
    ):
        np.testing.assert_array_equal(images[key], wanted[key])
    np.testing.assert_array_equal(np.asarray(images), wanted)
    assert sum(int(image[0, 0, 0]) for image in images) == sum(range(60))
    for flip in (False, True):
        ours, theirs = (d.batches(8, seed=1, stop=9, flip=flip) for d in (data, held))
        for (x, y), (other, others) in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(x, other)
            np.testing.assert_array_equal(y, others)


def test_wrong_indexing_is_an_index_error(folder, small):
    images = load(folder, size=4).images
    for key in (60, -61, [0, 60]):
        with pytest.raises(IndexError, match=r"There are 60 images, and number -?6[01] was asked for"):
            images[key]
    with pytest.raises(IndexError, match="have one index"):
        images[0, 0]
    for key in (np.ones(3, bool), np.ones(3), [[1]]):
        with pytest.raises(IndexError, match="index along the images alone"):
            images[key]


def test_many_threads_keep_the_order(tmp_path, small, monkeypatch):
    monkeypatch.setattr("keras_gans.data.lazy._workers", lambda: 8)
    data = load(make(tmp_path / "many", 250, classes=1), size=4)
    index = np.random.default_rng(0).permutation(250)
    assert levels(data.images[index]) == index.tolist()


def test_what_is_made_of_lazy_images_stays_lazy(folder, small):
    data = load(folder, size=4)
    for made in (data.take(50), data.without_labels(), data.with_shape(8, 1), data.without_labels().with_shape(8, 1)):
        assert isinstance(made.images, Lazy)
    assert levels(data.take(50).images[:]) == list(range(50))
    assert data.take(50).labels.tolist() == data.labels[:50].tolist()
    anew = data.without_labels().with_shape(6, 3).images[7]
    np.testing.assert_array_equal(anew, load(folder, size=6, limit=60).images[7])  # nothing was resized twice


def test_a_limit_leaves_no_class_out(folder, small):
    data = load(folder, size=4, limit=30)
    assert isinstance(data.images, Lazy)
    assert levels(data.images[:]) == list(range(0, 60, 2))


def test_the_fingerprint_is_of_names_and_sizes(folder, tmp_path, small):
    def of(path, **arguments):
        return load(path, size=4, **arguments).fingerprint()

    first = of(folder)
    assert of(shutil.copytree(folder, tmp_path / "copy")) == first
    assert len({first, of(folder, flip=True), of(folder, limit=50), of(folder, channels=1)}) == 4
    assert load(folder, size=5).fingerprint() != first
    (tmp_path / "copy" / "class_0" / "0003.png").rename(tmp_path / "copy" / "class_0" / "0003a.png")
    assert of(tmp_path / "copy") != first
    Image.new("RGB", (50, 40), "red").save(folder / "class_0" / "0003.png")
    assert of(folder) != first


def test_another_picture_of_the_class_stands_in_for_one_that_cannot_be_read(tmp_path, small, caplog):
    folder = make(tmp_path / "photos", 240)
    last = folder / "class_0" / "0119.png"  # the next one is of the other class
    last.write_bytes(b"<html></html>")
    (folder / "class_1" / "0130.png").write_bytes(b"")
    data = load(folder, size=4)
    with caplog.at_level(logging.WARNING, "keras_gans"):
        assert levels(data.images[[119, 130, 119, 118]]) == [0, 131, 0, 118]
        Image.new("RGB", (6, 4), (119, 0, 255)).save(last)
        assert levels(data.images[[119]]) == [0]  # mended since, and a run sees what it saw before
    bad = {name for name, _ in data.skipped}
    assert bad == {str(last), str(folder / "class_1" / "0130.png")}
    assert all(sum(name in record.getMessage() for record in caplog.records) <= 1 for name in bad)
    assert str(last) in " ".join(reason for _, reason in data.skipped)

    for i in (50, 51):
        (folder / "class_0" / f"{i:04}.png").write_bytes(b"")
    with pytest.raises(DataError, match="at least 3 of 240 images cannot be read, and no more than 1 % may be"):
        load(folder, size=4).images[:]


def test_a_class_of_nothing_readable_is_an_error(tmp_path, small):
    folder = make(tmp_path / "photos", 200, classes=1)
    (folder / "z").mkdir()
    (folder / "z" / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match="no image of class 1 that can be read"):
        load(folder, size=4).images[200]


def test_a_wrong_source_is_found_before_training(tmp_path, small):
    folder = make(tmp_path / "photos", 300)
    for i in range(0, 300, 20):
        (folder / f"class_{i * 2 // 300}" / f"{i:04}.png").write_bytes(b"no")
    with pytest.raises(DataError, match=r"at least \d+ of 100 images cannot be read"):
        len(load(folder, size=4))
