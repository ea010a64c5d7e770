"""Pictures with their names over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

MARGIN = 8  # white pixels around a picture


def side_by_side(height: int, width: int, named: Sequence[tuple[str, Callable[[], Any]]]) -> Any:
    """A page of uint8 pictures (height, width, 3), each captioned: uint8 (height + 40, n * (width + 16), 3).

    named: [(caption, function that gives the picture), ...]. One is asked for after another, so that beside the page no
    two are held at a time.
    """
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    pitch = width + 2 * MARGIN
    page = np.full((height + 5 * MARGIN, len(named) * pitch, 3), 255, "uint8")
    for i, (text, picture) in enumerate(named):
        head = Image.new("RGB", (pitch, 4 * MARGIN), "white")
        ImageDraw.Draw(head).text((MARGIN, 2 * MARGIN), text, "black", ImageFont.load_default(16), anchor="lm")
        page[: 4 * MARGIN, i * pitch : (i + 1) * pitch] = np.asarray(head)
        left = i * pitch + MARGIN
        page[4 * MARGIN : 4 * MARGIN + height, left : left + width] = picture()
    return page
