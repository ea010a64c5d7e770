"""DiffAugment: each policy against plain indexing."""

import numpy as np
import pytest
from keras import ops

from keras_gans import augmentation, random


def uniform(*rows):
    return ops.convert_to_tensor(np.array(rows, "float32"))


@pytest.fixture
def images(rng):
    return rng.uniform(-1, 1, (3, 16, 16, 3)).astype("float32")


def test_translation_shifts_and_fills_with_zeros(images):
    # 16 pixels shift by -2..2: u = 0 is -2, u just under 1 is 2, u = .5 is 0.
    got = augmentation.translation(ops.convert_to_tensor(images), uniform((0, 0.5, 0), (0.999, 0, 0), (0.5, 0.5, 0)))
    expected = np.zeros_like(images)
    expected[0, 2:] = images[0, :-2]
    expected[1, :-2, 2:] = images[1, 2:, :-2]
    expected[2] = images[2]
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_crop_takes_a_smaller_part_of_each(images):
    u = uniform((0, 0), (0.999, 0), (0.5, 0.999))[:, :2]
    got = augmentation.crop(ops.convert_to_tensor(images), u, 4)  # it begins at 0 to 4: u = .5 is 2
    expected = np.stack([images[0, :12, :12], images[1, 4:, :12], images[2, 2:14, 4:]])
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_cutout_zeroes_a_square_that_may_hang_over(images):
    got = augmentation.cutout(ops.convert_to_tensor(images), uniform((0.5, 0.5, 0), (0, 0, 0), (0.999, 0.5, 0)))
    expected = images.copy()
    expected[0, 4:12, 4:12] = 0  # u = .5 of 17 places is place 8, less half the hole
    expected[1, :4, :4] = 0
    expected[2, 12:, 4:12] = 0
    np.testing.assert_array_equal(got, expected)


def test_color_against_its_definition(images):
    u = np.array([(0.1, 0.2, 0.3), (0.5, 0.5, 0.5), (0.9, 0.8, 0.7)], "float32")
    expected = []
    for x, (b, s, c) in zip(images, u, strict=True):
        x = x + b - 0.5
        x = (x - x.mean(-1, keepdims=True)) * 2 * s + x.mean(-1, keepdims=True)
        expected.append((x - x.mean()) * (c + 0.5) + x.mean())
    got = augmentation.color(ops.convert_to_tensor(images), ops.convert_to_tensor(u))
    np.testing.assert_allclose(got, np.stack(expected), atol=1e-5)
    np.testing.assert_allclose(got[1], images[1], atol=1e-5)  # the middle of every range changes nothing


def test_all_policies_together_differ_by_image_and_have_gradients(images):
    import tensorflow as tf

    x = tf.constant(np.repeat(images[:1], 4, axis=0))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = augmentation.diff_augment(x, tuple(augmentation.POLICIES), random.Noise(0, 0, 0))
        total = tf.reduce_sum(tf.square(y))
    assert all(np.abs(y[0] - y[i]).max() > 0.1 for i in (1, 2, 3))
    gradient = tape.gradient(total, x).numpy()
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


def test_names_are_checked():
    assert augmentation.check("color") == ("color",)
    assert augmentation.check(None) == ()
    with pytest.raises(ValueError, match="takes the policies color, translation, cutout, got 'colour'"):
        augmentation.check(["colour"])
