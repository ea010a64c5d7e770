"""Models that upscale, measured on pairs of a small and a large image, beside bicubic."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_gans import metrics
from keras_gans.artifacts import MetricError
from keras_gans.data import bicubic, photograph
from keras_gans.data import images as pixels
from keras_gans.metrics.features import Progress
from keras_gans.metrics.score import Score, protocol

METRICS = ("psnr", "ssim")
_LARGE = "HR"


class Measured(NamedTuple):
    """One pair. scores, bicubic_scores: {metric: value}, on the luminance, without a border of `scale` pixels."""

    name: str
    large: np.ndarray  # uint8 (h, w, 1 or 3)
    upscaled: np.ndarray
    bicubic: np.ndarray
    scores: dict[str, float]
    bicubic_scores: dict[str, float]


def chosen(names: Sequence[str]) -> list[str]:
    """Names of metrics, each once; MetricError for others."""
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        came = repr(unknown[0]) if unknown else "none"
        raise MetricError(f"What upscales is measured by {' and '.join(METRICS)}, and {came} came: choose of these.")
    return list(dict.fromkeys(names))


def measured(model: Any, folder: str | os.PathLike[str]) -> Iterator[Measured]:
    """Each pair of a folder, in order.

    Args:
        model: with `upscale` and `scale`.
        folder: holds HR/, and LRx4/ (by the model's scale) with files of the same names.

    Raises:
        MetricError: there are no such pairs, or one does not fit.
        DataError: an image cannot be read.
    """
    for name, *paths in pairs(folder, model.scale):
        small, large = (photograph.read(path).pixels for path in paths)
        wanted = tuple(model.scale * side for side in small.shape[:2])
        if small.dtype != np.uint8 or large.dtype != np.uint8 or large.shape[:2] != wanted:
            raise MetricError(
                f"{name}: 8-bit images of {small.shape[1]}x{small.shape[0]} and of {wanted[1]}x{wanted[0]} "
                f"were wanted, and the large one is {large.dtype}, {large.shape[1]}x{large.shape[0]}: mend the pair."
            )
        small, large = _without_alpha(small), _without_alpha(large)
        drawn = {"model": model.upscale(small), "bicubic": bicubic(small, scale=model.scale)}
        try:
            found = {key: _scores(image, large, model.scale) for key, image in drawn.items()}
        except MetricError as error:
            raise MetricError(f"{name}: {error}") from error
        yield Measured(name, large, drawn["model"], drawn["bicubic"], found["model"], found["bicubic"])


def pairs(folder: str | os.PathLike[str], scale: int) -> list[tuple[str, Path, Path]]:
    """[(name, small, large)] of a folder with HR/ and LRx4/; MetricError where there is none."""
    from keras_gans.data.folder import walk

    root = Path(os.path.expanduser(folder))
    large, small = root / _LARGE, root / f"LRx{scale}"
    if not large.is_dir() or not small.is_dir():
        raise MetricError(
            f"A folder with {_LARGE} and LRx{scale} in it, of large and small images, was wanted and {str(folder)!r} "
            "has not both: arrange it so."
        )
    names = list(walk(small))
    missing = [name for name in names if not (large / name).is_file()]
    if missing or not names:
        what = f"{missing[0]!r} has no large one" if missing else f"no image lies in {str(small)!r}"
        raise MetricError(f"Images of the same names in {_LARGE} and LRx{scale} were wanted and {what}: match them.")
    return [(name, small / name, large / name) for name in names]


def _without_alpha(image: np.ndarray) -> np.ndarray:
    return image[..., : image.shape[-1] - (image.shape[-1] in (2, 4))]


def _scores(image: np.ndarray, large: np.ndarray, scale: int) -> dict[str, float]:
    if 1 in (image.shape[-1], large.shape[-1]):  # the other may be grey in colour
        image, large = (pixels.with_channels(x, 1) for x in (image, large))
    return {name: float(getattr(metrics, name)(image, large, border=scale)) for name in METRICS}


def evaluate_pairs(
    model: Any, folder: str | os.PathLike[str], names: Sequence[str] = METRICS, progress: Progress | None = None
) -> list[Score]:
    """The means over a folder's pairs, with bicubic's and every image's in `details`. MetricError as `measured`."""
    names = chosen(names)
    count = len(pairs(folder, model.scale))
    found = []
    for pair in measured(model, folder):
        found.append(pair)
        if progress is not None:
            progress(len(found), count)
    return means(found, identity(folder, model.scale), model.scale, names)


def identity(folder: str | os.PathLike[str], scale: int) -> str:
    """What protocols call a folder of pairs: its name, and a hash of the files and their names, as Set5@1a2b3c4d."""
    digest = hashlib.sha256()
    for name, small, large in pairs(folder, scale):
        digest.update(name.encode("utf-8", "surrogateescape"))
        for path in (small, large):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"{Path(folder).resolve().name}@{digest.hexdigest()[:8]}"


def means(found: Sequence[Measured], title: str, scale: int, names: Sequence[str] = METRICS) -> list[Score]:
    """The scores of measured pairs: their means. title: what `identity` gave."""
    scores = []
    for name in names:
        details = {"bicubic": float(np.mean([pair.bicubic_scores[name] for pair in found]))}
        details |= {pair.name: pair.scores[name] for pair in found}
        value = float(np.mean([pair.scores[name] for pair in found]))
        text = protocol(name, "y", f"crop{scale}", f"{title} x{scale}")
        scores.append(Score(name, text, value, n_real=len(found), details=details))
    return scores


def strip(found: Sequence[Measured], side: int = 160) -> np.ndarray:
    """A row a pair, uint8 (h, w, 3): the middle, at most `side` pixels, of bicubic's, the model's and the original."""
    from keras_gans.data.images import grid, with_channels

    tiles = []
    for pair in found:
        for image in (pair.bicubic, pair.upscaled, pair.large):
            top, left = ((length - min(side, length)) // 2 for length in image.shape[:2])
            tile = np.full((side, side, 3), 255, "uint8")
            part = with_channels(image, 3)[top : top + side, left : left + side]
            tile[: part.shape[0], : part.shape[1]] = part
            tiles.append(tile)
    return grid(np.stack(tiles), columns=3, padding=4)
