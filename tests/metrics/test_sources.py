"""Whatever images come as, metrics see the same."""

import json
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

import keras_gans
from keras_gans import data, metrics
from keras_gans.artifacts import MetricError
from keras_gans.metrics import features, statistics
from keras_gans.metrics.sources import Stored, open_source


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


class Ends(Means):
    """Reads images of any sizes: the levels of the first and the last pixel."""

    name, image_shape = "ends", None

    def features(self, images):
        return np.stack([image[[0, -1], [0, -1]].mean(-1) for image in images])


@pytest.fixture(params=["folder", "zip"])
def several_sizes(request, tmp_path, rng):
    """(where they lie, 30 images of several sizes, grey and in colour)."""
    shapes = [(5 + i % 3, 7, 3 if i % 4 else 1) for i in range(30)]
    images = [rng.integers(0, 256, shape, dtype="uint8") for shape in shapes]
    for i, image in enumerate(images):
        data.save_png(tmp_path / "photos" / f"{i:03}.png", image)
    if request.param == "folder":
        return tmp_path / "photos", images
    return Path(shutil.make_archive(tmp_path / "photos", "zip", tmp_path / "photos")), images


def test_images_of_several_sizes_are_read_one_by_one(several_sizes):
    place, images = several_sizes
    _, found = features.features_of(place, Ends(), batch_size=7)
    np.testing.assert_allclose(found, Ends().features(images), rtol=1e-6)
    _, found = features.features_of(place, Ends(), n=11, batch_size=7)
    np.testing.assert_allclose(found, Ends().features(images[:11]), rtol=1e-6)
    with pytest.raises(MetricError, match=r"photos.* has several: bring them to one size, or take features that read"):
        features.features_of(place, metrics.Pixels())
    with pytest.raises(MetricError, match="has several"):
        np.concatenate([batch.images for batch in open_source(place).batches(7)])


def test_grey_images_among_coloured_ones_of_their_size_are_coloured(tmp_path, rng):
    images = rng.integers(0, 256, (20, 5, 7, 1), dtype="uint8")
    coloured = np.repeat(images, 3, axis=3)
    coloured[-1, ..., 0] //= 2
    for i, (grey, image) in enumerate(zip(images, coloured, strict=True)):
        data.save_png(tmp_path / f"{i:03}.png", grey if i < 19 else image)
    np.testing.assert_array_equal(_collected(tmp_path), coloured)


def test_files_are_known_by_their_bytes_alone(tmp_path, images):
    for folder, names in (("a", range(24)), ("b", range(100, 124)), ("other", range(24))):
        for name, image in zip(names, images, strict=True):
            data.save_png(tmp_path / folder / f"{name:03}.png", image)
    data.save_png(tmp_path / "other" / "007.png", images[8])
    shutil.make_archive(tmp_path / "a", "zip", tmp_path / "a")
    identity = open_source(tmp_path / "a").identity()
    assert identity.startswith("images@")
    assert open_source(tmp_path / "a", shape=(4, 4, 1)).identity() == identity
    assert open_source(tmp_path / "b").identity() == open_source(tmp_path / "a.zip").identity() == identity
    assert open_source(tmp_path / "other").identity() != identity
    assert open_source(tmp_path / "a", n=23).identity() != identity
    assert Stored(data.load(tmp_path / "a", size=4), None).identity() == identity


def test_one_that_cannot_be_read_has_a_stand_in(tmp_path, caplog):
    for i in range(100):
        data.save_png(tmp_path / f"{i:03}.png", np.full((8, 8, 3), i, "uint8"))
    (tmp_path / "041.png").write_bytes(b"broken")
    assert _collected(tmp_path)[:, 0, 0, 0].tolist() == [*range(41), 42, *range(42, 100)]
    assert "041.png" in caplog.text
    (tmp_path / "042.png").write_bytes(b"broken")
    with pytest.raises(keras_gans.DataError, match="no more than 1 % may be skipped"):
        _collected(tmp_path)


def _peak(run):
    """The most bytes that Python and NumPy held while `run` ran."""
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_a_pass_over_files_takes_as_much_memory_for_many_as_for_few(tmp_path, rng):
    for i in range(300):
        data.save_png(tmp_path / f"{i:03}.png", rng.integers(0, 256, (64, 64, 3), dtype="uint8"))
    for extractor in (Means(), Ends()):

        def measure(n, extractor=extractor):
            metrics.reference(tmp_path, extractor, n=n, batch_size=16)

        measure(20)  # what is made once
        few, many = _peak(lambda: measure(20)), _peak(lambda: measure(300))
        assert many - few < 300_000  # decoded, the 280 more take 3.4 million bytes


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


def _statistics(about=(), **changed):
    """What a file of statistics holds, with a part changed."""
    about = {"identity": "toys", "features": "means", "sha256": None, "n": 50, **dict(about)}
    half = np.eye(3)[np.triu_indices(3)]
    tensors = {"mean": np.zeros(3), "covariance": half, "rows": np.ones((4, 3), "float16"), **changed}
    return save(tensors, {"format": "keras_gans reference 1", "about": json.dumps(about)})


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"mean": np.array([0, np.nan, 0])}, "its mean has numbers that are not finite"),
        ({"covariance": np.full(6, np.inf)}, "its covariance has numbers that are not finite"),
        ({"rows": np.full((4, 3), np.nan, "float16")}, "its rows has numbers that are not finite"),
        ({"rows": np.full((4, 3), 1e26, "float32")}, "or too large"),
        ({"rows": np.ones((4, 2), "float16")}, r"of shapes \(3,\), \(6,\) and \(4, 2\)"),
        ({"rows": np.ones((0, 3), "float16")}, r"and \(0, 3\)"),
        ({"covariance": np.ones(5)}, r"of shapes \(3,\), \(5,\) and"),
        ({"mean": np.zeros((3, 1))}, r"of shapes \(3, 1\)"),
        ({"mean": np.zeros(3, "int64")}, "its mean has"),
        ({"about": {"n": 3}}, "it is of 3 images and has 4 rows"),
        ({"about": {"n": "50"}}, "it is of '50' images"),
    ],
)
def test_statistics_that_are_none_are_refused_where_they_are_read(tmp_path, changed, text):
    path = tmp_path / "real.stats.safetensors"
    path.write_bytes(_statistics())
    assert metrics.Reference.load(path).n == 50
    path.write_bytes(_statistics(**changed))
    with pytest.raises(keras_gans.KerasGansError, match=text):
        metrics.Reference.load(path)


def test_rows_that_float16_has_no_room_for_stay_float32(tmp_path, rng):
    side = metrics.reference(1e6 + rng.normal(size=(20, 3)))
    side.save(tmp_path / "real.stats.safetensors")
    np.testing.assert_array_equal(
        metrics.Reference.load(tmp_path / "real.stats.safetensors").rows, side.rows.astype("float32")
    )


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
