"""From weights and a seed to pictures."""

import keras
import numpy as np

from keras_gans import random
from keras_gans.data import images as image_data
from keras_gans.training import backend, statistics


def generate(model, n, seed, labels, latents, truncation, output, batch_size):
    """What `AdversarialModel.generate` documents."""
    latents = checked_latents(model, n, seed, latents, truncation)
    return drawn(model, latents, checked_labels(model, len(latents), labels), output, batch_size)


def drawn(model, latents, labels, output, batch_size):
    """Pictures (n, h, w, c) of latents and, where they are not None, labels or other conditions (n, ...)."""
    if output not in ("uint8", "float"):
        raise ValueError(f'output must be "uint8" or "float", got {output!r}')
    if not _is_count(batch_size) or batch_size < 1:
        raise ValueError(f"batch_size must be a whole number of at least 1, got {batch_size!r}")
    height, width, channels = model.image_shape
    pictures = np.zeros((len(latents), height, width, channels), "uint8" if output == "uint8" else "float32")
    for start in range(0, len(latents), batch_size):
        stop = min(start + batch_size, len(latents))
        chunk = [latents[start:stop]] if labels is None else [latents[start:stop], labels[start:stop]]
        pictures[start:stop] = finish(_draw(model, chunk, batch_size), model.value_range, output)
    return pictures


def finish(values, value_range, output):
    """The generator's values as "uint8" 0..255 or "float" in [-1, 1]."""
    low, high = value_range
    if output == "uint8":
        return image_data.to_uint8(values, low, high)
    return (values - low) * (2.0 / (high - low)) - 1.0


def _draw(model, inputs, batch_size):
    """Runs the sampler on one batch, filled up to `batch_size`: a picture must not depend on how many are asked for,
    and matrix products of different sizes round differently."""
    n = len(inputs[0])
    padded = [np.concatenate((x, np.repeat(x[:1], batch_size - n, axis=0))) for x in inputs]
    with backend.full_precision():
        drawn = model.sampler()(padded if len(padded) > 1 else padded[0], training=False)
    return keras.ops.convert_to_numpy(drawn)[:n]


def checked_latents(model, n, seed, latents, truncation):
    """float32 (n, latent): those that were given, or drawn ones. ValueError says what is wrong with an argument."""
    if latents is None:
        return random.sample_latents(n, seed, model.latent, model.prior, truncation)
    if truncation is not None:
        raise ValueError(
            "truncation belongs to latents that generate draws itself: give latents or truncation, not both"
        )
    latents = np.asarray(latents, "float32")
    if latents.ndim != 2 or latents.shape[1] != model.latent:
        raise ValueError(f"latents must have the shape (n, {model.latent}), got {latents.shape}")
    if not np.isfinite(latents).all():
        raise ValueError("latents must be finite numbers, some are NaN or infinite")
    return latents


def _is_count(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and 0 <= value < 2**63


def checked_labels(model, n, labels):
    """int32 (n,), or None for a model without classes."""
    if hasattr(model, "prompted"):
        raise ValueError("this model draws what a sentence says, and this knows of none: take model.generate(prompt)")
    classes = model.num_classes
    if classes is None:
        if labels is not None:
            raise ValueError("this model has no classes to choose from: leave labels out")
        return None
    if labels is None:
        return np.arange(n, dtype="int32") % classes
    labels = np.asarray(labels)
    if not np.issubdtype(labels.dtype, np.integer) or labels.ndim > 1 or labels.shape not in ((), (1,), (n,)):
        raise ValueError(f"labels must be one whole number or {n} of them, got {labels.dtype} of shape {labels.shape}")
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(f"labels must lie in 0..{classes - 1}, got {labels.min()}..{labels.max()}")
    return np.broadcast_to(labels, (n,)).astype("int32")


def reestimate_statistics(model, batches, batch_size, seed):
    """What `AdversarialModel.reestimate_statistics` documents."""

    def inputs():
        for k in range(batches):
            z = random.sample_latents(batch_size, seed, model.latent, model.prior, start=k * batch_size)
            labels = _next_labels(model, batch_size, k)
            yield z if labels is None else [z, labels]

    if statistics.take_anew(model.sampler(), inputs()):
        model.ema_ready.assign(1)  # the sampler is no longer a copy of the generator


def _next_labels(model, n, k):
    """The k-th n labels of 0, 1, 2, ... in turn."""
    return None if model.num_classes is None else (np.arange(n, dtype="int32") + k * n) % model.num_classes
