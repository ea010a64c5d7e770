"""Keras's JAX backend: the same games as on TensorFlow, in a process that has no TensorFlow."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_gans
from commands import on_jax
from keras_gans.models.dcgan import DCGAN
from keras_gans.models.text_to_image import TextToImageGAN
from keras_gans.models.vanilla import VanillaGAN
from keras_gans.training import backend, feed

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))
import jax_side  # noqa: E402

sys.path.pop(0)


def dcgan():
    """Batch normalisation, DiffAugment and R1."""
    model = DCGAN(28, 1, width=2, latent=4)
    for v in model.generator.trainable_variables:
        v.assign(3 * v)
    model.compile(**sgd(), augment=("color", "translation", "cutout"), penalties={"r1": 1.0}, ema_decay=0.9)
    return model


def vanilla():
    """Dropout and maxout; two turns of the discriminator, and both players at once."""
    model = VanillaGAN(size=8, latent=4, generator_units=(8,), discriminator_units=4)
    for player, times in ((model.generator, 10), (model.discriminator, 100)):
        for v in player.trainable_variables:  # they start so close to 0 that gradients are lost in rounding
            v.assign(times * v)
    model.compile(**sgd(), discriminator_steps=2, update="simultaneous", label_smoothing=0.1)
    return model


def conditional():
    """Labels appended to every layer's input."""
    model = DCGAN(28, 1, width=2, latent=4, num_classes=3)
    for v in [*model.generator.trainable_variables, *model.discriminator.trainable_variables]:
        v.assign(3 * v)
    model.compile(**sgd())
    return model


def reading():
    """Wrong sentences, means of two, conditions that are drawn, blocks (of several channels: what scales one, batch
    normalisation takes back, and its gradient is 0), a recurrent reader."""
    reader = {"reader_units": (3, 4, 5), "reader_recurrent": 4, "reader_dim": 6, "picture_features": 3}
    model = TextToImageGAN(16, 8, latent=4, compressed=3, conditioning_augmentation=2.0, **reader)
    for v in [*model.generator.trainable_variables, *model.discriminator.trainable_variables]:
        v.assign(3 * v)
    model.compile(**sgd())
    return model


def sgd():
    return {f"{player}_optimizer": keras.optimizers.SGD(0.05) for player in ("generator", "discriminator")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("both")


@pytest.fixture(scope="module")
def tensorflow(folder):
    """{name: array} of what is played here."""
    keras.utils.set_random_seed(0)
    found = {}
    for name, build in {"dcgan": dcgan, "vanilla": vanilla}.items():
        model = build()
        model.save(folder / f"{name}.keras")
        found.update({f"{name}/{key}": value for key, value in jax_side.play(model).items()})
        found.update({f"{name}/{key}": g for key, g in jax_side.gradients(folder / f"{name}.keras").items()})
        model.save_pretrained(folder / f"{name}_of_tensorflow")
        found[f"{name}/loaded"] = keras_gans.load(folder / f"{name}_of_tensorflow").generate(4, seed=2)
    found["shipped"] = keras_gans.load("dcgan_mnist").generate(4, seed=0)
    conditional().save(folder / "conditional.keras")
    found.update(jax_side.of_classes(folder))
    reading().save(folder / "text.keras")
    found.update(jax_side.of_sentences(folder))
    found.update(jax_side.at_the_same_time(folder))
    net = keras_gans.AttributeNet(attributes=["bright", "framed"], size=16, widths=(4, 4))
    net.save_pretrained(folder / "attributes")
    found.update(jax_side.attributes(folder))
    reader = keras_gans.ResidualNet(num_classes=3, size=8, widths=(4,), blocks=(1,))
    reader.save_pretrained(folder / "reader")
    before = {f"reader_before/{name}": value for name, value in reader.tensors().items()}
    after = {f"reader/{name}": value for name, value in jax_side.read(folder, folder / "of_tensorflow").items()}
    return {**found, **before, **after}


@pytest.fixture(scope="module")
def jax(folder, tensorflow):
    """{name: array} of what is played there."""
    pytest.importorskip("jax")
    environment = on_jax()
    environment["XLA_FLAGS"] += " --xla_force_host_platform_device_count=2"
    for variable in ("KERAS_GANS_MIRROR", "KERAS_GANS_DEBUG"):
        environment.pop(variable, None)
    run = subprocess.run(
        [sys.executable, jax_side.__file__, str(folder)], env=environment, cwd=folder, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-4000:]
    with np.load(folder / "jax.npz") as file:
        return dict(file)


pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("game", "there"), [("dcgan", "dcgan"), ("vanilla", "vanilla"), ("vanilla", "two devices")])
def test_one_step_and_ten_are_tensorflows(game, there, tensorflow, jax):
    for player in ("discriminator", "generator"):
        start = tensorflow[f"{game}/{player}/0"]
        np.testing.assert_array_equal(jax[f"{there}/{player}/0"], start)
        for steps, tolerance in ((1, 1e-5), (10, 1e-4)):
            a, b = tensorflow[f"{game}/{player}/{steps}"], jax[f"{there}/{player}/{steps}"]
            rounding = steps * 6e-8 * np.linalg.norm(a)  # float32 weights hold their change to no more than that
            assert np.linalg.norm(a - start) > 100 * rounding
            assert np.linalg.norm(a - b) <= tolerance * np.linalg.norm(a - start) + rounding


@pytest.mark.parametrize("game", [*jax_side.GAMES, "conditional", "text"])
@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_gradients_are_tensorflows(game, player, tensorflow, jax):
    """Lengths of differences are held to the player's whole gradient, which is what a step goes along.

    Single weights are not: float32 holds a sum no closer than its largest terms allow, and some come to almost nothing,
    as the logit's bias does (real images pull one way and generated ones the other). So is no tensor alone as strictly;
    but none may hide behind larger ones.
    """
    names = [name for name in tensorflow if name.startswith(f"{game}/gradients/{player}/")]
    assert len(names) == len([name for name in jax if name.startswith(f"{game}/gradients/{player}/")]) >= 4
    apart = np.array([np.linalg.norm(jax[name] - tensorflow[name]) for name in names])
    length = np.array([np.linalg.norm(tensorflow[name]) for name in names])
    assert np.linalg.norm(apart) <= 1e-5 * np.linalg.norm(length)
    assert (length > 0).all()
    assert (apart <= 1e-4 * length).all(), dict(zip(names, apart / length, strict=True))


@pytest.mark.parametrize("game", ["conditional", "text"])
def test_a_conditional_model_learns_as_on_tensorflow(game, tensorflow, jax):
    for player in ("discriminator", "generator"):
        start, a, b = (found[f"{game}/{player}/{k}"] for found, k in ((tensorflow, 0), (tensorflow, 2), (jax, 2)))
        np.testing.assert_array_equal(jax[f"{game}/{player}/0"], start)
        rounding = 2 * 6e-8 * np.linalg.norm(a)
        assert np.linalg.norm(a - start) > 100 * rounding
        assert np.linalg.norm(a - b) <= 1e-4 * np.linalg.norm(a - start) + rounding


def test_players_who_move_at_once_in_micro_batches_move_as_on_tensorflow(tensorflow, jax):
    for player in ("discriminator", "generator"):
        start, a, b = (found[f"together/{player}/{k}"] for found, k in ((tensorflow, 0), (tensorflow, 1), (jax, 1)))
        rounding = 6e-8 * np.linalg.norm(a)
        assert np.linalg.norm(a - start) > 100 * rounding
        assert np.linalg.norm(a - b) <= 1e-5 * np.linalg.norm(a - start) + rounding
    np.testing.assert_allclose(jax["together/statistics"], tensorflow["together/statistics"], rtol=1e-4, atol=1e-5)


def test_one_pass_through_the_networks_serves_both_players(jax):
    """Two transposed convolutions in the generator, two in the discriminator: generated, real and generated judged."""
    assert jax["pass/convolutions"].tolist() == [2 + 2 + 2, 2 + 2 + 2, 2 + 2]
    assert jax["pass/convolutions with r1"].tolist() == [2 + 2 + 2 + 2]  # and backward to the real images
    assert jax["pass/moved"].tolist() == [True, False]  # a loss that is not finite is its own player's affair
    assert jax["pass/not_finite"].tolist() == [0, 1]


def test_micro_batches_have_the_gradients_of_the_whole_and_less_memory(jax):
    whole, in_parts = jax["pass/whole"], jax["pass/in_parts"]
    assert np.linalg.norm(whole) > 1e-3
    assert np.linalg.norm(in_parts - whole) <= 1e-5 * np.linalg.norm(whole)
    whole, in_parts = jax["pass/memory"]
    assert in_parts < 0.5 * whole


@pytest.mark.parametrize(
    ("what", "apart"),
    [
        ("conditional/drawn", 1e-5),
        ("text/vectors", 1e-5),
        ("text/drawn", 1e-5),
        ("conditional/features", 1e-5),
        ("conditional/features of every class", 1e-5),
        ("conditional/latents", 1e-3),  # Adam's steps are of one size, whichever way a small gradient is rounded
        ("attributes/each", 1e-5),
        ("attributes/both", 1e-5),
    ],
)
def test_what_a_model_draws_sees_finds_and_reads_is_tensorflows(what, apart, tensorflow, jax):
    assert tensorflow[what].std() > 0.01
    np.testing.assert_allclose(jax[what], tensorflow[what], rtol=0, atol=apart)


@pytest.mark.parametrize("game", jax_side.GAMES)
def test_statistics_average_losses_and_pictures_are_tensorflows(game, tensorflow, jax):
    for name in [name for name in tensorflow if name.startswith((f"{game}/history", f"{game}/evaluated"))]:
        np.testing.assert_allclose(jax[name], tensorflow[name], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(jax[f"{game}/statistics"], tensorflow[f"{game}/statistics"], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(jax[f"{game}/drawn"], tensorflow[f"{game}/drawn"], atol=2e-3)


@pytest.mark.parametrize("game", jax_side.GAMES)
def test_what_jax_saves_tensorflow_reads(game, folder, jax):
    for loaded in (
        keras.saving.load_model(folder / f"{game}_of_jax.keras"),
        keras_gans.load(folder / f"{game}_of_jax"),
    ):
        np.testing.assert_allclose(loaded.generate(4, seed=1, output="float"), jax[f"{game}/drawn"], atol=1e-4)
        for player, w in jax_side.players(loaded).items():
            if loaded.compiled:
                np.testing.assert_array_equal(w, jax[f"{game}/{player}/10"])


@pytest.mark.parametrize("game", jax_side.GAMES)
def test_whether_to_compile_is_each_backends_own_choice(game, folder, jax):
    assert jax[f"{game}/jit"]
    assert not keras.saving.load_model(folder / f"{game}_of_jax.keras").jit_compile  # on a CPU


@pytest.mark.parametrize("name", ["dcgan/loaded", "vanilla/loaded", "shipped"])
def test_what_tensorflow_saves_jax_reads(name, tensorflow, jax):
    assert tensorflow[name].std() > 1
    assert np.abs(jax[name].astype(int) - tensorflow[name]).max() <= 1


def test_a_stopped_run_resumes_bit_for_bit(jax):
    assert jax["resume/changed"].sum() > 10
    assert jax["resume/resumed"].all()


def test_a_classifiers_run_that_was_stopped_and_resumed_is_tensorflows_that_was_not(tensorflow, jax):
    assert str(jax["reader_said"]).startswith("Stopped after step 2, saved in")
    names = [name for name in tensorflow if name.startswith("reader/")]
    assert len(names) > 10
    for name in names:
        np.testing.assert_allclose(jax[name], tensorflow[name], rtol=1e-4, atol=1e-6, err_msg=name)
    moved = tensorflow["reader/network/stem/kernel"] - tensorflow["reader_before/network/stem/kernel"]
    assert np.abs(moved).max() > 0.01


def test_several_steps_at_once_are_the_same_steps(jax):
    assert jax["resume/together"].max() <= 1e-5
    assert jax["resume/batches"].tolist() == [[b, 5 * e + b + 1] for e in range(3) for b in (1, 3, 4)]


def test_gradients_that_are_not_finite_reach_no_weight_and_ten_stop_the_run(jax):
    assert str(jax["poison/said"]).startswith("The generator's gradient was not finite for 10 turns in a row")
    assert jax["poison/steps"] == 25
    assert jax["poison/generator_stayed"]
    assert jax["poison/discriminator_moved"]
    assert jax["poison/finite"]


def test_the_command_line(jax):
    assert {"jax", "keras", "numpy", "python"} == set(jax["cli/versions"])
    assert re.search(r", \d+ cores?", str(jax["cli/hardware"]))
    assert jax["cli/page"].std() > 1


def test_a_source_that_needs_tensorflow_says_so(jax):
    assert re.search(r"tfds:mnist .* TensorFlow", str(jax["sentence"]))


# And without JAX.


def test_tf_data_is_not_tuned():
    images = keras_gans.data.load(jax_side.pixels(8))
    source = feed.Feed(images, 8)
    for dataset in (source.keras_arguments()[0], feed.InOrder(images, 8).dataset()):
        assert dataset.options().autotune.enabled is False


def test_the_requirements_without_tensorflow_are_the_packages_own():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "requirements-jax.txt").read_text().splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    left_out = ("tensorflow", "importlib_resources")  # the latter is what tensorflow-datasets needs
    wanted = {need for need in project["dependencies"] if not need.startswith(left_out)}
    assert listed == wanted | set(project["optional-dependencies"]["jax"])
    assert set(project["optional-dependencies"]["jax"]) <= set(project["optional-dependencies"]["test"])


def test_hardware_versions_and_precision_are_asked_of_the_backend(monkeypatch):
    import tensorflow as tf

    assert backend.version() == {"tensorflow": tf.__version__}
    assert backend.accelerators() == []
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    with backend.full_precision():
        assert not tf.config.experimental.tensor_float_32_execution_enabled()
    assert tf.config.experimental.tensor_float_32_execution_enabled() == before
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(NotImplementedError, match="tensorflow or jax, this is torch"):
        backend.gradient_step()
