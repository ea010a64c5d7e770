"""Quality against speed as a picture: a panel for each protocol, a point for each model, drawn with Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .curve import DARK, GREY, SCALE, ticks

WIDTH, HEIGHT = 720, 300  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 40, 44  # margins; names stand right of their points
POINT = "#1864ab"

Panel = tuple[str, Sequence[tuple[str, float, float]]]


def draw(panels: Sequence[Panel]) -> Any:
    """The picture, uint8 (h, w, 3), of [(protocol, [(name, samples a second, distance), ...]), ...], at least one."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    page = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE * len(panels)), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(12 * SCALE)
    for number, (protocol, points) in enumerate(panels):
        _panel(pen, font, number * HEIGHT, protocol, points)
    return np.asarray(page.resize((WIDTH, HEIGHT * len(panels)), Image.Resampling.LANCZOS))


def _panel(pen: Any, font: Any, offset: int, protocol: str, points: Sequence[tuple[str, float, float]]) -> None:
    decades = [math.log10(speed) for _, speed, _ in points]
    left, right = math.floor(min(decades)), max(math.floor(min(decades)) + 1, math.ceil(max(decades)))
    top = 1.15 * max([distance for *_, distance in points] + [1e-9])  # distances begin at 0

    def at(decade: float, distance: float) -> tuple[float, float]:
        x = LEFT + (decade - left) / (right - left) * (WIDTH - LEFT - RIGHT)
        y = offset + HEIGHT - BOTTOM - max(distance, 0.0) / top * (HEIGHT - TOP - BOTTOM)
        return x * SCALE, y * SCALE

    for distance in ticks(0.0, top, about=4):
        pen.line((at(left, distance), at(right, distance)), GREY, SCALE)
        x, y = at(left, distance)
        pen.text((x - 8 * SCALE, y), f"{distance:g}", DARK, font, anchor="rm")
    for power in range(left, right + 1):
        x, y = at(power, 0.0)
        pen.line(((x, y), at(power, top)), GREY, SCALE)
        pen.text((x, y + 6 * SCALE), f"{10.0**power:,.15g}", DARK, font, anchor="mt")
    pen.text((LEFT * SCALE, (offset + 12) * SCALE), f"{protocol}, lower is better", DARK, font, anchor="lt")
    x, y = at(right, 0.0)
    pen.text((x, y + 24 * SCALE), "samples a second", DARK, font, anchor="rt")
    placed = [(name, *at(decade, distance)) for (name, _, distance), decade in zip(points, decades, strict=True)]
    for (name, x, y), line in zip(placed, apart([y for *_, y in placed], 14 * SCALE), strict=True):
        pen.ellipse((x - 4 * SCALE, y - 4 * SCALE, x + 4 * SCALE, y + 4 * SCALE), POINT)
        pen.text((x + 8 * SCALE, line), name, POINT, font, anchor="lm")


def apart(heights: Sequence[float], least: float) -> list[float]:
    """Where names stand beside points at these heights: none nearer than `least` to the one below it."""
    found, below = list(heights), math.inf
    for i in sorted(range(len(heights)), key=lambda i: -heights[i]):
        found[i] = below = min(heights[i], below - least)
    return found
