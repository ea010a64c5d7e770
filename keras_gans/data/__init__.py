"""Data: images in, checked, shuffled by seed.

    images = keras_gans.data.load("tfds:mnist", split="train[:50000]")
    images = keras_gans.data.load("~/photos", size=64, channels=3)
    for batch, labels in images.batches(64, seed=0): ...

Nothing here imports Keras, TensorFlow or Pillow before it is needed.
"""

from keras_gans.artifacts import DataError
from keras_gans.data.bicubic import bicubic
from keras_gans.data.captioned import Captioned
from keras_gans.data.captions import captioned
from keras_gans.data.check import prepare
from keras_gans.data.images import decode, grid, resize, save_png, square, to_range, to_uint8
from keras_gans.data.patches import Patches, super_resolution
from keras_gans.data.pipeline import Images
from keras_gans.data.sources import load

__all__ = [
    "Captioned",
    "DataError",
    "Images",
    "Patches",
    "bicubic",
    "captioned",
    "decode",
    "grid",
    "load",
    "prepare",
    "resize",
    "save_png",
    "square",
    "super_resolution",
    "to_range",
    "to_uint8",
]
