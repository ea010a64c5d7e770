"""Random numbers: known answers, and what they depend on."""

import numpy as np
import pytest
from keras import ops

from keras_gans import random


def words(*values):
    return tuple(ops.convert_to_tensor(np.array([v], "uint32")) for v in values)


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [  # known answers published with Random123
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_gives_its_published_answers(key, counter, expected):
    a, b = random.threefry(words(*key), words(*counter))
    assert (int(a[0]), int(b[0])) == expected


def test_a_row_depends_on_its_global_index_alone():
    whole = random.Noise(1, 0, 7).normal((16, 3, 5)).numpy()
    parts = [random.Noise(1, 0, 7, first).normal((8, 3, 5)).numpy() for first in (0, 8)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_every_part_of_the_key_matters():
    base = random.Noise(1, 0, 7).uniform((4, 5)).numpy()
    for other in (
        random.Noise(2, 0, 7),
        random.Noise(1, 1, 7),
        random.Noise(1, 0, 8),
        random.Noise(1, 0, 7, 1),
    ):
        assert not np.isclose(base, other.uniform((4, 5)).numpy()).all()
    noise = random.Noise(1, 0, 7)
    first, second = noise.uniform((4, 5)).numpy(), noise.uniform((4, 5)).numpy()
    np.testing.assert_array_equal(first, base)
    assert not np.isclose(first, second).any()


def test_distributions():
    noise = random.Noise(0, 0, 0)
    u, z = noise.uniform((1000, 41), -1.0, 3.0).numpy(), noise.normal((1000, 41)).numpy()
    kept = noise.keep((1000, 41), 0.2).numpy()
    assert -1 <= u.min() < -0.99
    assert 2.99 < u.max() < 3
    assert abs(u.mean() - 1) < 0.02
    assert abs(u.var() - 16 / 12) < 0.02
    assert np.isfinite(z).all()
    assert abs(z.mean()) < 0.02
    assert abs(z.var() - 1) < 0.02
    assert abs((z**4).mean() - 3) < 0.15
    assert abs(kept.mean() - 0.8) < 0.006
    assert abs(np.corrcoef(z[:, :-1].ravel(), z[:, 1:].ravel())[0, 1]) < 0.02


def test_latents_are_a_function_of_seed_and_index():
    for prior in random.PRIORS:
        many = random.sample_latents(10, 3, 7, prior)
        np.testing.assert_array_equal(many[4:6], random.sample_latents(2, 3, 7, prior, start=4))
        assert not np.isclose(many, random.sample_latents(10, 4, 7, prior)).any()
        assert many.dtype == np.float32


def test_truncation_bounds_latents_and_keeps_the_small_ones():
    plain = random.sample_latents(50, 0, 20, "normal")
    cut = random.sample_latents(50, 0, 20, "normal", truncation=1.0)
    assert np.abs(cut).max() <= 1 < np.abs(plain).max()
    assert (np.abs(plain) <= 1).sum() == (cut == plain).sum()
    assert np.abs(random.sample_latents(50, 0, 20, "uniform", truncation=0.5)).max() <= 0.5
    with pytest.raises(ValueError, match="truncation must be a number above 0, got 0"):
        random.sample_latents(1, 0, 1, truncation=0)


@pytest.mark.parametrize("prior", random.PRIORS)
def test_a_row_is_what_a_philox_of_its_own_gives(prior):
    for seed, index in ((0, 0), (3, 10_000), (2**40 + 5, 2**33 + 1), (2**63 - 1, 2**63 - 1)):
        own = np.random.Generator(np.random.Philox(key=[seed, index]))
        wanted = own.standard_normal(7) if prior == "normal" else own.uniform(-1.0, 1.0, 7)
        np.testing.assert_array_equal(random.latents_at([5, index], seed, 7, prior)[1], wanted.astype("float32"))
        np.testing.assert_array_equal(
            random.sample_latents(1, seed, 7, prior, start=index)[0], wanted.astype("float32")
        )


def test_latents_at_any_places():
    many = random.sample_latents(20, 1, 5, "normal", truncation=1.0)
    places = np.array([3, 19, 3, 0])
    np.testing.assert_array_equal(random.latents_at(places, 1, 5, "normal", truncation=1.0), many[places])
