"""The picture of a training curve."""

import numpy as np
import pytest

from keras_gans.cli import curve


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 6.0, [0, 1, 2, 3, 4, 5, 6]),
        (0.2, 2.9, [0.5, 1.0, 1.5, 2.0, 2.5]),
        (30, 15_000, [5000, 10_000, 15_000]),
        (-0.01, 0.01, [-0.01, -0.005, 0.0, 0.005, 0.01]),
        (6.5, 7.5, [6.6, 6.8, 7.0, 7.2, 7.4]),
    ],
)
def test_ticks_are_round_numbers_within(low, high, expected):
    assert list(curve.ticks(low, high)) == pytest.approx(expected)


def lines(picture):
    """Each loss's height in each column, counted from the top; NaN where it is not: {name: (w,)}."""
    found = {}
    for name, (colour, _) in curve.COLOURS.items():
        ink = 255.0 - np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
        on_paper = 255.0 - picture[curve.TOP :]
        share = on_paper @ ink / (ink @ ink)  # of the ink in each pixel: lines have soft edges
        other = np.abs(on_paper - share[..., None] * ink).sum(-1)
        share = np.where((share > 0.3) & (other < 40), share, 0.0)
        with np.errstate(invalid="ignore"):
            found[name] = (np.arange(len(share))[:, None] * share).sum(0) / share.sum(0)
    return found


def test_both_losses_are_drawn_where_they_belong():
    rows = [{"step": step, "d_loss": 1.0 - step / 100, "g_loss": 2.0 + step / 100} for step in range(1, 101)]
    picture = curve.draw(rows)
    assert picture.shape == (curve.HEIGHT, curve.WIDTH, 3)
    found = lines(picture)
    middle = slice(curve.LEFT + 20, curve.WIDTH - curve.RIGHT - 20)
    d, g = found["d_loss"][middle], found["g_loss"][middle]
    assert (np.diff(d[::10]) > 0).all()  # falls, so its distance from the top grows
    assert (np.diff(g[::10]) < 0).all()
    height = curve.HEIGHT - curve.TOP - curve.BOTTOM
    share = (np.arange(*middle.indices(curve.WIDTH)) - curve.LEFT) / (curve.WIDTH - curve.LEFT - curve.RIGHT)
    steps = 1 + 99 * share
    np.testing.assert_allclose(d, height * (3.0 - (1.0 - steps / 100)) / 3.0, atol=1.5)
    np.testing.assert_allclose(g, height * (3.0 - (2.0 + steps / 100)) / 3.0, atol=1.5)


def test_a_classifiers_loss_is_drawn_and_its_accuracy_is_not():
    rows = [{"step": step, "loss": 3.0 - step / 100, "accuracy": step / 100} for step in range(1, 101)]
    found = lines(curve.draw(rows))["loss"][curve.LEFT + 20 : curve.WIDTH - curve.RIGHT - 20]
    height = curve.HEIGHT - curve.TOP - curve.BOTTOM
    np.testing.assert_allclose(
        found[[0, -1]], [0.03 * height, 0.97 * height], atol=4
    )  # all of the height is the loss's


@pytest.mark.parametrize("rows", [[{"step": 5, "d_loss": 1.0, "g_loss": 1.0}], [{"step": 5, "d_loss": 1.0}] * 2])
def test_a_curve_without_extent_is_drawn(rows):
    assert curve.draw(rows).min() < 255
