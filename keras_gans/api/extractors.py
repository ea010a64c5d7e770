"""Feature extractors by name: where the zoo's networks and the metrics meet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from keras_gans.artifacts import MetricError


def feature_extractor(name: str | os.PathLike[str], *, model: Any = None, weights: Any = None) -> Any:
    """What metrics take as `features=`.

    Args:
        name: "lenet_mnist", which reads digits, or another classifier of the zoo with features, by name or folder;
            "pixels"; "discriminator", `model`'s own; "inception2015", the network of published FIDs and Inception
            scores; "keras_inception", Keras Applications' InceptionV3, comparable to nothing published.
        model: a GAN, for "discriminator".
        weights: for "inception2015", the user's own file: the frozen graph of 2015-12-05, or its .tgz; for
            "keras_inception" a weights file, None: Keras fetches them.

    Returns:
        An object with `name`, `sha256`, `image_shape`, `features(images)` and, of classifiers,
        `probabilities(images)`.

    Raises:
        MetricError: what is asked for has no features, or an argument is missing.
        UnknownModelError and the other errors of `load`.
    """
    from keras_gans import metrics

    if name == "pixels":
        return metrics.Pixels()
    if name == "discriminator":
        if model is None:
            raise MetricError("The features of a discriminator are of a model: give it, as in model=gan.")
        return metrics.Discriminator(model)
    if name == "inception2015":
        return _inception2015(weights)
    if name == "keras_inception":
        from keras_gans.models.keras_inception import KerasInception

        return KerasInception(*([] if weights is None else [weights]))
    return _of_the_zoo(name)


def _inception2015(weights: Any) -> Any:
    from keras_gans.models.inception2015 import Inception2015

    weights = weights or os.environ.get("KERAS_GANS_INCEPTION2015")
    if weights is None:
        raise MetricError(
            "inception2015 needs its weights, which are not ours to ship: give weights=, the file or URL of "
            "inception-2015-12-05.tgz or classify_image_graph_def.pb, or set KERAS_GANS_INCEPTION2015 to it."
        )
    if str(weights).startswith(("http://", "https://")):
        weights = _fetched(str(weights))
    return Inception2015.from_file(Path(weights))


def _fetched(url: str) -> Path:
    """A file of the web in the user's cache, under a name that holds its URL's hash.

    The bytes are held to their SHA-256 where it is known; elsewhere the network checks names, shapes and structure.
    """
    import pooch

    from keras_gans.artifacts import DownloadError, OfflineError, is_offline, sha256_bytes
    from keras_gans.models.inception2015 import GRAPH_SHA256, GRAPH_URL
    from keras_gans.zoo import download

    folder = download.cache_dir() / "features"
    name = f"{sha256_bytes(url.encode())[:16]}-{url.rstrip('/').rsplit('/', 1)[-1][-80:]}"
    if is_offline(None) and not (folder / name).is_file():
        raise OfflineError(f"{url} is not in the cache and KERAS_GANS_OFFLINE is set: unset it, or give a file.")
    try:
        return Path(pooch.retrieve(url, GRAPH_SHA256 if url == GRAPH_URL else None, fname=name, path=folder))
    except Exception as error:  # whatever requests and the disk raise
        raise DownloadError(f"{url} could not be fetched ({error}): give a file that you have.") from error


def _of_the_zoo(name: Any) -> Any:
    from keras_gans import api, metrics
    from keras_gans.artifacts import read_provenance
    from keras_gans.zoo import registry

    card = registry.find(name)
    model = api.load(name)
    if card.task != "classify" or not hasattr(model, "probabilities"):
        raise MetricError(
            f"Features come from a classifier, and {card.name} is none that has them: take another, or pixels."
        )
    return metrics.Network(model, f"{card.name}-v{card.version}", read_provenance(card.folder)["sha256"])
