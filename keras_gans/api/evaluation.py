"""`keras_gans.evaluate`: models and folders of images, measured by protocols that stand in the scores."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_gans import metrics as measured
from keras_gans.api import cost
from keras_gans.api.extractors import feature_extractor
from keras_gans.api.measures import MEASURES, Measure, Subject, check
from keras_gans.api.real_images import RealSide, images_of, real_side
from keras_gans.artifacts import MetricError
from keras_gans.metrics.features import Progress
from keras_gans.metrics.score import Score, over_seeds

log = logging.getLogger("keras_gans")

DEFAULT = ("fid", "kid", "prdc")
SEEDS = 5


def evaluate(
    what: Any,
    metrics: str | Sequence[str] | None = None,
    against: Any = None,
    *,
    features: Any = None,
    n: int | None = None,
    seeds: int = SEEDS,
    split: str | None = None,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> list[Score]:
    """Measures a model, or any images.

    Args:
        what: a published name, a model's folder, or a model; or images: a folder, an archive, an array, a
            tf.data.Dataset.
        metrics: names among "fid", "kid", "prdc", "is", "accuracy", "swd", "parzen", "one_nn", "cas", "support",
            "ms_ssim", "memorized", "probe", as a list or a text with commas between; of a model that upscales "psnr"
            and "ssim". None: fid, kid and prdc; or those two.
        against: the real images: "tfds:NAME", a folder, an archive, an array; or their statistics, a `Reference` or the
            path of one, by whatever name. None: what the model's card names, whose statistics ship. For a model that
            upscales: a folder with HR/ and LRx4/ (by its scale), whose files have the same names.
        features: an extractor, or its name as `feature_extractor` takes it. None: what the card names.
        n: samples drawn for each seed. None: what the card says, or 10,000; of images, all.
        seeds: how many sampling seeds, 0, 1, ...: the score is their mean, its interval 95 % by Student's t. Images are
            measured once.
        split: of "tfds:NAME", or of a folder with a subfolder for each split. None: the card's where `against` is; else
            "train".
        batch_size: images drawn and read at once.
        progress: function (images done, of how many).

    Returns:
        A list of `Score`.

    Raises:
        MetricError: what is asked for cannot be measured so; the sentence says what can.
        The errors of `load` and `keras_gans.data.load`.
    """
    if upscales(what):
        return _of_pairs(what, metrics, against, progress)
    names = _names(DEFAULT if metrics is None else metrics)
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        raise MetricError(f"seeds is how many sampling seeds, and {seeds!r} came: give a whole number above 0.")
    fake, card = resolve(what)
    drawn = hasattr(fake, "generate")
    asked = (card.protocol if card else {}) or {}
    extractor = _fitting(_extractor(names, features, asked, fake), fake)
    n = n if n is not None else asked.get("samples", 10_000) if drawn else None
    side = RealSide(against, extractor, asked, split, batch_size, progress, _shape(fake))
    real = images_of(against, asked, split, fake)
    subject = Subject(fake, n, extractor, lambda: side.reference, real, batch_size, progress)
    seeds = seeds if drawn else 1
    unread = side.unread() if any(MEASURES[name].looks_at == "features" for name in names) else None
    measures = [MEASURES[name] for name in names]
    check(measures, subject, features=False)  # before something is drawn to see how long that takes
    log.info("%s", cost.said(subject, names, seeds, unread))
    scores = _over_seeds(measures, subject, seeds)
    if "parzen" in names:
        log.warning("%s", measured.PARZEN_CAVEAT)  # last, so that it stands next to the number
    return scores


def upscales(what: Any) -> bool:
    """Whether `what` is a model that upscales, or names one."""
    if hasattr(what, "upscale"):
        return True
    card = None if hasattr(what, "generate") else resolve_card(what)
    return card is not None and card.task == "upscale"


def _of_pairs(what: Any, metrics: Any, against: Any, progress: Progress | None) -> list[Score]:
    from keras_gans.api.pairs import METRICS, chosen, evaluate_pairs

    if not isinstance(against, (str, os.PathLike)):
        raise MetricError(
            "A model that upscales is measured on a folder with HR and LRx4 in it: say where, as in against='Set14'."
        )
    model, names = upscaler(what), chosen(METRICS if metrics is None else _split(metrics))
    log.info("%s", cost.said_of_pairs(model, against, names))
    return evaluate_pairs(model, against, names, progress)


def upscaler(what: Any) -> Any:
    """The model, loaded if a name or a folder came."""
    from keras_gans import api

    if hasattr(what, "upscale"):
        return what
    return api.load(what if isinstance(what, str) else Path(os.path.expanduser(what)))


def _split(metrics: str | Sequence[str]) -> list[str]:
    return [name.strip() for name in (metrics.split(",") if isinstance(metrics, str) else metrics)]


def _names(metrics: str | Sequence[str]) -> list[str]:
    names = _split(metrics)
    unknown = [name for name in names if name not in MEASURES]
    if unknown or not names:
        came = repr(unknown[0]) if unknown else "none"
        raise MetricError(f"Metrics are {', '.join(MEASURES)}, and {came} came: choose among them.")
    return list(dict.fromkeys(names))


def resolve(what: Any) -> tuple[Any, Any]:
    """(what draws or holds the samples, its card or None) of anything that `evaluate` takes."""
    from keras_gans import api

    card = resolve_card(what)
    if card is None or hasattr(what, "generate"):
        return what, card
    if card.task != "generate":
        raise MetricError(f"{card.name} draws nothing: what it reads is measured otherwise (docs/measured.md).")
    return api.load(what if isinstance(what, str) else Path(os.path.expanduser(what))), card


def resolve_card(what: Any) -> Any:
    """The card of a name, of a folder that holds one, or of a model that came from one; else None."""
    from keras_gans.zoo import registry
    from keras_gans.zoo.card import NAME, Card

    if hasattr(what, "generate"):
        return Card.from_dict(what.card, Path()) if getattr(what, "card", None) else None
    if isinstance(what, str) and (NAME.fullmatch(what) or what.startswith("hf://")):
        return registry.find(what)
    if isinstance(what, (str, os.PathLike)) and (folder := _folder_with_card(what)) is not None:
        return registry.find(folder)
    return None


def has_card(what: Any) -> bool:
    """Whether `what` is a published name or a model's folder."""
    return isinstance(what, (str, os.PathLike)) and _folder_with_card(what) is not None


def _folder_with_card(what: Any) -> Path | None:
    from keras_gans.artifacts import CARD
    from keras_gans.zoo import registry

    if isinstance(what, str) and what in registry.names():
        return registry.models_folder() / what
    folder = Path(os.path.expanduser(what))
    return folder if os.path.isfile(os.path.join(folder, CARD)) else None


def record(what: Any, scores: Sequence[Score]) -> Path:
    """Writes scores into a model's folder, in place of older ones of the same protocol; returns the file.

    scores.json: {"version": the card's, "sha256": of the weights, "scores": [...]}. Those of other weights are dropped.
    """
    from keras_gans import artifacts
    from keras_gans.zoo import registry

    folder = _folder_with_card(what)
    if folder is None:
        raise MetricError(f"Scores are written into a model's folder, and {what!r} is none: give a name or a folder.")
    path = folder / artifacts.SCORES
    card, sha = registry.find(what if isinstance(what, str) else folder), artifacts.read_provenance(folder)["sha256"]
    before = artifacts.read_json(path) if path.is_file() else {}
    kept = before.get("scores", []) if before.get("sha256") == sha else []
    new = [score.to_dict() for score in scores]
    kept = [old for old in kept if old["protocol"] not in {score["protocol"] for score in new}]
    ordered = sorted([*kept, *new], key=lambda score: score["protocol"])
    artifacts.write_json(path, {"version": card.version, "sha256": sha, "scores": ordered})
    return path


def statistics_of(
    what: Any, against: Any, features: Any, split: str | None = None, progress: Progress | None = None
) -> Any:
    """The `Reference` that `evaluate` measures `what` against."""
    card = resolve_card(what)
    asked = card.protocol if card else {}
    fake = resolve(what)[0] if card else what
    extractor = _fitting(_extractor(["fid"], features, asked, fake), fake)
    return real_side(against, extractor, asked, split, progress=progress, drawn=_shape(fake))


def _extractor(names: list[str], features: Any, asked: dict[str, Any], fake: Any) -> Any:
    if not any(MEASURES[name].extractor for name in names):
        return None
    features = features or asked.get("features")
    if features is None:
        raise MetricError(
            f"{names[0]} is taken on features and the model's card names none: say which features, lenet_mnist for "
            "digits, or pixels."
        )
    if features == "discriminator" and not hasattr(fake, "features"):
        raise MetricError(
            "The features of a discriminator are of a model, and images came: measure a model, or take other features."
        )
    return feature_extractor(features, model=fake) if isinstance(features, (str, os.PathLike)) else features


def _shape(fake: Any) -> Any:
    """(h, w, c) of what a model draws; None of images."""
    return tuple(fake.image_shape) if hasattr(fake, "generate") and hasattr(fake, "image_shape") else None


def _fitting(extractor: Any, fake: Any) -> Any:
    """Pixels are comparable at one size only: the model's."""
    if isinstance(extractor, measured.Pixels) and extractor.image_shape is None and hasattr(fake, "image_shape"):
        return measured.Pixels(fake.image_shape)
    return extractor


def _over_seeds(measures: list[Measure], subject: Subject, seeds: int) -> list[Score]:
    """Every score's mean over the seeds. Seed by seed, so that all measures look at the same samples, drawn once."""
    check(measures, subject)
    by_measure: list[list[list[Score]]] = [[] for _ in measures]
    for seed in range(seeds):
        for measure, found in zip(measures, by_measure, strict=True):
            if seed == 0 or not measure.once:
                found.append(measure.run(subject, seed))
    return [over_seeds(same) for found in by_measure for same in zip(*found, strict=True)]
