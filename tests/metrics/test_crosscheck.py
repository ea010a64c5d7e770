"""Against torch-fidelity, SciPy and prdc themselves, at sizes as in use: where the extra [crosscheck] is installed."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.metrics import inception, kernel, moments, prdc

pytestmark = [pytest.mark.crosscheck, pytest.mark.slow]
for name in ("scipy", "torch_fidelity", "prdc"):
    pytest.importorskip(name, reason='needs pip install -e ".[crosscheck]"')

_spec = importlib.util.spec_from_file_location("make_metrics", Path(__file__).parents[1] / "golden" / "make_metrics.py")
public = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(public)


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(1)
    mix = rng.normal(size=(256, 256)) / 16
    fake, real = rng.normal(size=(2000, 256)) @ mix, 1.1 * rng.normal(size=(2500, 256)) @ mix + 0.1
    return np.maximum(fake, 0).astype("float32"), np.maximum(real, 0).astype("float32")


def test_frechet_distance(features):
    fake, real = features
    traces = np.trace(moments.moments(fake).covariance) + np.trace(moments.moments(real).covariance)
    sides = fake.astype("float64"), real.astype("float64")
    for theirs in (public.frechet, public.frechet_by_root):
        assert metrics.frechet_distance(fake, real).value == pytest.approx(theirs(*sides), abs=1e-6 * traces)


def test_kernel_distance_of_the_same_subsets(features):
    fake, real = features
    expected = public.kernel(fake.astype("float64"), real.astype("float64"), kernel.subsets(2000, 2500, 10, 1000, 0))
    np.testing.assert_allclose(kernel.of_features(fake, real, count=10), expected, atol=1e-6)


def test_inception_score():
    logits = 3 * np.random.default_rng(2).normal(size=(5000, 100))
    p = np.exp(logits - logits.max(1, keepdims=True))
    found = inception.of_probabilities([p / p.sum(1, keepdims=True)], 5000, seed=6)
    expected = public.inception(logits, np.random.default_rng(6).permutation(5000) % 10, 10)
    assert (found.mean(), found.std()) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("k", [3, 5])
def test_precision_recall_density_coverage_exactly(features, k):
    found = (*prdc.shares(*features, k), *prdc.balls(*features, k))
    assert found == pytest.approx(public.prdc(*(x.astype("float64") for x in features), k), rel=1e-12)


@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("ties", ["whole numbers", "copies", "itself"])
def test_what_lies_on_an_edge_lies_where_prdc_has_it(features, k, ties):
    """In eighths, whose sums of squares are exact: else prdc's own rounding decides."""
    fake, real = (np.round(8 * x) / 8 for x in features)
    if ties == "whole numbers":
        fake, real = np.round(fake[:, :6] * 3), np.round(real[:, :6] * 3)
    elif ties == "copies":
        fake = np.concatenate([real[::2], fake[:1000]])
    else:
        fake = real.copy()
    found = (*prdc.shares(fake, real, k), *prdc.balls(fake, real, k))
    assert found == pytest.approx(public.prdc(fake.astype("float64"), real.astype("float64"), k), rel=1e-12)
