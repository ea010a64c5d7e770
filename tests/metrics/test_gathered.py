"""Measures that take a side as a whole: on arrays, folders, tf.data and models, with progress, and a Score."""

import numpy as np
import pytest

import keras_gans
from keras_gans import data, metrics
from keras_gans.artifacts import DataError, MetricError
from keras_gans.metrics import gathered
from keras_gans.metrics.sources import open_source
from toy_extractor import SHAPE, Means


@pytest.fixture(scope="module")
def gan():
    gan = keras_gans.DCGAN(size=32, channels=1, width=2, latent=4, num_classes=3)
    gan.reestimate_statistics(batches=1, batch_size=16)
    return gan


@pytest.fixture(scope="module")
def real():
    return np.random.default_rng(5).integers(0, 256, (30, *SHAPE), dtype="uint8"), np.arange(30) % 3


def _folder(path, images, labels):
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        data.save_png(path / str(label) / f"{i:03}.png", image)
    return path


MEASURES = {
    "swd": lambda fake, real, **o: metrics.sliced_wasserstein(fake, real, patches=2, directions=4, **o),
    "memorized": lambda fake, real, **o: metrics.memorization(fake, real, **o),
    "memorized by features": lambda fake, real, **o: metrics.memorization(fake, real, Means(), **o),
    "support": lambda fake, real, **o: metrics.birthday(fake, real, percentile=50, **o),
    "support by features": lambda fake, real, **o: metrics.birthday(fake, real, Means(), percentile=50, **o),
    "one_nn": lambda fake, real, **o: metrics.one_nearest_neighbour(fake, real, **o),
    "one_nn by features": lambda fake, real, **o: metrics.one_nearest_neighbour(fake, real, Means(), **o),
    "ms_ssim": lambda fake, real, **o: metrics.diversity(fake, pairs=5, **o),
    "accuracy": lambda fake, real, **o: metrics.conditional_accuracy(fake, Means(), **o),
}


@pytest.mark.parametrize("name", MEASURES)
def test_whatever_both_sides_come_as_the_score_is_the_same(gan, real, tmp_path, name):
    import tensorflow as tf

    measure, drawn = MEASURES[name], (gan.generate(12, seed=3), np.arange(12) % 3)
    by_model = measure(gan, real, n=12, seed=3)
    expected = measure(drawn, real, seed=3)
    assert by_model.metric == name.split()[0]
    assert (by_model.value, by_model.details, by_model.protocol) == (
        expected.value,
        expected.details,
        expected.protocol,
    )
    assert (by_model.seed, expected.seed) == (3, None)
    assert (by_model.n_fake, by_model.interval) == (12, expected.interval)
    for fake, against in (
        (tf.data.Dataset.from_tensor_slices(drawn).batch(5), data.load(real)),
        (_folder(tmp_path / "fake", *drawn), tf.data.Dataset.from_tensor_slices(real).batch(7)),
        ((drawn[0] / np.float32(127.5) - 1, drawn[1]), _folder(tmp_path / "real", *real)),
    ):
        found = measure(fake, against, seed=3)
        if name.split()[0] in ("ms_ssim", "swd"):  # which depend on the order: a folder's is by class
            assert found.n_fake == 12
        else:
            assert (found.value, found.n_fake, found.n_real) == (expected.value, 12, expected.n_real)


@pytest.mark.parametrize("name", MEASURES)
def test_it_says_how_far_it_is(gan, real, name):
    told = []
    MEASURES[name](gan, real, n=12, batch_size=5, progress=lambda *at: told.append(at))
    assert told[-3:] == [(5, 12), (10, 12), (12, 12)]


class Silent:
    """A model that must not draw."""

    image_shape, latent, prior, num_classes, name = SHAPE, 4, "uniform", 3, "silent"

    def generate(self, **options):
        raise AssertionError("it was drawn before all was known to fit")


class Unconditional(Silent):
    num_classes = None


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        (lambda real: metrics.one_nearest_neighbour(Unconditional(), real, n=9), "one_nn takes a class-conditional"),
        (lambda real: metrics.one_nearest_neighbour(Silent(), real[0], n=9), "one_nn takes real images with labels"),
        (
            lambda real: metrics.conditional_accuracy(Unconditional(), Means(), n=9),
            "accuracy takes a class-conditional",
        ),
        (lambda real: metrics.memorization(Silent(), real[0][:1], n=9), "At least 2 training images"),
        (lambda real: metrics.memorization(Silent(), real, n=9, percentile=-1), "percentile is a number"),
        (lambda real: metrics.birthday(Silent(), real[0][:1], n=9), "At least 2 real images"),
        (lambda real: metrics.birthday(Silent(), n=9), "neither came"),
        (lambda real: metrics.diversity(Silent(), n=1), "At least 2 images were wanted, and 1 was asked for"),
        (lambda real: metrics.diversity(Silent(), n=9, scales=3), "there is room for scales of 1 to 2"),
        (lambda real: metrics.sliced_wasserstein(Silent(), real[0][:, :16, :16], n=9), "of one shape were wanted"),
        (lambda real: metrics.sliced_wasserstein(Silent(), real[0]), "say how many"),
        (lambda real: metrics.frechet_distance(Silent(), real[0], Means(), n=8), "more than 8 images a side, and 8"),
        (
            lambda real: metrics.frechet_distance(Silent(), real[0][:8], Means(), n=9),
            "more than 8 images a side, and 8",
        ),
        (lambda real: metrics.kernel_distance(Silent(), real[0], Means(), n=1), "at least 2 images a side, and 1"),
        (lambda real: metrics.density_coverage(Silent(), real[0][:5], Means(), n=9), "At least 6 rows of features"),
    ],
)
def test_mistakes_are_found_before_anything_is_drawn(real, measure, text):
    with pytest.raises(MetricError, match=text):
        measure(real)


def test_sides_of_other_sizes_are_one_sentence(real):
    small = real[0][:, :16, :16], real[1]
    for measure in (metrics.one_nearest_neighbour, metrics.memorization):
        with pytest.raises(MetricError, match="of one length, and 256 and 1024 came"):
            measure(small, real)
    with pytest.raises(MetricError, match="of one size were wanted, and rows of 256 and 1024 came"):
        metrics.birthday(small, real)


def test_images_of_several_shapes_are_one_sentence(rng):
    import tensorflow as tf

    def several():
        yield rng.integers(0, 256, (2, 8, 8, 1), dtype="uint8")
        yield rng.integers(0, 256, (2, 9, 9, 1), dtype="uint8")

    made = tf.data.Dataset.from_generator(several, output_signature=tf.TensorSpec((None, None, None, 1), tf.uint8))
    with pytest.raises(MetricError, match=r"Images of one shape were wanted, and \(8, 8, 1\) and \(9, 9, 1\) came"):
        gathered.pictures_of(made)
    with pytest.raises(MetricError, match="Images were wanted and none came"):
        gathered.pictures_of(made.take(0))


def test_labels_have_a_part_in_what_labelled_images_are_called(real):
    import tensorflow as tf

    images, labels = real
    rows = images.reshape(30, -1) / 255.0

    def names(labels):
        made = tf.data.Dataset.from_tensor_slices((images, labels)).batch(7)
        return [gathered.rows_of(source).identity for source in ((images, labels), (rows, labels), made)]

    first, other = names(labels), names((labels + 1) % 3)
    assert len({*first, *other}) == 6
    assert names(labels) == first
    whole = tf.data.Dataset.from_tensor_slices((images, labels)).batch(30)
    assert gathered.rows_of(whole).identity == first[2], "how it was batched has none"


def test_some_of_many_are_an_even_choice_that_stays(real, tmp_path):
    chosen = np.sort(np.random.default_rng(0).permutation(30)[:7])
    for source in (real[0], data.load(real), real[0] / np.float32(127.5) - 1):
        found = gathered.some_of(source, 7)
        np.testing.assert_array_equal(found.images, real[0][chosen])
        assert found.identity == open_source(source).identity()
    assert len(gathered.some_of(_folder(tmp_path, *real), 7).images) == 7
    assert len(gathered.some_of(real[0], 99).images) == 30


def test_wrong_labels_are_one_sentence(rng):
    x = rng.normal(size=(6, 3))
    for labels in (np.arange(5), np.arange(6) / 2, [[0], [1, 2]], None):
        with pytest.raises((MetricError, DataError), match=r"labels|One whole number a row"):
            metrics.one_nearest_neighbour((x, labels), (x, np.arange(6)))
