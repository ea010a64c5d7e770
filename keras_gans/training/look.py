"""What is measured of two players at a step of their game, for `Health`."""

from typing import NamedTuple

import keras
import numpy as np

from keras_gans import losses, random

GRID = 8  # pictures are compared at about this many pixels a side
STREAM = 1 << 16  # a number that no player has: a look's noise is nobody else's


class Look(NamedTuple):
    """What was measured at a step.

    variety: mean distance between generated images, divided by that between real ones.
    ranked: share of the pairs (real, generated) whose real image has the higher logit; ties count half.
    spread: standard deviation of all logits.
    d_loss, g_loss: the compiled loss, without penalties and smoothing.
    d_unknowing: the discriminator's loss were all its logits 0.
    """

    step: int
    variety: float
    ranked: float
    spread: float
    d_loss: float
    g_loss: float
    d_unknowing: float


def measure(model, reals, labels, latents, step, seed):
    """A `Look` at a compiled model, with layers and augmentation as in training and nothing updated.

    Args:
        model: AdversarialModel.
        reals: images (n, h, w, c) in the model's value range.
        labels: NumPy array, of the real and of the generated images: int (n,), or vectors (n, d); or None.
        latents: (n, latent).
        step, seed: whole numbers that its noise is drawn from.
    """
    loss = losses.get(model.loss_name)

    def run(network, x):
        x = keras.ops.convert_to_tensor(x)
        return network(x if labels is None else [x, keras.ops.convert_to_tensor(labels)], training=True)

    with keras.StatelessScope(), random.scope(random.Noise(seed, STREAM, step)):
        fakes = run(model.generator, latents)
        on_real, on_fake = (run(model.discriminator, model.augment(images)) for images in (reals, fakes))
        zeros = keras.ops.zeros_like(on_real)
        values = (
            loss.discriminator(on_real, on_fake, 0.0),
            loss.generator(on_fake),
            loss.discriminator(zeros, zeros, 0.0),
        )
    on_real, on_fake = (_array(logits).ravel() for logits in (on_real, on_fake))
    classes = labels if labels is not None and labels.ndim == 1 else None
    return Look(
        step,
        distance(_array(fakes), classes) / max(distance(_array(reals), classes), 1e-6),
        ranked(on_real, on_fake),
        float(np.concatenate((on_real, on_fake)).std()),
        *(float(_array(value)) for value in values),
    )


def _array(tensor):
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))


def distance(images, labels=None):
    """Mean Euclidean distance between two of the images (n, h, w, c), made small. With labels: of one class."""
    n, height, width, channels = images.shape
    k = max(1, min(height, width) // GRID)
    rows, columns = height // k, width // k
    blocks = images[:, : rows * k, : columns * k].reshape(n, rows, k, columns, k, channels)
    flat = blocks.mean(axis=(2, 4)).reshape(n, -1).astype("float64")
    squares = np.square(flat).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * flat @ flat.T, 0.0))
    pairs = np.triu(np.ones((n, n), bool), 1)
    if labels is not None:
        pairs &= labels[:, None] == labels
    return float(distances[pairs].mean()) if pairs.any() else 0.0


def ranked(on_real, on_fake):
    """Share of the pairs whose real one has the higher logit, ties counting half: the area under the ROC curve."""
    higher, equal = on_real[:, None] > on_fake, on_real[:, None] == on_fake
    return float(higher.mean() + 0.5 * equal.mean())
