"""The top floor, where cards, weights and models meet."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_gans.artifacts import CardError

if TYPE_CHECKING:
    import os

_loaded: weakref.WeakSet[Any] = weakref.WeakSet()  # models that `load` gave and that are still in memory


def load(
    name: str | os.PathLike[str],
    weights: bool = True,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    offline: bool | None = None,
    dtype: str | None = None,
) -> Any:
    """A pretrained model, ready to draw, to be compiled and to be fitted further.

    Args:
        name: a name that `list_models()` gives; or a folder that `save_pretrained` wrote: a Path, or a text that begins
            with ".", "/" or "~"; or a hub repository, "hf://user/repo" or "hf://user/repo@revision".
        weights: False builds the model with fresh weights; then nothing but the card is read.
        revision: of a hub repository.
        cache_dir: instead of the user's cache folder.
        offline: True keeps off the network (as KERAS_GANS_OFFLINE=1 does).
        dtype: None, or the Keras policy to train with, such as "mixed_bfloat16". Sampling runs in float32 all the same;
            a model that classifies reads as it trains.

    Returns:
        A `keras.Model`, as its card's task says: an `AdversarialModel` with `generate`; a `LeNet` or `ResidualNet` with
        `classify`, or an `AttributeNet` with `predict_attributes`; an `SRResNet` or `SRGAN` with `upscale`.

    Raises:
        UnknownModelError: there is no such model; nothing was opened.
        WeightsCorruptedError: no source has the bytes that weights.json promises.
        IncompatibleWeightsError: the weights belong to another architecture; none was set.
        DownloadError, OfflineError: the weights are not on this machine and could not be fetched.
        KerasGansError: the card is a recipe without weights.
    """
    from keras_gans.zoo import registry
    from keras_gans.zoo import weights as sources

    card = registry.find(name, revision=revision, cache_dir=cache_dir, offline=offline)
    tensors = sources.locate(card, cache_dir, offline) if weights else None
    _forget()
    model = build(card, dtype=dtype)
    _loaded.add(model)
    if tensors is not None:
        model.has_card_weights = True
        model.assign_tensors(tensors, f"the {card.family} that the card of {card.name} describes")
        model.read_files(card.folder)
    return model


def _forget() -> None:
    """Frees the models of earlier calls that nobody holds any more.

    A Keras model refers to itself in circles, and Python looks for those once the objects of some dozens of models have
    piled up: until then their weights fill the memory.
    """
    if _loaded:
        gc.collect()


def build(card: Any, dtype: str | None = None) -> Any:
    """The model that a card describes, with fresh weights; CardError if no family can build it."""
    from keras_gans import models

    if card.family not in models.FAMILIES:
        raise CardError(
            f"{card.folder}/card.toml: key 'family' must be one of {', '.join(models.FAMILIES)}, "
            f"got {card.family!r}: a newer keras_gans may know it."
        )
    arguments = dict(card.architecture)
    if dtype is not None:
        arguments["dtype"] = dtype
    try:
        model = getattr(models, card.family)(**arguments)
    except (TypeError, ValueError) as error:
        raise CardError(
            f"{card.folder}/card.toml: {card.family} can not be built from its [architecture]: {error}"
        ) from error
    model.card = card.to_dict()
    return model
