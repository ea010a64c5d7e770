"""keras_gans.data.prepare: everything a model cannot take is one sentence."""

import numpy as np
import pytest
from PIL import Image

from keras_gans.data import DataError, Images, load, prepare

GOOD = np.linspace(-1, 1, 6 * 8 * 8 * 3, dtype="float32").reshape(6, 8, 8, 3)
BYTES = np.zeros((6, 8, 8, 3), "uint8")
LABELS = np.arange(6) % 3


def fit(x, y=None, size=8, channels=3, num_classes=None):
    return prepare(x, y, size=size, channels=channels, num_classes=num_classes)


# --- what is taken ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_are_taken_as_float32(dtype):
    data = fit(GOOD.astype(dtype))
    assert isinstance(data, Images)
    assert data.images.dtype == np.float32
    np.testing.assert_allclose(data.images, GOOD, atol=1e-3)


def test_bytes_are_taken_as_they_are():
    assert fit(BYTES).images is BYTES


def test_grey_needs_no_channel_axis():
    assert fit(BYTES[..., 0], channels=1).shape == (8, 8, 1)


def test_rounding_beyond_one_is_no_mistake():
    assert len(fit(GOOD * np.float32(1 + 1e-6))) == 6


def test_tensors_are_taken():
    import tensorflow as tf

    np.testing.assert_array_equal(fit(tf.constant(GOOD)).images, GOOD)


def test_a_folder_is_resized(tmp_path):
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        Image.new("L", (9 + number, 20), number).save(tmp_path / str(number) / "a.png")
    data = fit(tmp_path, num_classes=3)
    assert (data.shape, data.labels.tolist()) == ((8, 8, 3), [0, 1, 2])
    assert fit(str(tmp_path)).labels is None
    assert fit(load(tmp_path), channels=1).shape == (8, 8, 1)


def test_labels_are_kept_if_and_only_if_the_model_has_classes():
    for labels in (LABELS, LABELS[:, None], LABELS.astype("uint8"), LABELS.tolist()):
        data = fit(GOOD, labels, num_classes=3)
        assert data.labels.dtype == np.int32
        np.testing.assert_array_equal(data.labels, LABELS)
        assert fit(GOOD, labels).labels is None
    np.testing.assert_array_equal(fit((GOOD, LABELS), num_classes=3).labels, LABELS)
    assert fit((GOOD, LABELS)).labels is None
    assert fit(load((GOOD, LABELS))).labels is None
    assert fit(GOOD, "nonsense").labels is None


# --- what is not --------------------------------------------------------------------------------------

WITH_NAN = GOOD.copy()
WITH_NAN[3, 2, 1, 0] = np.nan


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (BYTES.astype("int64"), r"uint8 in \[0, 255\] or float in \[-1, 1\], and int64 came: convert"),
        (BYTES.astype(bool), "and bool came"),
        (np.array([BYTES[0], None], object), "and object came"),
        (BYTES.astype("float32") + 255, r"these lie in \[255, 255\]: divide: x / 127.5 - 1"),
        (GOOD * 2, r"these lie in \[-2, 2\]: scale them there, or give uint8"),
        ((GOOD + 1) / 2, r"these lie in \[0, 1\], which looks like \[0, 1\]: use 2 \* x - 1"),
        (WITH_NAN, "NaN or infinity came"),
        (np.where(GOOD < 0, -np.inf, GOOD), "NaN or infinity came"),
        (BYTES[0], r"one image \(8, 8, 3\) came: give x\[None\]"),
        (BYTES.reshape(6, -1), r"shape \(6, 192\) came: reshape it"),
        (BYTES[None], r"shape \(1, 6, 8, 8, 3\) came"),
        (BYTES[:0], "an empty array came"),
        (Images(BYTES[:0]), "an empty data set came"),
        (BYTES[..., 0], "draws 8x8x3 images and the data has 8x8x1"),
        (
            np.zeros((6, 3, 8, 8), "uint8"),
            r"1 or 3 channels, last, and an array of shape \(6, 3, 8, 8\) came",
        ),
        (np.zeros((6, 8, 8, 4), "uint8"), "drop alpha"),
        (
            np.zeros((6, 32, 32, 1), "uint8"),
            r"^This model draws 8x8x3 images and the data has 32x32x1: let keras_gans\.data\.load\(x, "
            r"size=8, channels=3\) fit it, or build the model with size=32, channels=1\.$",
        ),
        (
            np.zeros((6, 32, 16, 3), "uint8"),
            r"has 32x16x3: let keras_gans\.data\.load\(x, size=8, channels=3\) fit it\.$",
        ),
        ([BYTES[0], BYTES[1]], "a list came: make one of these of it"),
        ((image for image in BYTES), "a generator came"),
        (None, "None came"),
        ("no_such_folder", "'no_such_folder' does not exist: check the path, or write tfds:"),
    ],
)
def test_images_that_are_refused(x, sentence):
    with pytest.raises(DataError, match=sentence) as caught:
        fit(x)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_few_images_that_hold_nan_are_left_out_named_and_counted(tmp_path, caplog):
    images = np.tile(GOOD, (40, 1, 1, 1))[:200].copy()
    images[3, 0, 0, 0], images[77, 2, 1, 1] = np.nan, -np.inf
    labels, left = np.arange(200), np.delete(np.arange(200), [3, 77])
    np.savez(tmp_path / "x.npz", images=images, labels=labels)
    for data in (prepare((images, labels), size=8, channels=3, num_classes=200), load(tmp_path / "x.npz")):
        caplog.clear()
        assert (data.labels == left).all()
        assert (data.images == images[left]).all()
        assert [name for name, _ in data.skipped] == ["image 3", "image 77"]
    assert "skipped 2 of 200 images, which hold NaN or infinity: number 3, 77" in caplog.text
    images[100] = np.inf
    with pytest.raises(DataError, match="NaN or infinity came"):
        prepare(images, size=8, channels=3)


def test_a_model_of_one_size_is_not_to_be_built_for_another():
    with pytest.raises(DataError, match=r"^This model reads 8x8x3 images and the data has 32x32x1: let .* fit it\.$"):
        prepare(np.zeros((6, 32, 32, 1), "uint8"), size=8, channels=3, resizable=False)


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (None, "This model has 3 classes and the data has no labels"),
        (np.eye(3)[LABELS], r"one-hot, give np\.argmax\(y, axis=-1\)"),
        (LABELS[:5], r"One label an image, shape \(6,\), was wanted and shape \(5,\) came"),
        (LABELS.astype("float32"), "Labels are whole numbers and float32 came"),
        (LABELS + 1, "classes 0 to 2 and the labels go from 1 to 3: renumber them, .*num_classes=4"),
        (LABELS - 1, "the labels go from -1 to 1"),
    ],
)
def test_labels_that_are_refused(y, sentence):
    with pytest.raises(DataError, match=sentence):
        fit(GOOD, y, num_classes=3)


def test_labels_must_not_come_twice(tmp_path):
    for x in (load((GOOD, LABELS)), (GOOD, LABELS), str(tmp_path)):
        with pytest.raises(DataError, match="y came as well: leave y out"):
            fit(x, LABELS, num_classes=3)


def test_images_without_labels_for_a_conditional_model():
    with pytest.raises(DataError, match="has no labels"):
        fit(load(GOOD), num_classes=3)


# --- tf.data ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tf():
    import tensorflow

    return tensorflow


def test_datasets_of_images_are_passed_through(tf):
    for x in (GOOD, BYTES):
        dataset = tf.data.Dataset.from_tensor_slices(x).batch(4)
        assert fit(dataset) is dataset


def test_labels_of_a_dataset_are_dropped_or_brought_to_int32(tf):
    dataset = tf.data.Dataset.from_tensor_slices((BYTES, LABELS[:, None])).batch(6)
    assert fit(dataset).element_spec.shape.as_list() == [None, 8, 8, 3]
    _, labels = next(fit(dataset, num_classes=3).as_numpy_iterator())
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, LABELS)
    alone = tf.data.Dataset.from_tensor_slices((BYTES,)).batch(6)  # a tuple of one
    assert fit(alone).element_spec.shape.as_list() == [None, 8, 8, 3]


def test_grey_datasets_get_their_channel_axis(tf):
    dataset = tf.data.Dataset.from_tensor_slices((BYTES[..., 0], LABELS)).batch(4)
    images, _ = next(fit(dataset, channels=1, num_classes=3).as_numpy_iterator())
    assert images.shape == (4, 8, 8, 1)


def test_an_endless_dataset_is_looked_at_once(tf):
    assert fit(tf.data.Dataset.from_tensor_slices(BYTES).repeat().batch(4)) is not None


def test_datasets_that_are_refused(tf):
    def slices(x):
        return tf.data.Dataset.from_tensor_slices(x)

    unknown = tf.data.Dataset.from_generator(lambda: iter([BYTES[..., :1]]), output_types=tf.uint8)
    cases = [
        (slices(BYTES), {}, r"elements have shape \(8, 8, 3\): batch it, as in dataset\.batch\(64\)"),
        (slices(BYTES[..., :1]), {"channels": 1}, "batch it"),
        (slices(BYTES).batch(4), {"size": 16}, "draws 16x16x3 images and the data has 8x8x3"),
        (slices(BYTES[..., 0]).batch(4), {}, "draws 8x8x3 images and the data has 8x8x1"),
        (unknown, {}, "draws 8x8x3 images and the data has 8x8x1"),
        (slices(BYTES.astype("int32")).batch(4), {}, "int32 came"),
        (slices((GOOD + 1) / 2).batch(6), {}, r"use 2 \* x - 1"),
        (slices(GOOD * 127.5 + 127.5).batch(6), {}, "divide: x / 127.5 - 1"),
        (slices(WITH_NAN).batch(6), {}, "NaN"),
        (slices(BYTES).take(0).batch(4), {}, r"an empty tf\.data\.Dataset came"),
        (slices({"image": BYTES, "label": LABELS}).batch(4), {}, "dictionaries with image, label came"),
        (slices((BYTES, LABELS, LABELS)).batch(4), {}, "tuples of 3 came"),
        (slices(BYTES).batch(4), {"num_classes": 3}, "the dataset has no labels"),
        (
            slices((BYTES, LABELS)).batch(4),
            {"num_classes": 2},
            "classes 0 to 1 and the labels go from 0 to 2",
        ),
        (slices((BYTES, LABELS / 1)).batch(4), {"num_classes": 3}, "Labels are whole numbers"),
        (slices(BYTES).batch(4), {"y": LABELS}, "y came as well"),
    ]
    for dataset, arguments, sentence in cases:
        with pytest.raises(DataError, match=sentence):
            fit(dataset, **arguments)
