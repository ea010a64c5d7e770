"""Batches that are moved, cut and mixed: what is in them, and that a step says it all."""

import numpy as np
import pytest

from keras_gans import artifacts
from keras_gans.data import load
from keras_gans.training import mixing
from keras_gans.training.mixing import MixedBatches, Mixing

CLASSES = 40


@pytest.fixture
def numbered():
    """40 images 8x8x3, image i all of level i, each of a class of its own."""
    images = np.zeros((40, 8, 8, 3), "uint8") + np.arange(40, dtype="uint8")[:, None, None, None]
    return load((images, np.arange(40)))


def batches(data, *args, **named):
    return MixedBatches(data, data.labels, *args, num_classes=CLASSES, **named)


ALL = Mixing(crop=2, cutmix=1.0, mixup=0.5)


def test_a_batch_is_a_function_of_seed_and_step(rng):
    data = load((rng.integers(0, 256, (40, 8, 8, 3), dtype="uint8"), np.arange(40)), flip=True)
    one = batches(data, 16, seed=3, mixing=ALL)
    assert len(one) == 2  # 8 of 40 are left over
    seen = []
    for _ in range(3):
        seen += [one[i] for i in range(len(one))]
        one.on_epoch_end()
    other = batches(data, 16, seed=3, mixing=ALL)
    for step in (5, 0, 3, 1, 4, 2):  # in any order
        for a, b in zip(other.at(step), seen[step], strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == np.float32
    assert (seen[0][0] != seen[2][0]).any()
    assert (batches(data, 16, seed=4, mixing=ALL).at(0)[0] != seen[0][0]).any()
    np.testing.assert_array_equal(data.images, other.images)  # the data itself stays
    for images, targets in seen:
        assert images.shape == (16, 8, 8, 3)
        assert images.min() >= 0
        assert images.max() <= 255
        np.testing.assert_allclose(targets.sum(1), 1.0, rtol=1e-6)


def test_without_mixing_an_epoch_has_each_image_once(numbered):
    plain = batches(numbered, 8)
    for epoch in range(2):
        images, targets = (np.concatenate(p) for p in zip(*(plain.at(5 * epoch + i) for i in range(5)), strict=True))
        np.testing.assert_array_equal(np.sort(images[:, 0, 0, 0]), np.arange(40))
        np.testing.assert_array_equal(targets, np.eye(40)[images[:, 0, 0, 0].astype(int)])
    mixed = batches(numbered, 8, mixing=ALL).unmixed()
    np.testing.assert_array_equal(mixed.at(7)[0], plain.at(7)[0])


def test_images_are_mirrored_if_they_say_so(numbered):
    images = np.array(numbered.images)
    images[:, :, 0] = 200
    data = load((images, numbered.labels), flip=True)
    left = np.concatenate([batches(data, 8).at(i)[0][:, 0, 0, 0] == 200 for i in range(5)])
    assert 8 < left.sum() < 32
    assert all((batches(data, 8).unmixed().at(i)[0][:, :, 0] == 200).all() for i in range(5))


def test_each_image_is_moved_on_its_own_and_its_mirror_fills_in(rng):
    images = rng.integers(0, 256, (50, 6, 7, 1), dtype="uint8")
    corners = np.stack([np.arange(50) % 5, np.arange(50) // 5 % 5], axis=1)  # 2, 2 is where it was
    found = mixing.moved(images, corners, 2)
    for image, (top, left), out in zip(images, corners - 2, found, strict=True):
        rows, columns = _reflected(6, top), _reflected(7, left)
        np.testing.assert_array_equal(out, image[rows][:, columns])
    np.testing.assert_array_equal(found[12], images[12])


def _reflected(n, by):
    """The places 0 + by ... n - 1 + by of a line of n, counted back from its ends."""
    places = np.abs(np.arange(n) + by)
    return np.where(places < n, places, 2 * (n - 1) - places)


def test_moves_reach_all_places_and_the_targets_stay(rng):
    places = np.zeros((64, 9, 9, 1), "uint8")
    places[:, 4, 4] = 255
    data = load((places, np.arange(64) % CLASSES))
    loader = batches(data, 32, mixing=Mixing(crop=2))
    (first, targets), (second, _) = loader.at(0), loader.at(1)
    assert (first != second).any()
    _, y, x, _ = np.nonzero(np.concatenate([first, second]))
    assert len(y) == 64
    assert set(zip(y.tolist(), x.tolist(), strict=True)) <= {(i, j) for i in range(2, 7) for j in range(2, 7)}
    assert set(y.tolist()) == set(x.tolist()) == {2, 3, 4, 5, 6}
    assert np.corrcoef(y, x)[0, 1] < 0.5
    assert set(targets.ravel().tolist()) == {0.0, 1.0}


def test_cutmix_takes_from_the_one_before_and_shares_the_targets(numbered):
    loader, plain = batches(numbered, 8, mixing=Mixing(cutmix=1.0, cutmix_share=1.0)), batches(numbered, 8)
    shares = set()
    for step in range(20):
        images, targets = loader.at(step)
        own = plain.at(step)[0][:, 0, 0, 0]
        for image, target, level, before in zip(images[..., 0], targets, own, np.roll(own, 1), strict=True):
            assert ((image == level) | (image == before)).all()
            expected = np.zeros(CLASSES)
            expected[int(level)], expected[int(before)] = (image == level).mean(), (image == before).mean()
            np.testing.assert_allclose(target, expected, atol=1e-6)
        shares.add(targets.max())
    assert len(shares) > 10


def test_a_rectangle_has_the_share_that_was_drawn():
    images = np.arange(2, dtype="float32")[:, None, None, None] + np.zeros((2, 20, 20, 1), "float32")
    found, targets = mixing.cutmix(images, np.eye(2, dtype="float32"), 0.75, (0.5, 0.5))
    expected = np.zeros((20, 20))
    expected[5:15, 5:15] = 1
    np.testing.assert_array_equal(found[0, ..., 0], expected)
    np.testing.assert_array_equal(found[1, ..., 0], 1 - expected)
    np.testing.assert_allclose(targets, [[0.75, 0.25], [0.25, 0.75]])
    cut_off = mixing.cutmix(images[:, :, :, :], np.eye(2, dtype="float32"), 0.75, (0.0, 0.999))[1]
    np.testing.assert_allclose(cut_off[0], [1 - 5 * 6 / 400, 5 * 6 / 400])  # beyond two edges


def test_mixup_adds_the_one_before(rng):
    images, targets = rng.uniform(0, 255, (5, 4, 4, 1)).astype("float32"), np.eye(5, dtype="float32")
    expected = 0.3 * images + 0.7 * np.roll(images, 1, axis=0)
    found, shared = mixing.mixup(images.copy(), targets, 0.3)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(shared, 0.3 * targets + 0.7 * np.roll(targets, 1, axis=0), rtol=1e-6)


def test_batches_are_cut_or_mixed_as_often_as_said(numbered):
    def kinds(**table):
        loader = batches(numbered, 8, mixing=Mixing(**table))
        found = []
        for step in range(60):
            images, targets = loader.at(step)
            mixed = (targets > 0).sum(1).max() > 1
            whole = (images == np.round(images)).all()
            found.append("plain" if not mixed else "cut" if whole else "mixed")
        return {kind: found.count(kind) / 60 for kind in set(found)}

    both = kinds(cutmix=1.0, mixup=1.0, cutmix_share=0.25)
    assert 0.1 < both["cut"] < 0.4
    assert both["mixed"] > 0.6
    assert set(kinds(mixup=1.0)) <= {"mixed", "plain"}
    half = kinds(cutmix=1.0)
    assert 0.3 < half["plain"] < 0.75
    assert kinds(crop=1) == {"plain": 1.0}


def test_attributes_are_shared_too(rng):
    """Targets that are no labels, and images that are floats."""
    images = rng.uniform(-1, 1, (8, 4, 4, 1)).astype("float32")
    truth = rng.integers(0, 2, (8, 3)).astype("float32")
    plain = MixedBatches(load(images), truth, 8).at(0)
    np.testing.assert_allclose(np.sort(plain[0].ravel()), np.sort((images.ravel() + 1) * 127.5), rtol=1e-5)
    mixed, targets = MixedBatches(load(images), truth, 8, mixing=Mixing(mixup=1.0)).at(0)
    share = (mixed[0, 0, 0, 0] - plain[0][-1, 0, 0, 0]) / (plain[0][0, 0, 0, 0] - plain[0][-1, 0, 0, 0])
    np.testing.assert_allclose(targets, share * plain[1] + (1 - share) * np.roll(plain[1], 1, axis=0), atol=1e-4)


def test_a_recipe_says_what_is_done():
    table = {"flip": True, "crop": 6, "cutmix": 1.0, "mixup": 0.2, "cutmix_share": 0.3}
    assert mixing.asked_for({"data": table}) == Mixing(6, 1.0, 0.2, 0.3)
    assert mixing.asked_for({}) == Mixing(0, 0.0, 0.0, 0.5)
    for key, value, words in (
        ("crop", 1.5, "data.crop is a whole number of pixels of at least 0, and 1.5 came"),
        ("crop", True, "data.crop is a whole number of pixels of at least 0, and True came"),
        ("cutmix", -1, "data.cutmix is a number of at least 0, and -1 came"),
        ("mixup", "much", "data.mixup is a number of at least 0, and 'much' came"),
        ("cutmix_share", 1.5, "data.cutmix_share is a share of 1, and 1.5 came"),
    ):
        with pytest.raises(artifacts.CardError, match=words):
            mixing.asked_for({"data": {key: value}})


def test_too_few_or_too_small_images_are_refused(numbered):
    with pytest.raises(artifacts.DataError, match="A batch takes 41 images and array has 40"):
        batches(numbered, 41)
    with pytest.raises(artifacts.DataError, match="moved by up to 8 pixels, and these are 8x8: lower crop"):
        batches(numbered, 4, mixing=Mixing(crop=8))
