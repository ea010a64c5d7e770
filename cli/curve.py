"""A training curve as a picture: the losses by step, drawn with Pillow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 28, 36, 32  # margins
SCALE = 2  # drawn larger and shrunk, for smooth lines
COLOURS = {
    "d_loss": ("#d9480f", "discriminator"),
    "g_loss": ("#1864ab", "generator"),
    "loss": ("#1864ab", "classifier"),
}
GREY, DARK = "#dee2e6", "#495057"


def draw(rows: Sequence[Mapping[str, float]]) -> Any:
    """The picture, uint8 (h, w, 3), of the rows of a curve.csv, of which there must be at least one."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), "white")
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(12 * SCALE)
    names = [name for name in COLOURS if name in rows[0]]
    steps, losses = (
        _range([row["step"] for row in rows]),
        _range([row[name] for row in rows for name in names]),
    )

    def at(step: float, loss: float) -> tuple[float, float]:
        x = LEFT + (step - steps[0]) / (steps[1] - steps[0]) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - (loss - losses[0]) / (losses[1] - losses[0]) * (HEIGHT - TOP - BOTTOM)
        return x * SCALE, y * SCALE

    for loss in ticks(*losses):
        pen.line((at(steps[0], loss), at(steps[1], loss)), GREY, SCALE)
        x, y = at(steps[0], loss)
        pen.text((x - 8 * SCALE, y), f"{loss:g}", DARK, font, anchor="rm")
    for step in ticks(*steps):
        x, y = at(step, losses[0])
        pen.text((x, y + 8 * SCALE), f"{step:,.0f}", DARK, font, anchor="mt")
    pen.text(((WIDTH - RIGHT) * SCALE, 12 * SCALE), "steps", DARK, font, anchor="rt")
    place = LEFT * SCALE
    for name in names:
        colour, title = COLOURS[name]
        points = [at(row["step"], row[name]) for row in rows]
        pen.line(points * (2 if len(points) == 1 else 1), colour, 3 * SCALE // 2, joint="curve")
        pen.text((place, 12 * SCALE), f"loss of the {title}", colour, font, anchor="lt")
        place += int(pen.textlength(f"loss of the {title}", font)) + 24 * SCALE
    return np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The least and the greatest; something around them where they are equal."""
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def ticks(low: float, high: float, about: int = 6) -> Iterator[float]:
    """Round numbers from `low` to `high`: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    width = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    for i in range(math.ceil(low / width - 1e-9), math.floor(high / width + 1e-9) + 1):
        yield round(i * width, 12)
