"""super_resolution: squares in pairs, by seed and step alone."""

import logging

import numpy as np
import pytest
from PIL import Image

from keras_gans import data
from keras_gans.artifacts import DataError
from keras_gans.data import images as pixels


def _photograph(rng, height, width, channels=3):
    """Smooth, so that a place is known by its colour."""
    small = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, channels), dtype="uint8")
    return data.bicubic(small, size=(height, width))


@pytest.fixture
def photographs(rng):
    return [_photograph(rng, 61, 50), _photograph(rng, 40, 90)]


def _symmetries(image):
    return [np.rot90(x, k) for x in (image, image[:, ::-1]) for k in range(4)]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_small_and_large_are_of_one_place(photographs, scale):
    crop = 6 * scale
    patches = data.super_resolution(photographs, scale=scale, crop=crop, batch=40)
    small, large = next(patches.batches(40))
    assert (small.shape, large.shape) == ((40, 6, 6, 3), (40, crop, crop, 3))
    wholes = [p[: p.shape[0] // scale * scale, : p.shape[1] // scale * scale] for p in photographs]
    pairs = set()
    for whole in wholes:
        little = data.bicubic(whole, scale=1 / scale)
        for y in range(little.shape[0] - 5):
            for x in range(little.shape[1] - 5):
                pairs.add(
                    (
                        little[y : y + 6, x : x + 6].tobytes(),
                        whole[scale * y :, scale * x :][:crop, :crop].tobytes(),
                    )
                )
    for one, other in zip(small, large, strict=True):
        undone = zip(_symmetries(one), _symmetries(other), strict=True)
        assert any((a.tobytes(), b.tobytes()) in pairs for a, b in undone)


def test_batches_are_a_function_of_seed_and_step(photographs):
    patches = data.super_resolution(photographs, crop=24, batch=4)
    run = list(patches.batches(4, seed=3, stop=5))
    assert len(run) == 5
    for step, (small, large) in enumerate(run):
        (again,) = patches.batches(4, seed=3, start=step, stop=step + 1)
        np.testing.assert_array_equal(again[0], small)
        np.testing.assert_array_equal(again[1], large)
    other = next(patches.batches(4, seed=4))
    assert (other[1] != run[0][1]).any()
    first, second = (list(patches.in_order(4)) for _ in range(2))
    assert len(first) == patches.steps_in_order(4) == patches.steps_per_epoch(4) == (60 * 48 + 40 * 88) // (4 * 24 * 24)
    np.testing.assert_array_equal(first[0][1], second[0][1])


def test_every_place_and_every_turn_is_as_likely(rng):
    """Of two photographs the larger one comes as much more often as it has places; all eight turns come."""
    plain = [np.full((24, 24, 3), 10, "uint8"), np.full((24, 24 + 4 * 8, 3), 200, "uint8")]  # 1 and 9 places
    _, large = data.super_resolution(plain, crop=24, batch=1000).at(0, 1000)
    assert 60 < (large[:, 0, 0, 0] == 10).sum() < 140
    (square,) = [_photograph(rng, 24, 24)]
    _, large = data.super_resolution([square], crop=24, batch=200).at(0, 200)
    seen = {image.tobytes() for image in large}
    assert seen == {np.ascontiguousarray(image).tobytes() for image in _symmetries(square)}


def test_a_folder_is_looked_through_and_what_is_too_small_left_out(tmp_path, photographs, caplog):
    for number, (folder, image) in enumerate(zip(["a", "b/c"], photographs, strict=True)):
        (tmp_path / folder).mkdir(parents=True)
        Image.fromarray(image).save(tmp_path / folder / f"{number}.png")
    Image.fromarray(photographs[0][:20, :20]).save(tmp_path / "small.png")
    with caplog.at_level(logging.WARNING, "keras_gans"):
        patches = data.super_resolution(tmp_path, crop=40)
    assert "1 of 3 photographs are smaller than 40x40 and left out" in caplog.text
    assert len(patches) == 2
    assert patches.fingerprint() == data.super_resolution(photographs, crop=40).fingerprint()
    assert patches.fingerprint() != data.super_resolution(photographs, crop=36).fingerprint()


def test_splits_and_grey(tmp_path, rng):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        Image.fromarray(_photograph(rng, 30, 30, 1)[..., 0]).save(tmp_path / split / "grey.png")
    patches = data.super_resolution(tmp_path, crop=24, split="test")
    assert patches.name == f"{tmp_path.name} test"
    small, _ = patches.at(0, 2)
    assert (small[..., 0] == small[..., 2]).all()
    with pytest.raises(DataError, match="'val' was asked for"):
        data.super_resolution(tmp_path, split="val")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"scale": 5}, "scale is 2, 3 or 4, and 5 came"),
        ({"crop": 50}, "crop is a multiple of scale=4, and 50 came"),
        ({"batch": 0}, "batch is a whole number above 0, and 0 came"),
        ({"crop": 400}, "photographs of at least 400x400 were wanted and the largest is 50x61: lower crop"),
        ({"source": 3}, "A folder of photographs, a list of them or an array .* was wanted and int came"),
        ({"source": []}, "and list came"),
        ({"source": "./nowhere"}, "is none: check the path"),
        ({"source": [np.zeros((30, 30, 3))]}, "Photographs are uint8"),
    ],
)
def test_mistakes_are_one_sentence(photographs, arguments, sentence):
    with pytest.raises(DataError, match=sentence):
        data.super_resolution(**{"source": photographs, **arguments})


def test_a_folder_of_bad_files_is_an_error(tmp_path):
    for k in range(3):
        (tmp_path / f"{k}.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="at least 1 of 3 images cannot be read"):
        data.super_resolution(tmp_path)


def test_more_than_memory_holds_is_refused_before_it_is_read(tmp_path, photographs, monkeypatch):
    for k, photograph in enumerate(photographs):
        pixels.save_png(tmp_path / f"{k}.png", photograph)
    wanted = int(sum(p.shape[0] * p.shape[1] for p in photographs) * 3 * 1.25)
    monkeypatch.setattr("keras_gans._peak.free_bytes", lambda: wanted)
    assert len(data.super_resolution(tmp_path, crop=16)) == len(photographs)
    monkeypatch.setattr("keras_gans._peak.free_bytes", lambda: wanted - 1)
    monkeypatch.setattr(pixels, "decode", None)
    with pytest.raises(DataError, match=r"photographs would take .* GiB of memory, of which .* are free: make them"):
        data.super_resolution(tmp_path, crop=16)
