"""model.upscale: any size and kind of image, in tiles that make no difference, in the memory that there is."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gans.artifacts import DataError
from keras_gans.data import bicubic
from keras_gans.models import upscaling
from keras_gans.models.srgan import SRGAN, SRResNet
from keras_gans.models.tiles import LEAST


def lively(model, networks, seed=0):
    """Weights as large as trained ones, for pictures with structure in the middle of their range."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (1, 16, 16, 3)).astype("float32")
    for network in networks:
        for v in network.variables:
            if len(v.shape) == 4:
                v.assign(rng.normal(0, np.sqrt(2 / np.prod(v.shape[:-1])), v.shape))
            elif "moving" not in v.name:
                v.assign(v + rng.normal(0, 0.05, v.shape))
        last = network.get_layer("last")
        drawn = np.asarray(network(image))
        last.kernel.assign(last.kernel * 0.4 / drawn.std())
        last.bias.assign(-np.asarray(network(image)).mean((0, 1, 2)) / 2)
    return model


def srresnet(scale=4, blocks=1, width=4, **more):
    model = SRResNet(scale, blocks, width, **more)
    return lively(model, [model.network])


@pytest.fixture(scope="module")
def small():
    return srresnet(scale=2)


@pytest.fixture(scope="module")
def wide():
    """As wide as the paper's: convolutions of few channels are computed by other routines."""
    return srresnet(width=64)


def photograph(rng, height, width, channels=3):
    rough = rng.integers(0, 256, (height // 4 + 1, width // 4 + 1, channels), dtype="uint8")
    noise = rng.integers(-20, 20, (height, width, channels))
    return np.clip(bicubic(rough, size=(height, width)) + noise, 0, 255).astype("uint8")


# --- tiles --------------------------------------------------------------------------------------------


def _odd_sizes(rng, count, least=3, most=34):
    for _ in range(count):
        height, width = (int(n) | 1 for n in rng.integers(least, most, 2))
        yield photograph(rng, height, width), int(rng.integers(8, 20))


@pytest.mark.slow
def test_tiles_make_no_difference(wide, rng):
    for image, tile in _odd_sizes(rng, 20):
        whole = wide.upscale(image, tile=None)
        assert whole.shape == (4 * image.shape[0], 4 * image.shape[1], 3)
        np.testing.assert_array_equal(wide.upscale(image, tile=tile), whole)
        floats = (image / 127.5 - 1).astype("float32")
        apart = np.abs(wide.upscale(floats, tile=tile) - wide.upscale(floats, tile=None))
        assert apart.max() <= 1e-5, (image.shape, tile)
    assert whole.std() > 20


@pytest.mark.slow
def test_tiles_in_bfloat16_differ_by_two_levels_at_most(rng):
    model = srresnet(width=64, dtype="mixed_bfloat16")
    assert model.network.get_layer("first").compute_dtype == "bfloat16"
    for image, tile in _odd_sizes(rng, 3, least=20):
        whole, tiled = (model.upscale(image, tile=tile).astype(int) for tile in (None, tile))
        assert np.abs(whole - tiled).max() <= 2


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_tiles_of_every_scale(scale, rng):
    model, image = srresnet(scale), photograph(rng, 37, 23)
    whole = model.upscale(image, tile=None)
    assert whole.shape == (37 * scale, 23 * scale, 3)
    for tile in (1 + model.reach(), 100):
        assert np.abs(model.upscale(image, tile=tile).astype(int) - whole).max() <= 1


def test_a_tile_that_saw_less_would_show(small, rng, monkeypatch):
    """The tests above can fail: by one pixel of reach less, it shows."""
    image = photograph(rng, 37, 23).astype("float32") / 127.5 - 1
    whole, reach = small.upscale(image, tile=None), small.reach()
    assert np.abs(small.upscale(image, tile=8) - whole).max() <= 1e-5
    monkeypatch.setattr(small, "reach", lambda: reach - 1)
    assert np.abs(small.upscale(image, tile=8) - whole).max() > 1e-4


def test_progress_counts_all_tiles(small, rng):
    seen = []
    small.upscale(photograph(rng, 20, 30), tile=10, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(i, 6) for i in range(1, 7)]
    seen.clear()
    batch = np.stack([photograph(rng, 20, 10)] * 3)
    small.upscale(batch, tile=10, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(i, 6) for i in range(1, 7)]


# --- memory -------------------------------------------------------------------------------------------


def _full_above(monkeypatch, side, error):
    """Memory that runs out for what is larger than side x side. Returns the sides that were tried."""
    draw, tried = upscaling.Upscales._draw, []

    def limited(self, run, part):
        tried.append(max(part.shape[:2]))
        if tried[-1] > side:
            raise error
        return draw(self, run, part)

    monkeypatch.setattr(upscaling.Upscales, "_draw", limited)
    return tried


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate"),  # JAX's
    ],
)
def test_out_of_memory_halves_the_tile_and_goes_on(error, small, rng, monkeypatch, caplog):
    image = photograph(rng, 50, 40)
    whole = small.upscale(image, tile=None)
    caplog.set_level(logging.WARNING, "keras_gans")
    tried, seen = _full_above(monkeypatch, 34, error), []
    tiled = small.upscale(image, progress=lambda done, of: seen.append((done, of)))
    assert np.abs(tiled.astype(int) - whole).max() <= 1
    assert [record.args for record in caplog.records] == [(25,), (LEAST,)]
    assert "tiles are halved, to 25 pixels a side" in caplog.text
    last = seen[-1][1]
    assert seen[-last:] == [(i, last) for i in range(1, last + 1)]  # it begins anew
    assert max(tried[-last:]) <= 34


@pytest.mark.parametrize("tile", [None, 50, 1000])
def test_so_does_a_tile_that_was_asked_for(tile, small, rng, monkeypatch, caplog):
    image = photograph(rng, 50, 40)
    whole = small.upscale(image, tile=None)
    _full_above(monkeypatch, 36, MemoryError())
    assert np.abs(small.upscale(image, tile).astype(int) - whole).max() <= 1
    assert [record.args for record in caplog.records] == [(25,)]


def test_the_smallest_tile_gives_up_with_the_error(small, rng, monkeypatch, caplog):
    _full_above(monkeypatch, 0, MemoryError("no more"))
    image = photograph(rng, 70, 70)
    with pytest.raises(MemoryError, match="memory ran out on a tile of 16x16 pixels"):
        small.upscale(image)
    assert [record.args for record in caplog.records] == [(35,), (17,), (LEAST,)]
    caplog.clear()
    with pytest.raises(MemoryError):
        small.upscale(image, tile=5)  # what was asked for is not made larger
    assert not caplog.records


def test_other_errors_are_not_taken_for_it(small, rng, monkeypatch, caplog):
    _full_above(monkeypatch, 0, ValueError("out of patience"))
    with pytest.raises(ValueError, match="out of patience"):
        small.upscale(photograph(rng, 70, 70))
    assert not caplog.records


def test_auto_takes_tiles_where_memory_is_short(wide, rng, monkeypatch):
    image = photograph(rng, 100, 80)

    def tiles(free):
        monkeypatch.setattr(upscaling._peak, "free_bytes", lambda: free)
        seen = []
        monkeypatch.setattr(upscaling.Upscales, "_draw", lambda self, run, part: _repeated(part, seen))
        wide.upscale(image)
        return seen

    assert tiles(2**40) == tiles(None) == [(100, 80)]
    few = tiles(2**28)
    assert len(few) > 1
    assert all(3 * 4 * 64 * 16 * height * width <= 2**26 for height, width in few)
    assert tiles(1) == few  # some memory there always is


def _repeated(part, seen):
    seen.append(part.shape[:2])
    return part.repeat(4, axis=0).repeat(4, axis=1) / 127.5 - 1


# --- kinds of images ----------------------------------------------------------------------------------


def _as(image, dtype):
    """A uint8 photograph in another kind."""
    if dtype == "uint16":
        return image.astype(dtype) * 257
    return image if dtype == "uint8" else (image / 127.5 - 1).astype(dtype)


_LEVEL = {"uint8": 1, "uint16": 257, "float16": 2 / 255, "float32": 2 / 255, "float64": 2 / 255}


@pytest.mark.parametrize("dtype", list(_LEVEL))
def test_the_same_kind_comes_out(dtype, small, rng):
    image = photograph(rng, 9, 7)
    expected = small.upscale(image)
    large = small.upscale(_as(image, dtype))
    assert large.dtype == dtype
    assert large.shape == (18, 14, 3)
    apart = np.abs(large.astype("float64") - _as(expected, dtype).astype("float64"))
    assert apart.max() <= 1.01 * _LEVEL[dtype]
    if dtype not in ("uint8", "float16"):
        assert len(np.unique(large)) > 256  # more than 8 bits have come through


def test_it_is_what_the_network_draws(small, rng):
    image = photograph(rng, 9, 7)
    drawn = np.asarray(small.network(image[None].astype("float32")))[0]
    assert np.abs(drawn).max() > 1  # and clipped
    expected = np.rint((np.clip(drawn, -1, 1) + 1) * 127.5)
    np.testing.assert_allclose(small.upscale(image), expected, atol=1)
    np.testing.assert_allclose(small.upscale(_as(image, "float32")), np.clip(drawn, -1, 1), atol=1e-4)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
def test_shapes(channels, dtype, small, rng):
    image = _as(photograph(rng, 5, 6, channels or 1), dtype)
    image = image if channels else image[..., 0]
    large = small.upscale(image)
    assert large.shape == (10, 12, *image.shape[2:])
    if channels:
        batch = small.upscale(np.stack([image, image[::-1]]))
        assert batch.shape == (2, 10, 12, channels)
        np.testing.assert_array_equal(batch[0], large)
        assert (batch[1] != large).any()
        listed = small.upscale([image, image[:3]])
        np.testing.assert_array_equal(listed[0], large)
        assert listed[1].shape == (6, 12, channels)
    assert small.upscale([]) == []


def test_grey_is_the_luma_of_grey_in_colour(small, rng):
    image = photograph(rng, 9, 7, 1)
    large = small.upscale(image)
    colour = small.upscale(image.repeat(3, axis=-1))
    luma = colour @ [0.299, 0.587, 0.114]
    assert (colour[..., 0] != colour[..., 1]).any()  # the network itself keeps nothing grey
    np.testing.assert_allclose(large[..., 0], luma, atol=1.1)
    np.testing.assert_array_equal(small.upscale(image[..., 0]), large[..., 0])


@pytest.mark.parametrize("dtype", list(_LEVEL))
@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_resized_apart(channels, dtype, small, rng):
    image = photograph(rng, 9, 7, channels)
    image[:4, :, -1], image[4:, :, -1] = 0, 255  # a sharp edge, where bicubic oversteps
    given = _as(image, dtype)
    large = small.upscale(given)
    np.testing.assert_array_equal(large[..., :-1], small.upscale(given[..., :-1]))
    alpha = _as(bicubic(image[..., -1], scale=2), dtype).astype("float64")
    assert np.abs(large[..., -1].astype("float64") - alpha).max() <= 1.01 * _LEVEL[dtype]
    assert large[..., -1].min() == given[..., -1].min()
    assert large[..., -1].max() == given[..., -1].max()
    other = given.copy()
    other[..., -1] = given[..., -1].max()
    np.testing.assert_array_equal(small.upscale(other)[..., :-1], large[..., :-1])


def test_black_and_white_stay_in_range(small):
    model = small
    before = [np.array(v) for v in model.network.variables]
    last = model.network.get_layer("last")
    last.kernel.assign(0 * last.kernel)
    for value, levels in ((-3.0, (0, 0, -1)), (3.0, (255, 65535, 1))):
        last.bias.assign([value] * 3)
        for dtype, level in zip(("uint8", "uint16", "float32"), levels, strict=True):
            for channels in (1, 3):
                large = model.upscale(np.zeros((3, 3, channels), dtype))
                assert (large == level).all()
    for v, value in zip(model.network.variables, before, strict=True):
        v.assign(value)


def test_what_is_no_array_of_ones_own_is_taken_too(small, rng):
    image = photograph(rng, 12, 10)
    large = small.upscale(image)
    np.testing.assert_array_equal(small.upscale(tf.constant(image)), large)
    turned = np.ascontiguousarray(image.transpose(1, 0, 2)).transpose(1, 0, 2)  # strided
    np.testing.assert_array_equal(small.upscale(turned), large)
    frozen = image.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(small.upscale(frozen), large)
    np.testing.assert_array_equal(image, frozen)  # as it was


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((4, 4, 3), "int32"), "Images are uint8, uint16 or float in .-1, 1., and int32 came"),
        (np.zeros((4, 4, 3), bool), "and bool came"),
        (np.array([["a"]]), "<U1 came"),
        (np.zeros((4, 4, 5), "uint8"), r"1 to 4 channels were wanted, and \(4, 4, 5\) came"),
        (np.zeros(4, "uint8"), r"\(4,\) came"),
        (np.zeros((1, 1, 4, 4, 3), "uint8"), r"\(1, 1, 4, 4, 3\) came"),
        (np.zeros((4, 0, 3), "uint8"), r"Images with pixels were wanted, and \(4, 0, 3\) came"),
        (np.zeros((0, 4, 4, 3), "uint8"), "with pixels"),
        (np.full((4, 4, 3), np.nan, "float32"), "NaN or numbers beyond it came"),
        (np.full((4, 4, 3), np.inf), "NaN or numbers beyond it came"),
        (np.full((4, 4, 3), 200.0), r"Float images lie in \[-1, 1\]"),
        (3, "int64 came"),
    ],
)
def test_what_is_no_image_is_refused(image, words, small):
    with pytest.raises(DataError, match=words) as caught:
        small.upscale(image)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError):
        small.upscale([np.zeros((4, 4, 3), "uint8"), image])


@pytest.mark.parametrize("tile", [0, -1, 1.5, True, "all", (3, 4)])
def test_what_is_no_tile_is_refused(tile, small):
    with pytest.raises(ValueError, match='tile must be "auto", None or a whole number of at least 1, got'):
        small.upscale(np.zeros((4, 4, 3), "uint8"), tile)


# --- weights ------------------------------------------------------------------------------------------


def test_weights_that_moved_since_are_the_ones_that_draw(rng):
    model, image = srresnet(2), photograph(rng, 9, 7)
    before = model.upscale(image)
    last = model.network.get_layer("last")
    last.kernel.assign(-last.kernel)
    assert (model.upscale(image) != before).any()
    model.set_network(srresnet(2).network)
    np.testing.assert_array_equal(model.upscale(image), before)


def test_a_model_that_has_upscaled_is_saved_as_any_other(rng, tmp_path):
    model, image = srresnet(2), photograph(rng, 9, 7)
    large = model.upscale(image)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras").upscale(image), large)


def test_an_srgan_draws_with_its_average_in_float32(rng):
    model = SRGAN(2, 1, 4, 16, dtype="mixed_bfloat16")
    lively(model, [model.generator])
    image = photograph(rng, 40, 30)
    raw = model.upscale(image, tile=16)
    assert np.abs(model.upscale(image, tile=None).astype(int) - raw).max() <= 1
    model.ema_ready.assign(1)
    np.testing.assert_array_equal(model.upscale(image, tile=16), raw)  # a copy of the generator
    lively(model, [model.ema_generator], seed=5)
    assert (model.upscale(image) != raw).mean() > 0.5
    assert model.upscaler().get_layer("first").compute_dtype == "float32"
    model.ema_ready.assign(0)
    np.testing.assert_array_equal(model.upscale(image, tile=16), raw)
