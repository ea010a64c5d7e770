"""Whatever images come as, metrics see the same."""

import numpy as np
import pytest
from safetensors.numpy import save

import keras_gans
from keras_gans import data, metrics
from keras_gans.artifacts import MetricError
from keras_gans.metrics import features, statistics
from keras_gans.metrics.sources import open_source


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (24, 8, 8, 3), dtype="uint8")


class Means:
    """A tiny extractor: the mean of each channel and of its square."""

    name, sha256, image_shape = "means", "0" * 64, (8, 8, 3)

    def features(self, images):
        x = images.astype("float64") / 255
        return np.concatenate([x.mean((1, 2)), (x**2).mean((1, 2))], axis=1)


def _collected(source, **options):
    batches = list(open_source(source, **options).batches(7))
    assert all(batch.images.dtype == np.uint8 for batch in batches)
    return np.concatenate([batch.images for batch in batches])


def test_arrays_folders_archives_and_data_sets_give_the_same(tmp_path, images):
    import tensorflow as tf

    for i, image in enumerate(images):
        data.save_png(tmp_path / "folder" / f"{i:03}.png", image)
    np.save(tmp_path / "images.npy", images)
    for source in (
        images,
        images / np.float32(127.5) - 1,
        data.load(images),
        tmp_path / "folder",
        str(tmp_path / "images.npy"),
        tf.data.Dataset.from_tensor_slices(images).batch(5),
        tf.data.Dataset.from_tensor_slices((images, np.arange(24))).batch(5),
    ):
        np.testing.assert_array_equal(_collected(source), images)
        np.testing.assert_array_equal(_collected(source, n=11), images[:11])


def test_a_model_draws_what_generate_draws():
    gan = keras_gans.DCGAN(size=28, channels=1, width=2, num_classes=3)
    gan.reestimate_statistics(batches=1, batch_size=8)
    np.testing.assert_array_equal(_collected(gan, n=9, seed=4), gan.generate(9, seed=4, batch_size=7))
    labels = [batch.labels for batch in open_source(gan, n=9).batches(4)]
    np.testing.assert_array_equal(np.concatenate(labels), np.arange(9) % 3)
    with pytest.raises(MetricError, match="say how many"):
        open_source(gan)


def test_a_name_stands_for_all_of_a_data_set_and_a_hash_for_a_part(images):
    def identity(n):
        return open_source(data.Images(images, name="tfds:toys train"), n=n).identity()

    assert identity(None) == identity(24) == "toys train"
    assert identity(11) == f"images@{data.load(images[:11]).fingerprint()[:8]}"


def test_distances_of_pixels_are_of_one_size():
    assert metrics.Pixels((8, 8, 3)).name == "pixels-8x8x3"
    assert metrics.Pixels().name == "pixels"


def test_more_than_there_are_is_an_error(images):
    import tensorflow as tf

    with pytest.raises(MetricError, match="25 images were wanted and array has 24"):
        open_source(images, n=25)
    with pytest.raises(MetricError, match=r"25 images were wanted and the tf\.data.Dataset has 24"):
        list(open_source(tf.data.Dataset.from_tensor_slices(images).batch(5), n=25).batches(4))
    with pytest.raises(MetricError, match="n is a number of images, and 0 came"):
        open_source(images, n=0)


def test_files_of_another_size_are_brought_to_the_extractors(tmp_path, rng):
    large = rng.integers(0, 256, (12, 20, 16, 3), dtype="uint8")
    for i, image in enumerate(large):
        data.save_png(tmp_path / f"{i:03}.png", image)
    expected = Means().features(np.stack([data.resize(image[None], 8, 3)[0] for image in large]))
    _, found = features.features_of(tmp_path, Means())
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    _, found = features.features_of(large, Means())
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_progress_is_told_and_batches_do_not_matter(images):
    seen = []
    _, found = features.features_of(images, Means(), batch_size=10, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(10, 24), (20, 24), (24, 24)]
    np.testing.assert_allclose(found, Means().features(images), rtol=1e-6)


def test_many_features_go_to_a_file(rng):
    rows = rng.normal(size=(100, 8)).astype("float32")
    store = features.Store(in_memory=1000)
    for part in np.array_split(rows, 9):
        store.add(part)
    assert isinstance(store.array(), np.memmap)
    np.testing.assert_array_equal(store.array(), rows)


def test_images_without_an_extractor_name_what_is_missing(images):
    with pytest.raises(MetricError, match=r"Features \(n, d\) were wanted and an array of shape \(24, 8, 8, 3\) came"):
        metrics.frechet_distance(images, images)
    with pytest.raises(MetricError, match="may be features: leave features= out"):
        metrics.frechet_distance(np.zeros((24, 6)), images, Means())


def test_a_reference_stands_for_its_images(tmp_path, images, rng):
    fake = rng.integers(0, 256, (30, 8, 8, 3), dtype="uint8")
    side = metrics.reference(images, Means())
    side.save(tmp_path / "real.stats.safetensors")
    read = metrics.Reference.load(tmp_path / "real.stats.safetensors")
    direct = metrics.frechet_distance(fake, images, Means())
    assert metrics.frechet_distance(fake, read, Means()) == direct
    assert direct.protocol == f"fid[means, 30, images@{data.load(images).fingerprint()[:8]}]"
    exact = metrics.kernel_distance(fake, images, Means())
    rounded = metrics.kernel_distance(fake, read, Means())
    assert rounded.protocol == exact.protocol
    assert rounded.value == pytest.approx(exact.value, abs=1e-3)  # rows are kept in float16


def test_a_reference_of_other_features_is_refused(tmp_path, images):
    side = metrics.reference(images, Means())
    with pytest.raises(MetricError, match="Statistics of pixels were wanted and these are of means"):
        metrics.frechet_distance(images, side, metrics.Pixels())
    (tmp_path / "broken").write_bytes(b"no safetensors")
    other = save({"mean": np.zeros(3)}, {"format": "keras_gans reference 1", "about": "[]"})
    (tmp_path / "other").write_bytes(other)
    for name in ("broken", "other", "missing"):
        with pytest.raises(keras_gans.KerasGansError, match="could not be read"):
            metrics.Reference.load(tmp_path / name)


def test_the_kept_rows_are_a_fair_choice_in_order():
    counts = np.zeros(10)
    for seed in range(300):
        sample = statistics._Reservoir(3, seed)
        for start in (0, 4, 5):
            sample.add(np.arange(10.0)[start : {0: 4, 4: 5, 5: 10}[start], None])
        rows = sample.rows()[:, 0]
        assert (np.diff(rows) > 0).all()
        counts[rows.astype(int)] += 1
    # Each of ten is kept with probability .3: 90 of 300 times, with a deviation of 7.9.
    assert counts.min() > 90 - 4 * 7.9
    assert counts.max() < 90 + 4 * 7.9


def test_the_discriminators_features_say_which(images):
    gan = keras_gans.DCGAN(size=28, channels=1, width=2)
    extractor = metrics.Discriminator(gan)
    assert extractor.name.startswith("discriminator-")
    drawn = gan.generate(5)
    np.testing.assert_allclose(extractor.features(drawn), gan.features(drawn), rtol=1e-5)
    gan.discriminator.get_layer("logit").kernel.assign_add(gan.discriminator.get_layer("logit").kernel * 0 + 1)
    assert metrics.Discriminator(gan).name != extractor.name
