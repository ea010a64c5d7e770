"""What models that make images larger have in common: images of any size and kind in, the same kind out."""

import gc
import logging

import keras
import numpy as np

from keras_gans import _peak
from keras_gans.artifacts import DataError
from keras_gans.data import images as pixels
from keras_gans.data.bicubic import bicubic
from keras_gans.models.tiles import LEAST, side_for, tiles
from keras_gans.training import backend

log = logging.getLogger("keras_gans")

MEMORY = 2**31  # bytes for one tile's maps at most; a quarter of what is free where that is less
_RANGES = {"uint8": 255.0, "uint16": 65535.0}
_LUMA = np.array([0.299, 0.587, 0.114], "float32")  # ITU-R 601


class Upscales:
    """Stands before the abstract model among a family's bases.

    A family sets `scale` and says in `upscaler` which network draws, and in `reach` how far it sees.
    """

    task = "upscale"
    scale: int

    def upscaler(self):
        """The functional model: (n, h, w, 3), 0..255 -> (n, scale h, scale w, 3) in [-1, 1]."""
        raise NotImplementedError

    def reach(self):
        """How many small pixels away something can be and still count."""
        raise NotImplementedError

    def upscale(self, images, tile="auto", progress=None):
        """Images `scale` times as high and wide.

        An image is cut into tiles that overlap as far as the network sees, so that the result is that of the whole
        image: floats to 1e-5, and uint8 but for one value in some 100,000, a level apart, for convolutions add up in
        an order that depends on the width. Only one tile is held in float at a time.

        Args:
            images: (h, w), (h, w, c) or (n, h, w, c), of any h and w; c is 1 (grey), 2 (grey and alpha), 3 or 4 (alpha
                last). uint8, uint16, or float in [-1, 1]. Or a list of such, of several sizes.
            tile: side of a tile in small pixels; None: the whole image at once; "auto": as large as memory allows.
            progress: function (tiles done, of how many), called for every tile.

        Returns:
            An array of the same kind, or a list of them. Grey stays grey; alpha is resized by `bicubic`.

        Raises:
            DataError: the images are others.
            MemoryError: there is none for the smallest tile.
            ValueError: tile is none of the above.
        """
        if tile not in ("auto", None) and (isinstance(tile, bool) or not isinstance(tile, int) or tile < 1):
            raise ValueError(f'tile must be "auto", None or a whole number of at least 1, got {tile!r}')
        if isinstance(images, (list, tuple)):
            return [self.upscale(image, tile, progress) for image in images]
        images = _checked(images)
        batch = images if images.ndim == 4 else images.reshape(1, *images.shape[:2], -1)
        n, height, width, channels = batch.shape
        large = np.empty((n, height * self.scale, width * self.scale, channels), images.dtype)
        if progress is not None and n > 1:
            progress = _Counted(progress, n)
        for image, out in zip(batch, large, strict=True):
            self._one(image, out, tile, progress)
        return large if images.ndim == 4 else large[0].reshape(*large.shape[1:3], *images.shape[2:])

    def _one(self, image, out, tile, progress):
        """Fills `out` (scale h, scale w, c) with the large one of an image (h, w, c)."""
        colours = image.shape[-1] - (image.shape[-1] in (2, 4))
        if colours < image.shape[-1]:
            out[..., -1] = _alpha(image[..., -1], self.scale)
        height, width = image.shape[:2]
        side = max(height, width) if tile is None else tile
        if tile == "auto":
            side = side_for(height, width, self.reach(), _allowed() // self._bytes_per_pixel())
        run = self._compiled()
        while True:
            parts = list(tiles(height, width, side, self.reach()))
            try:
                for done, part in enumerate(parts, start=1):
                    drawn = self._draw(run, _as_read(image[(*part.read, slice(0, colours))]))
                    out[(*part.target(self.scale), slice(0, colours))] = _as_came(
                        drawn[part.within(self.scale)], colours, image.dtype
                    )
                    if progress is not None:
                        progress(done, len(parts))
                return
            except Exception as error:
                if not backend.is_out_of_memory(error):
                    raise
                if side <= LEAST:
                    raise MemoryError(f"memory ran out on a tile of {side}x{side} pixels") from error
                side = max(LEAST, min(side, max(height, width)) // 2)
                log.warning("memory ran out: tiles are halved, to %d pixels a side", side)
            gc.collect()

    def _draw(self, run, small):
        """float32 (h, w, 3), 0..255 -> (scale h, scale w, 3) in [-1, 1], by what `_compiled` gave."""
        with backend.full_precision():
            drawn = run(small[None])
        return np.clip(keras.ops.convert_to_numpy(drawn)[0].astype("float32"), -1.0, 1.0)

    def _compiled(self):
        """The network as one function of any height and width, made once for each set of weights' network."""
        network = self.upscaler()
        held = self.__dict__.get("_upscaling")
        if held is None or held[0] is not network:
            held = (network, backend.inference(network))
            self.__dict__["_upscaling"] = held
        return held[1]

    def _bytes_per_pixel(self):
        """About what the maps of one small pixel take: three of the largest ones live at a time."""
        widest = self._arguments["width"] * self.scale**2 * 4
        return 3 * widest

    def samples(self):
        """None: a picture of its work needs a photograph, and a folder of weights has none."""
        return None


def _checked(images):
    images = np.asarray(images)
    kind = "float" if images.dtype.kind == "f" else images.dtype.name
    if kind not in ("uint8", "uint16", "float"):
        raise DataError(f"Images are uint8, uint16 or float in [-1, 1], and {images.dtype} came: convert them.")
    if images.ndim not in (2, 3, 4) or (images.ndim > 2 and images.shape[-1] not in (1, 2, 3, 4)):
        raise DataError(
            f"Images (h, w), (h, w, c) or (n, h, w, c) with 1 to 4 channels were wanted, and {images.shape} came: "
            "reshape them."
        )
    if 0 in images.shape:
        raise DataError(f"Images with pixels were wanted, and {images.shape} came: give at least one.")
    if kind == "float" and not np.abs(images).max() <= 1.0001:  # nor is NaN
        raise DataError("Float images lie in [-1, 1] and NaN or numbers beyond it came: scale them, or give uint8.")
    return images


def _as_read(image):
    """(h, w, 1 or 3) of any kind -> float32 (h, w, 3), 0..255."""
    if image.dtype.kind == "f":
        x = (image.astype("float32") + 1.0) * 127.5
    else:
        x = image.astype("float32") * np.float32(255.0 / _RANGES[image.dtype.name])
    return np.repeat(x, 3, axis=-1) if x.shape[-1] == 1 else x


def _as_came(drawn, channels, dtype):
    """float32 (h, w, 3) in [-1, 1] -> (h, w, channels) of the kind that came."""
    if channels == 1:
        drawn = (drawn @ _LUMA)[..., None]
    if dtype.kind == "f":
        return drawn.astype(dtype)
    if dtype == np.uint8:
        return pixels.to_uint8(drawn, -1.0, 1.0)
    return np.rint((drawn + 1.0) * (_RANGES[dtype.name] / 2)).astype(dtype)


def _alpha(alpha, scale):
    """(h, w) of any kind, resized and within its range."""
    if alpha.dtype == np.uint8:
        return bicubic(alpha, scale=scale)
    low, high = (-1.0, 1.0) if alpha.dtype.kind == "f" else (0.0, _RANGES[alpha.dtype.name])
    large = np.clip(bicubic(alpha.astype("float64"), scale=scale), low, high)
    return large.astype(alpha.dtype) if alpha.dtype.kind == "f" else np.rint(large).astype(alpha.dtype)


def _allowed():
    """Bytes that one tile's maps may take."""
    free = _peak.free_bytes()
    return MEMORY if free is None else max(2**26, min(MEMORY, free // 4))


class _Counted:
    """Turns the tiles of each of n images into those of all: images of one batch have as many."""

    def __init__(self, progress, n):
        self._progress, self._n, self._before = progress, n, 0

    def __call__(self, done, of):
        self._progress(self._before + done, self._n * of)
        if done == of:
            self._before += of
