"""The picture of what upscales: a row for each photograph, of bicubic, the model's and the photograph."""

from pathlib import Path

import numpy as np

from keras_gans.data import images
from keras_gans.data.bicubic import bicubic

_COLUMNS, _PADDING = 3, 2


def rows(model, small, large):
    """uint8 (h, w, 3): of small pictures (n, h, w, 3) and the photographs that they come from."""
    shown = (bicubic(small, scale=model.scale), model.upscale(small, tile=None), large)
    pictures = [picture for row in zip(*shown, strict=True) for picture in row]
    return images.grid(np.stack(pictures), columns=_COLUMNS, padding=_PADDING)


def redrawn(model, folder):
    """The newest of the pictures that `rows` made in a run's folder, as the model draws now; None where there is none.

    Its photographs are made small anew, each by itself.
    """
    found = sorted(Path(folder).glob("step-*.png"))
    if not found:
        return None
    large = columns(np.asarray(images.decode(found[-1])))[-1]
    return rows(model, bicubic(large, scale=1 / model.scale), large)


def columns(page):
    """What `rows` laid out: [uint8 (n, h, w, 3) of bicubic, of the model, of the photographs]."""
    page = page[_PADDING:, _PADDING:]
    pitch = page.shape[1] // _COLUMNS
    tiles = page.reshape(len(page) // pitch, pitch, _COLUMNS, pitch, 3).swapaxes(1, 2)
    return [np.ascontiguousarray(tiles[:, i, : pitch - _PADDING, : pitch - _PADDING]) for i in range(_COLUMNS)]
