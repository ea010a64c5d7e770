"""Pictures with their names over them."""

from __future__ import annotations

from typing import Any

MARGIN = 8  # white pixels around a picture


def captioned(image: Any, text: str) -> Any:
    """uint8 (h, w, 3) on white, `text` above it: uint8 (h + 40, w + 16, 3)."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    height, width = image.shape[:2]
    page = Image.new("RGB", (width + 2 * MARGIN, height + 4 * MARGIN + MARGIN), "white")
    page.paste(Image.fromarray(image), (MARGIN, 4 * MARGIN))
    ImageDraw.Draw(page).text((MARGIN, 2 * MARGIN), text, "black", ImageFont.load_default(16), anchor="lm")
    return np.asarray(page)
