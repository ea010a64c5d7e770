"""Tiles: every pixel once, each with all that can count for it."""

import numpy as np
import pytest

from keras_gans.models.tiles import LEAST, side_for, tiles


def _cases(count=300):
    rng = np.random.default_rng(0)
    for _ in range(count):
        height, width = (int(n) for n in rng.integers(1, 120, 2))
        yield height, width, int(rng.integers(1, 60)), int(rng.integers(0, 20)), int(rng.integers(1, 5))


def test_they_cover_every_pixel_once():
    for height, width, side, reach, scale in _cases():
        seen = np.zeros((height * scale, width * scale), int)
        for part in tiles(height, width, side, reach):
            seen[part.target(scale)] += 1
            rows, columns = part.kept
            assert 1 <= rows.stop - rows.start <= side
            assert 1 <= columns.stop - columns.start <= side
        assert (seen == 1).all()


def test_each_sees_as_far_as_the_network_or_to_the_edge():
    for height, width, side, reach, _ in _cases():
        for part in tiles(height, width, side, reach):
            for length, kept, read in zip((height, width), part.kept, part.read, strict=True):
                assert read.start == max(0, kept.start - reach)
                assert read.stop == min(length, kept.stop + reach)


def test_what_is_kept_lies_within_what_is_read():
    """Enlarged by repeating pixels, the parts make up the enlarged whole."""
    for height, width, side, reach, scale in _cases(100):
        image = np.arange(height * width).reshape(height, width)
        large = np.full((height * scale, width * scale), -1)
        for part in tiles(height, width, side, reach):
            drawn = image[part.read].repeat(scale, axis=0).repeat(scale, axis=1)
            large[part.target(scale)] = drawn[part.within(scale)]
        np.testing.assert_array_equal(large, image.repeat(scale, axis=0).repeat(scale, axis=1))


def test_they_are_as_few_and_as_equal_as_may_be():
    lengths = [part.kept[1].stop - part.kept[1].start for part in tiles(1, 100, 33, 5)]
    assert lengths == [25, 25, 25, 25]
    assert len(list(tiles(7, 9, 9, 5))) == 1


@pytest.mark.parametrize("pixels", [1, 1000, 20_000, 10**9])
def test_the_chosen_side_sees_no_more_than_it_may(pixels):
    for height, width, _, reach, _ in _cases(150):
        side = side_for(10 * height, 10 * width, reach, pixels)
        seen = max(
            (part.read[0].stop - part.read[0].start) * (part.read[1].stop - part.read[1].start)
            for part in tiles(10 * height, 10 * width, side, reach)
        )
        assert seen <= pixels or side == LEAST
        assert side >= min(LEAST, 10 * max(height, width))


def test_the_chosen_side_is_the_largest():
    assert side_for(30, 40, 5, 1200) == 40  # the whole
    assert side_for(1000, 1000, 5, 10_000) == 90
    assert side_for(20, 1000, 5, 2000) == 90  # a narrow one: 20 x 100 pixels are seen
    assert side_for(1000, 1000, 40, 5000) == LEAST  # not a pixel at a time, though 70 are seen at most
