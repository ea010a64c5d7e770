"""How a large image is cut, so that what is made of its parts is what would be made of the whole."""

import itertools
import math
from typing import NamedTuple

LEAST = 16  # small pixels: no tile is chosen smaller, for most of what it sees is then seen for nothing


class Tile(NamedTuple):
    """One part. `read`: the rows and columns that the network sees; `kept`: those whose output is taken; both slices
    of the small image."""

    read: tuple[slice, slice]
    kept: tuple[slice, slice]

    def within(self, scale):
        """Where `kept` lies in the output of `read`: slices of rows and columns."""
        return tuple(
            slice(scale * (k.start - r.start), scale * (k.stop - r.start))
            for r, k in zip(self.read, self.kept, strict=True)
        )

    def target(self, scale):
        """Where it belongs in the large image."""
        return tuple(slice(scale * k.start, scale * k.stop) for k in self.kept)


def tiles(height, width, side, reach):
    """The `Tile`s of an image (height, width), of `side` x `side` kept pixels at most, row by row.

    Each sees `reach` pixels further than it keeps, or up to the image's edge: what lies beyond that counts for nothing.
    """
    for top, bottom, above, below in _spans(height, side, reach):
        for left, right, before, behind in _spans(width, side, reach):
            yield Tile((slice(above, below), slice(before, behind)), (slice(top, bottom), slice(left, right)))


def _spans(length, side, reach):
    """(first kept, end of kept, first read, end of read), the kept ones of as equal lengths as may be."""
    count = -(-length // side)
    edges = [length * i // count for i in range(count + 1)]
    for start, stop in itertools.pairwise(edges):
        yield start, stop, max(0, start - reach), min(length, stop + reach)


def side_for(height, width, reach, pixels):
    """The side of the largest tile that sees no more than `pixels` small pixels, but `LEAST` at least.

    That is the whole image's where it fits. A narrow image's tiles are as much longer.
    """
    if height * width <= pixels:
        return max(height, width)
    seen = max(math.isqrt(pixels), pixels // min(height, width))
    return max(LEAST, seen - 2 * reach)
