"""keras_gans.data.arrays: .npy and .npz."""

import numpy as np
import pytest

from keras_gans.data import DataError, load

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), "uint8")
LABELS = np.arange(6) % 3


def test_an_npy_is_mapped_and_not_read(tmp_path):
    np.save(tmp_path / "x.npy", PIXELS)
    data = load(tmp_path / "x.npy")
    np.testing.assert_array_equal(data.images, PIXELS)
    assert isinstance(data.images, np.memmap) or isinstance(data.images.base, np.memmap)
    assert (data.labels, data.name) == (None, "x.npy")
    assert data.fingerprint() == load(PIXELS).fingerprint()
    batch = next(data.batches(3, flip=True))
    batch[:] = 0  # a copy
    np.testing.assert_array_equal(data.images, PIXELS)
    assert load(str(tmp_path / "x.npy"), size=4, channels=1, limit=5).images.shape == (5, 4, 4, 1)


def test_an_npz_brings_images_and_labels(tmp_path):
    np.savez(tmp_path / "x.npz", images=PIXELS, labels=LABELS[:, None], other=np.zeros(3))
    data = load(tmp_path / "x.npz", limit=4, flip=True)
    np.testing.assert_array_equal(data.images, PIXELS[:4])
    assert (data.labels.tolist(), data.labels.dtype, data.flip) == ([0, 1, 2, 0], np.int32, True)
    small = load(tmp_path / "x.npz", size=4)
    np.testing.assert_array_equal(small.images, load(PIXELS, size=4).images)
    assert small.labels.tolist() == LABELS.tolist()


def test_an_npz_of_one_array_needs_no_name(tmp_path):
    floats = np.linspace(-1, 1, 4 * 8 * 8, dtype="float32").reshape(4, 8, 8)
    np.savez_compressed(tmp_path / "x.npz", floats)
    assert load(tmp_path / "x.npz").images.shape == (4, 8, 8, 1)
    assert load(tmp_path / "x.npz").images.dtype == np.float32


def test_an_npz_may_name_classes_and_attributes(tmp_path):
    attributes = np.eye(6, 2) > 0
    names = {"class_names": ["a", "b", "c"], "attribute_names": ["tall", "old"]}
    np.savez(tmp_path / "x.npz", images=PIXELS, labels=LABELS, attributes=attributes, **names)
    data = load(tmp_path / "x.npz", limit=5)
    assert (data.class_names, data.attribute_names) == (names["class_names"], names["attribute_names"])
    np.testing.assert_array_equal(data.attributes, attributes[:5])
    np.savez(tmp_path / "x.npz", images=PIXELS, attributes=attributes[:5], attribute_names=["tall", "old"])
    with pytest.raises(DataError, match=r"Attributes are bool of shape \(6, 2\), and bool of shape \(5, 2\) came"):
        len(load(tmp_path / "x.npz"))


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"images": PIXELS.astype("int64")}, "int64 came: convert"),
        ({"images": (PIXELS / 255).astype("float32")}, r"looks like \[0, 1\]"),
        ({"images": PIXELS.transpose(0, 3, 1, 2)}, "1 or 3 channels, last"),
        ({"images": PIXELS, "labels": LABELS[:4]}, r"One label an image, shape \(6,\), was wanted and shape \(4,\)"),
        ({"images": PIXELS, "labels": LABELS / 1}, "Labels are whole numbers"),
        ({"x_train": PIXELS, "y_train": LABELS}, "called images .* were wanted and x_train, y_train came"),
        ({}, "and nothing came"),
        ({"images": np.array([None, 1], object)}, "cannot be read as NumPy's .*pickle"),
    ],
)
def test_npz_that_are_refused(tmp_path, arrays, sentence):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError, match=sentence) as caught:
        len(load(tmp_path / "x.npz"))
    assert str(caught.value).startswith(str(tmp_path / "x.npz"))
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path):
    np.save(tmp_path / "x.npy", PIXELS)
    whole = (tmp_path / "x.npy").read_bytes()
    hostile = {"cut": whole[:200], "text": b"no array", "empty": b"", "pickle": b"\x80\x04N."}
    for name, data in hostile.items():
        for suffix in (".npy", ".npz"):
            path = tmp_path / (name + suffix)
            path.write_bytes(data)
            with pytest.raises(DataError, match=f"{path.name}: It cannot be read as NumPy's") as caught:
                len(load(path))
            assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="has no splits and 'test' was asked for"):
        load(tmp_path / "x.npy", split="test")
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "y.npy")
