"""The sampler as it draws: the same function as the network, sooner, on every device, and gone with its model."""

import gc
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf

from commands import on_jax
from keras_gans import models
from keras_gans.training import drawing, folded

TEXT = {"size": 16, "width": 8, "latent": 9, "compressed": 4, "reader_units": (2, 2, 2), "reader_dim": 5}
FAMILIES = {
    "vanilla": lambda: models.VanillaGAN(size=8, channels=3, latent=3, generator_units=(6, 5)),
    "dcgan": lambda: models.DCGAN(size=32, width=8, latent=5),
    "kernel of 4": lambda: models.DCGAN(size=64, width=8, latent=5, kernel=4),
    "hidden": lambda: models.DCGAN(size=28, channels=1, width=8, latent=5, hidden=7),
    "concat": lambda: models.DCGAN(size=28, channels=1, width=8, latent=5, num_classes=3),
    "projection": lambda: models.DCGAN(
        size=28, channels=1, width=8, latent=5, num_classes=3, conditioning="projection"
    ),
    "text": lambda: models.TextToImageGAN(**TEXT, reader_recurrent=0, residual=True, conditioning_augmentation=1.0),
}


def lively(model):
    """A model all of whose variables have a part in the pictures."""
    rng = np.random.default_rng(0)
    for v in model.generator.weights:
        if len(v.shape) > 1:
            v.assign(rng.normal(0, 1 / np.sqrt(np.prod(v.shape[:-1])), v.shape))
        else:
            v.assign(rng.uniform(0.5, 1.5, v.shape))
    return model


def inputs_of(model, n):
    """Inputs of the sampler for n pictures."""
    rng = np.random.default_rng(1)
    found = []
    for x in model.sampler().inputs:
        shape = (n, *x.shape[1:])
        found.append(rng.integers(0, 3, shape, "int32") if x.dtype == "int32" else rng.normal(size=shape))
    return [x if x.dtype == "int32" else x.astype("float32") for x in found]


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_the_network(family, apart):
    model = lively(FAMILIES[family]())
    network, inputs = model.sampler(), [tf.constant(x) for x in inputs_of(model, 3)]
    wanted = network(inputs if len(inputs) > 1 else inputs[0], training=False).numpy()
    assert 0.05 < wanted.std() < 0.9
    run = folded.Folded(network)
    tensors = run.tensors(apart)
    np.testing.assert_allclose(run(tensors, inputs).numpy(), wanted, atol=1e-5)
    np.testing.assert_allclose(run.compiled(apart, tensors)(tensors, inputs).numpy(), wanted, atol=1e-5)


def test_normalisation_is_folded_and_convolutions_are_taken_apart():
    network = FAMILIES["dcgan"]().sampler()
    run = folded.Folded(network)
    tensors = run.tensors(apart=True)
    graph = run.compiled(True, tensors).graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert kinds.count("Conv2D") == 2 * 4
    assert kinds.count("Conv2DBackpropInput") == 1  # the last one, of three channels
    assert kinds.count("Rsqrt") == 1  # the normalisation of what is no convolution's
    assert not [operation for operation in graph.get_operations() if operation.type == "ReadVariableOp"]


@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("side", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("bias", [True, False])
def test_a_transposed_convolution_in_parts(side, stride, bias):
    shape, rng = (5, 4, 6), np.random.default_rng(0)
    layer = keras.layers.Conv2DTranspose(8, (side, max(stride, side - 1)), stride, padding="same", use_bias=bias)
    z = keras.Input(shape)
    network = keras.Model(z, layer(z))
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    x = tf.constant(rng.normal(size=(2, *shape)).astype("float32"))
    run = folded.Folded(network)
    tensors = run.tensors(apart=True)
    parts = len(tensors["convolutions"][layer.name]["kernels"])
    assert parts == (stride**2 if side >= stride else 1)
    np.testing.assert_allclose(run(tensors, [x]).numpy(), layer(x).numpy(), atol=1e-4)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: keras.layers.Conv2DTranspose(8, 4, 2, padding="valid"),
        lambda: keras.layers.Conv2DTranspose(8, 4, 2, padding="same", activation="relu"),
        lambda: keras.layers.Conv2DTranspose(8, 4, (2, 1), padding="same"),
        lambda: keras.layers.Conv2D(8, 3, padding="same", dilation_rate=2),
        lambda: keras.layers.Conv2D(8, 3, padding="same", groups=2),
        lambda: keras.layers.Conv2D(8, 3, strides=2, padding="same"),
        lambda: keras.layers.Conv2D(8, 3, padding="valid"),
        lambda: keras.layers.DepthwiseConv2D(3, padding="same"),
    ],
)
def test_convolutions_of_other_kinds(layer):
    """With a normalisation after them, and one more that takes what they give, so that it is not theirs alone."""
    rng, x = np.random.default_rng(0), keras.Input((6, 6, 4))
    y = layer()(x)
    norm = keras.layers.BatchNormalization(center=False)
    for outputs in (norm(y), [norm(y), keras.layers.ReLU()(y)]):
        network = keras.Model(x, outputs)
        network.set_weights([rng.uniform(0.2, 1, w.shape) for w in network.get_weights()])
        pictures = tf.constant(rng.normal(size=(2, 6, 6, 4)).astype("float32"))
        run = folded.Folded(network)
        for one, other in zip(
            keras.tree.flatten(run(run.tensors(True), [pictures])), keras.tree.flatten(network(pictures)), strict=True
        ):
            np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-4)


def test_layers_that_are_called_twice():
    rng, x = np.random.default_rng(0), keras.Input((6, 6, 4))
    up, norm = keras.layers.Conv2DTranspose(8, 4, 2, padding="same"), keras.layers.BatchNormalization()
    other = keras.layers.Conv2DTranspose(8, 4, 2, padding="same")
    outputs = [norm(up(x)), up(keras.layers.ReLU()(x)), norm(other(x))]
    network = keras.Model(x, outputs)
    network.set_weights([rng.uniform(0.2, 1, w.shape) for w in network.get_weights()])
    pictures = tf.constant(rng.normal(size=(2, 6, 6, 4)).astype("float32"))
    run = folded.Folded(network)
    for one, other in zip(run(run.tensors(True), [pictures]), network(pictures), strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-4)


def test_weights_that_change_are_noticed():
    model = lively(FAMILIES["dcgan"]())
    few, many = model.generate(2), model.generate(100, batch_size=2)
    np.testing.assert_allclose(few.astype(int), many[:2], atol=1)
    for name in ("up_0", "norm_0", "project"):  # a kernel, a normalisation that is folded, another layer
        layer = model.generator.get_layer(name)
        layer.set_weights([0.5 * w for w in layer.get_weights()])
        again, more = model.generate(2), model.generate(100, batch_size=2)
        assert np.abs(again.astype(int) - few).max() > 3
        np.testing.assert_allclose(again.astype(int), more[:2], atol=1)
        few = again


def test_one_graph_serves_all_and_goes_with_the_model():
    model = lively(FAMILIES["dcgan"]())
    for n, batch_size in ((40, 2), (60, 3), (41, 5)):
        model.generate(n, batch_size=batch_size)
    mine = vars(model)["_drawn_by"].result
    (graph,) = mine._compiled.values()
    left = [weakref.ref(x) for x in (model, mine, graph, model.sampler())]
    del model, mine, graph
    gc.collect()
    assert [x() for x in left] == [None] * 4


def test_what_drew_is_not_saved(tmp_path):
    model = lively(FAMILIES["dcgan"]())
    wanted = model.generate(40, batch_size=2)
    model.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(loaded.generate(40, batch_size=2), wanted)
    model.save_weights(tmp_path / "gan.weights.h5")
    fresh = FAMILIES["dcgan"]()
    fresh.load_weights(tmp_path / "gan.weights.h5")
    np.testing.assert_array_equal(fresh.generate(40, batch_size=2), wanted)
    for one, other in zip(fresh.ema_generator.weights, model.ema_generator.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_numbers_of_other_kinds_are_taken():
    """Doubles and int64, which Keras would cast."""
    model = lively(FAMILIES["concat"]())
    z, labels = inputs_of(model, 4)
    for batch_size in (4, 1):
        brush = drawing.Drawing(model, "uint8", batch_size, compiled=batch_size == 1)
        parts = (
            [z[i : i + batch_size].astype("float64"), labels[i : i + batch_size].astype("int64")] for i in range(4)
        )
        found = np.concatenate(list(brush.batches(parts)))[:4]
        np.testing.assert_allclose(found.astype(int), model.generate(latents=z, labels=labels), atol=1)


def test_few_batches_are_drawn_without_a_graph():
    model, few = FAMILIES["vanilla"](), drawing.FEW["tensorflow"]
    model.generate(8 * few, batch_size=8)
    assert not vars(model)["_drawn_by"].result._compiled
    model.generate(8 * few + 1, batch_size=8)
    assert vars(model)["_drawn_by"].result._compiled


def test_eight_threads_make_one_graph_and_draw_what_one_draws():
    alone, model = lively(FAMILIES["dcgan"]()), lively(FAMILIES["dcgan"]())
    wanted = [alone.generate(20, seed=seed, batch_size=2) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda seed: model.generate(20, seed=seed, batch_size=2), range(8)))
    np.testing.assert_array_equal(found, wanted)
    assert len(vars(model)["_drawn_by"].result._compiled) == 1


@pytest.mark.slow
def test_jax_draws_the_same(tmp_path):
    """With a graph and without, to memory and to disk."""
    model = lively(FAMILIES["concat"]())
    model.save_pretrained(tmp_path / "gan")
    done = subprocess.run([sys.executable, "-c", _ON_JAX], cwd=tmp_path, env=on_jax(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    wanted = model.generate(200, batch_size=2).astype(int)
    for name in ("few", "many", "disk"):
        found = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_allclose(found.astype(int), wanted[: len(found)], atol=1)


_ON_JAX = """
import gc, weakref
import numpy as np
import keras_gans

model = keras_gans.load("./gan")
np.save("few.npy", model.generate(20, batch_size=2))
assert "_drawn_by" not in vars(model)
np.save("many.npy", model.generate(200, batch_size=2))
model.generate_to("disk.npy", 200, batch_size=2)
left = [weakref.ref(x) for x in (model, vars(model)["_drawn_by"].result.__wrapped__)]
del model
gc.collect()
assert [x() for x in left] == [None, None]
"""


# --- several devices ------------------------------------------------------------------------------------


@pytest.fixture
def mirrored():
    strategy = tf.distribute.MirroredStrategy([device.name for device in tf.config.list_logical_devices("CPU")])
    with strategy.scope():
        return lively(FAMILIES["concat"]())


def test_a_mirrored_model_draws_on_all_its_devices(mirrored):
    alone = lively(FAMILIES["concat"]())
    assert drawing.devices_of(alone) == [None]
    devices = drawing.devices_of(mirrored)
    assert len(devices) == 2
    for n in (7, 40):  # without and with a graph
        np.testing.assert_allclose(
            mirrored.generate(n, batch_size=2).astype(int), alone.generate(n, batch_size=2), atol=1
        )


@pytest.mark.parametrize("compiled", [False, True])
def test_each_batch_is_computed_where_it_belongs(mirrored, compiled):
    devices = drawing.devices_of(mirrored)
    brush = drawing.Drawing(mirrored, "uint8", 2, devices, compiled)
    for device in devices:
        drawn = brush._run(inputs_of(mirrored, 2), device)
        assert tf.DeviceSpec.from_string(drawn.device).device_index == tf.DeviceSpec.from_string(device).device_index


def test_who_takes_no_more_batches_is_not_waited_for(mirrored):
    brush = drawing.Drawing(mirrored, "uint8", 2, drawing.devices_of(mirrored))
    taken = []

    def inputs():
        for number in range(1000):
            taken.append(number)
            yield inputs_of(mirrored, 2)

    batches = brush.batches(inputs())
    next(batches)
    batches.close()
    assert len(taken) <= 2 * drawing.AHEAD


def test_an_error_on_a_device_is_told(mirrored):
    brush = drawing.Drawing(mirrored, "uint8", 2, drawing.devices_of(mirrored))
    with pytest.raises(Exception, match="shape"):
        list(brush.batches([np.zeros((2, 5), "float32"), np.zeros((2, 2), "int32")] for _ in range(3)))
