"""What images are compared by: pixels, VGG19's maps, the zoo's network."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gans
from keras_gans import artifacts
from keras_gans.models import perceptual
from keras_gans.zoo import registry

FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"


@pytest.fixture
def images(rng):
    """Two batches in [-1, 1]."""
    return rng.uniform(-1, 1, (2, 2, 32, 32, 3)).astype("float32")


@pytest.fixture
def home(monkeypatch, tmp_path):
    """Keras's folder, empty."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "keras" / "models").mkdir(parents=True)
    return tmp_path / "keras"


def test_mse(images):
    fake, real = images
    term = perceptual.get("mse")
    assert term.name == "mse"
    np.testing.assert_allclose(term(fake, real), np.square(fake - real).mean(), rtol=1e-5)
    half = tf.cast(fake, "bfloat16")  # as a generator in mixed precision may give
    assert term(half, real).dtype == "float32"


def test_other_names_are_refused():
    with pytest.raises(ValueError, match="perceptual must be one of mse, vgg22, vgg54, tiny, got 'vgg16'"):
        perceptual.get("vgg16")


@pytest.mark.parametrize(
    ("name", "layer", "convolutions", "shape"),
    [("vgg22", "block2_conv2", 4, (16, 16, 128)), ("vgg54", "block5_conv4", 16, (2, 2, 512))],
)
def test_vgg(name, layer, convolutions, shape, images):
    """The maps before the second and the fifth pool, after the rectifier, of images as VGG's authors prepared them."""
    network = perceptual.vgg(name, weights=None)
    found = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
    assert (found[-1].name, len(found)) == (layer, convolutions)
    assert found[-1].activation is keras.activations.relu
    assert not network.trainable_variables
    assert network.name == name
    assert network(np.zeros((1, 16, 16, 3), "float32")).shape[1:] == (shape[0] // 2, shape[1] // 2, shape[2])
    fake, real = images
    prepared = [keras.applications.vgg19.preprocess_input((x + 1) * 127.5) for x in (fake, real)]
    a, b = (np.asarray(network(x), "float64") for x in prepared)
    assert a.shape == (2, *shape)
    compare = perceptual._by_vgg(network)
    value, grad = _with_gradient(compare, fake, real)
    np.testing.assert_allclose(value, np.square((a - b) / 12.75).mean(), rtol=1e-3)
    assert np.isfinite(grad).all()
    assert np.abs(grad).max() > 0
    assert float(compare(real, real)) == 0


def _with_gradient(compare, fake, real):
    x = tf.constant(fake)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = compare(x, real)
    return float(value), np.asarray(tape.gradient(value, x))


def test_in_bfloat16_the_maps_are_and_the_value_is_not(images):
    network = perceptual.vgg("vgg22", "mixed_bfloat16", weights=None)
    assert network.get_layer("block2_conv2").compute_dtype == "bfloat16"
    assert perceptual._by_vgg(network)(*images).dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("name", ["vgg22", "vgg54"])
def test_offline_is_one_sentence(name, monkeypatch, home):
    monkeypatch.setenv("KERAS_GANS_OFFLINE", "1")
    with pytest.raises(artifacts.OfflineError, match=f"'{name}' takes Keras's VGG19, which is fetched, and KERAS") as e:
        perceptual.get(name)
    assert "\n" not in str(e.value)
    assert str(e.value).endswith('unset it, or take perceptual="tiny".')


def _fails(error):
    def vgg19(**arguments):
        assert arguments == {"include_top": False, "weights": "imagenet"}
        raise error

    return vgg19


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Exception("URL fetch failure on https://x.org/vgg19.h5: None -- timed out.\nMore."), "https://x.org/vgg19.h5"),
        (ValueError(), "ValueError"),
        (OSError("disk full" + 500 * "!"), "disk full"),
    ],
)
def test_what_cannot_be_fetched_is_one_sentence(error, reason, monkeypatch, home):
    monkeypatch.delenv("KERAS_GANS_OFFLINE", raising=False)
    monkeypatch.setattr(keras.applications, "VGG19", _fails(error))
    with pytest.raises(artifacts.DownloadError, match="VGG19, which could not be fetched") as caught:
        perceptual.get("vgg54")
    text = str(caught.value)
    assert reason in text
    assert "\n" not in text
    assert len(text) < 450
    assert text.endswith('put its weights into ~/.keras/models, or take perceptual="tiny".')


def test_offline_what_was_fetched_before_is_taken(monkeypatch, home):
    monkeypatch.setenv("KERAS_GANS_OFFLINE", "1")
    (home / "models" / FILE).write_bytes(b"")
    monkeypatch.setattr(keras.applications, "VGG19", _fails(ValueError("it was asked")))
    with pytest.raises(artifacts.DownloadError, match="it was asked"):
        perceptual.get("vgg22")


# --- tiny ---------------------------------------------------------------------------------------------


@pytest.fixture
def zoo(monkeypatch, tmp_path):
    """A registry with room for a model called tiny."""
    monkeypatch.setattr(registry, "models_folder", lambda: tmp_path / "models")
    return tmp_path / "models" / "tiny"


def test_tiny_while_it_is_a_recipe_is_one_sentence(zoo):
    card = artifacts.read_card(registry.statistics_folder().parent / "models" / "tiny")
    artifacts.write_card(zoo, {**card, "status": "recipe"})
    with pytest.raises(keras_gans.KerasGansError, match=r"tiny.*keras-gans train tiny") as caught:
        perceptual.get("tiny")
    assert "\n" not in str(caught.value)


def test_tiny_is_the_distance_of_the_zoos_network(zoo, images):
    model = keras_gans.ResidualNet(num_classes=3, size=8, widths=(4, 8), blocks=(1, 1))
    model.save_pretrained(zoo)
    card = artifacts.read_card(registry.statistics_folder().parent / "models" / "tiny")
    saved = artifacts.read_card(zoo)
    artifacts.write_card(
        zoo, {**card, "status": "pretrained", "architecture": saved["architecture"], "default_recipe": "modern"}
    )
    fake, real = (np.round((x + 1) * 127.5) / 127.5 - 1 for x in images)
    pictures = [((x + 1) * 127.5).round().astype("uint8") for x in (fake, real)]
    term = perceptual.get("tiny")
    value, grad = _with_gradient(term, fake.astype("float32"), real.astype("float32"))
    np.testing.assert_allclose(value, model.distance(*pictures).mean(), rtol=1e-3)
    assert value > 0.01
    assert np.abs(grad).max() > 0
    assert perceptual.get("tiny", "mixed_bfloat16")(*images).dtype == "float32"
