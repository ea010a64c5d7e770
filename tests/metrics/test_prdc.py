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
    precision = (across < radii(real, k_pr)[:, None]).any(0).mean()
    recall = (across < radii(fake, k_pr)[None]).any(1).mean()
    inside = across < radii(real, k_dc)[:, None]
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


def _with_copies(rng, d=64):
    """Half of the samples are copies of real rows: each lies on the edge of the balls that reach to that row."""
    real = rng.normal(size=(90, d))
    return np.concatenate([rng.permutation(real)[:45], rng.normal(size=(45, d))]), real


TIES = {
    "copies": _with_copies,
    "copies in float32": lambda rng: [x.astype("float32") for x in _with_copies(rng)],
    "copies far from 0": lambda rng: [x + 1e6 for x in _with_copies(rng)],
    "whole numbers": lambda rng: (rng.integers(0, 4, (80, 3)).astype("float64"), rng.integers(0, 4, (90, 3))),
    "whole numbers far from 0": lambda rng: (rng.integers(0, 4, (80, 3)) + 10**6, rng.integers(0, 4, (90, 3)) + 10**6),
    "twins": lambda rng: [np.repeat(rng.normal(size=(10, 4)), 10, axis=0)] * 2,
    "a row far out": lambda rng: [np.concatenate([np.full((1, 64), 1e7), x]) for x in _with_copies(rng)],
}


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("chunk", [2048, 7])
def test_what_lies_on_an_edge_lies_outside(rng, monkeypatch, ties, chunk):
    """To the last digit: copies and whole numbers have neighbours at exactly the distance that a ball reaches to."""
    monkeypatch.setattr(prdc, "_CHUNK", chunk)
    monkeypatch.setattr(prdc, "_CELLS", 100)
    monkeypatch.setattr(prdc, "_ROWS", 5)
    fake, real = TIES[ties](rng)
    expected = _by_definition(np.asarray(fake, "float64"), np.asarray(real, "float64"), 3, 5)
    assert prdc.all_four(fake, real) == pytest.approx(expected, rel=1e-12)
    assert (*prdc.shares(fake, real, 3), *prdc.balls(fake, real, 5)) == prdc.all_four(fake, real)


def test_a_set_against_itself_has_a_density_of_exactly_1(rng):
    """Each ball holds its centre and k - 1 neighbours: that the k-th lies outside makes no copy worth more than 1."""
    for x in (rng.normal(size=(200, 30)), 1e5 + rng.normal(size=(200, 30)).astype("float32")):
        found = metrics.density_coverage(x, x.copy())
        assert (found.density.value, found.coverage.value) == (1.0, 1.0)


def test_balls_without_a_radius_hold_nothing(rng):
    real = np.repeat(rng.normal(size=(10, 4)), 10, axis=0)
    assert metrics.precision_recall(real, real).precision.value == 0.0
    assert metrics.density_coverage(real, real).coverage.value == 0.0
    assert metrics.precision_recall(real, real, k=10).precision.value == 1.0


def test_the_protocol_holds_k_and_both_sizes(rng):
    found = metrics.density_coverage(rng.normal(size=(30, 4)), rng.normal(size=(40, 4)))
    assert found.coverage.protocol.startswith("coverage[30, given@")
    assert found.coverage.protocol.endswith("40 real, k=5]")


def test_too_few_rows_are_an_error(rng):
    with pytest.raises(MetricError, match="At least 4 rows of features were wanted on each side, and 3 came"):
        metrics.precision_recall(rng.normal(size=(3, 4)), rng.normal(size=(40, 4)))
    with pytest.raises(MetricError, match="k is a number of neighbours, and 0 came"):
        metrics.precision_recall(rng.normal(size=(30, 4)), rng.normal(size=(40, 4)), k=0)
