"""What the discriminator sees: held to activations that are computed here by hand."""

import keras
import numpy as np
import pytest

import keras_gans
from keras_gans.training import features


def layer_by_layer(network, images):
    """{layer: output}, each layer called by itself: what a sequential network gives at inference."""
    x, found = images, {}
    for layer in network.layers[1:]:
        x = layer(x, training=False) if "dropout" in layer.name or "norm" in layer.name else layer(x)
        found[layer.name] = np.asarray(x)
    return found


def blocks(x):
    """(n, h, w, c) -> the maxima of 4x4 equal blocks, flattened."""
    n, h, w, c = x.shape
    return x.reshape(n, 4, h // 4, 4, w // 4, c).max(axis=(2, 4)).reshape(n, -1)


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (5, 32, 32, 3), dtype="uint8")


def settle(model, rng):
    """Moving statistics that are no zeros and ones, so that inference differs from training."""
    for v in model.discriminator.non_trainable_variables:
        if "moving" in v.name:
            v.assign(rng.uniform(0.5, 2, v.shape))
    return model


def test_convolutions_after_the_nonlinearity_in_a_grid_of_four(images, rng):
    gan = settle(keras_gans.DCGAN(size=32, width=4), rng)
    assert gan.feature_layers() == ["down_0", "down_1", "down_2"]
    got = gan.features(images)
    of = layer_by_layer(gan.discriminator, images / 127.5 - 1)
    wanted = np.concatenate([blocks(of[f"leaky_{i}"]) for i in range(3)], axis=1)
    assert got.dtype == np.float32
    assert got.shape == (5, 16 * (4 + 8 + 16))
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(gan.features(images, batch_size=2), got, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(gan.features((images / 127.5 - 1).astype("float32")), got, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(gan.features(images, layers=["down_1"]), blocks(of["leaky_1"]), rtol=1e-4, atol=1e-6)


def test_a_map_that_four_does_not_divide(rng):
    x = rng.normal(size=(2, 7, 6, 3)).astype("float32")
    rows, columns = [(0, 2), (1, 4), (3, 6), (5, 7)], [(0, 2), (1, 3), (3, 5), (4, 6)]
    wanted = [[x[:, a:b, c:d].max(axis=(1, 2)) for c, d in columns] for a, b in rows]  # 4, 4, (n, c)
    got = keras.ops.convert_to_numpy(features._flat(x))
    np.testing.assert_array_equal(got, np.transpose(wanted, (2, 0, 1, 3)).reshape(2, -1))
    np.testing.assert_array_equal(features._flat(x[:, :3, :2]), x[:, :3, :2].reshape(2, -1))


def test_hidden_layers_where_there_are_no_convolutions(rng):
    gan = keras_gans.VanillaGAN(size=8, latent=3, generator_units=(4,), discriminator_units=5)
    assert gan.feature_layers() == ["maxout_0", "maxout_1"]
    images = rng.integers(0, 256, (3, 8, 8, 1), dtype="uint8")
    of = layer_by_layer(gan.discriminator, images / 255.0)  # this family's networks see 0..1, and dropout is off
    np.testing.assert_allclose(
        gan.features(images), np.concatenate([of["maxout_0"], of["maxout_1"]], axis=1), rtol=1e-4, atol=1e-7
    )


def conditional(conditioning, rng):
    return settle(keras_gans.DCGAN(size=32, width=4, num_classes=3, conditioning=conditioning), rng)


def test_labels_where_they_have_a_part(images, rng):
    gan = conditional("concat", rng)
    each = [gan.features(images, labels=label) for label in range(3)]
    assert np.abs(each[0] - each[1]).max() > 1e-4
    mixed = gan.features(images, labels=[0, 1, 2, 1, 0], batch_size=2)
    np.testing.assert_allclose(mixed[2], each[2][2], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(mixed[3], each[1][3], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(gan.features(images), np.mean(each, axis=0), rtol=1e-4, atol=1e-6)
    own = keras_gans.data.Images(images, np.array([0, 1, 2, 1, 0]))
    np.testing.assert_array_equal(gan.features(own), gan.features(images))  # which do not tell the labels
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.2"):
        gan.features(images, labels=3)


def test_labels_where_they_have_none(images, rng):
    gan = conditional("projection", rng)
    assert not features.Extractor(gan).labelled
    np.testing.assert_array_equal(gan.features(images, labels=1), gan.features(images))
    assert gan.feature_layers() == ["down_0", "down_1", "down_2"]


def test_wrong_arguments(images):
    gan = keras_gans.DCGAN(size=32, width=4)
    with pytest.raises(keras_gans.DataError, match=r"data\.load\(x, size=32, channels=3\) fit it"):
        gan.features(images[:, :28, :28])
    with pytest.raises(ValueError, match=r"layers must be some of down_0, down_1, down_2, got \['logit'\]"):
        gan.features(images, layers=["logit"])
    with pytest.raises(ValueError, match=r"got \[\]"):
        gan.features(images, layers=[])
    with pytest.raises(ValueError, match="no classes to choose from"):
        gan.features(images, labels=1)
    larger = keras_gans.data.load(np.repeat(images, 2, axis=1).repeat(2, axis=2))
    assert gan.features(larger).shape == (5, 448)  # Images are resized, as fit does


def test_other_architectures():
    """A nonlinearity of the layer's own; one that is missing; a branch; a hidden layer beside convolutions."""
    image = keras.Input((8, 8, 1))
    a = keras.layers.Conv2D(2, 3, activation="relu", name="own")(image)
    b = keras.layers.Conv2D(2, 3, name="bare")(a)
    c = keras.layers.Conv2D(2, 1, name="branched")(b)
    x = keras.layers.Add(name="add")([keras.layers.ReLU(name="relu")(c), c])
    normal = keras.layers.BatchNormalization(name="normal")
    d = normal(keras.layers.Conv2D(2, 1, name="normal_then_elu")(x))
    e = keras.layers.ELU(name="elu")(keras.layers.Dropout(0.1, name="dropout")(d))
    y = keras.layers.Dense(3, name="dense")(keras.layers.Flatten()(e))
    found = features.hidden(keras.Model(image, keras.layers.Dense(1, name="logit")(y)))
    assert {name: t is wanted for (name, t), wanted in zip(found.items(), (a, b, c, e), strict=True)} == {
        "own": True,
        "bare": True,
        "branched": True,
        "normal_then_elu": True,
    }


def test_layers_of_our_own_are_found():
    gan = keras_gans.DCGAN(size=32, width=4, normalization="spectral")
    assert gan.feature_layers() == ["down_0", "down_1", "down_2"]
    for i, activation in enumerate(features.hidden(gan.discriminator).values()):
        assert activation is gan.discriminator.get_layer(f"leaky_{i}").output


def test_mixed_precision_gives_float32(images):
    assert keras_gans.DCGAN(size=32, width=4, dtype="mixed_bfloat16").features(images).dtype == np.float32
