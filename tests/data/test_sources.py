"""keras_gans.data.load: folders, TFDS, arrays."""

import logging
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_gans.data import DataError, Images, load


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, "uint8")


def write(path: Path, level: int = 0, size: tuple[int, int] = (6, 4), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, level if mode == "L" else (level, level, level)).save(path)


def test_importing_data_is_light():
    heavy = "{'keras', 'tensorflow', 'tensorflow_datasets', 'PIL', 'jax', 'torch'}"
    code = f"import keras_gans.data, sys; assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- folders ------------------------------------------------------------------------------------------


def test_a_flat_folder_has_no_labels_and_sorted_files(tmp_path):
    for level in (3, 1, 2):
        write(tmp_path / f"{level}.png", level)
    (tmp_path / "notes.txt").write_text("no picture")
    write(tmp_path / ".hidden.png")
    data = load(tmp_path)
    assert data.images[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert (data.shape, data.labels, data.class_names, data.name) == ((4, 6, 3), None, None, tmp_path.name)


def test_subfolders_are_classes(tmp_path):
    write(tmp_path / "dog" / "a.png", 20)
    write(tmp_path / "cat" / "deep" / "b.JPG", 10)
    write(tmp_path / "cat" / "a.png", 11)
    (tmp_path / "empty").mkdir()
    for hidden in (".thumbnails", "__MACOSX", "dog/.thumbnails"):
        write(tmp_path / hidden / "a.png", 99)
    data = load(str(tmp_path))
    assert data.class_names == ["cat", "dog"]
    assert data.labels.dtype == np.int32
    assert data.labels.tolist() == [0, 0, 1]
    np.testing.assert_allclose(data.images[:, 0, 0, 0], [11, 10, 20], atol=1)


def test_pictures_beside_subfolders_are_all_read_without_labels(tmp_path):
    write(tmp_path / "b.png", 2)
    write(tmp_path / "a" / "x.png", 1)
    data = load(tmp_path)
    assert (data.images[:, 0, 0, 0].tolist(), data.labels) == ([1, 2], None)


def test_split_folders(tmp_path):
    write(tmp_path / "train" / "cat" / "a.png", 1)
    write(tmp_path / "train" / "dog" / "a.png", 2)
    write(tmp_path / "val" / "dog" / "a.png", 3)
    assert load(tmp_path).class_names == ["cat", "dog"]
    assert load(tmp_path, split="val").images[0, 0, 0, 0] == 3
    with pytest.raises(DataError, match="has the splits train, val, and 'test' was asked for"):
        load(tmp_path, split="test")
    with pytest.raises(DataError, match="has no splits and 'val' was asked for"):
        load(tmp_path / "train", split="val")


def test_mixed_sizes_and_modes_are_brought_to_one(tmp_path):
    write(tmp_path / "a.png", 10, (9, 5), "L")
    write(tmp_path / "b.png", 20, (3, 12))
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "c.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (8, 2), (40, 40, 40)).save(tmp_path / "d.jpg", exif=turned)
    Image.fromarray(np.full((4, 4), 257 * 50, "uint16")).save(tmp_path / "e.png")
    for channels in (1, 3):
        images = load(tmp_path, size=4, channels=channels).images
        assert (images.shape, images.dtype) == ((5, 4, 4, channels), np.uint8)
        assert images[:, 2, 2, 0].tolist() == [10, 20, 255, 40, 50]
    assert load(tmp_path, size=4).shape == (4, 4, 3)  # one of them has colours
    with pytest.raises(DataError, match=r"images of 4 sizes, from .* to .*: say one, as in .*size=64"):
        len(load(tmp_path))


def test_native_size_and_grey(tmp_path):
    write(tmp_path / "a.png", 7, (5, 4), "L")
    assert load(tmp_path).shape == (4, 5, 1)
    assert load(tmp_path, channels=3).shape == (4, 5, 3)


def test_counting_decodes_nothing(tmp_path):
    """The files are no pictures: whoever reads one fails."""
    for i in range(5):
        (tmp_path / f"{i}.png").write_bytes(b"no picture")
    with zipfile.ZipFile(tmp_path / "five.zip", "w") as archive:
        for i in range(5):
            archive.write(tmp_path / f"{i}.png", f"{i}.png")
    for source in (tmp_path, tmp_path / "five.zip"):
        data = load(source)
        assert (data.count(), data.with_shape(8, 3).with_flips().count()) == (5, 5)
        assert load(source, limit=3).count() == 3
        with pytest.raises(DataError, match="5 of 5 images"):
            len(data)


def test_what_is_read_is_counted_as_it_is(tmp_path):
    for i in range(150):
        write(tmp_path / f"{i}.png", i)
    (tmp_path / "0.png").write_bytes(b"no picture")
    data = load(tmp_path)
    assert (data.count(), len(data), data.count()) == (150, 149, 149)
    np.save(tmp_path / "seven.npy", noise(7, 4, 4, 3))
    assert load(tmp_path / "seven.npy").count() == load(noise(7, 4, 4, 3)).count() == 7
    assert (load(tmp_path).take(4).count(), load(noise(7, 4, 4, 3)).with_shape(2, 1).count()) == (4, 7)


def test_a_limit_leaves_no_class_out(tmp_path):
    for label in "abcd":
        for number in range(5):
            write(tmp_path / label / f"{number}.png")
    data = load(tmp_path, limit=8)
    assert data.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len(load(tmp_path, limit=99)) == 20


def test_unreadable_files_are_skipped_named_and_counted(tmp_path, caplog):
    for number in range(200):
        write(tmp_path / str(number % 2) / f"{number:03}.png", number)
    (tmp_path / "0" / "100.png").write_bytes(b"<html></html>")
    whole = (tmp_path / "1" / "101.png").read_bytes()
    (tmp_path / "1" / "101.png").write_bytes(whole[:50])
    with caplog.at_level(logging.WARNING, "keras_gans"):
        data = load(tmp_path, size=4, channels=3)
        assert len(data) == 198
    assert [Path(file).name for file, _ in data.skipped] == ["100.png", "101.png"]
    assert all(Path(file).name in reason for file, reason in data.skipped)
    assert len(caplog.records) == 1
    assert "skipped 2 of 200 images" in caplog.text
    levels = data.images[:, 0, 0, 0].astype(int)
    np.testing.assert_array_equal(levels % 2, data.labels)  # labels stay with their images
    assert not {100, 101} & set(levels)

    (tmp_path / "0" / "000.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"at least 3 of 200 images cannot be read.*000\.png.*100\.png"):
        len(load(tmp_path))


def test_a_bomb_in_a_folder_is_skipped(tmp_path, monkeypatch):
    for number in range(100):
        write(tmp_path / f"{number}.png")
    write(tmp_path / "big.png", size=(50, 50))
    monkeypatch.setenv("KERAS_GANS_MAX_PIXELS", "1000")
    assert [Path(file).name for file, _ in load(tmp_path).skipped] == ["big.png"]


def test_folders_that_are_none(tmp_path):
    with pytest.raises(DataError, match=r"'.*nowhere' does not exist: check the path, or write tfds:"):
        load(tmp_path / "nowhere")
    for odd in ("a\0b", "x" * 300, "~nobody_of_that_name/x", ""):
        with pytest.raises(DataError, match="does not exist"):
            load(odd)
    write(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"A folder of images, or a \.zip.* was wanted and .*a\.png' is none"):
        load(tmp_path / "a.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="No PNG, JPEG"):
        load(tmp_path / "empty")


def test_the_order_is_kept_over_many_blocks_and_threads(tmp_path):
    for number in range(600):
        write(tmp_path / f"{number:03}.png", number % 251, (2, 2))
    for data in (load(tmp_path), load(tmp_path, size=2, channels=1)):
        assert data.images[:, 0, 0, 0].tolist() == [number % 251 for number in range(600)]


# --- arrays -------------------------------------------------------------------------------------------


def test_arrays_pairs_and_images():
    pixels = noise(6, 8, 8, 3)
    data = load(pixels)
    assert data.images is pixels
    assert (data.labels, load(data)) == (None, data)
    pair = load((pixels, list(range(6))), size=4, channels=1, limit=5)
    assert (pair.images.shape, pair.labels.dtype, pair.labels.tolist()) == (
        (5, 4, 4, 1),
        np.int32,
        [0, 1, 2, 3, 4],
    )
    assert load(pixels[..., 0]).shape == (8, 8, 1)
    assert isinstance(load(pair, limit=2), Images)
    assert len(load(pair, limit=2)) == 2


def test_floats_stay_floats():
    data = load(np.linspace(-1, 1, 2 * 8 * 8, dtype="float64").reshape(2, 8, 8, 1), size=4)
    assert (data.shape, data.images.dtype) == ((4, 4, 1), np.float32)


def test_bad_arguments():
    for arguments in ({"size": 0}, {"channels": 2}, {"limit": 0}):
        with pytest.raises(ValueError, match="came: give"):
            load(noise(2, 4, 4, 1), **arguments)


# --- TFDS ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tfds_dir(tmp_path_factory):
    """Small data sets that TFDS wrote: "digits" with labels, "photos" of mixed sizes, "faces" with attributes."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    folder = tmp_path_factory.mktemp("tfds")
    digits = tf.data.Dataset.from_tensor_slices({"image": noise(30, 5, 5, 1), "label": np.arange(30) % 3})
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(5, 5, 1), encoding_format="png"),
            "label": tfds.features.ClassLabel(names=["zero", "one", "two"]),
        }
    )
    splits = {"train": digits.take(30), "test": digits.take(4)}
    tfds.dataset_builders.store_as_tfds_dataset("digits", "1.0.0", features, splits, data_dir=folder)
    photos = tf.data.Dataset.from_generator(
        lambda: ({"image": noise(4 + number, 6, 3)} for number in range(4)),
        output_signature={"image": tf.TensorSpec((None, None, 3), tf.uint8)},
    )
    features = tfds.features.FeaturesDict({"image": tfds.features.Image(encoding_format="png")})
    tfds.dataset_builders.store_as_tfds_dataset("photos", "1.0.0", features, {"train": photos}, data_dir=folder)
    faces = tf.data.Dataset.from_tensor_slices(
        {
            "image": np.arange(20, dtype="uint8").reshape(20, 1, 1, 1).repeat(4, 1).repeat(4, 2),
            "about": {"tall": np.arange(20) % 2 == 1, "Old": np.arange(20) >= 15, "grey": np.arange(20) < 3},
            "where": {"x": np.arange(20), "known": np.ones(20, bool)},
        }
    )
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(4, 4, 1), encoding_format="png"),
            "about": {"tall": np.bool_, "Old": np.bool_, "grey": np.bool_},
            "where": {"x": np.int64, "known": np.bool_},
        }
    )
    tfds.dataset_builders.store_as_tfds_dataset("faces", "1.0.0", features, {"train": faces}, data_dir=folder)
    return folder


@pytest.fixture
def tfds_env(tfds_dir, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tfds_dir))


def test_tfds_gives_images_labels_and_names(tfds_env):
    data = load("tfds:digits")
    assert (data.shape, len(data), data.name) == ((5, 5, 1), 30, "tfds:digits train")
    assert data.class_names == ["zero", "one", "two"]
    # TFDS shuffles when it writes: the pairs are what must hold.
    label = {image.tobytes(): number % 3 for number, image in enumerate(noise(30, 5, 5, 1))}
    assert [label[image.tobytes()] for image in data.images] == data.labels.tolist()
    assert data.fingerprint() == load("tfds:digits").fingerprint()


def test_tfds_splits_limits_and_shapes(tfds_env):
    whole = load("tfds:digits")
    head = load("tfds:digits", split="train[:20]", limit=7)
    np.testing.assert_array_equal(head.images, whole.images[:7])
    np.testing.assert_array_equal(load("tfds:digits", split="train[20:]").labels, whole.labels[20:])
    assert len(load("tfds:digits:1.0.0", split="test")) == 4
    assert load("tfds:digits", size=8, channels=3, limit=2).shape == (8, 8, 3)
    with pytest.raises(DataError, match="no split 'validation': take one of train, test"):
        len(load("tfds:digits", split="validation"))


def test_tfds_counts_without_reading(tfds_env, monkeypatch):
    monkeypatch.setattr("keras_gans.data.tfds.decode_all", None)  # which is what reads
    assert load("tfds:digits", split="train[:20]", size=8).count() == 20
    assert [load("tfds:digits", limit=limit).count() for limit in (7, 99)] == [7, 30]
    with pytest.raises(DataError, match="no split 'validation': take one of train, test"):
        load("tfds:digits", split="validation").count()


def test_tfds_photos_of_mixed_sizes(tfds_env):
    data = load("tfds:photos", size=4)
    assert (len(data), data.shape, data.labels, data.class_names) == (4, (4, 4, 3), None, None)
    with pytest.raises(DataError, match="images of 4 sizes, from 6x4 to 6x7"):
        len(load("tfds:photos"))


def test_tfds_booleans_are_attributes(tfds_env):
    data = load("tfds:faces")
    number = data.images[:, 0, 0, 0]  # TFDS shuffles when it writes
    assert data.attribute_names == ["Old", "grey", "tall"]
    assert (data.attributes.shape, data.attributes.dtype) == ((20, 3), bool)
    np.testing.assert_array_equal(data.attributes, np.stack([number >= 15, number < 3, number % 2 == 1], axis=1))
    np.testing.assert_array_equal(load("tfds:faces", limit=6).attributes, data.attributes[:6])
    assert load("tfds:digits", limit=3).attributes is None


def test_tfds_without_tensorflow_is_one_sentence(tfds_env, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # what Python does where it is not installed
    with pytest.raises(
        DataError, match="tfds:digits is read by tensorflow-datasets with TensorFlow, and tensorflow is"
    ):
        len(load("tfds:digits"))


def test_tfds_names(tfds_env, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_OFFLINE", "1")
    for name in ("../digits", "", "user:digits", "Digits", "x" * 500 + "!"):
        with pytest.raises(DataError, match="A TFDS name as in tfds:mnist was wanted"):
            load(f"tfds:{name}")
    with pytest.raises(DataError, match="TFDS knows no data set 'no_such_thing'"):
        len(load("tfds:no_such_thing"))
    with pytest.raises(DataError, match=r"not prepared in .* and KERAS_GANS_OFFLINE is set"):
        len(load("tfds:mnist"))


def test_a_download_that_fails_is_one_sentence(tfds_env, monkeypatch):
    # A real download that fails at its first write: the folder it would go to cannot be made.
    monkeypatch.setenv("KERAS_GANS_OFFLINE", "false")
    monkeypatch.setenv("TFDS_DATA_DIR", os.devnull)
    with pytest.raises(DataError, match=r"tfds:mnist is not prepared in .*could not download it .*TFDS_DATA_DIR"):
        len(load("tfds:mnist"))
