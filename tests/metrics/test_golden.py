"""Against what independent public implementations said of the same features (tests/golden/make_metrics.py)."""

from pathlib import Path

import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.metrics import inception, kernel, moments, prdc

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "metrics.npz")
SETS = [(GOLDEN[f"fake_{k}"], GOLDEN[f"real_{k}"]) for k in range(len(GOLDEN["frechet"]))]


@pytest.mark.parametrize("k", range(len(SETS)))
def test_frechet_distance(k):
    fake, real = SETS[k]
    traces = np.trace(moments.moments(fake).covariance) + np.trace(moments.moments(real).covariance)
    assert metrics.frechet_distance(fake, real).value == pytest.approx(GOLDEN["frechet"][k], abs=1e-6 * traces)


@pytest.mark.parametrize("k", range(len(SETS)))
def test_kernel_distance_of_the_same_subsets(k):
    found = kernel.of_features(*SETS[k], count=4, size=50, seed=k)
    np.testing.assert_allclose(found, GOLDEN["kernel"][k], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("k", range(len(SETS)))
def test_precision_recall_density_coverage_exactly(k):
    for neighbours in (3, 5):
        found = (*prdc.shares(*SETS[k], neighbours), *prdc.balls(*SETS[k], neighbours))
        assert found == pytest.approx(tuple(GOLDEN[f"prdc_{neighbours}"][k]), rel=1e-12)


def test_inception_score():
    logits = GOLDEN["logits"].astype("float64")
    p = np.exp(logits - logits.max(1, keepdims=True))
    found = inception.of_probabilities([p / p.sum(1, keepdims=True)], len(p), seed=3)
    assert (found.mean(), found.std()) == pytest.approx(tuple(GOLDEN["inception"]), abs=1e-5)
