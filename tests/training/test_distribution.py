"""Which strategy a run takes, and `fit` on two replicas of one process. test_workers.py has several processes."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gans import DataError, VanillaGAN, data
from keras_gans.models.text_encoder import MatchingBatches
from keras_gans.training import distribution, feed, mixing
from model_contract import two_devices, weights

SMALL = {"size": 8, "latent": 4, "generator_units": (6, 6), "discriminator_units": 3}


def config(cluster, kind="worker", index=0):
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


# --- choosing -----------------------------------------------------------------------------------------


def test_one_device_needs_no_strategy(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert distribution.strategy("one") is None
    assert distribution.strategy("auto") is None  # there is no GPU, or one
    assert distribution.place_under(None) == (1, 0, 1)
    assert distribution.place(VanillaGAN(**SMALL)).chief


def test_auto_is_one_for_a_cluster_of_one(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config({"worker": ["127.0.0.1:1"]}))
    assert distribution.strategy("auto") is None


def test_multi_worker_says_what_it_lacks(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(distribution.DistributionError, match="TF_CONFIG, and it is not set: give each process"):
        distribution.strategy("multi-worker")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"cluster": {}}',
        config({"worker": []}),
        config({"worker": ["a:1", "b:1"]}, index=2),
        config({"worker": ["a:1"]}, kind="chief"),
        config({"worker": ["a:1", "b:1"], "ps": ["c:1"]}),
        config({"worker": ["a:1"], "evaluator": ["c:1"]}, kind="evaluator"),
        json.dumps({"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "first"}}),
    ],
)
def test_a_tf_config_that_is_none_is_shown(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(distribution.DistributionError) as caught:
        distribution.strategy("auto")
    assert "TF_CONFIG wants" in str(caught.value)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_backends_have_their_own(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert distribution.strategy("auto") is None
    with pytest.raises(
        distribution.DistributionError, match=r"mirrored is tf\.distribute's, and Keras computes with jax"
    ):
        distribution.strategy("mirrored")
    with pytest.raises(ValueError, match="a strategy is one of auto, one, mirrored, multi-worker, and 'tpu' came"):
        distribution.strategy("tpu")


def test_a_model_is_compiled_where_it_was_made():
    model = VanillaGAN(**SMALL)
    with two_devices().scope(), pytest.raises(distribution.DistributionError, match=r"in the same strategy\.scope"):
        model.compile()
    assert not model.compiled
    model._distribute_strategy = type("TPUStrategy", (), {})()  # which can not be made without one
    with pytest.raises(distribution.DistributionError, match="and TPUStrategy came: take one of those"):
        model.compile()
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        model = VanillaGAN(**SMALL)
        model.compile()
    assert distribution.strategy_of(model) is None


# --- whose rows ---------------------------------------------------------------------------------------


def test_places_share_a_batch_without_gap_or_overlap():
    places = [distribution.Place(replicas=6, first=first, local=2) for first in (0, 2, 4)]
    assert [place.share(24) for place in places] == [(0, 8), (8, 16), (16, 24)]
    assert [place.chief for place in places] == [True, False, False]
    assert all(place.several_workers for place in places)
    assert not distribution.Place(replicas=2, first=0, local=2).several_workers


def _images(rng):
    return data.load((rng.integers(0, 256, (20, 8, 8, 3), "uint8"), np.arange(20) % 3)).with_flips()


def _patches(rng):
    return data.super_resolution([rng.integers(0, 256, (40, 32, 3), "uint8")], scale=2, crop=16, batch=8)


def _captioned(rng):
    pictures = rng.integers(0, 256, (20, 16, 16, 3), "uint8")
    made = data.captioned((pictures, [f"a thing of kind {i}" for i in range(20)], np.arange(20) % 4), size=16)
    return made.with_vectors(rng.normal(size=(len(made.sentences), 5)).astype("float32"))


@pytest.mark.parametrize("make", [_images, _patches, _captioned])
def test_rows_are_parts_of_the_batch(rng, make):
    batches = make(rng)
    whole = list(batches.batches(8, seed=1, start=1, stop=5))
    parts = [list(batches.batches(8, seed=1, start=1, stop=5, rows=rows)) for rows in ((0, 2), (2, 8))]
    assert len(whole) == 4
    for batch, first, rest in zip(whole, *parts, strict=True):
        for all_, a, b in zip(batch, first, rest, strict=True):
            assert len(a) == 2
            np.testing.assert_array_equal(np.concatenate((a, b)), all_)


def test_rows_of_batches_without_end(rng):
    images = _images(rng)
    batches = mixing.MixedBatches(images, images.labels, 8, 0, mixing.asked_for({}), 3)
    assert not isinstance(batches, MatchingBatches)
    source = feed.Endless(batches, 3, images)
    first, rest = (source.parts(rows) for rows in ((0, 2), (2, 8)))
    for step in (3, 5):  # two steps an epoch: the second epoch goes on
        for offset, a, b in zip(range(2), next(first), next(rest), strict=True):
            for all_, x, y in zip(batches.at(step + offset), a, b, strict=True):
                np.testing.assert_array_equal(np.concatenate((x, y)), all_)


# --- fit ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair():
    """One compiled as ever, one on two replicas, both with two steps in a call."""

    def make():
        keras.utils.set_random_seed(0)
        model = VanillaGAN(**SMALL)
        rates = {f"{player}_optimizer": keras.optimizers.SGD(0.1) for player in model.players}
        model.compile(steps_per_execution=2, **rates)
        return model

    with two_devices().scope():
        two = make()
    return make(), two


def test_xla_is_for_one_device(pair):
    with pytest.raises(ValueError, match="XLA compiles the step of one device"), two_devices().scope():
        pair[1].compile(jit_compile=True)
    assert pair[1].jit_compile is False


def assert_alike(one, two):
    for a, b in zip(weights(one), weights(two), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_fit_on_two_replicas_is_fit_on_one_device(pair, rng):
    x = rng.integers(0, 256, (70, 8, 8, 1), "uint8")
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(16, drop_remainder=True)
    histories, scores, repeated = [], [], []
    for model in pair:
        begin = weights(model)
        history = model.fit(x, batch_size=16, epochs=3, validation_data=x[:33], verbose=0)
        assert any((a != b).any() for a, b in zip(begin, weights(model), strict=True))
        histories.append([history.history[key] for key in ("d_loss", "g_loss", "val_d_loss")])
        scores.append(model.evaluate(x[:32], batch_size=16, verbose=0))
        repeated.append(model.fit(dataset, epochs=2, steps_per_epoch=4, verbose=0).history["d_loss"])
    assert [len(values) for values in histories[0]] == [3, 3, 3]
    assert pair[0].steps_taken == pair[1].steps_taken == 12 + 8
    # 33 images do not divide: both replicas see the last batch, with noise of their own.
    np.testing.assert_allclose(histories[0][:2], histories[1][:2], rtol=1e-5)
    np.testing.assert_allclose(histories[0][2], histories[1][2], rtol=1e-3)
    np.testing.assert_allclose(*scores, rtol=1e-5)
    np.testing.assert_allclose(*repeated, rtol=1e-5)
    assert_alike(*pair)
    np.testing.assert_allclose(*(model.generate(3, output="float") for model in pair), atol=1e-5)


ZEROS = np.zeros((30, 8, 8, 1), "uint8")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ZEROS, "to 2 replicas, and 15 of them came: give batch_size=14"),
        (lambda: tf.data.Dataset.from_tensors(ZEROS[:15]), r"15 of them came: give .batch\(14, drop_remainder=True\)"),
        (
            lambda: tf.data.Dataset.from_tensor_slices(ZEROS).batch(8),
            r"batches of no fixed size came: give .batch\(32, drop_remainder=True\)",
        ),
    ],
)
def test_what_does_not_divide_is_refused(pair, make, words):
    _, two = pair
    before, x = weights(two), make()
    with pytest.raises(DataError, match=words):
        two.fit(x, batch_size=None if isinstance(x, tf.data.Dataset) else 15, verbose=0)
    for a, b in zip(before, weights(two), strict=True):
        np.testing.assert_array_equal(a, b)
