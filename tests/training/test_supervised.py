"""A classifier's run from a recipe: it stops, goes on bit for bit, and ends with the average of its weights."""

import keras
import numpy as np
import pytest

import keras_gans
from keras_gans import artifacts
from keras_gans.data import load
from keras_gans.models.residual import ResidualNet
from keras_gans.training import callbacks, checkpoint, mixing, run, supervised
from keras_gans.training.callbacks import Stopped, TrainingError, read_curve

CARD = {"name": "toy", "family": "ResidualNet"}
RECIPE = {
    "batch_size": 8,
    "steps": 9,
    "seed": 3,
    "data": {"flip": True, "crop": 1, "cutmix": 1.0, "mixup": 0.4},
    "compile": {
        "label_smoothing": 0.1,
        "optimizer": {
            "class": "MomentumSGD",
            "learning_rate": {"class": "LinearRamp", "initial": 0.1, "final": 0.0, "end": 9},
            "nesterov": True,
            "l2": 1e-3,
            "use_ema": True,
            "ema_momentum": 0.8,
        },
    },
}


def build():
    return ResidualNet(num_classes=3, size=8, widths=(4,), blocks=(1,), dropout=0.2)


@pytest.fixture(scope="module")
def data():
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), dtype="uint8")  # 3 steps, and 6 images over
    return load((images, np.arange(30) % 3))


def train(out, data, recipe=RECIPE, **more):
    return supervised.train(build, CARD, recipe, data, out, **more)


class Watch(keras.callbacks.Callback):
    """The trainable weights after each step."""

    def on_train_begin(self, logs=None):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append([v.numpy() for v in self.model.trainable_variables])


@pytest.fixture(scope="module")
def straight(data, tmp_path_factory):
    """(folder, model, weights after each step) of a run that nothing disturbed."""
    out, watch = tmp_path_factory.mktemp("straight") / "run", Watch()
    return out, train(out, data, callbacks=[watch]), watch.seen


def saved(out):
    return artifacts.read_weights(out / "model")


def same(a, b):
    return sorted(a) == sorted(b) and all(np.array_equal(a[key], b[key]) for key in a)


def test_it_stops_within_an_epoch_and_goes_on_bit_for_bit(data, straight, tmp_path):
    asked = iter([False] * 4 + [True])
    with pytest.raises(Stopped, match="Stopped after step 5, saved in"):  # three steps are an epoch
        train(tmp_path, data, stop=lambda: next(asked))
    assert not (tmp_path / "model").exists()
    (kept,) = [path for path in checkpoint.found(tmp_path / "checkpoints") if "000000005" in path.name]
    assert kept
    train(tmp_path, data, steps=7)
    watch = Watch()
    model = train(tmp_path, data, callbacks=[watch])
    out, whole, seen = straight
    assert len(watch.seen) == 2  # 8 and 9
    for a, b in zip(watch.seen[-1], seen[-1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert same(saved(tmp_path), saved(out))
    assert same(model.tensors(), whole.tensors())
    assert model.steps_taken == 9
    origin = artifacts.read_provenance(tmp_path / "model")["provenance"]
    assert (origin["steps"], origin["images_seen"], origin["images"]) == (9, 72, 30)
    assert origin["data_sha256"] == data.with_flips().fingerprint()
    rows, expected = read_curve(tmp_path / "curve.csv"), read_curve(out / "curve.csv")
    assert [row["step"] for row in rows] == [row["step"] for row in expected] == list(range(1, 10))
    for row, wanted in zip(rows, expected, strict=True):
        np.testing.assert_allclose([row["loss"], row["accuracy"]], [wanted["loss"], wanted["accuracy"]], atol=2e-5)


def test_it_is_not_moved_by_asking_again(data, straight):
    out, whole, _ = straight
    again = train(out, data)
    assert same(again.tensors(), whole.tensors())
    with pytest.raises(artifacts.CheckpointError, match="is at step 9, and 4 steps were asked for"):
        train(out, data, steps=4)
    with pytest.raises(artifacts.CheckpointError, match="its recipe and data_sha256 differ"):
        train(out, data, {**RECIPE, "data": {}})
    assert same(saved(out), whole.tensors())


def test_it_ends_with_the_average_and_its_own_statistics(data, straight):
    _, model, seen = straight
    average = seen[0]
    for weights in seen[1:]:
        average = [0.8 * old + 0.2 * new for old, new in zip(average, weights, strict=True)]
    for v, expected in zip(model.trainable_variables, average, strict=True):
        np.testing.assert_allclose(v.numpy(), expected, rtol=1e-4, atol=1e-6)
    assert max(np.abs(a - b).max() for a, b in zip(average, seen[-1], strict=True)) > 1e-3
    stem = keras.Model(model.network.input, model.network.get_layer("stem").output)
    batches = mixing.MixedBatches(data, data.labels, 8, seed=3)
    outputs = [np.asarray(stem(batches.at(k)[0])) for k in range(3)]  # of images as they are
    norm = model.network.get_layer("stem_norm")
    np.testing.assert_allclose(norm.moving_mean, np.mean([x.mean((0, 1, 2)) for x in outputs], 0), atol=1e-4)
    np.testing.assert_allclose(norm.moving_variance, np.mean([x.var((0, 1, 2)) for x in outputs], 0), rtol=1e-3)
    assert norm.momentum == 0.9


def test_its_curve_is_what_each_step_lost(data, straight, tmp_path):
    """The first step's loss, of weights nobody moved, by hand."""
    out, _, _ = straight
    first = read_curve(out / "curve.csv")[0]
    recipe = {**RECIPE, "compile": {**RECIPE["compile"], "run_eagerly": True}}
    run.deterministic(3)
    model = build()
    batches = mixing.MixedBatches(
        data.with_flips(), data.labels, 8, seed=3, mixing=mixing.asked_for(recipe), num_classes=3
    )
    images, targets = batches.at(0)
    logits = np.asarray(model(images, training=True), "float64")  # dropout draws from the same seed
    log = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    assert first["loss"] == pytest.approx(-((0.9 * targets + 0.1 / 3) * log).sum(1).mean(), abs=2e-5)
    assert first["accuracy"] == pytest.approx((logits.argmax(1) == targets.argmax(1)).mean(), abs=1e-5)


def test_a_loss_that_is_not_finite_stops_it(data, tmp_path):
    wild = {"optimizer": {"class": "SGD", "learning_rate": 1e30}, "run_eagerly": True}
    recipe = {"batch_size": 8, "steps": 9, "compile": wild}
    with pytest.raises(TrainingError, match=r"The loss was not finite at step \d; checkpoints before it stay"):
        train(tmp_path, data, recipe)
    assert not (tmp_path / "model").exists()
    assert checkpoint.found(tmp_path / "checkpoints") == []


def test_only_classifiers_recipes_mix(data, tmp_path):
    with pytest.raises(artifacts.CardError, match=r"takes flip = true or flip = false, and \{'crop': 1\} came"):
        run.as_in({"data": {"crop": 1}}, data)
    with pytest.raises(artifacts.CardError, match="cutmix = a number, cutmix_share = a number, mixup = a number, and"):
        train(tmp_path, data, {**RECIPE, "data": {"turn": 1}})
    assert list(tmp_path.iterdir()) == []
    assert run.as_in({"data": {"crop": 1}}, data.with_flips(), mixing.KEYS).flip  # not said, so left alone


def test_checkpoints_name_the_owners_of_their_tensors():
    """Those of games as they ever did, or older runs could not go on."""
    model = build()
    model.compile()
    model.optimizer.build(model.trainable_variables)
    assert {key.split("/")[0] for key in checkpoint.state_variables(model)} == {"model", "optimizer"}
    gan = keras_gans.VanillaGAN(size=4, latent=2, generator_units=(2,), discriminator_units=2)
    gan.compile()
    names = list(checkpoint.state_variables(gan))
    assert {key.split("/")[0] for key in names} == {"model", "discriminator_optimizer", "generator_optimizer"}
    assert names[0].startswith("model/0000/")
    assert "generator_optimizer/0000/iteration" in names


def test_a_checkpoint_every_few_steps(data, tmp_path):
    recipe = {**RECIPE, "compile": {"optimizer": "sgd", "run_eagerly": True}, "steps": 5}
    kept = []
    look = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: kept.append(len(checkpoint.found(tmp_path / "checkpoints")))
    )
    train(tmp_path, data, recipe, checkpoint_every=2, callbacks=[look])
    assert kept == [0, 1, 1, 2, 2]  # after 2, at the end of the first epoch, after 4; two are kept
    assert callbacks.read_curve(tmp_path / "curve.csv")[-1]["step"] == 5
