"""Runs broken on purpose and healthy ones; what is measured, against plain loops."""

import itertools
import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gans
from keras_gans import callbacks
from keras_gans.models.dcgan import DCGAN
from keras_gans.models.vanilla import VanillaGAN
from keras_gans.training import advice, checkpoint, health, look


def squares(n=256, size=8):
    """White squares of several sizes and places, (n, size, size, 1)."""
    rng, images = np.random.default_rng(0), np.zeros((n, size, size, 1), "uint8")
    for image in images:
        side = rng.integers(size // 4, size // 2 + 1)
        row, column = rng.integers(0, size + 1 - side, 2)
        image[row : row + side, column : column + side] = 255
    return images


def adam(rate):
    return keras.optimizers.Adam(rate, beta_1=0.5)


def vanilla(deaf=False, dropout=(0.2, 0.5), **compiled):
    """deaf: its generator does not hear z, and never will."""
    model = VanillaGAN(size=8, latent=4, generator_units=(32,), discriminator_units=16, dropout=dropout)
    if deaf:
        layer = model.generator.get_layer("dense_0")
        layer.kernel.assign(np.zeros(layer.kernel.shape))
        layer.trainable = False
    rates = {"generator_optimizer": adam(1e-3), "discriminator_optimizer": adam(1e-3)}
    model.compile(**{**rates, **compiled})
    return model


def watched(epochs, **arguments):
    """The Health of a run of 16 steps an epoch, with a look at the end of every other."""
    said = []
    watch = callbacks.Health(every=32, grace=300, patience=4, n=32, say=said.append)
    model = vanilla(steps_per_execution=16, **arguments)
    model.fit(squares(), batch_size=16, epochs=epochs, verbose=0, callbacks=[watch])
    assert said == [f"step {step}: {text}" for step, _, text in watch.findings]
    return watch


# --- whole runs ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_healthy_run_has_no_findings():
    watch = watched(46)
    assert watch.findings == []
    assert watch.looks[0].variety < health.LITTLE_VARIETY < 0.4 < watch.looks[-1].variety  # it began as grey as any
    assert [x.step for x in watch.looks] == list(range(32, 737, 32))


@pytest.mark.slow
def test_a_discriminator_that_wins():
    found = {x.kind: x for x in watched(40, generator_optimizer=keras.optimizers.SGD(0.0)).findings}
    assert found["won"].text.startswith("The discriminator has won: it ranks 100.0% of the pairs")
    assert "% of what it would be by guessing. " in found["won"].text
    assert found["won"].text.endswith("Try a learning rate above 0 for the generator.")
    assert found["won"].step >= 300 + 3 * 32
    assert set(found) <= {"won", "collapse"}  # what does not move does not become more varied either


@pytest.mark.slow
def test_a_generator_that_does_not_hear_z():
    watch = watched(28, deaf=True)
    assert watch.findings[0].kind == "collapse"
    assert watch.looks[-1].variety < 1e-3
    assert "they differ by 0% of what real ones differ by. Try penalties={'r1': 1.0}" in watch.findings[0].text


@pytest.mark.slow
def test_a_discriminator_that_says_nothing():
    found = {x.kind: x for x in watched(28, discriminator_optimizer=keras.optimizers.SGD(0.0)).findings}
    assert found["silent"].text.startswith("The discriminator says nothing: its logits spread by ")
    assert found["silent"].text.endswith("Try a learning rate above 0 for the discriminator.")
    assert "won" not in found


def test_turns_that_are_skipped_are_told_before_the_run_stops():
    images = squares(176).astype("float32") / 127.5 - 1
    images[16:] = np.nan  # behind the first batch, which fit looks at
    model, said = vanilla(run_eagerly=True), []
    watch = callbacks.Health(reals=squares(), say=said.append)
    with pytest.raises(keras_gans.TrainingError):
        model.fit(tf.data.Dataset.from_tensor_slices(images).batch(16), verbose=0, callbacks=[watch])
    assert [(x.step, x.kind) for x in watch.findings] == [(6, "skipped")]
    assert watch.findings[0].text.startswith("The discriminator's gradient was not finite in 5 turns in a row, and ")
    assert said[0].endswith("Try np.isfinite on the batches that the pipeline gives.")


@pytest.mark.parametrize("family", ["vanilla", "conditional"])
def test_weights_are_the_same_bit_for_bit_with_it_and_without(family):
    """Dropout and DiffAugment; batch and spectral normalisation, and labels: all that a look could disturb."""
    rng = np.random.default_rng(0)
    if family == "vanilla":
        images, labels = squares(32), None
    else:
        images, labels = rng.integers(0, 256, (32, 28, 28, 1), dtype="uint8"), np.arange(32) % 3
    compiled = {"augment": ("color", "translation"), "ema_decay": None, "run_eagerly": True}
    results = []
    for with_it in (False, True):
        keras.utils.set_random_seed(0)
        if family == "vanilla":
            model = vanilla(**compiled)
        else:
            model = DCGAN(28, 1, width=2, latent=3, num_classes=3, normalization="spectral")
            model.compile(**compiled)
        watch = callbacks.Health(every=1, n=8)
        model.fit(images, labels, batch_size=8, epochs=2, verbose=0, callbacks=[watch] if with_it else [])
        results.append([v.numpy() for v in checkpoint.state_variables(model).values()])
    assert len(watch.looks) == 8
    assert np.isfinite(watch.looks).all()
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_pipeline_needs_reals():
    dataset = tf.data.Dataset.from_tensor_slices(squares(32)).batch(8)
    model = vanilla(run_eagerly=True)
    with pytest.raises(keras_gans.DataError, match=r"give Health\(reals=\.\.\.\) some") as caught:
        model.fit(dataset, verbose=0, callbacks=[callbacks.Health()])
    assert "\n" not in str(caught.value)
    assert model.steps_taken == 0
    watch = callbacks.Health(reals=squares(20), every=2)
    model.fit(dataset, verbose=0, callbacks=[watch])
    assert [x.step for x in watch.looks] == [2, 4]
    with pytest.raises(keras_gans.DataError, match="8x8x1"):
        model.fit(dataset, verbose=0, callbacks=[callbacks.Health(reals=np.zeros((8, 9, 9, 1), "uint8"))])


@pytest.mark.parametrize("arguments", [{"patience": 1}, {"n": 1}, {"grace": -1}, {"every": 0}])
def test_wrong_arguments_are_named(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least"):
        callbacks.Health(**arguments)


def test_a_healthy_convolutional_run_has_no_findings():
    """With default settings, but for the grace, the looks' distance and the rates: 1,000 steps and 50 take a minute.

    Its discriminator ranks every pair rightly most of the time, and looks of its generator's loss go up and down.
    """
    keras.utils.set_random_seed(1)
    model, said = DCGAN(28, 1, width=4, latent=8), []
    rates = {"generator_optimizer": adam(2e-3), "discriminator_optimizer": adam(2e-3)}
    model.compile(**rates, steps_per_execution=10, seed=1)
    watch = callbacks.Health(every=10, grace=100, say=said.append)
    model.fit(squares(128, size=28), batch_size=8, epochs=25, verbose=0, callbacks=[watch])
    assert said == []
    assert len(watch.looks) == 40  # 31 of them after the grace, so that everything was judged


# --- judging ------------------------------------------------------------------------------------------


def looks(variety=1.0, ranked=0.8, spread=0.5, d_loss=1.0, g_loss=1.0, unknowing=1.386, n=40):
    """n looks; a number stays, a pair goes from one to the other."""

    def values(x):
        return np.linspace(*x, n) if isinstance(x, tuple) else np.full(n, float(x))

    rows = zip(*map(values, (variety, ranked, spread, d_loss, g_loss, unknowing)), strict=True)
    return [look.Look(50 * i, *row) for i, row in enumerate(rows, 1)]


@pytest.mark.parametrize(
    ("judge", "seen", "not_seen"),
    [
        (
            health.collapsed,
            [looks(variety=0.0), looks(variety=0.06), looks(variety=(0.9, 0.01))],
            [looks(), looks(variety=(0.05, 0.24)), looks(variety=(0.9, 0.3)), looks(variety=0.06, n=15)],
        ),
        (
            health.won,
            [
                looks(ranked=1.0, d_loss=0.001),
                looks(ranked=0.995, g_loss=(1, 4)),
                looks(ranked=1.0, g_loss=(-1, 2), unknowing=2),
            ],
            [
                looks(ranked=1.0, d_loss=0.2),  # strong and no stronger
                looks(ranked=0.97, d_loss=0.001),
                looks(ranked=1.0, d_loss=0.4, g_loss=(1, 4), variety=(0.1, 0.9)),  # of a generator that learns
                looks(ranked=1.0, d_loss=0.4, g_loss=(1, 2)),  # drifts: by a fifth in the last 24
                looks(ranked=1.0, d_loss=0.4, g_loss=(1, 4), n=23),  # too few
                looks(ranked=1.0, d_loss=0.4, g_loss=(0.0, 0.5), unknowing=2),  # little, if much of nothing
                looks(ranked=1.0, d_loss=-9.0, g_loss=(0, 99), unknowing=0.0),  # a Wasserstein critic
                looks(ranked=float("nan"), d_loss=0.0),
            ],
        ),
        (
            health.silent,
            [looks(ranked=0.5, spread=0.001)],
            [looks(ranked=0.5), looks(ranked=1.0, spread=0.001), looks(ranked=0.65, spread=0.01)],
        ),
    ],
)
def test_what_counts(judge, seen, not_seen):
    assert [judge(x, 8) for x in seen] == [True] * len(seen)
    assert [judge(x, 8) for x in not_seen] == [False] * len(not_seen)


def found_in(g_loss, monkeypatch, every=130, **numbers):
    """What a Health with its default settings finds, when its looks have these losses of the generator."""
    given = iter(
        [row._replace(g_loss=float(x)) for row, x in zip(looks(n=len(g_loss), **numbers), g_loss, strict=True)]
    )
    monkeypatch.setattr(health, "measure", lambda *args: next(given)._replace(step=args[4]))
    watch = callbacks.Health(every=every, say=lambda text: None)
    model = vanilla()
    watch.set_model(model)
    watch.take_reals(model, keras_gans.data.load(squares()))
    watch.on_train_begin()
    for i in range(1, len(g_loss) + 1):
        watch.act(every * i)
    return watch.findings


@pytest.mark.parametrize("scatter", [0.1, 0.26, 0.5])
def test_a_loss_that_scatters_about_a_level_is_not_lost(scatter, monkeypatch):
    """.26 was measured at the shipped flowers' last step, where nothing but a look's noise changed: 1.57 +- .41."""
    for seed in range(8):
        g_loss = 1.5 * (1 + scatter * np.random.default_rng(seed).standard_normal(330))
        assert found_in(g_loss, monkeypatch, ranked=0.995, d_loss=0.7) == []


def test_a_rise_at_the_start_of_a_run_is_not_lost(monkeypatch):
    g_loss = np.concatenate([np.linspace(0.7, 3, 20), np.full(30, 3.0)])  # the first 19 looks are within the grace
    assert found_in(g_loss, monkeypatch, every=50, ranked=1.0, d_loss=0.5) == []
    assert found_in(g_loss, monkeypatch, every=1000, ranked=1.0, d_loss=0.5) != []


def test_a_slow_rise_stands_out_of_the_scatter(monkeypatch):
    """To three times the loss in 30 looks: said once in each of 16 draws, after the rise began and before it ended."""
    level = np.concatenate([np.ones(40), np.linspace(1, 3, 31)[1:], np.full(16, 3.0)])
    for seed in range(16):
        g_loss = level * (1 + 0.157 * np.random.default_rng(seed).standard_normal(len(level)))
        (found,) = found_in(g_loss, monkeypatch, ranked=1.0, d_loss=0.5)
        assert found.kind == "won"
        assert 130 * 40 < found.step <= 130 * 70


def test_the_means_that_were_compared_are_quoted(monkeypatch):
    """Single looks would be 1.38 and 2.20, or any others."""
    g_loss = np.where(np.arange(32) < 20, 1.0, 2.0) + np.linspace(0, 0.31, 32)
    (found,) = found_in(g_loss, monkeypatch, ranked=0.995, d_loss=0.5)
    assert found.text.startswith(
        "The discriminator has won: it ranks 99.5% of the pairs of a real and a generated picture rightly, and the "
        "generator's loss rose within 2990 steps, from a mean of "
    )
    end = found.step // 130
    first, last = g_loss[end - 24 : end - 12].mean(), g_loss[end - 12 : end].mean()
    assert f"from a mean of {first:.2f} in their earlier half to {last:.2f} in their later. Try " in found.text


def test_each_thing_is_said_once_until_it_is_over(caplog):
    watch = callbacks.Health(patience=3)
    model = vanilla()
    watch.set_model(model)
    watch.set_params({"epochs": 20, "steps": 1000})
    watch.take_reals(model, keras_gans.data.load(squares()))
    watch.on_train_begin()
    assert watch.every == 200
    watch.looks = looks(ranked=0.5, spread=0.001)
    pattern = [0, 1, 1, 0, 0, 1, 0, 0, 0, 1]
    with caplog.at_level(logging.WARNING, "keras_gans"):
        for step, seen in enumerate(pattern):
            watch._note(step, "silent", bool(seen))
    assert [x.step for x in watch.findings] == [1, 9]  # two quiet looks at steps 3 and 4 end nothing, three do
    assert [r.getMessage()[:29] for r in caplog.records] == [
        "step 1: The discriminator say",
        "step 9: The discriminator say",
    ]


def test_how_often_it_looks():
    assert health.often({"epochs": 10, "steps": 2000}) == 200
    assert health.often({"epochs": 1, "steps": 100}) == 50
    assert health.often({"epochs": 1000, "steps": 1000}) == 500
    assert health.often({"epochs": 1000, "steps": None}) == 100


def test_advice_depends_on_what_is_compiled():
    both = {"augment": ("color",), "penalties": {"r1": 2.0}}
    slow = {"discriminator_optimizer": adam(1e-2)}
    cases = [
        ("won", {}, "augment=("),
        ("won", {"augment": ("color",)}, "penalties="),
        ("won", both, "half the discriminator's learning rate, now 0.001"),
        ("won", {**both, **slow}, "a lower learning rate for the discriminator: it is 0.01, and the generator's 0.001"),
        ("collapse", {}, "penalties="),
        ("collapse", {"penalties": {"gradient_penalty": 10.0}}, "augment=("),
        ("collapse", both, "half the generator's learning rate, now 0.001"),
        ("silent", both, "penalties={'r1': 0.2}"),
        ("silent", {}, "twice the discriminator's learning rate, now 0.001"),
        ("collapse", slow, "a lower learning rate for the discriminator: it is 0.01"),
        ("skipped", {}, "half the discriminator's learning rate"),
        ("piped", {}, "np.isfinite"),
    ]
    for kind, compiled, words in cases:
        text = advice.advice(kind, vanilla(**compiled))
        assert words in text
        assert text.count("Try ") == text.count(". ") + text.endswith(".") == 1
    half = VanillaGAN(8, latent=2, generator_units=(4,), discriminator_units=2, dtype="mixed_float16")
    half.compile()
    assert "mixed_bfloat16" in advice.advice("skipped", half)
    assert advice.rate(half.generator_optimizer) == pytest.approx(2e-4)


# --- measuring ----------------------------------------------------------------------------------------


def test_ranked_against_a_loop(rng):
    a, b = rng.integers(0, 5, 20).astype(float), rng.integers(0, 4, 30).astype(float)
    pairs = [1.0 if x > y else 0.5 if x == y else 0.0 for x, y in itertools.product(a, b)]
    assert look.ranked(a, b) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("labels", [None, np.array([0, 1, 0, 1, 2, 0])])
def test_distance_against_a_loop(labels, rng):
    images = rng.normal(size=(6, 17, 16, 3))
    small = images[:, :16].reshape(6, 8, 2, 8, 2, 3).mean((2, 4))
    pairs = [(i, j) for i in range(6) for j in range(i) if labels is None or labels[i] == labels[j]]
    expected = np.mean([np.linalg.norm(small[i] - small[j]) for i, j in pairs])
    assert look.distance(images, labels) == pytest.approx(expected)
    assert look.distance(images[:1], None if labels is None else labels[:1]) == 0.0


def test_reals_are_of_the_largest_classes_equally():
    labels = np.repeat(np.arange(12), [3, *[40] * 9, 2, 60])
    chosen = health.some(64, len(labels), labels)
    classes, sizes = np.unique(labels[chosen], return_counts=True)
    assert set(sizes) == {8}
    assert len(classes) == 8
    assert 11 in classes
    np.testing.assert_array_equal(health.some(4, 10, None), [0, 3, 6, 9])
    np.testing.assert_array_equal(health.some(64, 3, None), [0, 1, 2])


def test_a_look_is_at_what_the_game_sees():
    """The losses at step 0 of a run without augmentation and dropout, where the images are the batch's."""
    model = DCGAN(28, 1, width=2, latent=3)
    model.compile(loss="hinge")
    reals = np.random.default_rng(0).uniform(-1, 1, (16, 28, 28, 1)).astype("float32")
    z = keras_gans.random.sample_latents(16, 0, 3)
    got = look.measure(model, reals, None, z, 7, 0)
    with keras.StatelessScope():
        fake = model.generator(z, training=True)
        on_real, on_fake = (model.discriminator(x, training=True).numpy() for x in (reals, fake))
    assert got.step == 7
    assert got.d_loss == pytest.approx(np.maximum(0, 1 - on_real).mean() + np.maximum(0, 1 + on_fake).mean(), rel=1e-4)
    assert got.g_loss == pytest.approx(-on_fake.mean(), rel=1e-4, abs=1e-6)
    assert got.d_unknowing == pytest.approx(2.0)
    assert got.spread == pytest.approx(np.concatenate((on_real, on_fake)).std(), rel=1e-4)
    assert got.ranked == pytest.approx(look.ranked(on_real.ravel(), on_fake.ravel()), abs=0.01)
    assert got.variety == pytest.approx(look.distance(fake.numpy()) / look.distance(reals), rel=1e-3)
