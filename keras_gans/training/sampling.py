"""From weights and a seed to pictures."""

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from keras_gans import random
from keras_gans.training import drawing, statistics


class Pictures(NamedTuple):
    """Which pictures are to be drawn, however many.

    n: how many.
    inputs: function (start, stop) -> what the sampler takes for those pictures, [latents, labels] or [latents].
    about: {name: value}, JSON: all that they depend on beside the weights, in words for errors.
    """

    n: int
    inputs: Callable[[int, int], list[Any]]
    about: dict[str, Any]


def of_seed(model, n, seed, labels, truncation):
    """The `Pictures` that `AdversarialModel.generate` draws by these arguments."""
    random.check_whole("n", n)
    random.sample_latents(0, seed, model.latent, model.prior, truncation)  # says what is wrong with these
    given = checked_labels(model, 0 if labels is None else n, labels)

    def inputs(start, stop):
        z = random.sample_latents(stop - start, seed, model.latent, model.prior, truncation, start=start)
        if given is None:
            return [z]
        return [z, given[start:stop] if labels is not None else in_turn(model, start, stop)]

    of_labels = None if labels is None else digest(given)
    return Pictures(int(n), inputs, {"n": int(n), "seed": int(seed), "truncation": truncation, "labels": of_labels})


def of_conditions(model, n, conditions, which, seed, truncation):
    """The `Pictures` of a model that draws by vectors.

    Args:
        conditions: (m, d).
        which: function of pictures' numbers, an array -> (numbers of conditions, numbers of latents) of these.
        n, seed, truncation: as of `AdversarialModel.generate`.
    """
    random.check_whole("n", n)
    random.sample_latents(0, seed, model.latent, model.prior, truncation)  # says what is wrong with these

    def inputs(start, stop):
        of_condition, of_latent = which(np.arange(start, stop))
        return [random.latents_at(of_latent, seed, model.latent, model.prior, truncation), conditions[of_condition]]

    about = {"n": int(n), "seed": int(seed), "truncation": truncation, "conditions": digest(conditions)}
    return Pictures(int(n), inputs, {**about, "arrangement": digest(which(np.arange(min(n, 10_000))))})


def in_turn(model, start, stop):
    """int32 (stop - start,): the labels that pictures have where nobody says others: 0, 1, 2, ... in turn."""
    return np.arange(start, stop, dtype="int32") % model.num_classes


def digest(array):
    """The SHA-256 of an array's bytes."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def batches(model, pictures, batch_size):
    """Yields `Pictures`, a batch (n, h, w, c) of uint8 at a time."""
    check_batch_size(batch_size)
    spans = [(start, min(start + batch_size, pictures.n)) for start in range(0, pictures.n, batch_size)]
    compiled = drawing.pays_to_compile(pictures.n, batch_size)
    brush = drawing.Drawing(model, "uint8", batch_size, drawing.devices_of(model), compiled)
    yield from brush.batches(pictures.inputs(*span) for span in spans)


def generate(model, n, seed, labels, latents, truncation, output, batch_size):
    """What `AdversarialModel.generate` documents."""
    latents = checked_latents(model, n, seed, latents, truncation)
    return drawn(model, latents, checked_labels(model, len(latents), labels), output, batch_size)


def drawn(model, latents, labels, output, batch_size):
    """Pictures (n, h, w, c) of latents and, where they are not None, labels or other conditions (n, ...)."""
    if output not in ("uint8", "float"):
        raise ValueError(f'output must be "uint8" or "float", got {output!r}')
    check_batch_size(batch_size)
    n, inputs = len(latents), [latents] if labels is None else [latents, labels]
    pictures = np.zeros((n, *model.image_shape), "uint8" if output == "uint8" else "float32")
    starts = range(0, n, batch_size)
    draw = drawing.Drawing(model, output, batch_size, drawing.devices_of(model), drawing.pays_to_compile(n, batch_size))
    batches = draw.batches([x[start : start + batch_size] for x in inputs] for start in starts)
    for start, found in zip(starts, batches, strict=True):
        pictures[start : start + batch_size] = found
    return pictures


def check_batch_size(batch_size):
    if not _is_count(batch_size) or batch_size < 1:
        raise ValueError(f"batch_size must be a whole number of at least 1, got {batch_size!r}")


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
        return in_turn(model, 0, n)
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
            yield z if model.num_classes is None else [z, in_turn(model, k * batch_size, (k + 1) * batch_size)]

    if statistics.take_anew(model.sampler(), inputs()):
        model.ema_ready.assign(1)  # the sampler is no longer a copy of the generator
