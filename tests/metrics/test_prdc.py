"""Precision, recall, density, coverage, against brute force; and how they behave."""

import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.artifacts import MetricError
from keras_gans.metrics import prdc


def _by_definition(fake, real, k_pr, k_dc):
    def distances(a, b):
        return np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))

    def radii(x, k):
        return np.sort(distances(x, x), axis=1)[:, k]  # the 0th is itself

    across = distances(real, fake)
    precision = (across <= radii(real, k_pr)[:, None]).any(0).mean()
    recall = (across <= radii(fake, k_pr)[None]).any(1).mean()
    inside = across <= radii(real, k_dc)[:, None]
    return precision, recall, inside.sum() / (k_dc * len(fake)), inside.any(1).mean()


@pytest.mark.parametrize("chunk", [2048, 7])
def test_all_four_are_the_definition(rng, monkeypatch, chunk):
    monkeypatch.setattr(prdc, "_CHUNK", chunk)
    fake, real = 0.8 * rng.normal(size=(60, 3)) + 0.3, rng.normal(size=(75, 3))
    pr, dc = metrics.precision_recall(fake, real), metrics.density_coverage(fake, real)
    found = pr.precision.value, pr.recall.value, dc.density.value, dc.coverage.value
    assert found == pytest.approx(_by_definition(fake, real, 3, 5), rel=1e-12)


def test_samples_of_one_mode_are_precise_and_recall_little(rng):
    real = np.concatenate([rng.normal(size=(300, 4)), rng.normal(size=(300, 4)) + 20])
    fake = rng.normal(size=(600, 4))
    pr, dc = metrics.precision_recall(fake, real), metrics.density_coverage(fake, real)
    assert pr.precision.value > 0.9
    assert pr.recall.value < 0.55
    assert dc.coverage.value < 0.55


def test_twins_count(rng):
    real = np.repeat(rng.normal(size=(10, 4)), 10, axis=0)  # every ball has radius 0
    assert metrics.precision_recall(real, real).precision.value == 1.0
    assert metrics.density_coverage(real, real).coverage.value == 1.0


def test_the_protocol_holds_k_and_both_sizes(rng):
    found = metrics.density_coverage(rng.normal(size=(30, 4)), rng.normal(size=(40, 4)))
    assert found.coverage.protocol.startswith("coverage[30, given@")
    assert found.coverage.protocol.endswith("40 real, k=5]")


def test_too_few_rows_are_an_error(rng):
    with pytest.raises(MetricError, match="At least 4 rows of features were wanted on each side, and 3 came"):
        metrics.precision_recall(rng.normal(size=(3, 4)), rng.normal(size=(40, 4)))
    with pytest.raises(MetricError, match="k is a number of neighbours, and 0 came"):
        metrics.precision_recall(rng.normal(size=(30, 4)), rng.normal(size=(40, 4)), k=0)
