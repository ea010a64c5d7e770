"""Losses against NumPy's own arithmetic."""

import numpy as np
import pytest

from keras_gans import losses


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.fixture
def logits(rng):
    return rng.normal(size=(2, 8, 1)).astype("float32")


EXPECTED = {
    "minimax": (
        lambda r, f: -np.log(sigmoid(r)).mean() - np.log(1 - sigmoid(f)).mean(),
        lambda f: np.log(1 - sigmoid(f)).mean(),
    ),
    "non_saturating": (
        lambda r, f: -np.log(sigmoid(r)).mean() - np.log(1 - sigmoid(f)).mean(),
        lambda f: -np.log(sigmoid(f)).mean(),
    ),
    "hinge": (
        lambda r, f: np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean(),
        lambda f: -f.mean(),
    ),
    "least_squares": (
        lambda r, f: ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2,
        lambda f: ((f - 1) ** 2).mean() / 2,
    ),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda f: -f.mean()),
}


@pytest.mark.parametrize("name", losses.LOSSES)
def test_losses(name, logits):
    real, fake = logits
    loss, (discriminator, generator) = losses.get(name), EXPECTED[name]
    np.testing.assert_allclose(float(loss.discriminator(real, fake)), discriminator(real, fake), rtol=1e-5)
    np.testing.assert_allclose(float(loss.generator(fake)), generator(fake), rtol=1e-5)


def test_smoothing_is_one_sided(logits):
    real, fake = logits
    p, q = sigmoid(real), sigmoid(fake)
    expected = -(0.9 * np.log(p) + 0.1 * np.log(1 - p)).mean() - np.log(1 - q).mean()
    got = losses.get("non_saturating").discriminator(real, fake, 0.1)
    np.testing.assert_allclose(float(got), expected, rtol=1e-5)
    expected = ((real - 0.9) ** 2).mean() / 2 + (fake**2).mean() / 2
    np.testing.assert_allclose(float(losses.get("least_squares").discriminator(real, fake, 0.1)), expected, rtol=1e-5)


def test_large_logits_stay_finite():
    for name in losses.LOSSES:
        loss = losses.get(name)
        big = np.array([[1e4], [-1e4]], "float32")
        assert np.isfinite(float(loss.discriminator(big, -big)))
        assert np.isfinite(float(loss.generator(big)))


def test_a_pair_of_functions_is_a_loss():
    pair = (lambda real, fake, smoothing: 1.0, lambda fake: 2.0)
    assert losses.get(pair).generator(None) == 2.0


def test_anything_else_is_refused():
    for wrong in ("bce", None, 3, (1, 2), [len]):
        with pytest.raises(ValueError, match="loss must be one of minimax, non_saturating"):
            losses.get(wrong)
