"""keras_gans.data.pipeline: Images, and batches whose order is a function of (seed, epoch)."""

from itertools import chain

import numpy as np
import pytest

from keras_gans.data import DataError, Images, load
from keras_gans.data.pipeline import Decoded, epoch_flips


def numbered(n: int, labels: bool = False) -> Images:
    """Image i is [i, i + 100]: every order and every flip can be read off."""
    pixels = np.stack([np.arange(n), np.arange(n) + 100], axis=-1).astype("uint8").reshape(n, 1, 2, 1)
    return Images(pixels, np.arange(n, dtype="int32") % 10 if labels else None)


def seen(batches) -> list[list[int]]:
    return [np.minimum(batch[:, 0, 0, 0], batch[:, 0, 1, 0]).tolist() for batch in batches]


def test_an_epoch_shows_every_image_once_and_drops_the_remainder():
    data = numbered(23)
    batches = seen(data.batches(5, seed=3))
    assert data.steps_per_epoch(5) == len(batches) == 4
    flat = list(chain(*batches))
    assert len(set(flat)) == 20
    assert flat != sorted(flat)


def test_the_order_is_pinned():
    # Checkpoints resume by recounting this order: if it ever changes, runs no longer resume bit for bit.
    assert seen(numbered(10).batches(5, seed=7, start=2, stop=4)) == [
        [1, 9, 2, 8, 5],
        [0, 4, 3, 7, 6],
    ]
    assert np.flatnonzero(epoch_flips(12, seed=7, epoch=1)).tolist() == [0, 1, 2, 4, 8, 9]


def test_any_start_gives_the_tail_of_the_whole_run():
    data = numbered(23, labels=True)
    whole = list(data.batches(4, seed=1, stop=17, flip=True))
    assert len(whole) == 17  # three epochs of five and two more
    for start in range(18):
        tail = list(data.batches(4, seed=1, start=start, stop=17, flip=True))
        assert len(tail) == 17 - start
        for (images, labels), (other, others) in zip(tail, whole[start:], strict=True):
            np.testing.assert_array_equal(images, other)
            np.testing.assert_array_equal(labels, others)


def test_without_stop_the_epoch_is_finished():
    data = numbered(20)
    for start, count in [(0, 5), (3, 2), (5, 5), (9, 1)]:
        assert len(list(data.batches(4, start=start))) == count
    assert list(data.batches(4, start=7, stop=7)) == []


def test_seeds_and_epochs_differ():
    data = numbered(50)
    orders = [list(chain(*seen(data.batches(10, seed=seed, start=5 * epoch)))) for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4
    assert all(sorted(order) == list(range(50)) for order in orders)


def test_labels_stay_with_their_images():
    for images, labels in numbered(40, labels=True).batches(8, flip=True):
        assert labels.dtype == np.int32
        np.testing.assert_array_equal(images.min(axis=(1, 2, 3)) % 10, labels)


def test_flips_go_by_image_not_by_place():
    data = numbered(100)

    def mirrored(batch_size: int, start: int) -> dict[int, bool]:
        batches = data.batches(batch_size, seed=5, start=start, flip=True)
        return {int(image.min()): bool(image[0, 0, 0] > image[0, 1, 0]) for batch in batches for image in batch}

    first = mirrored(10, 0)
    assert first == mirrored(25, 0)
    assert first != mirrored(10, 10)
    assert 30 < sum(first.values()) < 70
    assert not any(batch[:, 0, 0, 0].max() >= 100 for batch in data.batches(10))


def test_batches_are_copies():
    data = numbered(4)
    before = data.images.copy()
    for batch in data.batches(2, flip=True):
        batch[:] = 0
    np.testing.assert_array_equal(data.images, before)


def test_too_few_images_and_bad_arguments_fail_at_once():
    with pytest.raises(DataError, match="A batch takes 5 images and array has 4: lower batch_size or add images"):
        numbered(4).batches(5)
    for arguments in ({"batch_size": 0}, {"batch_size": 2, "seed": -1}, {"batch_size": 2, "start": -1}):
        with pytest.raises(ValueError, match="came: give"):
            numbered(4).batches(**arguments)


def test_fingerprint_is_of_the_data_alone():
    data = numbered(10, labels=True)
    assert data.fingerprint() == numbered(10, labels=True).fingerprint()
    other = data.images.copy()
    other[3, 0, 0, 0] ^= 1
    strided = np.repeat(data.images, 2, axis=0)[::2]
    assert Images(strided, data.labels).fingerprint() == data.fingerprint()
    changed = [
        Images(other, data.labels),
        Images(data.images),
        Images(data.images, data.labels[::-1]),
        Images(data.images.reshape(10, 2, 1, 1), data.labels),
    ]
    assert len({data.fingerprint(), *(images.fingerprint() for images in changed)}) == 5


def test_a_source_is_read_once_and_only_when_looked_at():
    asked = []

    def read(size, channels):
        asked.append((size, channels))
        return Decoded(np.zeros((2, size or 9, size or 9, channels or 3), "uint8"), None, [("a", "b")], None)

    data = Images(read, name="test")
    small = data.with_shape(4, 1)
    assert "not read yet" in repr(small)
    assert asked == []
    assert (len(small), small.shape, small.skipped, small.labels) == (2, (4, 4, 1), [("a", "b")], None)
    assert asked == [(4, 1)]
    assert small.with_shape(4, 1) is small
    assert small.with_shape(None, 1) is small
    assert small.with_shape(6, None).shape == (6, 6, 1)  # from the file again, not from 4 x 4
    assert asked == [(4, 1), (6, 1)]
    assert data.shape == (9, 9, 3)
    assert data.with_shape(9, 3) is data
    assert data.with_shape(5, 3).shape == (5, 5, 3)  # nothing was resized yet: what is in memory will do
    assert asked == [(4, 1), (6, 1), (None, None)]


def test_arrays_take_a_new_shape_with_their_labels():
    data = Images(np.zeros((3, 6, 8, 3), "uint8"), np.arange(3, dtype="int32"))
    out = data.with_shape(4, 1)
    assert out.shape == (4, 4, 1)
    np.testing.assert_array_equal(out.labels, [0, 1, 2])
    with pytest.raises(DataError, match="Square images were wanted and 8x6 came"):
        data.with_shape(None, 1)


def test_take_and_without_labels():
    data = numbered(5, labels=True)
    two = data.take(2)
    np.testing.assert_array_equal(two.images, data.images[:2])
    np.testing.assert_array_equal(two.labels, [0, 1])
    assert data.take(5) is data
    assert data.without_labels().labels is None
    assert data.labels is not None


# --- flips that images bring along --------------------------------------------------------------------


def same_batches(batches, others) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(batches, others, strict=True))


def test_images_with_flips_mirror_by_default_and_can_be_overruled():
    data = numbered(40)
    flipped = data.with_flips()
    asked = list(data.batches(8, seed=3, flip=True))
    assert same_batches(flipped.batches(8, seed=3), asked)
    assert same_batches(flipped.batches(8, seed=3, flip=False), data.batches(8, seed=3))
    assert not same_batches(data.batches(8, seed=3), asked)
    np.testing.assert_array_equal(flipped.images, data.images)
    assert flipped.with_flips() is flipped
    assert not flipped.with_flips(False).flip


def test_flips_survive_what_is_made_of_the_images():
    data = Images(np.zeros((6, 4, 4, 3), "uint8"), np.arange(6, dtype="int32"), flip=True)
    for made in (data.with_shape(2, 1), data.take(3), data.without_labels(), data.with_shape(4, 3)):
        assert made.flip
    assert load(data).flip
    assert load(data.images, size=2, flip=True).flip
    assert not load(data.images).flip


def test_flips_are_part_of_the_fingerprint():
    data = numbered(10)
    flipped = data.with_flips()
    assert flipped.fingerprint() != data.fingerprint()
    assert flipped.with_flips(False).fingerprint() == data.fingerprint()


def test_to_ask_for_flips_reads_nothing():
    def read(size, channels):
        raise AssertionError("read")

    data = Images(read, name="test").with_flips().with_shape(4, 1)
    assert data.flip


def test_attributes_follow_their_images():
    decoded = Decoded(
        np.zeros((5, 2, 2, 1), "uint8"), np.arange(5, dtype="int32"), [], None, np.eye(5) > 0, list("abcde")
    )
    data = Images.of(decoded, "test")
    for made, n in ((data.take(3), 3), (data.without_labels(), 5), (data.with_shape(4, 3), 5), (data.with_flips(), 5)):
        np.testing.assert_array_equal(made.attributes, (np.eye(5) > 0)[:n])
        assert made.attribute_names == list("abcde")
    assert (numbered(3).attributes, numbered(3).attribute_names) == (None, None)
