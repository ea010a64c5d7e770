"""In which precision a machine computes and a run trains; and steps in each, compiled by XLA or not."""

import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gans
from keras_gans.models.vanilla import VanillaGAN
from keras_gans.training import precision


def on(monkeypatch, processor=(), accelerators=()):
    """Lets this machine be another."""
    monkeypatch.setattr(precision, "_of_processor", lambda: set(processor))
    monkeypatch.setattr(precision, "_of_accelerators", lambda: [set(one) for one in accelerators])


@pytest.mark.parametrize(
    ("processor", "accelerators", "best"),
    [
        ([], [], "float32"),
        (["bfloat16"], [], "mixed_bfloat16"),
        ([], [["bfloat16", "float16"]], "mixed_bfloat16"),
        (["bfloat16"], [["float16"]], "mixed_float16"),  # the processor only feeds it
        ([], [["float16"], ["bfloat16", "float16"]], "mixed_float16"),  # what all of them know
        ([], [[], ["bfloat16", "float16"]], "float32"),
    ],
)
def test_the_best_precision_is_the_one_that_all_devices_have_arithmetic_for(monkeypatch, processor, accelerators, best):
    on(monkeypatch, processor, accelerators)
    assert precision.best() == best
    assert precision.fitting(best) == best
    assert precision.fitting(None) is None
    emulated = set(precision.POLICIES) - precision.computed()
    assert {precision.fitting(precision.POLICIES[name]) for name in emulated} <= {"float32"}


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("flags\t\t: fpu avx2 avx512f\n", set()),
        ("model name : amx_bf16\nflags : fpu avx512_bf16\n", {"bfloat16"}),
        ("model name : amx_bf16\n", set()),
        ("flags : fpu\nFeatures : fp asimd bf16\n", {"bfloat16"}),
    ],
)
def test_what_a_processor_says_of_itself(tmp_path, lines, found):
    path = tmp_path / "cpuinfo"
    path.write_text(lines)
    assert precision._of_processor(path) == found
    assert precision._of_processor(tmp_path / "missing") == set()


@pytest.mark.parametrize(
    ("kind", "capability", "found"),
    [
        ("GPU", (6, 1), set()),
        ("gpu", "7.5", {"float16"}),
        ("GPU", (8, 0), {"bfloat16", "float16"}),
        ("gpu", "12.0", {"bfloat16", "float16"}),
        ("tpu", None, {"bfloat16"}),
        ("METAL", None, {"bfloat16", "float16"}),
    ],
)
def test_what_an_accelerator_computes_in(kind, capability, found):
    assert precision._of_accelerator(kind, capability) == found


def test_this_machine_has_an_answer():
    assert precision._of_accelerators() == []  # the tests see none
    assert precision.best() in ("float32", "mixed_bfloat16")


def test_a_run_goes_on_in_its_precision(monkeypatch, tmp_path):
    on(monkeypatch)
    half, single, silent = {"dtype": "mixed_bfloat16"}, {"dtype": "float32"}, {}

    def begin(recipe):
        (tmp_path / "run.json").write_text(json.dumps({"recipe": recipe}))

    # A fresh run: the recipe's, where the machine computes in it.
    assert precision.of_run("auto", half, tmp_path) == "float32"
    assert precision.of_run("auto", silent, tmp_path) is None
    assert precision.of_run("bfloat16", silent, tmp_path) == "mixed_bfloat16"
    assert precision.of_run("float32", silent, tmp_path) == "float32"
    on(monkeypatch, ["bfloat16"])
    assert precision.of_run("auto", half, tmp_path) == "mixed_bfloat16"
    on(monkeypatch)
    # One that has begun: its own, in the words that its run.json has for it.
    for begun in (half, single, silent):
        begin(begun)
        assert precision.of_run("auto", half, tmp_path) == begun.get("dtype")
        assert precision.of_run("bfloat16", silent, tmp_path) == "mixed_bfloat16"
        assert precision.of_run("float32", half, tmp_path) == (None if begun is silent else "float32")


# Steps.


def vanilla(dtype=None, **arguments):
    keras.utils.set_random_seed(0)
    model = VanillaGAN(size=8, latent=4, generator_units=(8,), discriminator_units=4, dtype=dtype)
    for player, times in ((model.generator, 10), (model.discriminator, 100)):
        for v in player.trainable_variables:
            v.assign(times * v)
    rates = {f"{player}_optimizer": keras.optimizers.SGD(0.05) for player in model.players}
    model.compile(**{**rates, **arguments})
    return model


def images(n=16):
    return np.random.default_rng(0).integers(0, 256, (n, 8, 8, 1), dtype="uint8")


def moved(model):
    """How one step moves each player: {player: vector}."""
    before = {player: flat(getattr(model, player)) for player in model.players}
    model.fit(images(), batch_size=16, verbose=0)
    return {player: flat(getattr(model, player)) - before[player] for player in model.players}


@functools.cache
def _expected(**alike):
    return moved(vanilla(jit_compile=False, **alike))


def flat(network):
    return np.concatenate([np.ravel(v) for v in network.trainable_variables]).astype("float64")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "apart"),
    [
        ({"jit_compile": True, "accumulate": 2, "update": "simultaneous"}, 1e-5),  # another order of sums
        ({"dtype": "mixed_bfloat16"}, 5e-2),  # 8 bits
        ({"dtype": "mixed_float16"}, 5e-3),  # 11 bits
    ],
)
def test_a_step_is_that_of_float32_without_xla(changes, apart):
    expected = _expected(**{key: value for key, value in changes.items() if key in ("accumulate", "update")})
    model = vanilla(**{"jit_compile": False, **changes})
    assert model.jit_compile == changes.get("jit_compile", False)
    for player, difference in moved(model).items():
        length = np.linalg.norm(expected[player])
        assert 0 < np.linalg.norm(difference - expected[player]) <= apart * length + 1e-6 * (apart < 1e-4), player
        assert length > 1e-3


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
@pytest.mark.parametrize("too_large", ["discriminator", "generator"])
def test_an_overflow_lowers_the_scale_of_its_own_player_alone(update, too_large):
    plain = keras_gans.losses.get("non_saturating")
    factor = {player: 1e30 if player == too_large else 1.0 for player in VanillaGAN.players}
    model = vanilla(
        "mixed_float16",
        loss=(
            lambda *logits: factor["discriminator"] * plain.discriminator(*logits),
            lambda logits: factor["generator"] * plain.generator(logits),
        ),
        update=update,
    )
    scales = {player: getattr(model, f"{player}_optimizer").dynamic_scale for player in model.players}
    assert [float(scale) for scale in scales.values()] == [2.0**15] * 2
    scales["discriminator"].assign(2.0**10)  # so that a gradient divided by the other's scale would be seen
    before = {player: flat(getattr(model, player)) for player in model.players}
    model.train_step(tf.constant(images()))
    for player, start in {"discriminator": 2.0**10, "generator": 2.0**15}.items():
        change = np.linalg.norm(flat(getattr(model, player)) - before[player])
        if player == too_large:
            assert (float(scales[player]), change, int(model.nonfinite[player])) == (start / 2, 0.0, 1)
        else:
            assert (float(scales[player]), int(model.nonfinite[player])) == (start, 0)
            assert 1e-3 < change < 1
