"""The network of FID and the Inception score, against a TensorFlow 1 graph written here by hand with the same names.

Real weights are not here: random ones are, at the real architecture.
"""

import gzip
import io
import pathlib
import tarfile

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load, save

from keras_gans.artifacts import (
    DataError,
    IncompatibleWeightsError,
    KerasGansError,
    WeightsCorruptedError,
    sha256,
    sha256_bytes,
)
from keras_gans.models.inception2015 import GRAPH_SHA256, Inception2015, graphdef, resize, structure, weights
from keras_gans.models.inception2015.network import network

v1 = tf.compat.v1
BLOCKS = ["pool_1", *(f"mixed{suffix}/join" for suffix in ("", *(f"_{i}" for i in range(1, 11))))]


# ---- a graph as that of 2015, written from its description and not from the code under test ---------------


class Graph:
    """Adds the graph's nodes, with random weights, to the default TensorFlow graph."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)
        self.weights = {}

    def constant(self, name, values):
        self.weights[name] = np.asarray(values, "float32")
        return v1.constant(self.weights[name], name=name)

    def conv(self, x, name, height, width, channels, strides=1, padding="SAME"):
        inputs = x.shape[-1]
        kernel = self.rng.standard_normal((height, width, inputs, channels)) * np.sqrt(2 / (height * width * inputs))
        kernel = self.constant(f"{name}/conv2d_params", kernel)
        y = tf.nn.conv2d(x, kernel, strides, padding, name=f"{name}/Conv2D")
        vectors = {
            "beta": self.rng.normal(0, 0.2, channels),
            "gamma": self.rng.uniform(0.5, 1.5, channels),
            "moving_mean": self.rng.normal(0, 0.2, channels),
            "moving_variance": self.rng.uniform(0.3, 1.5, channels),
        }
        made = {key: self.constant(f"{name}/batchnorm/{key}", value) for key, value in vectors.items()}
        y = tf.raw_ops.BatchNormWithGlobalNormalization(
            t=y,
            m=made["moving_mean"],
            v=made["moving_variance"],
            beta=made["beta"],
            gamma=made["gamma"],
            variance_epsilon=0.001,
            scale_after_normalization=True,
            name=f"{name}/batchnorm",
        )
        return tf.nn.relu(y, name=name)

    def average(self, x, name):
        return tf.nn.avg_pool2d(x, 3, 1, "SAME", name=f"{name}/pool")

    def halved(self, x, name):
        return tf.nn.max_pool2d(x, 3, 2, "VALID", name=name)

    def mixed_35(self, x, name, pooled):
        a = self.conv(x, f"{name}/conv", 1, 1, 64)
        b = self.conv(x, f"{name}/tower/conv", 1, 1, 48)
        b = self.conv(b, f"{name}/tower/conv_1", 5, 5, 64)
        c = self.conv(x, f"{name}/tower_1/conv", 1, 1, 64)
        c = self.conv(c, f"{name}/tower_1/conv_1", 3, 3, 96)
        c = self.conv(c, f"{name}/tower_1/conv_2", 3, 3, 96)
        d = self.conv(self.average(x, f"{name}/tower_2"), f"{name}/tower_2/conv", 1, 1, pooled)
        return tf.concat([a, b, c, d], 3, name=f"{name}/join")

    def mixed_3(self, x):
        a = self.conv(x, "mixed_3/conv", 3, 3, 384, 2, "VALID")
        b = self.conv(x, "mixed_3/tower/conv", 1, 1, 64)
        b = self.conv(b, "mixed_3/tower/conv_1", 3, 3, 96)
        b = self.conv(b, "mixed_3/tower/conv_2", 3, 3, 96, 2, "VALID")
        return tf.concat([a, b, self.halved(x, "mixed_3/pool")], 3, name="mixed_3/join")

    def mixed_17(self, x, name, width):
        a = self.conv(x, f"{name}/conv", 1, 1, 192)
        b = self.conv(x, f"{name}/tower/conv", 1, 1, width)
        b = self.conv(b, f"{name}/tower/conv_1", 1, 7, width)
        b = self.conv(b, f"{name}/tower/conv_2", 7, 1, 192)
        c = self.conv(x, f"{name}/tower_1/conv", 1, 1, width)
        c = self.conv(c, f"{name}/tower_1/conv_1", 7, 1, width)
        c = self.conv(c, f"{name}/tower_1/conv_2", 1, 7, width)
        c = self.conv(c, f"{name}/tower_1/conv_3", 7, 1, width)
        c = self.conv(c, f"{name}/tower_1/conv_4", 1, 7, 192)
        d = self.conv(self.average(x, f"{name}/tower_2"), f"{name}/tower_2/conv", 1, 1, 192)
        return tf.concat([a, b, c, d], 3, name=f"{name}/join")

    def mixed_8(self, x):
        a = self.conv(x, "mixed_8/tower/conv", 1, 1, 192)
        a = self.conv(a, "mixed_8/tower/conv_1", 3, 3, 320, 2, "VALID")
        b = self.conv(x, "mixed_8/tower_1/conv", 1, 1, 192)
        b = self.conv(b, "mixed_8/tower_1/conv_1", 1, 7, 192)
        b = self.conv(b, "mixed_8/tower_1/conv_2", 7, 1, 192)
        b = self.conv(b, "mixed_8/tower_1/conv_3", 3, 3, 192, 2, "VALID")
        return tf.concat([a, b, self.halved(x, "mixed_8/pool")], 3, name="mixed_8/join")

    def last(self, x, name, pool):
        a = self.conv(x, f"{name}/conv", 1, 1, 320)
        b = self.conv(x, f"{name}/tower/conv", 1, 1, 384)
        b_wide = self.conv(b, f"{name}/tower/mixed/conv", 1, 3, 384)
        b_high = self.conv(b, f"{name}/tower/mixed/conv_1", 3, 1, 384)
        c = self.conv(x, f"{name}/tower_1/conv", 1, 1, 448)
        c = self.conv(c, f"{name}/tower_1/conv_1", 3, 3, 384)
        c_wide = self.conv(c, f"{name}/tower_1/mixed/conv", 1, 3, 384)
        c_high = self.conv(c, f"{name}/tower_1/mixed/conv_1", 3, 1, 384)
        d = self.conv(pool(x, 3, 1, "SAME", name=f"{name}/tower_2/pool"), f"{name}/tower_2/conv", 1, 1, 192)
        return tf.concat([a, b_wide, b_high, c_wide, c_high, d], 3, name=f"{name}/join")

    def whole(self):
        images = v1.placeholder(tf.float32, (None, None, None, 3), name="ExpandDims")
        x = tf.raw_ops.ResizeBilinear(images=images, size=(299, 299), align_corners=False, name="ResizeBilinear")
        x = tf.raw_ops.Sub(x=x, y=v1.constant(128.0, name="Sub/y"), name="Sub")
        x = tf.raw_ops.Mul(x=x, y=v1.constant(0.0078125, name="Mul/y"), name="Mul")
        x = v1.placeholder_with_default(x, (None, None, None, 3), name="scaled")  # to be fed with other sizes
        x = self.conv(x, "conv", 3, 3, 32, 2, "VALID")
        x = self.conv(x, "conv_1", 3, 3, 32, 1, "VALID")
        x = self.conv(x, "conv_2", 3, 3, 64)
        x = self.halved(x, "pool")
        x = self.conv(x, "conv_3", 1, 1, 80, 1, "VALID")
        x = self.conv(x, "conv_4", 3, 3, 192, 1, "VALID")
        x = self.halved(x, "pool_1")
        for name, pooled in (("mixed", 32), ("mixed_1", 64), ("mixed_2", 64)):
            x = self.mixed_35(x, name, pooled)
        x = self.mixed_3(x)
        for name, width in (("mixed_4", 128), ("mixed_5", 160), ("mixed_6", 160), ("mixed_7", 192)):
            x = self.mixed_17(x, name, width)
        x = self.mixed_8(x)
        x = self.last(x, "mixed_9", tf.nn.avg_pool2d)
        x = self.last(x, "mixed_10", tf.nn.max_pool2d)
        x = tf.reduce_mean(x, (1, 2), name="pool_3")  # the graph's own is an average over all 8x8
        matrix = self.constant("softmax/weights", self.rng.standard_normal((2048, 1008)) / 45)
        self.constant("softmax/biases", self.rng.standard_normal(1008))
        tf.matmul(x, matrix, name="softmax/logits/MatMul")


@pytest.fixture(scope="module")
def written():
    """(its weights by the graph's names, the GraphDef's bytes, a function that runs it)."""
    graph = tf.Graph()
    with graph.as_default(), tf.device("CPU:0"):
        old = v1.GraphDef()
        old.versions.producer = 8  # the last in which batch normalisation was an operation of its own
        v1.import_graph_def(old)
        made = Graph()
        made.whole()
    config = v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True  # the graph as it is, and sooner
    session = v1.Session(graph=graph, config=config)
    yield (
        made.weights,
        graph.as_graph_def().SerializeToString(),
        lambda names, feed: session.run([f"{name}:0" for name in names], feed),
    )
    session.close()


@pytest.fixture(scope="module")
def pb(written, tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "classify_image_graph_def.pb"
    path.write_bytes(written[1])
    return path


@pytest.fixture(scope="module")
def model(pb):
    return Inception2015.from_file(pb)


def inner(model, names, x):
    """Outputs of layers by the graph's names."""
    outputs = [model.network.get_layer(name.replace("/", ".")).output for name in names]
    return [np.asarray(value) for value in tf.keras.Model(model.network.input, outputs)(x, training=False)]


# ---- the network ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def both(written, model):
    """{name: (the graph's, ours)}: each block's output, of pictures small enough to be quick and of odd grids."""
    x = np.random.default_rng(1).uniform(-1, 1, (2, 139, 139, 3)).astype("float32")
    theirs = written[2](BLOCKS, {"scaled:0": x})
    return {name: pair for name, *pair in zip(BLOCKS, theirs, inner(model, BLOCKS, x), strict=True)}


@pytest.mark.parametrize("name", BLOCKS)
def test_each_block_is_the_graphs(both, name):
    theirs, ours = both[name]
    assert ours.shape == theirs.shape
    assert theirs.std() > 0.1  # there is something to compare
    np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-4 * theirs.std())


def test_images_of_any_size_give_the_graphs_numbers(written, model, rng):
    for shape in ((1, 32, 32, 3), (1, 320, 200, 3)):
        images = rng.integers(0, 256, shape, dtype="uint8")
        features, logits = written[2](["pool_3", "softmax/logits/MatMul"], {"ExpandDims:0": images})
        found, probabilities = model.features_and_probabilities(images)
        np.testing.assert_allclose(found, features, rtol=2e-4, atol=2e-4 * features.std())
        np.testing.assert_allclose(model.logits(images), logits, rtol=2e-4, atol=2e-4 * logits.std())
        np.testing.assert_allclose(probabilities, tf.nn.softmax(logits), rtol=1e-3, atol=1e-7)


def padded_windows(x, fill):
    """(n, h, w, c) -> (9, n, h, w, c): each pixel's neighbourhood, with `fill` beyond the edge."""
    h, w = x.shape[1:3]
    x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=fill)
    return np.stack([x[:, i : i + h, j : j + w] for i in range(3) for j in range(3)])


@pytest.mark.parametrize("name", ["mixed", "mixed_4", "mixed_9"])
def test_averages_leave_out_what_lies_beyond_the_edge(model, rng, name):
    layer = model.network.get_layer(f"{name}.tower_2.pool")
    x = rng.standard_normal((1, 4, 5, 2)).astype("float32")
    counts = padded_windows(np.ones_like(x), 0.0).sum(axis=0)
    assert (counts.min(), counts.max()) == (4, 9)
    np.testing.assert_allclose(layer(x), padded_windows(x, 0.0).sum(axis=0) / counts, rtol=1e-5, atol=1e-6)


def test_the_last_blocks_pool_is_a_maximum(model, rng):
    x = -rng.uniform(1, 2, (1, 4, 5, 2)).astype("float32")  # negative: zeros beyond the edge would win
    pooled = model.network.get_layer("mixed_10.tower_2.pool")(x)
    np.testing.assert_array_equal(pooled, padded_windows(x, -np.inf).max(axis=0))


def test_parameters(model):
    sizes = {v.path: int(np.prod(v.shape)) for v in model.network.weights}
    kernels = sum(size for name, size in sizes.items() if name.endswith("/kernel") and name != "logits/kernel")
    channels = sum(size for name, size in sizes.items() if name.endswith("/beta"))
    # Keras lists 21,802,784 for its Inception-v3 without classes, whose normalisation has no gain.
    assert kernels + 3 * channels == 21_802_784
    assert sizes["logits/kernel"] == 2048 * 1008
    assert sum(sizes.values()) == 23_884_384
    # With the 1008 biases, which we leave, that is all but 0.14 % of the 95,673,916 bytes of the real file.
    assert 100_000 < 95_673_916 - 4 * (23_884_384 + 1008) < 200_000


def test_it_is_a_feature_network_as_metrics_take_one(model, rng):
    assert (model.name, model.dim, model.image_shape) == ("inception2015", 2048, None)
    images = rng.integers(0, 256, (3, 20, 24, 3), dtype="uint8")
    features = model.features(images, batch_size=2)
    assert features.dtype == np.float32
    assert features.shape == (3, 2048)
    np.testing.assert_allclose(model.features(images[1:2])[0], features[1], rtol=1e-3, atol=1e-4)
    probabilities = model.probabilities(images, batch_size=2)
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (3, 1008)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)
    assert model.features(images[:0]).shape == (0, 2048)
    assert model.probabilities(images[:0]).shape == (0, 1008)


def test_grey_stands_for_three_colours(model, rng):
    grey = rng.integers(0, 256, (1, 28, 28, 1), dtype="uint8")
    np.testing.assert_array_equal(model.features(grey), model.features(np.repeat(grey, 3, axis=3)))


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 8, 8, 3), "float32"),
        np.zeros((8, 8, 3), "uint8"),
        np.zeros((1, 8, 8, 4), "uint8"),
        np.zeros((1, 0, 8, 3), "uint8"),
    ],
)
def test_wrong_images_are_refused(model, images):
    with pytest.raises(DataError, match=r"reads uint8 images of shape \(n, height, width, 3\).* of shape \("):
        model.features(images)
    with pytest.raises(ValueError, match="batch_size must be a whole number of at least 1, got 0"):
        model.features(np.zeros((1, 8, 8, 3), "uint8"), batch_size=0)


# ---- the resizer ------------------------------------------------------------------------------------------


def slowly_resized(image, size):
    """The definition, pixel by pixel: (h, w, c) -> (size, size, c)."""
    one = np.float32(1)
    h, w, _ = image.shape
    image = image.astype("float32")
    out = np.zeros((size, size, image.shape[2]), "float32")
    for i in range(size):
        y = np.float32(i) * (np.float32(h) / np.float32(size))
        top, dy = int(y), y - np.float32(int(y))
        bottom = min(top + 1, h - 1)
        for j in range(size):
            x = np.float32(j) * (np.float32(w) / np.float32(size))
            left, dx = int(x), x - np.float32(int(x))
            right = min(left + 1, w - 1)
            above = image[top, left] + (image[top, right] - image[top, left]) * dx * one
            below = image[bottom, left] + (image[bottom, right] - image[bottom, left]) * dx * one
            out[i, j] = above + (below - above) * dy
    return out


def test_resizing_by_hand():
    row = np.array([[[[0.0], [10.0]]]], "float32")  # (1, 1, 2, 1): 0 at 0, 10 at 1, and nothing further
    np.testing.assert_array_equal(np.asarray(resize.resize(row, 4))[0, 0, :, 0], [0.0, 5.0, 10.0, 10.0])
    column = np.arange(6, dtype="float32").reshape(1, 6, 1, 1)
    np.testing.assert_array_equal(np.asarray(resize.resize(column, 4))[0, :, 0, 0], [0.0, 1.5, 3.0, 4.5])


@pytest.mark.parametrize(("height", "width", "size"), [(5, 7, 11), (11, 7, 5), (1, 1, 3), (9, 9, 9), (32, 48, 37)])
def test_resizing_is_as_defined(rng, height, width, size):
    image = rng.integers(0, 256, (height, width, 3), dtype="uint8")
    np.testing.assert_array_equal(np.asarray(resize.resize(image[None], size))[0], slowly_resized(image, size))


@pytest.mark.parametrize(("height", "width"), [(28, 28), (64, 64), (299, 299), (256, 341), (1024, 300)])
def test_resizing_is_tensorflows_first(rng, height, width):
    images = rng.integers(0, 256, (1, height, width, 3), dtype="uint8")
    theirs = tf.raw_ops.ResizeBilinear(images=images, size=(299, 299), align_corners=False, half_pixel_centers=False)
    np.testing.assert_array_equal(np.asarray(resize.prepare(images)), (theirs.numpy() - 128) * np.float32(0.0078125))


# ---- files ------------------------------------------------------------------------------------------------


def test_weights_lie_where_their_names_say(written, model):
    tensors = model.tensors()
    np.testing.assert_array_equal(
        tensors["mixed_9.tower_1.mixed.conv_1/kernel"], written[0]["mixed_9/tower_1/mixed/conv_1/conv2d_params"]
    )
    np.testing.assert_array_equal(tensors["conv.batchnorm/gamma"], written[0]["conv/batchnorm/gamma"])
    np.testing.assert_array_equal(tensors["logits/kernel"], written[0]["softmax/weights"])
    assert len(tensors) == len(written[0]) - 1  # but for the biases


def test_a_saved_file_is_the_same_network(model, pb, tmp_path):
    path = tmp_path / "inception.safetensors"
    model.save(path)
    assert model.sha256 == sha256(path)
    assert model.file_sha256 == sha256(pb)
    assert model.file_sha256 != GRAPH_SHA256
    loaded = Inception2015.from_file(path)
    assert (loaded.sha256, loaded.file_sha256) == (model.sha256, model.sha256)
    ours, theirs = model.tensors(), loaded.tensors()
    assert list(theirs) == list(ours)
    for name, tensor in ours.items():
        np.testing.assert_array_equal(theirs[name], tensor)


def archive(path, members):
    with tarfile.open(path, "w:gz", compresslevel=1) as file:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


def small_graph(**attributes):
    """A GraphDef of constants, and one node with attributes."""
    graph = tf.Graph()
    with graph.as_default():
        v1.constant(np.arange(6, dtype="float32").reshape(1, 1, 2, 3), name="conv/conv2d_params")
        v1.constant(np.full(3, 2.0, "float32"), name="conv/batchnorm/gamma")
        v1.constant([1, 2], name="size")
        v1.constant(2.5, name="Number")
    made = graph.as_graph_def()
    if attributes:
        made.node.append(node("conv/batchnorm", "BatchNormWithGlobalNormalization", **attributes))
    return made


def node(name, op, **attributes):
    made = v1.NodeDef(name=name, op=op)
    for key, value in attributes.items():
        attribute = made.attr[key]
        if isinstance(value, bool):
            attribute.b = value
        elif isinstance(value, float):
            attribute.f = value
        elif isinstance(value, str):
            attribute.s = value.encode()
        else:
            attribute.list.i.extend(value)
    return made


def test_the_archive_is_read(tmp_path):
    data = small_graph().SerializeToString()
    path = archive(tmp_path / "any_name", {"cropped_panda.jpg": b"x" * 700, "./classify_image_graph_def.pb": data})
    read = weights.read(path)
    assert read.sha256 == sha256_bytes(data)
    assert set(read.tensors) == {"conv/kernel", "conv.batchnorm/gamma"}
    np.testing.assert_array_equal(read.tensors["conv/kernel"], np.arange(6).reshape(1, 1, 2, 3))


def test_a_gain_that_the_graph_does_not_use_is_one():
    for scaled, wanted in ((True, 2.0), (False, 1.0)):
        nodes = graphdef.read(small_graph(scale_after_normalization=scaled).SerializeToString())
        np.testing.assert_array_equal(dict(weights._named(nodes))["conv.batchnorm/gamma"], np.full(3, wanted))


def sentence(error):
    """The text of an error, which has to be one sentence."""
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


def broken_files(folder):
    """{what: bytes}"""
    data = small_graph().SerializeToString()
    whole = archive(folder / "whole", {"classify_image_graph_def.pb": data}).read_bytes()
    return {
        "it ends within a field": data[:-3],
        "no nodes": b"",
        "a field of kind 7": b"\xff\x01some text",
        "not a sound .tgz": whole[: len(whole) // 2],
        "no classify_image_graph_def.pb in it": archive(folder / "other", {"other.pb": data}).read_bytes(),
        "not a sound .tgz, ": gzip.compress(b"no archive" * 100),
        "not a sound .safetensors": save({"x": np.zeros(9, "float32")})[:-5],
        "two nodes called 'a'": v1.GraphDef(node=[node("a", "Const"), node("a", "Const")]).SerializeToString(),
    }


def test_broken_files_are_one_sentence(tmp_path):
    for why, data in broken_files(tmp_path).items():
        (tmp_path / "file").write_bytes(data)
        with pytest.raises(WeightsCorruptedError) as error:
            Inception2015.from_file(tmp_path / "file")
        assert f"{tmp_path / 'file'} cannot be read" in sentence(error), why
        assert why in sentence(error)


def test_what_is_no_such_file_is_one_sentence(tmp_path):
    with pytest.raises(WeightsCorruptedError, match="No such file or directory"):
        Inception2015.from_file(tmp_path / "missing")
    with pytest.raises(WeightsCorruptedError, match="no file"):
        Inception2015.from_file(str(tmp_path))
    for url in ("https://example.org/x.pb", pathlib.Path("https://example.org/x.pb")):
        with pytest.raises(KerasGansError, match=r"the URL https:/+example.org/x.pb came: fetch it first\."):
            Inception2015.from_file(url)
    for magic in (b"PK\x03\x04archive/data.pkl", b"\x80\x02\x8a\nl\xfc\x9cF\xf9"):
        (tmp_path / "pt_inception-2015-12-05-6726825d.pth").write_bytes(magic)
        with pytest.raises(KerasGansError, match="PyTorch file, which is not unpickled here: give classify_image_gr"):
            Inception2015.from_file(tmp_path / "pt_inception-2015-12-05-6726825d.pth")


def test_files_that_are_too_large_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "LIMIT", 10_000)
    bomb = archive(tmp_path / "bomb", {"classify_image_graph_def.pb": bytes(100_000)})
    assert bomb.stat().st_size < 10_000
    with pytest.raises(WeightsCorruptedError, match="it unpacks to over 10,000 bytes"):
        weights.read(bomb)
    (tmp_path / "large").write_bytes(bytes(10_001))
    with pytest.raises(WeightsCorruptedError, match="10,001 bytes, and 10,000 are the most"):
        weights.read(tmp_path / "large")


# ---- graphs -----------------------------------------------------------------------------------------------


def test_a_graph_is_read_as_tensorflow_reads_it():
    nodes = graphdef.read(small_graph(variance_epsilon=0.001, wide=[1, 300, 2**40], kind="SAME").SerializeToString())
    assert nodes["conv/conv2d_params"].op == "Const"
    np.testing.assert_array_equal(nodes["conv/conv2d_params"].tensor(), np.arange(6).reshape(1, 1, 2, 3))
    np.testing.assert_array_equal(nodes["Number"].tensor(), np.float32(2.5))
    assert nodes["size"].tensor() is None  # of whole numbers
    made = nodes["conv/batchnorm"]
    assert made.tensor() is None
    assert made.real("variance_epsilon") == np.float32(0.001)
    assert made.integers("wide") == [1, 300, 2**40]
    assert made.text("kind") == "SAME"
    assert (made.text("x"), made.flag("x"), made.real("x"), made.integers("x")) == (None, None, None, None)


def constant(shape, values=(), content=b""):
    made = v1.NodeDef(name="x", op="Const")
    tensor = made.attr["value"].tensor
    tensor.dtype = 1
    for size in shape:
        tensor.tensor_shape.dim.add().size = size
    tensor.float_val.extend(values)
    tensor.tensor_content = content
    return graphdef.read(v1.GraphDef(node=[made]).SerializeToString())["x"]


@pytest.mark.parametrize(
    ("shape", "values"), [((2, 3), range(6)), ((2, 3), [7]), ((4,), [1, 2]), ((), [3]), ((0,), [])]
)
def test_values_that_are_written_one_by_one(shape, values):
    made = constant(shape, values)
    proto = v1.make_tensor_proto(0.0)
    proto.Clear()
    proto.dtype = 1
    proto.float_val.extend(values)
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    np.testing.assert_array_equal(made.tensor(), tf.make_ndarray(proto))


@pytest.mark.parametrize(
    ("shape", "values", "content"),
    [
        ((2,), [1, 2, 3], b""),
        ((2,), [], b""),
        ((2,), [], bytes(12)),
        ((2,), [], bytes(7)),
        ((3,), [], bytes(8)),
        ((-1,), [1], b""),
        ((2**50,), [1], b""),
        ((1,) * 9, [1], b""),
    ],
)
def test_shapes_that_do_not_fit_their_values(shape, values, content):
    with pytest.raises(graphdef.MalformedGraph):
        constant(shape, values, content).tensor()


def test_a_vast_shape_takes_no_memory_before_it_is_compared():
    tensor = constant((2**30, 2**30), [1.0]).tensor()
    with pytest.raises(
        IncompatibleWeightsError, match=r"'a' has the shape \(1073741824, 1073741824\) instead of \(2,\)"
    ):
        weights.arrays({"a": tensor}, {"a": (2,)}, "x.pb")


def everything(data):
    """Reads all that can be read of a graph."""
    for made in graphdef.read(data).values():
        tensor = made.tensor()
        if tensor is not None and np.prod(tensor.shape, dtype=float) < 1e6:
            np.asarray(tensor)
        for name in ("strides", "dtype", "value", "padding", "variance_epsilon"):
            _ = made.text(name), made.flag(name), made.real(name), made.integers(name)


def tolerates(data):
    try:
        everything(data)
    except graphdef.MalformedGraph as error:
        return str(error)
    return ""


def test_no_damage_ends_in_another_error(rng):
    data = small_graph(variance_epsilon=0.5, scale_after_normalization=True, strides=[1, 2]).SerializeToString()
    everything(data)
    assert any(tolerates(data[:end]) for end in range(len(data)))
    for _ in range(3000):
        damaged = bytearray(data)
        for at in rng.integers(0, len(data), rng.integers(1, 4)):
            damaged[at] = rng.integers(0, 256)
        tolerates(bytes(damaged))


def test_hostile_graphs_are_named(monkeypatch):
    assert tolerates(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f") == "it ends within a field"
    assert tolerates(b"\xff" * 30) == "a number of over 64 bits"
    assert tolerates(b"\x0a\x80") == "it ends within a number"
    assert tolerates(b"\x0b") == "a field of kind 3"
    assert tolerates(b"\x08\x01") == "a number where bytes belong"
    assert tolerates(b"\x0a\x02\x08\x01") == "a number where bytes belong"
    assert "a name of over 1000 bytes" in tolerates(v1.GraphDef(node=[node("x" * 1001, "Const")]).SerializeToString())
    monkeypatch.setattr(graphdef, "MAX_FIELDS", 100)
    assert tolerates(b"\x10\x00" * 101) == "over 100 fields"


# ---- structure and names ----------------------------------------------------------------------------------


def test_the_graph_written_here_has_the_structure(written):
    nodes = graphdef.read(written[1])
    assert structure.fault(nodes) is None
    for name in structure.UNPADDED | structure.MAXIMA:
        assert name in nodes


GOOD_POOL = {"ksize": [1, 3, 3, 1], "strides": [1, 1, 1, 1], "padding": "SAME"}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (node("mixed_10/tower_2/pool", "AvgPool", **GOOD_POOL), "has op AvgPool instead of MaxPool"),
        (node("mixed_9/tower_2/pool", "MaxPool", **GOOD_POOL), "has op MaxPool instead of AvgPool"),
        (node("mixed_3/pool", "MaxPool", **GOOD_POOL), r"has strides \[1, 1, 1, 1\] instead of \[1, 2, 2, 1\]"),
        (node("pool", "MaxPool", strides=[1, 2, 2, 1], padding="SAME"), "has padding SAME instead of VALID"),
        (node("conv/Conv2D", "Conv2D", strides=[1, 1, 1, 1]), r"has strides \[1, 1, 1, 1\] instead of \[1, 2, 2, 1\]"),
        (
            node("conv/batchnorm", "BatchNormWithGlobalNormalization", variance_epsilon=1e-5),
            "has variance_epsilon 1e-05",
        ),
        (node("ResizeBilinear", "ResizeBilinear", align_corners=True), "has align_corners True instead of False"),
        (node("ResizeBilinear", "ResizeBilinear", half_pixel_centers=True), "has half_pixel_centers True"),
    ],
)
def test_another_structure_is_refused(made, words, tmp_path):
    (tmp_path / "x.pb").write_bytes(v1.GraphDef(node=[made]).SerializeToString())
    with pytest.raises(IncompatibleWeightsError, match=words) as error:
        weights.read(tmp_path / "x.pb")
    assert f"x.pb is not the Inception graph of 2015-12-05 (node '{made.name}' has" in sentence(error)


def test_another_scale_or_padding_is_refused():
    graph = small_graph()
    graph.node[3].name = "Sub/y"
    assert "node 'Sub/y' has value 2.5 instead of 128.0" in structure.fault(graphdef.read(graph.SerializeToString()))
    kernel = v1.make_tensor_proto(np.zeros((3, 3, 1, 1), "float32"))
    for name, wrong, wanted in (("conv_1", "SAME", "VALID"), ("conv_2", "VALID", "SAME")):
        made = v1.GraphDef(
            node=[node(f"{name}/conv2d_params", "Const"), node(f"{name}/Conv2D", "Conv2D", padding=wrong)]
        )
        made.node[0].attr["value"].tensor.CopyFrom(kernel)
        fault = structure.fault(graphdef.read(made.SerializeToString()))
        assert fault == f"node '{name}/Conv2D' has padding {wrong} instead of {wanted}"


def test_weights_of_other_names_shapes_or_values_are_refused():
    good = {"a": np.zeros((2, 3), "float32"), "b": np.ones(2, "float32")}
    shapes = {"a": (2, 3), "b": (2,)}
    assert set(weights.arrays(good, shapes, "x")) == {"a", "b"}
    for change, error, words in (
        ({"a": None}, IncompatibleWeightsError, "no 'a'"),
        ({"a": None, "b": None}, IncompatibleWeightsError, "no 'a', and 1 more"),
        ({"b": np.ones(3, "float32")}, IncompatibleWeightsError, r"'b' has the shape \(3,\) instead of \(2,\)"),
        ({"c": np.ones(3, "float32")}, IncompatibleWeightsError, "an unknown 'c'"),
        ({"b": np.ones(2, "float64")}, IncompatibleWeightsError, "'b' in float64 instead of float32"),
        ({"b": np.array([1, np.nan], "float32")}, WeightsCorruptedError, "values in 'b' that are not finite"),
    ):
        tensors = {name: tensor for name, tensor in {**good, **change}.items() if tensor is not None}
        with pytest.raises(error, match=words) as found:
            weights.arrays(tensors, shapes, "x.pb")
        assert "x.pb" in sentence(found)


def test_a_file_of_another_network_is_refused_whole(tmp_path):
    (tmp_path / "lenet.safetensors").write_bytes(save({"conv/kernel": np.zeros((5, 5, 1, 20), "float32")}))
    with pytest.raises(IncompatibleWeightsError, match=r"\('conv/kernel' has the shape .* and 470 more\)") as error:
        Inception2015.from_file(tmp_path / "lenet.safetensors")
    assert "lenet.safetensors does not hold the weights" in sentence(error)


def test_the_precision_is_float32_whatever_the_policy():
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        built = network()
    finally:
        keras.config.set_dtype_policy(before)
    assert {layer.compute_dtype for layer in built.layers} == {"float32"}


def test_the_same_weights_are_the_same_bytes(rng):
    tensors = {name: rng.standard_normal((3, 2)).astype("float32") for name in "abc"}
    data = weights.to_bytes(tensors)
    assert weights.to_bytes(dict(reversed(tensors.items()))) == data
    np.testing.assert_array_equal(load(data)["b"], tensors["b"])
