"""Which colour the thing in the middle of a picture has, by prototypes of photographs; and which one a caption names.

The measure of what a text-to-image model obeys: of captions that name one colour, how often is it the one measured?
"""

import re
from typing import NamedTuple

import numpy as np

_WHOLE = r"(?:bird|belly|breast|abdomen|chest|underbelly|underside|body)"


class Measure(NamedTuple):
    """What is looked for, and where.

    colours: the words. side: of the middle square, as a share of the picture's. share: of its pixels, the most
    saturated. Birds are small, and often white, gray or black: all pixels of a smaller middle say more of them than the
    saturated ones, which are leaves (of held-out photographs .39 are read as captioned instead of .29).
    """

    colours: tuple[str, ...]
    side: float
    share: float
    of_birds: bool = False


FLOWERS = Measure(("white", "yellow", "red", "pink", "purple", "orange", "blue"), 0.5, 0.5)
BIRDS = Measure(
    ("white", "yellow", "red", "blue", "black", "brown", "gray", "orange", "green"), 0.3, 1.0, of_birds=True
)


def named(caption, measure):
    """The one colour that a caption names, or None where it names none or several.

    Of birds only colours of the whole bird or its belly count: "a yellow bird", "the bird is yellow", "yellow belly".
    """
    text = caption.lower().replace("grey", "gray")
    word = f"({'|'.join(measure.colours)})"
    found = set(re.findall(rf"\b{word}\b", text))
    if len(found) != 1:
        return None
    if measure.of_birds:
        before = rf"\b{word}(?:[ ,-]+(?:and )?\w+)? {_WHOLE}\b"
        after = rf"\b{_WHOLE}(?: that)? is (?:mostly |all |completely |almost )?{word}\b"
        found = {*re.findall(before, text), *re.findall(after, text)}
    return found.pop() if found else None


def measured(images, measure):
    """float (n, 3): the mean colour, in L*a*b*, of the most saturated part of each picture's middle.

    images: uint8 (n, h, h, 3).
    """
    height = images.shape[1]
    edge = round(height * (1 - measure.side) / 2)
    middle = images[:, edge : height - edge, edge : height - edge].reshape(len(images), -1, 3)
    chroma = middle.max(axis=2).astype(int) - middle.min(axis=2)
    chosen = np.argsort(-chroma, axis=1, kind="stable")[:, : max(1, round(middle.shape[1] * measure.share))]
    return lab(np.take_along_axis(middle, chosen[..., None], axis=1) / 255.0).mean(axis=1)


def lab(rgb):
    """CIE L*a*b* (D65) of sRGB in [0, 1], shape (..., 3)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])
    ratio = xyz / np.array([0.9505, 1.0, 1.089])
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


class Prototypes:
    """The nearest of the colours' means, over photographs whose captions name that one."""

    def __init__(self, images, colours, measure):
        """Args:
        images: uint8 (n, h, h, 3).
        colours: the colour of each.
        measure: of which colours they are.
        """
        features, colours, self.measure = measured(images, measure), np.asarray(colours), measure
        self.names = sorted(set(colours.tolist()))
        self.means = np.stack([features[colours == name].mean(axis=0) for name in self.names])

    def of(self, images):
        """The names of the colours of pictures."""
        distances = np.linalg.norm(measured(images, self.measure)[:, None] - self.means, axis=-1)
        return [self.names[k] for k in distances.argmin(axis=1)]
