"""SRResNet, and the networks that it and SRGAN are made of."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_gans
from keras_gans import data
from keras_gans.artifacts import DataError
from keras_gans.models import pairs, srgan
from keras_gans.models.srgan import SRGAN, SRResNet


@pytest.fixture
def photographs(rng):
    """Smooth, and larger than the squares that a folder is cut into at a scale of 2."""
    return [data.bicubic(rng.integers(0, 256, (8, 8, 3), dtype="uint8"), size=(h, w)) for h, w in ((50, 60), (64, 49))]


def tiny(**changes):
    return SRResNet(**{"scale": 2, "blocks": 1, "width": 4, **changes})


# --- networks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("blocks", [1, 3])
def test_it_sees_exactly_as_far_as_it_says(scale, blocks, rng):
    """One pixel changes the output up to `reach` small pixels away, and nothing beyond."""
    model = tiny(scale=scale, blocks=blocks)
    for v in model.network.trainable_variables:
        if len(v.shape) == 4:  # all of one sign, so that nothing cancels out
            v.assign(rng.uniform(0.5, 1.5, v.shape) / np.prod(v.shape[:-1]))
    reach = model.reach()
    side = 2 * reach + 7
    image = np.zeros((2, side, side, 3), "float32")
    image[1, reach + 3, reach + 3] = 255.0
    before, after = np.asarray(model.network(image), "float64")
    changed = (np.abs(after - before) > 1e-9).reshape(side, scale, side, scale, 3).any(axis=(1, 3, 4))
    rows, columns = np.nonzero(changed)
    assert (rows.min(), rows.max()) == (columns.min(), columns.max()) == (3, 2 * reach + 3)


def test_reach_grows_with_the_blocks():
    assert [srgan.reach(4, blocks) for blocks in (1, 2, 16)] == [10, 12, 40]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_any_height_and_width(scale):
    model = tiny(scale=scale, width=2)
    for h, w in ((1, 1), (1, 6), (5, 3)):
        assert model(np.zeros((2, h, w, 3), "float32")).shape == (2, scale * h, scale * w, 3)
    assert model.network.output_shape == (None, None, None, 3)


def _kernels(network):
    return {x.name: tuple(x.kernel.shape) for x in network.layers if hasattr(x, "kernel")}


@pytest.mark.parametrize(("scale", "ups"), [(2, [256]), (3, [576]), (4, [256, 256])])
def test_the_papers_generator(scale, ups):
    """Figure 4: k9n64, 16 blocks of k3n64, k3n64, k3n256 and a shuffle for each doubling, k9n3."""
    network = SRResNet(scale).network
    kernels = _kernels(network)
    block = [(3, 3, 64, 64)] * 2
    assert list(kernels.values()) == [
        (9, 9, 3, 64),
        *block * 16,
        (3, 3, 64, 64),
        *[(3, 3, 64, up) for up in ups],
        (9, 9, 64, 3),
    ]
    sums = [x.name for x in network.layers if isinstance(x, keras.layers.Add)]
    assert sums == [*(f"block_{i}" for i in range(16)), "skip"]
    slopes = [x for x in network.layers if isinstance(x, keras.layers.PReLU)]
    assert len(slopes) == 1 + 16 + len(ups)
    assert {tuple(x.alpha.shape) for x in slopes} == {(1, 1, 64)}
    assert {float(a) for x in slopes for a in np.unique(x.alpha)} == {0.25}
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert len(norms) == 33
    convolutions = (
        9 * 9 * 3 * 64 + 64 + 33 * (9 * 64 * 64 + 64) + sum((9 * 64 + 1) * up for up in ups) + 81 * 64 * 3 + 3
    )
    assert network.count_params() == convolutions + 64 * len(slopes) + 33 * 4 * 64


def test_the_papers_discriminator():
    """Figure 4: eight convolutions, 64 to 512, every other one of stride 2; 1024 hidden; no normalisation at first."""
    network = srgan.discriminator(96, 64, "dense")
    kernels = list(_kernels(network).values())
    widths = [3, 64, 64, 128, 128, 256, 256, 512, 512]
    assert kernels[:8] == [(3, 3, a, b) for a, b in itertools.pairwise(widths)]
    assert kernels[8:] == [(6 * 6 * 512, 1024), (1024, 1)]
    convolutions = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
    assert [x.strides[0] for x in convolutions] == [1, 2] * 4
    assert [x.use_bias for x in convolutions] == [True] + [False] * 7
    norms = [x.name for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert norms == [f"norm_{i}" for i in range(1, 8)]
    slopes = [x.negative_slope for x in network.layers if isinstance(x, keras_gans.layers.LeakyReLU)]
    assert slopes == [0.2] * 9
    filters = 9 * sum(a * b for a, b in itertools.pairwise(widths)) + 64
    assert network.count_params() == filters + 4 * sum(widths[2:]) + 18432 * 1024 + 1024 + 1025


def test_the_pooled_head_takes_any_size_and_the_dense_one_its_own(rng):
    pooled, dense = (srgan.discriminator(32, 2, head) for head in ("pooled", "dense"))
    assert pooled.get_layer("hidden").kernel.shape == (16, 32)
    assert dense.get_layer("hidden").kernel.shape == (2 * 2 * 16, 32)
    for side in (32, 40, 17):
        assert pooled(np.zeros((2, side, side, 3), "float32")).shape == (2, 1)
    assert dense(np.zeros((2, 32, 32, 3), "float32")).shape == (2, 1)
    assert srgan.discriminator(20, 2, "dense").get_layer("hidden").kernel.shape == (2 * 2 * 16, 32)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"scale": 5}, "scale must be one of 2, 3, 4, got 5"),
        ({"blocks": 0}, "blocks must be a whole number of at least 1, got 0"),
        ({"width": 1.5}, "width must be a whole number of at least 1, got 1.5"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    for family in (SRResNet, SRGAN):
        with pytest.raises(ValueError, match=words):
            family(**arguments)


# --- learning -----------------------------------------------------------------------------------------


@pytest.fixture
def small_and_large(rng):
    small = rng.integers(0, 256, (6, 8, 8, 3), dtype="uint8")
    return small, small.repeat(2, axis=1).repeat(2, axis=2)


def sources(small, large, photographs, folder):
    """What `fit` takes; all but the last two are the same images."""
    for number, photograph in enumerate(photographs):
        (folder / "photos").mkdir(exist_ok=True)
        Image.fromarray(photograph).save(folder / "photos" / f"{number}.png")
    return {
        "arrays": (small, large),
        "pair": ((small, large),),
        "tf.data": (tf.data.Dataset.from_tensor_slices((small, large)).batch(4),),
        "patches": (data.super_resolution(photographs, scale=2, crop=48, batch=2),),
        "folder": (str(folder / "photos"),),
    }


@pytest.mark.slow
def test_every_kind_of_data_is_fitted_validated_on_and_measured(small_and_large, photographs, tmp_path):
    model = tiny()
    model.compile(run_eagerly=True)  # a few steps are sooner taken than traced
    found = {}
    for name, given in sources(*small_and_large, photographs, tmp_path).items():
        found[name] = model.evaluate(*given, batch_size=None if name == "tf.data" else 2, verbose=0)
    np.testing.assert_allclose([found["pair"], found["tf.data"]], found["arrays"], rtol=1e-4)
    np.testing.assert_allclose(found["folder"], found["patches"], rtol=1e-4)  # squares of 24 x scale
    small, large = small_and_large
    error = np.square(np.asarray(model(small.astype("float32"))) - (large / 127.5 - 1)).mean()
    np.testing.assert_allclose(found["arrays"], error, rtol=1e-4)
    for name in ("arrays", "tf.data", "folder"):
        given, size = sources(*small_and_large, photographs, tmp_path)[name], None if name == "tf.data" else 3
        validation = given if len(given) == 2 else given[0]
        history = model.fit(*given, batch_size=size, epochs=2, verbose=0, validation_data=validation)
        assert history.epoch == [0, 1], name
        now = model.evaluate(*given, batch_size=size, verbose=0)
        np.testing.assert_allclose(history.history["val_loss"][-1], now, rtol=1e-3, err_msg=name)
    assert model.seen_since == ["arrays", "a tf.data pipeline", "photos"]


def test_it_learns(small_and_large):
    model = tiny(width=8)
    model.compile(keras.optimizers.Adam(1e-3), run_eagerly=True)
    history = model.fit(*small_and_large, batch_size=6, epochs=25, verbose=0)
    assert history.history["loss"][-1] < 0.65 * history.history["loss"][0]


def test_statistics_may_stay_as_they_are(small_and_large, tmp_path):
    """Training then computes what upscaling does, and moves all weights but them."""
    model = tiny()
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(*small_and_large, batch_size=3, epochs=2, verbose=0)
    model.compile(keras.optimizers.SGD(0.1), fixed_statistics=True)
    before = {v.path: np.array(v) for v in model.network.variables}
    small, large = small_and_large[0][:3], small_and_large[1][:3]
    wanted = np.mean((np.asarray(model.network(small.astype("float32"))) - (large / 127.5 - 1)) ** 2)
    assert model.train_on_batch(small.astype("float32"), large.astype("float32") / 127.5 - 1) == pytest.approx(
        wanted, rel=1e-4
    )
    moved = {path for path, was in before.items() if (np.array(_named(model.network, path)) != was).any()}
    assert moved == {v.path for v in model.network.trainable_variables}
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").fixed_statistics


def _named(network, path):
    return next(v for v in network.variables if v.path == path)


def test_compile_takes_the_papers_choices():
    model = tiny()
    model.compile()
    assert model.loss == "mse"
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-4)
    assert model.term_names() == ["loss"]
    model.compile({"class_name": "SGD", "config": {"learning_rate": 0.5}}, "mae", ["mse"])
    assert model.term_names() == ["loss", "mse"]


def test_batches_are_a_function_of_seed_and_step(photographs):
    patches = data.super_resolution(photographs, scale=2, crop=16, batch=3)
    batches = pairs.PairBatches(patches, seed=5)
    steps = patches.steps_per_epoch(3)
    assert len(batches) == batches.steps_per_epoch == steps
    for epoch in range(2):
        for number in (0, steps - 1):
            small, large = patches.at(epoch * steps + number, 3, 5)
            got = batches[number]
            assert got[0].dtype == got[1].dtype == np.float32
            np.testing.assert_array_equal(got[0], small)
            np.testing.assert_allclose(got[1], large / 127.5 - 1, atol=1e-6)
            assert np.abs(got[1]).max() <= 1
        batches.on_epoch_end()
    fixed = pairs.PairBatches(patches, 2)
    before = fixed[0]
    assert len(before[0]) == 2
    fixed.on_epoch_end()
    np.testing.assert_array_equal(fixed[0][0], before[0])  # what is validated on stays the same


def test_fit_goes_through_the_squares_by_its_seed(photographs, monkeypatch):
    seen = []
    patches = data.super_resolution(photographs, scale=2, crop=32, batch=3)
    at = patches.at
    monkeypatch.setattr(patches, "at", lambda *given: seen.append(given) or at(*given))
    model = tiny()
    model.compile(run_eagerly=True)
    model.fit(patches, batch_size=2, epochs=2, seed=7, verbose=0)
    steps = patches.steps_per_epoch(2)
    asked = [step for step, size, seed in seen if (size, seed) == (2, 7)]
    assert len(asked) == len(seen)
    first = asked[-2 * steps]
    assert first % steps == 0  # Keras may have looked at an epoch before it began
    assert asked[-2 * steps :] == list(range(first, first + 2 * steps))
    assert int(model.optimizer.iterations) == 2 * steps
    taken = {step for step, _, _ in seen}
    seen.clear()
    model.fit(patches, batch_size=2, seed=7, verbose=0)
    assert min(step for step, _, _ in seen[-steps:]) > max(taken)  # it goes on, with other squares


def _unbatched(small, large):
    return tf.data.Dataset.from_tensor_slices((small, large))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            lambda s, g: (data.super_resolution([g[0]], scale=4, crop=8),),
            "Patches of scale=2 were wanted, and scale=4, ",
        ),
        (lambda s, g: (s,), "a folder of photographs, arrays of small and large images or a tf.data.Dataset"),
        (lambda s, g: (None,), "and NoneType came"),
        (lambda s, g: (3, 4), "and int came"),
        (lambda s, g: (s, g[:, :12]), r"large ones \(n, 2 h, 2 w, 3\) were wanted, and \(6, 8, 8, 3\) and \(6, 12, 16"),
        (lambda s, g: (s, s), "super_resolution.photographs, scale=2. makes such pairs"),
        (lambda s, g: (s[..., :1], g[..., :1]), r"and \(6, 8, 8, 1\) and"),
        (lambda s, g: (s[0], g[0]), r"and \(8, 8, 3\) and"),
        (lambda s, g: (s, g[:5]), "As many small images as large ones, and at least one, were wanted"),
        (lambda s, g: (s[:0], g[:0]), "at least one, were wanted"),
        (lambda s, g: (s / 255.0, g), "Small and large images are uint8, and float64 came"),
        (lambda s, g: (s, g.astype("int32")), "and int32 came"),
        (lambda s, g: (_unbatched(s, g),), r"were wanted, and \(8, 8, 3\) and \(16, 16, 3\) came"),
        (lambda s, g: (_unbatched(s, s).batch(2),), "were wanted, and"),
        (lambda s, g: (_unbatched(s / 255.0, g).batch(2),), "float64 came"),
        (lambda s, g: (tf.data.Dataset.from_tensor_slices(s).batch(2),), "its elements are others: map it"),
        (lambda s, g: ("./nowhere",), "A folder of photographs was wanted and './nowhere' is none"),
    ],
)
def test_wrong_data_is_one_sentence_before_anything_is_trained(given, words, small_and_large):
    model = tiny(width=2)
    model.compile()
    for call in (model.fit, model.evaluate):
        with pytest.raises(DataError, match=words) as caught:
            call(*given(*small_and_large), verbose=0)
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError):
        model.fit(*small_and_large, verbose=0, validation_data=(*given(*small_and_large), None)[:2])
    assert int(model.optimizer.iterations) == 0


# --- saving -------------------------------------------------------------------------------------------


def test_folder_and_keras_file_round_trip_exactly(small_and_large, tmp_path):
    model = tiny(scale=2, blocks=2)
    model.compile(keras.optimizers.Adam(1e-2), "mae", run_eagerly=True)
    model.fit(*small_and_large, batch_size=3, epochs=1, verbose=0)
    image = small_and_large[0][0] / 127.5 - 1
    large = model.upscale(image)
    model.save_pretrained(tmp_path / "folder")
    loaded = keras_gans.load(tmp_path / "folder")
    assert (loaded.task, loaded.scale, loaded.card["task"]) == ("upscale", 2, "upscale")
    np.testing.assert_array_equal(loaded.upscale(image), large)
    assert not (tmp_path / "folder" / "samples.png").exists()
    for name, tensor in model.tensors().items():
        np.testing.assert_array_equal(loaded.tensors()[name], tensor)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.upscale(image), large)
    assert loaded.loss == "mae"
    for each in (model, loaded):
        each.fit(*small_and_large, batch_size=6, epochs=1, verbose=0)
    for a, b in zip(model.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_bfloat16_trains_float32_weights(small_and_large, tmp_path):
    model = tiny(dtype="mixed_bfloat16")
    assert model.network.get_layer("block_0_conv_0").compute_dtype == "bfloat16"
    assert model.network.get_layer("last").compute_dtype == "float32"
    model.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    before = [np.array(v) for v in model.trainable_variables]
    history = model.fit(*small_and_large, batch_size=2, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    assert all((a != np.array(v)).any() for a, v in zip(before, model.trainable_variables, strict=True))
    model.save_pretrained(tmp_path)
    loaded = keras_gans.load(tmp_path)
    assert loaded.network.get_layer("block_0_conv_0").compute_dtype == "float32"
    assert keras_gans.load(tmp_path, dtype="mixed_bfloat16").network.get_layer("middle").compute_dtype == "bfloat16"
