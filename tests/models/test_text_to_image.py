"""Text to image: sentences that steer what is drawn, a game with wrong sentences, a reader that is trained first."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gans
from keras_gans import artifacts, data
from keras_gans.artifacts import DataError
from keras_gans.data import text
from keras_gans.metrics import sources
from keras_gans.models import text_encoder, text_to_image
from keras_gans.models.text_to_image import TextToImageGAN
from keras_gans.training import run
from keras_gans.training.callbacks import Stopped
from model_contract import ModelContract

SMALL = {
    "size": 16,
    "width": 4,
    "latent": 6,
    "compressed": 5,
    "reader_units": (4, 5, 6),
    "reader_recurrent": 4,
    "reader_dim": 8,
    "picture_features": 3,
    "examples": ("a red flower", "a blue bird"),
}
PLAYERS = TextToImageGAN.players
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 60, 230), "white": (240, 240, 240)}


def small(**changes):
    return TextToImageGAN(**{**SMALL, **changes})


def coloured(n=40, size=18):
    """Pictures of one colour, with captions that name it."""
    rng = np.random.default_rng(0)
    names = [list(COLOURS)[i % 4] for i in range(n)]
    images = np.stack([np.broadcast_to(np.uint8(COLOURS[name]), (size, size, 3)) for name in names])
    images = np.clip(images + rng.integers(-20, 21, images.shape), 0, 255).astype("uint8")
    captions = [[f"a {name} thing", f"this is all {name}", f"{name}"] for name in names]
    return data.captioned((images, captions, np.arange(n) % 4), size=16)


class Contract(ModelContract):
    def images(self, model, n=40):
        return coloured(n)

    def conditions(self, labels):
        """Vectors of right and wrong sentences, as many as labels."""
        return np.random.default_rng(int(labels.sum())).normal(size=(len(labels), 2, 8)).astype("float32")


class TestTextToImage(Contract):
    compile_arguments = {"augment": ("translation",)}
    test_3_a_run_stopped_anywhere_resumes_bit_for_bit = None  # below, with the reader's part
    test_4_one_device_times_16_equals_two_replicas_times_8 = None  # below, with every kind of noise
    test_5_a_gradient_that_is_not_finite_reaches_no_weight_and_ten_stop_the_run = None  # the game's, as any family's
    test_7_mixed_bfloat16_trains = None  # tests/test_recipes.py trains the recipe `modern` so

    def build(self, **changes):
        return small(**changes)

    def test_nothing_of_the_reader_learns_in_the_game(self):
        assert not self.compiled().reader.trainable_variables


class TestSpectralAugmented(Contract):
    """StackGAN's conditions, spectral normalisation, two turns of the discriminator, no blocks.

    Those contracts alone that depend on what is different here: how noise and batches are shared out, what is drawn.
    """

    test_2_folder_and_keras_file_round_trip_exactly = None
    test_3_a_run_stopped_anywhere_resumes_bit_for_bit = None
    test_4_graph_equals_eager = None
    test_5_a_gradient_that_is_not_finite_reaches_no_weight_and_ten_stop_the_run = None
    test_7_mixed_bfloat16_trains = None

    compile_arguments = {
        "loss": "hinge",
        "penalties": {"r1": 1.0},
        "augment": ("translation",),
        "discriminator_steps": 2,
    }
    replicated = {"synchronized": True}

    def build(self, **changes):
        options = {"conditioning_augmentation": 2.0, "normalization": "spectral", "residual": False}
        return small(**{**options, **changes})

    def images(self, model, n=80):
        return super().images(model, n)


# --- drawing ------------------------------------------------------------------------------------------


def test_pictures_of_sentences():
    model = TestTextToImage().lively()
    both = model.generate(["a red flower", "a blue bird"], n=3, seed=5)
    assert (both.shape, both.dtype) == ((6, 16, 16, 3), np.uint8)
    np.testing.assert_array_equal(model.generate("a blue bird", n=2, seed=5), both[3:5])
    np.testing.assert_array_equal(model.generate(model.vectors("a blue bird"), n=3, seed=5), both[3:])
    np.testing.assert_array_equal(model.generate(model.vectors(["a red flower"])[0], seed=5), both[:1])
    z = keras_gans.random.sample_latents(3, 5, 6, "normal")
    np.testing.assert_array_equal(model.generate("a red flower", latents=z), both[:3])
    assert (both[:3] != both[3:]).any()
    assert model.generate("a red flower").shape == (1, 16, 16, 3)
    assert model.generate([]).shape == (0, 16, 16, 3)


def test_without_a_prompt_examples_come_in_turn():
    model = TestTextToImage().lively()
    assert model.generate().shape == (16, 16, 16, 3)
    found = model.generate(5, seed=2)
    z = keras_gans.latent.sample(model, 5, seed=2)
    np.testing.assert_array_equal(found[3], model.generate("a blue bird", latents=z[3:4])[0])
    np.testing.assert_array_equal(model.generate(n=5, seed=2), found)
    assert model.samples().shape == (2 * 18 + 2, 8 * 18 + 2, 3)


@pytest.mark.parametrize("prompt", ["", "\U0001f33c \u82b1", "\x00\ud800", "a" * 500_000, "\n"])
def test_any_string_gives_a_picture(prompt):
    assert small().generate(prompt).shape == (1, 16, 16, 3)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ([1.0, 2.0], r"finite vectors \(n, 8\), were wanted and \(1, 2\) came"),
        (np.full((1, 8), np.nan), "finite vectors"),
        (np.zeros((1, 1, 8)), r"\(1, 1, 8\) came"),
        ([None], "a NoneType came"),
        (["a", ["b"]], "a list came"),
        ([np.zeros(8), np.zeros(9)], "a ndarray came"),
        (True, "came"),
    ],
)
def test_what_is_no_prompt_is_refused(prompt, words):
    with pytest.raises(DataError, match=words):
        small().generate(prompt)


def test_a_card_says_false_for_no_conditioning_augmentation():
    without = small(conditioning_augmentation=False)
    assert without.latent == small().latent
    assert without.architecture()["conditioning_augmentation"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"size": 20}, "size must be one of 16, 32, 64, got 20"),
        ({"conditioning_augmentation": "much"}, "must be None, False or a weight, got 'much'"),
        ({"reader_units": (3, 4)}, "reader_units must be 3 whole numbers"),
        ({"examples": ()}, r"examples must be a list of sentences, got \(\)"),
        ({"discriminator_width": 0}, "discriminator_width must be a whole number"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        small(**arguments)


# --- the game -----------------------------------------------------------------------------------------


def terms(model, **conditions):
    """(discriminator's, generator's) terms of one batch, as numbers."""
    history = model.evaluate(coloured(16), batch_size=16, verbose=0, return_dict=True, **conditions)
    return {name: float(value) for name, value in history.items()}


def test_the_terms_are_the_papers():
    """By hand, from what the discriminator says of the same pictures and sentences."""
    model = TestTextToImage().lively()
    model.compile(ema_decay=None)
    found = coloured(16).with_vectors(model.vectors(coloured(16).sentences))
    ((images, conditions),) = found.in_order(16)
    real, right, wrong = images / 127.5 - 1, conditions[:, 0], conditions[:, 1]
    told = terms(model)

    def soft(x):
        return np.log1p(np.exp(x)).mean()

    def judged(x, vectors):
        return model.discriminator([x.astype("float32"), vectors], training=False).numpy()

    alone = small(wrong_text=False)
    for prefix in ("generator", "discriminator"):
        getattr(alone, prefix).set_weights(getattr(model, prefix).get_weights())
    alone.reader.set_weights(model.reader.get_weights())
    alone.compile(ema_decay=None)
    # Without wrong sentences the loss is real + fake; with them, fakes are half of what is against.
    without = terms(alone)["d_loss"]
    on_fake = without - soft(-judged(real, right))
    assert told["d_loss"] == pytest.approx(
        soft(-judged(real, right)) + (on_fake + soft(judged(real, wrong))) / 2, rel=1e-4
    )
    assert set(told) == {"d_loss", "g_loss", "g_between"}
    # Of means of neighbours' sentences, half a batch of pictures that are drawn by latents of their own.
    between = (right[::2] + right[1::2]) / 2
    asked = []

    class Drawing:
        def __call__(self, inputs, training):
            asked.append([np.asarray(x) for x in inputs])
            return model.generator(inputs, training=training)

    game = model._run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            model,
            "_run",
            lambda player, *rest: Drawing()(rest[:2], False) if player == "generator" else game(player, *rest),
        )
        model.compile(ema_decay=None, run_eagerly=True)
        told = terms(model)
    z, vectors = next(inputs for inputs in asked if len(inputs[0]) == 8)
    np.testing.assert_allclose(vectors, between, rtol=1e-5)
    drawn = np.asarray(model.generator([z, vectors], training=False))
    assert told["g_between"] == pytest.approx(soft(-judged(drawn, between)), rel=1e-4)
    assert terms(alone)["g_loss"] == pytest.approx(told["g_loss"], rel=1e-5)


@pytest.mark.parametrize(("normalization", "training"), [("batch", True), ("none", True), ("spectral", False)])
def test_pictures_are_looked_at_once_for_both_sentences(normalization, training):
    network = small(normalization=normalization).discriminator
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (8, 16, 16, 3)).astype("float32")
    vectors = rng.normal(size=(2, 8, 8)).astype("float32")
    apart = np.concatenate([network([images, each], training=training) for each in vectors])
    found = text_to_image.of_two_sentences(network)([images, *vectors], training)
    np.testing.assert_allclose(found, apart, rtol=1e-4, atol=1e-6)
    assert network.get_config()  # Keras can still describe it


def test_a_condition_is_drawn_from_its_normal():
    model = small(conditioning_augmentation=2.0)
    assert model.latent == 6 + 5
    vectors = model.vectors(["red", "blue"])
    statistics = vectors
    for name in ("compress", "leaky_compress"):
        statistics = model.generator.get_layer(name)(statistics)
    mean, log_sigma = np.split(np.asarray(statistics), 2, axis=1)
    by_hand = np.mean(-log_sigma + (np.exp(2 * log_sigma) + mean**2 - 1) / 2)
    model.compile()
    np.testing.assert_allclose(model._divergence(vectors), by_hand, rtol=1e-4)
    assert "kl" in model.term_names()
    found = coloured(16).with_vectors(model.vectors(coloured(16).sentences))
    ((_, conditions),) = found.in_order(16)
    assert terms(model)["kl"] == pytest.approx(2 * float(model._divergence(conditions[:, 0])), rel=1e-4)
    # What is drawn: the mean, and sigma times z's last numbers.
    noise = np.random.default_rng(0).normal(size=(2, 5)).astype("float32")
    z = np.concatenate([np.zeros((2, 6), "float32"), noise], axis=1)
    seen = keras.Model(model.generator.inputs, model.generator.get_layer("condition").output)([z, vectors])
    np.testing.assert_allclose(seen, mean + np.exp(log_sigma) * noise, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_users_pipeline_of_captions():
    found = coloured(24)
    images, captions = found.middles(np.arange(24)), [of_one[0] for of_one in found.captions]
    model = small()
    model.compile()
    history = model.fit(tf.data.Dataset.from_tensor_slices((images, captions)).batch(8), epochs=1, verbose=0)
    assert np.isfinite(history.history["d_loss"]).all()
    assert model.steps_taken == 3
    for dataset, words in (
        (tf.data.Dataset.from_tensor_slices(images).batch(8), r"batches \(images, captions\) or"),
        (tf.data.Dataset.from_tensor_slices((images, captions)), "and batch it"),
        (tf.data.Dataset.from_tensor_slices((images, captions)).batch(1, drop_remainder=True), "batches of 1 came"),
        (tf.data.Dataset.from_tensor_slices((images, np.zeros((24, 9), "float32"))).batch(8), r"Vectors \(n, 8\)"),
        (tf.data.Dataset.from_tensor_slices((images[:, :8], captions)).batch(8), "16x16x3 images and the dataset has"),
    ):
        with pytest.raises(DataError, match=words):
            model.fit(dataset, verbose=0)


def _wrong(*parts, batch=4):
    """The wrong captions, as numbers of pictures, of one batch of a pipeline."""
    n = len(parts[0])
    dataset = tf.data.Dataset.from_tensor_slices((coloured(n).middles(np.arange(n)), *parts)).batch(batch)
    batches = list(text_to_image._from_pipeline(dataset, 16, 2).as_numpy_iterator())
    if isinstance(parts[0][0], str):
        rows = text.encode(list(dict.fromkeys(parts[0])))
        places = [[np.flatnonzero((row == rows).all(axis=1)) for row in found[:, 1]] for _, found in batches]
        return [[int(place[0]) if len(place) else None for place in one] for one in places]
    return [found[:, 1].tolist() for _, found in batches]


def test_a_pipelines_wrong_captions_are_others_of_the_batch():
    assert _wrong(["a", "b", "c", "d"]) == [[1, 2, 3, 0]]
    assert _wrong(["a", "a", "b", "b"]) == [[1, 1, 0, 0]]  # one that is the same is not wrong
    assert _wrong(["a", "b", "c", "d"], [5, 5, 6, 6]) == [[2, 2, 0, 0]]  # nor one of the class
    assert _wrong(["a", "b", "c", "d", "e", ""]) == [[1, 2, 3, 0], [5, 4]]
    assert _wrong(["a", "b", "c", "d", "e"]) == [[1, 2, 3, 0], [None]]  # alone in its batch
    vectors = np.array([[0, 0], [0, 0], [1, 0], [0, 1]], "float32")
    assert _wrong(vectors) == [[[1, 0], [1, 0], [0, 1], [0, 0]]]


def test_vectors_and_mirroring_stay_as_they_came():
    model, found = small(), coloured(8)
    mine = np.random.default_rng(0).normal(size=(24, 8)).astype("float32")
    still = found.with_vectors(mine).with_flips(False)
    taken = model.prepared(still, None)
    np.testing.assert_array_equal(taken.vectors(), mine)
    assert (taken.flip, taken.fingerprint()) == (False, still.fingerprint())
    np.testing.assert_allclose(model.prepared(found, None).vectors(), model.vectors(found.sentences))
    with pytest.raises(DataError, match=r"Vectors \(n, 8\) were wanted and \(24, 9\) came"):
        model.prepared(found.with_vectors(np.zeros((24, 9))), None)


def test_a_recipes_data_table_says_how_captions_are_read():
    recipe = {"data": {"flip": False, "averaged": 1}}
    found = small().training_data(coloured(8), recipe)
    assert (found.flip, found.averaged) == (False, 1)
    with pytest.raises(artifacts.CardError, match="averaged = a number, loaded = a number"):
        small().training_data(coloured(8), {"data": {"captions": 1}})


# --- being measured -----------------------------------------------------------------------------------


def test_metrics_look_at_its_prompts_in_turn(tmp_path):
    model = TestTextToImage().lively()
    (tmp_path / artifacts.PROMPTS).write_text("a red flower\n\n  a blue bird \nall green\n")
    model.read_files(tmp_path)
    assert model.prompts == ("a red flower", "a blue bird", "all green")
    drawn = np.concatenate([batch.images for batch in sources.open_source(model, n=5, seed=3).batches(2)])
    z = keras_gans.latent.sample(model, 5, seed=3)
    np.testing.assert_array_equal(drawn[4], model.generate("a blue bird", latents=z[4:])[0])
    model.write_files(tmp_path)
    assert (tmp_path / artifacts.PROMPTS).read_text() == "a red flower\na blue bird\nall green\n"
    model.prompts = ()
    np.testing.assert_array_equal(model.prompted(z[:1], start=1)[0], model.generate("a blue bird", latents=z[:1])[0])


def test_it_is_measured_on_sentences_of_what_it_saw():
    model, found = small(), coloured(16)
    model.note_training(found)
    assert model.prompts == tuple(of_one[0] for of_one in found.captions)


def test_what_knows_of_no_sentence_says_so():
    with pytest.raises(ValueError, match="draws what a sentence says"):
        keras_gans.latent.project(small(), np.zeros((1, 16, 16, 3), "uint8"))


def test_features_are_of_layers_that_see_no_sentence():
    model = small()
    assert model.feature_layers() == ["down_0", "down_1", "block_conv_0", "block_conv_1", "block_conv_2"]
    assert model.features(coloured(3).middles(np.arange(3))).shape[0] == 3


# --- the reader ---------------------------------------------------------------------------------------


def test_agreement_is_symmetric_cross_entropy():
    similarities = np.array([[2.0, 0.0, 1.0], [0.0, 3.0, 0.5], [1.5, -1.0, 0.0]], "float32")
    rows = np.log(np.exp(similarities).sum(axis=1)) - np.diag(similarities)
    columns = np.log(np.exp(similarities).sum(axis=0)) - np.diag(similarities)
    found = text_encoder.agreement(np.arange(3), similarities)
    np.testing.assert_allclose(found, (rows + columns) / 2, rtol=1e-5)


def test_vectors_have_one_length():
    model, rng = small(), np.random.default_rng(0)
    model.reader.set_weights([rng.normal(size=w.shape) for w in model.reader.get_weights()])
    vectors = model.vectors(["", "red", "a long sentence about a bird"])
    np.testing.assert_allclose(vectors.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(np.square(vectors).mean(axis=1), 1, rtol=1e-3)


class Looker:
    """Looks at pictures and sees their mean colour, where `tiny` would be."""

    def perceptual(self, images):
        return [images[:, ::4, ::4] / 255.0]


CARD = {
    "name": "toy_text",
    "family": "TextToImageGAN",
    "task": "generate",
    "version": 1,
    "title": "t",
    "description": "d",
    "license": "none",
    "weights_license": "none",
    "paper": dict(TextToImageGAN.paper),
    "data": {"source": "arrays", "split": "train", "seen": "40 pictures"},
}
RECIPE = {
    "batch_size": 8,
    "steps": 6,
    "data": {"flip": False},
    "compile": {},
    "reader": {
        "batch_size": 8,
        "steps": 12,
        "dropout": 0.0,
        "compile": {"optimizer": {"class": "Adam", "learning_rate": 1e-2}},
    },
}


@pytest.fixture
def looks(monkeypatch):
    monkeypatch.setattr("keras_gans.models.text_to_image.looker", Looker)


READS = {"reader_units": (16, 16, 16), "reader_recurrent": 0, "reader_dim": 16}  # enough to tell four words apart


def learning(steps, **compiled):
    """A recipe whose reader learns."""
    reader = {**RECIPE["reader"], "batch_size": 16, "steps": 200}
    return {**RECIPE, "steps": steps, "batch_size": 16, "reader": reader, "compile": compiled}


def trained(out, **rest):
    return run.train(small, CARD, RECIPE, coloured(), out, **rest)


@pytest.mark.slow
def test_a_run_trains_its_reader_and_resumes(looks, tmp_path):
    """Stopped in the reader's part, and in the game's: the weights are those of an undisturbed run."""
    steps = []
    counted = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: steps.append(counted.model.task))
    whole = trained(tmp_path / "whole", callbacks=[counted])
    assert steps == ["match"] * 12 + ["generate"] * 6  # what shows progress sees both
    asked = [0]

    def at(call):
        def stop():
            asked[0] += 1
            return asked[0] == call

        return stop

    with pytest.raises(Stopped, match="Stopped after step 7"):
        trained(tmp_path / "parts", stop=at(7))
    assert not (tmp_path / "parts" / "checkpoints").exists()
    with pytest.raises(Stopped, match="Stopped after step 4"):
        trained(tmp_path / "parts", stop=at(7 + 5 + 4))
    parts = trained(tmp_path / "parts")
    for name, tensor in whole.tensors().items():
        np.testing.assert_array_equal(parts.tensors()[name], tensor)
    loaded = keras_gans.load(tmp_path / "parts" / "model")
    np.testing.assert_array_equal(loaded.generate("a red thing", n=2), whole.generate("a red thing", n=2))
    assert sorted(p.name for p in (tmp_path / "parts" / "reader").iterdir()) == ["checkpoints", "curve.csv", "run.json"]
    told = artifacts.read_provenance(tmp_path / "parts" / "model")["provenance"]
    assert (told["steps"], told["images_seen"], told["recipe"]["reader"]["steps"]) == (6, 48, 12)


def test_a_run_from_published_weights_leaves_the_reader(looks, tmp_path):
    for origin in ("finetuned", "starts_from"):
        model = small()
        before = [np.array(w) for w in model.reader.weights]
        model.train_first(coloured(), {**RECIPE, origin: "x"}, CARD, tmp_path / origin)
        for was, now in zip(before, model.reader.weights, strict=True):
            np.testing.assert_array_equal(was, now)
        assert not (tmp_path / origin).exists()


def test_a_reader_learns_from_fewer_pictures_than_its_batch(looks, tmp_path):
    reader = {**RECIPE["reader"], "batch_size": 99, "steps": 2}
    model = small()
    before = np.array(model.reader.weights[0])
    model.train_first(coloured(8), {**RECIPE, "reader": reader}, CARD, tmp_path)
    assert (np.array(model.reader.weights[0]) != before).any()


@pytest.mark.slow
def test_the_reader_finds_pictures_and_the_generator_obeys(looks, tmp_path):
    """Red, green, blue and white things: captions' vectors lie near their pictures', and are drawn as asked."""
    options = {**READS, "width": 8, "interpolation": False}
    rates = {f"{player}_optimizer": {"class": "Adam", "learning_rate": 1e-3, "beta_1": 0.5} for player in PLAYERS}
    model = run.train(lambda: small(**options), CARD, learning(250, ema_decay=0.9, **rates), coloured(), tmp_path)
    captions = model.vectors([f"this is all {name}" for name in COLOURS])
    agreed = model.picture_vectors(coloured(4).middles(np.arange(4))) @ captions.T / 16
    np.testing.assert_array_equal(agreed.argmax(axis=1), [0, 1, 2, 3])
    np.testing.assert_array_equal(agreed.argmax(axis=0), [0, 1, 2, 3])
    drawn = model.generate([f"a {name} thing" for name in COLOURS], n=8, seed=0).astype(float)
    means = drawn.reshape(4, 8, -1, 3).mean(axis=2)  # (colour, picture, channel)
    distances = np.linalg.norm(means[:, :, None] - np.array(list(COLOURS.values()), float), axis=-1)
    asked = distances.argmin(axis=-1) == np.arange(4)[:, None]
    assert asked.mean() >= 0.75
