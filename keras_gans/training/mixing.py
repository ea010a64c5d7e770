"""Batches for classifiers, moved, cut and mixed in NumPy: the same on every backend, and when a run is resumed."""

from typing import NamedTuple

import keras
import numpy as np

from keras_gans.artifacts import CardError, DataError
from keras_gans.data.pipeline import epoch_flips, epoch_order, philox
from keras_gans.training.targets import as_read, taken


class Mixing(NamedTuple):
    """What is done to a batch, beside mirroring.

    crop: pixels by which each image is moved at most, up or down and left or right; its own mirror image fills in.
    cutmix: alpha of CutMix (Yun et al. 2019): a rectangle of each image comes from another, whose share of the area is
        1 - Beta(alpha, alpha), and the targets are shared alike. 0: none.
    mixup: alpha of mixup (Zhang et al. 2018): a sum of two images, in which the first has a share of
        Beta(alpha, alpha). 0: none.
    cutmix_share: of the batches that get CutMix; the others get mixup. Where cutmix is 0, all do.
    """

    crop: int = 0
    cutmix: float = 0.0
    mixup: float = 0.0
    cutmix_share: float = 0.5


KEYS = frozenset(Mixing._fields)  # what a recipe's table `data` may say to a classifier, beside flip


def asked_for(recipe):
    """The Mixing of a recipe's table `data`; CardError if a value is not as it must be."""
    table = {key: value for key, value in recipe.get("data", {}).items() if key in KEYS}
    for key, value in table.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or value < 0 or (key == "crop" and value != int(value)):
            wanted = "a whole number of pixels" if key == "crop" else "a number"
            raise CardError(f"A recipe's data.{key} is {wanted} of at least 0, and {value!r} came: correct the recipe.")
        if key == "cutmix_share" and value > 1:
            raise CardError(f"A recipe's data.cutmix_share is a share of 1, and {value!r} came: correct the recipe.")
    return Mixing(**table)


class MixedBatches(keras.utils.PyDataset):
    """Whole batches (images float32 (b, h, w, c) in 0..255, targets), step by step.

    What is in a batch is a function of (seed, step) alone: order, mirroring and moves of (seed, epoch, image), cuts and
    mixes of (seed, epoch, batch).

    Args:
        data: `keras_gans.data.Images`; whether they are mirrored is theirs to say (`load(..., flip=True)`).
        targets: array (n, ...), row i belongs to image i.
        batch_size: images a batch; what is left over of an epoch, others each time, is dropped.
        seed: whole number of at least 0.
        mixing: `Mixing`; None: nothing.
        num_classes: where the targets are labels (n,), which then become shares: float32 (b, num_classes).

    Raises:
        DataError: there is no whole batch, or the images are too small to be moved so far.
    """

    def __init__(self, data, targets, batch_size, seed=0, mixing=None, num_classes=None):
        super().__init__()  # no workers: what lies in memory is sooner taken than handed over
        mixing = mixing or Mixing()
        self.data, self.images, self.targets, self.batch_size = data, data.images, targets, batch_size
        self.seed, self.mixing, self.num_classes, self.flip = seed, mixing, num_classes, data.flip
        self.steps_per_epoch = data.steps_per_epoch(batch_size)
        self._drawn = None
        self._epoch = 0
        if mixing.crop >= min(data.shape[:2]):
            raise DataError(
                f"Images are to be moved by up to {mixing.crop} pixels, and these are {data.shape[1]}x{data.shape[0]}: "
                "lower crop, or take larger ones."
            )

    def unmixed(self):
        """The same batches of the images as they are."""
        data = self.data.with_flips(False)
        return MixedBatches(data, self.targets, self.batch_size, self.seed, num_classes=self.num_classes)

    def __len__(self):
        return self.steps_per_epoch

    def __getitem__(self, number):
        return self.at(self._epoch * self.steps_per_epoch + number)

    def on_epoch_end(self):
        self._epoch += 1

    def at(self, step):
        """The batch of a step, counted from 0 through all epochs."""
        epoch, number = divmod(step, self.steps_per_epoch)
        drawn = self._draws(epoch)
        index = drawn.order[number * self.batch_size : (number + 1) * self.batch_size]
        images, targets = taken(self.images, index, drawn.mirrored), self._targets(index)
        if self.mixing.crop:
            images = moved(images, drawn.corners[index], self.mixing.crop)
        images = as_read(images)
        if drawn.cuts[number]:
            return cutmix(images, targets, drawn.cut_shares[number], drawn.centres[number])
        if self.mixing.mixup:
            return mixup(images, targets, drawn.mix_shares[number])
        return images, targets

    def _targets(self, index):
        if self.num_classes is None:
            return self.targets[index]
        return np.eye(self.num_classes, dtype="float32")[self.targets[index]]

    def _draws(self, epoch):
        """All of an epoch's random numbers, kept until the next epoch's are asked for."""
        if self._drawn is None or self._drawn.epoch != epoch:
            self._drawn = _draw(epoch, len(self.images), self.steps_per_epoch, self.seed, self.flip, self.mixing)
        return self._drawn


class _Draws(NamedTuple):
    epoch: int
    order: np.ndarray  # (n,): the permutation of the images
    mirrored: np.ndarray  # bool (n,), by image
    corners: np.ndarray | None  # (n, 2), 0..2 crop, by image
    cuts: np.ndarray  # bool (steps,)
    centres: np.ndarray  # (steps, 2), of the rectangle, shares of height and width
    cut_shares: np.ndarray  # (steps,), what the rectangle leaves
    mix_shares: np.ndarray  # (steps,)


def _draw(epoch, n, steps, seed, flip, mixing):
    where, how = philox(seed, epoch, 2), philox(seed, epoch, 3)
    return _Draws(
        epoch,
        epoch_order(n, seed, epoch),
        epoch_flips(n, seed, epoch) if flip else np.zeros(n, bool),
        where.integers(0, 2 * mixing.crop + 1, (n, 2)) if mixing.crop else None,
        how.random(steps) < (mixing.cutmix_share if mixing.cutmix else 0.0),
        how.random((steps, 2)),
        how.beta(mixing.cutmix, mixing.cutmix, steps) if mixing.cutmix else np.ones(steps),
        how.beta(mixing.mixup, mixing.mixup, steps) if mixing.mixup else np.ones(steps),
    )


def moved(images, corners, most):
    """Each image (n, h, w, c) cut out again, of what its mirror images make `most` pixels larger on every side.

    corners: int (n, 2) in 0..2 * most: top and left of the cut; `most` is where it was.
    """
    _, height, width, _ = images.shape
    large = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="reflect")
    out = np.empty_like(images)
    for image, padded, (top, left) in zip(out, large, corners, strict=True):
        image[:] = padded[top : top + height, left : left + width]
    return out


def cutmix(images, targets, share, centre):
    """Into each image a rectangle of the one before it in the batch, changed in place; and the targets shared alike.

    Args:
        images, targets: (n, h, w, c) and float (n, k).
        share: of the area that an image keeps, before the rectangle is cut off at the edges.
        centre: of the rectangle, (y, x) as shares of height and width.
    """
    (top, bottom), (left, right) = (
        _extent(middle, side, np.sqrt(1.0 - share)) for middle, side in zip(centre, images.shape[1:3], strict=True)
    )
    images[:, top:bottom, left:right] = np.roll(images[:, top:bottom, left:right], 1, axis=0)
    kept = 1.0 - (bottom - top) * (right - left) / (images.shape[1] * images.shape[2])
    return images, _shared(targets, kept)


def _extent(middle, side, share):
    """Where what is `share` of the side long, around `middle` (a share too), begins and ends within the side."""
    length = int(side * share)
    first = int(side * middle) - length // 2
    return max(first, 0), min(first + length, side)


def mixup(images, targets, share):
    """`share` of each image, the rest from the one before it in the batch, changed in place; the targets alike."""
    share, last = np.float32(share), images[-1].copy()
    for i in range(len(images) - 1, -1, -1):  # from the end, one by one: no other large array is needed
        images[i] *= share
        images[i] += (1 - share) * (images[i - 1] if i else last)
    return images, _shared(targets, share)


def _shared(targets, share):
    return np.float32(share) * targets + np.float32(1.0 - share) * np.roll(targets, 1, axis=0)
