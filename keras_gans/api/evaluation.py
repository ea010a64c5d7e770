"""`keras_gans.evaluate`: models and folders of images, measured by protocols that stand in the scores."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_gans import metrics as measured
from keras_gans.api.extractors import feature_extractor
from keras_gans.api.measures import MEASURES, Measure, Subject
from keras_gans.artifacts import MetricError
from keras_gans.metrics import sources, statistics
from keras_gans.metrics.features import Progress
from keras_gans.metrics.score import Score, over_seeds

log = logging.getLogger("keras_gans")

DEFAULT = ("fid", "kid", "prdc")
SEEDS = 5


def evaluate(
    what: Any,
    metrics: str | Sequence[str] = DEFAULT,
    against: Any = None,
    *,
    features: Any = None,
    n: int | None = None,
    seeds: int = SEEDS,
    split: str = "train",
    batch_size: int = 64,
    progress: Progress | None = None,
) -> list[Score]:
    """Measures a model, or any images.

    Args:
        what: a published name, a model's folder, or a model; or images: a folder, an archive, an array, a
            tf.data.Dataset.
        metrics: names among "fid", "kid", "prdc", "is", "accuracy", "swd", "parzen", "one_nn", "cas", "support",
            "ms_ssim", "memorized", "probe", as a list or a text with commas between.
        against: the real images: "tfds:NAME", a folder, an archive, an array; or their statistics, a `Reference` or the
            path of one (*.stats.safetensors). None: what the model's card names, whose statistics ship.
        features: an extractor, or its name as `feature_extractor` takes it. None: what the card names.
        n: samples drawn for each seed. None: what the card says, or 10,000; of images, all.
        seeds: how many sampling seeds, 0, 1, ...: the score is their mean, its interval 95 % by Student's t. Images are
            measured once.
        split: of "tfds:NAME".
        batch_size: images drawn and read at once.
        progress: function (images done, of how many).

    Returns:
        A list of `Score`.

    Raises:
        MetricError: what is asked for cannot be measured so; the sentence says what can.
        The errors of `load` and `keras_gans.data.load`.
    """
    names = _names(metrics)
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        raise MetricError(f"seeds is how many sampling seeds, and {seeds!r} came: give a whole number above 0.")
    fake, card = resolve(what)
    drawn = hasattr(fake, "generate")
    asked = (card.protocol if card else {}) or {}
    extractor = _fitting(_extractor(names, features, asked), fake)
    n = n if n is not None else asked.get("samples", 10_000) if drawn else None
    subject = Subject(
        fake,
        n,
        extractor,
        lambda: real_side(against, extractor, asked, split, batch_size, progress),
        _real_images(against, asked, split, fake),
        batch_size,
        progress,
    )
    seeds = seeds if drawn else 1
    _estimate(subject, names, seeds)
    return _over_seeds([MEASURES[name] for name in names], subject, seeds)


def _names(metrics: str | Sequence[str]) -> list[str]:
    names = [name.strip() for name in (metrics.split(",") if isinstance(metrics, str) else metrics)]
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
    what: Any, against: Any, features: Any, split: str = "train", progress: Progress | None = None
) -> Any:
    """The `Reference` that `evaluate` measures `what` against."""
    card = resolve_card(what)
    asked = card.protocol if card else {}
    fake = resolve(what)[0] if card else what
    return real_side(against, _fitting(_extractor(["fid"], features, asked), fake), asked, split, progress=progress)


def _extractor(names: list[str], features: Any, asked: dict[str, Any]) -> Any:
    if not any(MEASURES[name].extractor for name in names):
        return None
    features = features or asked.get("features")
    if features is None:
        raise MetricError(
            f"{names[0]} is taken on features and the model's card names none: say which, as in features='lenet_mnist' "
            "for digits, or 'pixels'."
        )
    return feature_extractor(features) if isinstance(features, (str, os.PathLike)) else features


def _fitting(extractor: Any, fake: Any) -> Any:
    """Pixels are comparable at one size only: the model's."""
    if isinstance(extractor, measured.Pixels) and extractor.image_shape is None and hasattr(fake, "image_shape"):
        return measured.Pixels(fake.image_shape)
    return extractor


def _real_images(against: Any, asked: dict[str, Any], split: str, fake: Any) -> Any:
    """A function of a split's name that gives the real images, or None where they are not at hand."""
    if _is_statistics(against) or (against is None and not asked):
        return None
    source = asked.get("source") if against is None else against
    default = asked.get("split", split) if against is None else split

    def real(wanted: str | None) -> Any:
        from keras_gans import data

        shape = getattr(fake, "image_shape", None)
        size, channels = (shape[0], shape[2]) if shape else (None, None)
        has_splits = isinstance(source, str) and source.startswith("tfds:")  # of others all images are taken
        return data.load(source, split=wanted if wanted and has_splits else default, size=size, channels=channels)

    return real


def _is_statistics(against: Any) -> bool:
    return isinstance(against, measured.Reference) or str(against).endswith(statistics.SUFFIX)


def real_side(
    against: Any,
    extractor: Any,
    asked: dict[str, Any],
    split: str = "train",
    batch_size: int = 64,
    progress: Progress | None = None,
) -> Any:
    """The `Reference` of the real images: given, shipped, from the cache, or computed and kept there.

    What ships is taken wherever it is of these images, so that a model's scores compare with those of the zoo.
    """
    if isinstance(against, measured.Reference):
        return statistics.reference(against, extractor)
    if _is_statistics(against):
        return statistics.reference(measured.Reference.load(os.path.expanduser(str(against))), extractor)
    if against is None:
        if not asked:
            raise MetricError("Real images to compare with were wanted: say which, as in against='tfds:mnist'.")
        against, split = asked["source"], asked["split"]
    found = shipped(extractor, against, split) if isinstance(against, str) and against.startswith("tfds:") else None
    return found or _cached(against, split, extractor, batch_size, progress)


def statistics_file(extractor_name: str, source: str, split: str) -> str:
    """lenet_mnist-v1, tfds:mnist, train -> lenet_mnist-v1-mnist-train.stats.safetensors"""
    return f"{extractor_name}-{source.removeprefix('tfds:')}-{split}{statistics.SUFFIX}".replace("/", "_")


def shipped(extractor: Any, source: str, split: str) -> Any:
    """The statistics that travel with the zoo, or None."""
    from keras_gans.zoo import registry

    path = registry.statistics_folder() / statistics_file(extractor.name, source, split)
    return statistics.reference(measured.Reference.load(path), extractor) if path.is_file() else None


def _cached(against: Any, split: str, extractor: Any, batch_size: int, progress: Progress | None) -> Any:
    """Computed once for these very images and this very extractor."""
    from keras_gans.zoo import download

    source = sources.open_source(against, shape=extractor.image_shape, split=split)
    if not isinstance(source, sources.Stored):
        return statistics.reference(source, extractor, batch_size=batch_size, progress=progress)
    key = f"{extractor.name}-{(extractor.sha256 or 'none')[:12]}-{source.images.fingerprint()[:16]}{statistics.SUFFIX}"
    path = download.cache_dir() / "statistics" / key
    if path.is_file():
        return measured.Reference.load(path)
    log.info("reading %s real images (%s), once", source.n, source.name)
    found = statistics.reference(source, extractor, batch_size=batch_size, progress=progress)
    try:
        found.save(path, half=False)
    except OSError as error:
        log.warning("the statistics of %s could not be kept (%s)", source.name, error)
    return found


def _estimate(subject: Subject, names: list[str], seeds: int) -> None:
    """Says before it starts how long drawing and reading will take, from one batch of each."""
    if not hasattr(subject.fake, "generate") or subject.extractor is None or not subject.n:
        return
    count = min(subject.batch_size, subject.n)
    source = sources.open_source(subject.fake, count, 0)
    seconds = 0.0
    for _ in range(2):  # the first one builds what it needs
        began = time.monotonic()
        for batch in source.batches(count):
            subject.extractor.features(sources.brought_to(batch.images, subject.extractor.image_shape))
        seconds = time.monotonic() - began
    passes = len({MEASURES[name].looks_at for name in names} - {"nothing"})
    total = seconds * subject.n / count * seeds * passes
    log.info("%s: %d x %s samples, about %s", ", ".join(names), seeds, f"{subject.n:,}", _duration(total))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _over_seeds(measures: list[Measure], subject: Subject, seeds: int) -> list[Score]:
    """Every score's mean over the seeds. Seed by seed, so that all measures look at the same samples, drawn once."""
    by_measure: list[list[list[Score]]] = [[] for _ in measures]
    for seed in range(seeds):
        for measure, found in zip(measures, by_measure, strict=True):
            if seed == 0 or not measure.once:
                found.append(measure.run(subject, seed))
    return [over_seeds(same) for found in by_measure for same in zip(*found, strict=True)]
