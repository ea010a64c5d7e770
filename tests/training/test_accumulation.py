"""A turn in micro-batches: the same gradients, one after the other, told once."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gans
from keras_gans.models.dcgan import DCGAN
from keras_gans.models.vanilla import VanillaGAN
from keras_gans.training import accumulation, tensorflow_step
from model_contract import ModelContract, halves, two_devices

EVERYTHING = {"augment": ("color", "translation", "cutout"), "penalties": {"r1": 1.0, "gradient_penalty": 1.0}}


def vanilla(**arguments):
    keras.utils.set_random_seed(0)
    model = VanillaGAN(size=8, latent=4, generator_units=(8,), discriminator_units=4)
    for player, times in ((model.generator, 10), (model.discriminator, 100)):
        for v in player.trainable_variables:
            v.assign(times * v)
    model.compile(**arguments)
    return model


def images(n=12, size=8):
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 1), dtype="uint8")


def taken(model):
    """({name: value}, {player: its gradients in one vector}) of a step's turns on 12 images; nobody moves."""
    batch = model._batch(tf.constant(images()))
    terms, grads = {}, {}
    for players in [model.players] if model.update == "simultaneous" else [(player,) for player in model.players]:
        found = tensorflow_step.gradients(
            lambda part, players=players: model._terms_of(players, batch, 0, part),
            [getattr(model, player).trainable_variables for player in players],
            [getattr(model, f"{player}_optimizer") for player in players],
            model.accumulate,
        )
        for player, its_terms, its_grads in zip(players, *found, strict=True):
            terms.update({name: float(value) for name, value in its_terms.items()})
            grads[player] = np.concatenate([np.ravel(tf.convert_to_tensor(g)) for g in its_grads]).astype("float64")
    return terms, grads


@pytest.mark.parametrize(
    ("parts", "compiled"),
    [(3, {}), (2, {"update": "simultaneous", **EVERYTHING})],
)
def test_micro_batches_have_the_gradients_and_the_noise_of_the_whole(parts, compiled):
    """With dropout, whose masks are the samples' own, and penalties at places that are drawn."""
    (terms, grads), (expected, whole) = (taken(vanilla(accumulate=k, **compiled)) for k in (parts, 1))
    assert terms == pytest.approx(expected, rel=1e-5)
    for player, gradient in grads.items():
        assert np.linalg.norm(gradient - whole[player]) <= 1e-5 * np.linalg.norm(whole[player])


def test_each_micro_batch_is_of_other_images():
    model = vanilla(accumulate=4)
    batch = model._batch(tf.constant(images()))
    parts = [model._part(batch, part).images.numpy() for part in range(4)]
    assert [len(part) for part in parts] == [3] * 4
    assert len({image.tobytes() for part in parts for image in part}) == 12
    assert [part[0].tobytes() for part in parts] == [batch.images[i].numpy().tobytes() for i in range(4)]


def test_sums_are_of_float32_and_means_of_the_gradients_own_type():
    parts = [[tf.constant(value, "bfloat16"), None] for value in (256.0, 1.0, 1.0, 2.0)]
    sums = accumulation.begun(parts[0])
    for part in parts[1:]:
        sums = accumulation.added(sums, part)
    assert sums[0].dtype == "float32"
    assert float(sums[0]) == 260.0  # in bfloat16 256 + 1 is 256
    mean, none = accumulation.mean(sums, parts[0], 4)
    assert (mean.dtype, float(mean), none) == ("bfloat16", 65.0, None)


def needed(node):
    """The names of all nodes of a graph that must have run before a node does."""
    seen, left = set(), [node]
    while left:
        one = left.pop()
        before = [*(tensor.op for tensor in one.inputs), *one.control_inputs]
        left += [op for op in before if op.name not in seen]
        seen.update(op.name for op in before)
    return seen


@pytest.mark.slow
@pytest.mark.parametrize(("update", "judged"), [("alternating", 1), ("simultaneous", 2)])
def test_the_graph_begins_a_micro_batch_when_the_one_before_has_given_its_gradients(update, judged):
    """So memory holds one micro-batch's activations: whatever the executor does, two are never in flight.

    judged: batches that the discriminator, of two convolutions, judges in the step's last turn.
    """
    model = DCGAN(28, 1, width=2, latent=4)
    model.compile(accumulate=3, update=update)
    step = tf.function(lambda x: model.train_step(x), autograph=False)
    nodes = step.get_concrete_function(tf.TensorSpec((6, 28, 28, 1), "uint8")).graph.get_operations()
    forward = [node for node in nodes if node.type == "Conv2D" and "gradient_tape" not in node.name]
    filters = {node.name for node in nodes if node.type == "Conv2DBackpropFilter"}
    each = 2 * judged
    parts = [forward[len(forward) - each * left :][:each] for left in (3, 2, 1)]  # in the order in which they were made
    counts = []
    for part in parts:
        found = [needed(node) & filters for node in part]
        assert all(one == found[0] for one in found)
        counts.append(len(found[0]))
    assert counts[1] - counts[0] == counts[2] - counts[1] >= 2


@pytest.mark.slow
def test_replicas_tell_each_other_their_gradients_once_a_turn():
    strategy, found = two_devices(), {}
    for parts in (1, 2):
        with strategy.scope():
            model = vanilla(accumulate=parts)

        @tf.function(autograph=False)
        def step(batch, model=model):
            return strategy.run(lambda *part: model.train_step(part[0]), halves(strategy, (batch,)))

        nodes = step.get_concrete_function(tf.TensorSpec((16, 8, 8, 1), "uint8")).graph.get_operations()
        found[parts] = sum("CollectiveReduce" in node.type for node in nodes)
    assert found[2] == found[1] > 0


@pytest.mark.slow
def test_two_replicas_share_micro_batches_and_their_statistics():
    class Normalised(ModelContract):
        replicated = {"synchronized": True}
        compile_arguments = {"accumulate": 2, "update": "simultaneous"}

        def build(self, **changes):
            return DCGAN(28, 1, width=2, latent=4, **changes)

    Normalised().test_4_one_device_times_16_equals_two_replicas_times_8()


def test_a_batch_that_does_not_divide_is_refused():
    model = vanilla(accumulate=5, discriminator_steps=2)
    words = "to 2 turns of the discriminator times 5 micro-batches, and 24 of them came: give batch_size=10"
    with pytest.raises(keras_gans.DataError, match=words) as caught:
        model.fit(images(24), batch_size=12, verbose=0)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="in 5 micro-batches: 12 images do not divide by 5"):
        model.train_step(images(24))
    assert model.steps_taken == 0


@pytest.mark.parametrize("wrong", [0, 1.0, True])
def test_it_is_a_whole_number(wrong):
    with pytest.raises(ValueError, match=f"accumulate must be a whole number of at least 1, got {wrong}"):
        vanilla(accumulate=wrong)


def test_files_keep_it_and_files_of_before_have_none(tmp_path):
    model = vanilla(accumulate=3, update="simultaneous")
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").accumulate == 3
    config = model.get_compile_config()
    del config["accumulate"]
    model.compile_from_config(config)
    assert model.accumulate == 1
