"""Walks and sums of latents."""

import numpy as np
import pytest

from keras_gans import latent


@pytest.fixture
def ab(rng):
    return rng.normal(size=(2, 3, 10)).astype("float32")


@pytest.mark.parametrize("kind", latent.KINDS)
def test_walks_begin_and_end_where_they_should(ab, kind):
    a, b = ab
    walk = latent.interpolate(a, b, 5, kind)
    assert walk.shape == (3, 5, 10)
    assert walk.dtype == np.float32
    np.testing.assert_allclose(walk[:, 0], a, atol=1e-5)
    np.testing.assert_allclose(walk[:, -1], b, atol=1e-5)
    np.testing.assert_allclose(walk[1], latent.interpolate(a[1], b[1], 5, kind), atol=1e-6)


def test_linear_is_straight_and_spherical_stays_on_the_sphere(ab):
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in ab)
    np.testing.assert_allclose(latent.interpolate(a, b, 3)[:, 1], (a + b) / 2, atol=1e-6)
    walk = latent.interpolate(a, b, 9, "spherical")
    np.testing.assert_allclose(np.linalg.norm(walk, axis=2), 1, atol=1e-5)
    angles = np.arccos(np.clip((walk[:, :-1] * walk[:, 1:]).sum(-1), -1, 1))
    np.testing.assert_allclose(angles, np.broadcast_to(angles[:, :1], angles.shape), atol=1e-3)


def test_spherical_between_parallel_latents_is_linear():
    a = np.ones(4)
    np.testing.assert_allclose(latent.interpolate(a, 3 * a, 3, "spherical")[1], 2 * a, atol=1e-6)
    np.testing.assert_allclose(latent.interpolate(a, -a, 3, "spherical")[1], 0 * a, atol=1e-6)
    assert np.isfinite(latent.interpolate(0 * a, a, 3, "spherical")).all()


def test_arithmetic_averages_concepts(ab):
    a, b = ab
    got = latent.arithmetic([a, b[0]], [b])
    np.testing.assert_allclose(got, a.mean(0) + b[0] - b.mean(0), atol=1e-5)
    assert got.dtype == np.float32


def test_an_array_is_no_list_of_concepts(ab):
    """It may be the exemplars of one, which are averaged, or as many concepts as it has rows, which are added."""
    a, b = ab
    np.testing.assert_allclose(latent.arithmetic(list(a), list(b)), a.sum(0) - b.sum(0), atol=1e-5)
    np.testing.assert_allclose(latent.arithmetic([a], [b]), a.mean(0) - b.mean(0), atol=1e-5)
    with pytest.raises(ValueError, match=r"plus is a list of concepts, got an array of shape \(3, 10\): \[x\] for one"):
        latent.arithmetic(a)
    with pytest.raises(ValueError, match=r"minus is a list of concepts, got an array of shape \(10,\)"):
        latent.arithmetic([a], b[0])
    with pytest.raises(ValueError, match="one latent dimension were wanted, got 1 and 10"):
        latent.arithmetic([a[0], np.ones(1)])
    with pytest.raises(ValueError, match=r"a concept is one latent .* got the shape \(\)"):
        latent.arithmetic([1.0, 2.0])


def test_wrong_arguments_are_named(ab):
    with pytest.raises(ValueError, match="kind must be one of linear, spherical, got 'cubic'"):
        latent.interpolate(*ab, kind="cubic")
    for steps in (1, True, 2.0):
        with pytest.raises(ValueError, match=f"steps must be a whole number of at least 2, got {steps}"):
            latent.interpolate(*ab, steps=steps)
    assert len(latent.interpolate(*ab, steps=np.int64(4))[0]) == 4
    with pytest.raises(ValueError, match=r"got \(3, 10\) and \(10,\)"):
        latent.interpolate(ab[0], ab[1][0])
    with pytest.raises(ValueError, match="plus is empty"):
        latent.arithmetic([])
