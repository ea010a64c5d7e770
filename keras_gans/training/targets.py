"""Images with targets that are no class numbers, in batches that Keras's fit takes on any backend."""

import math

import keras
import numpy as np

from keras_gans.data.pipeline import epoch_flips, epoch_order


class TargetBatches(keras.utils.PyDataset):
    """Batches (images in 0..255, targets), the last one shorter; with a seed, in another order each epoch.

    Args:
        data: `keras_gans.data.Images`; whether they are mirrored in training is theirs to say (`load(..., flip=True)`).
        targets: array (n, ...), row i belongs to image i.
        batch_size: images a batch.
        seed: of order and mirroring, which are functions of (seed, epoch). None: in order, nothing mirrored.
    """

    def __init__(self, data, targets, batch_size, seed=None):
        super().__init__()  # no workers: what lies in memory is sooner taken than handed over
        self.images, self.targets, self.batch_size, self.seed = data.images, targets, batch_size, seed
        self.flip = seed is not None and getattr(data, "flip", False)
        self._begin(epoch=0)

    def _begin(self, epoch):
        n = len(self.targets)
        self.epoch = epoch
        self.order = np.arange(n) if self.seed is None else epoch_order(n, self.seed, epoch)
        self.mirrored = epoch_flips(n, self.seed, epoch) if self.flip else np.zeros(n, bool)

    def __len__(self):
        return math.ceil(len(self.targets) / self.batch_size)

    def __getitem__(self, number):
        index = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        return as_read(taken(self.images, index, self.mirrored)), self.targets[index]

    def on_epoch_end(self):
        self._begin(self.epoch + 1)


def taken(images, index, mirrored):
    """The images of these numbers, as an array of its own, those mirrored left to right that are to be: bool (all,)."""
    batch, turned = images[index], mirrored[index]
    batch[turned] = batch[turned, :, ::-1]
    return batch


def as_read(images):
    """uint8, or float in [-1, 1], as classifiers read them: float32 in 0..255."""
    return (images if images.dtype == np.uint8 else (images + 1.0) * 127.5).astype("float32")
