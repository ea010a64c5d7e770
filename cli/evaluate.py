"""keras-gans evaluate"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from . import output, quiet, reference


@click.command(short_help="Measure a model, or a folder of images.")
@click.argument("what", metavar="NAME|FOLDER", shell_complete=reference.complete)
@click.option(
    "--metrics",
    help="With commas: fid, kid, prdc, is, accuracy, swd, parzen, one_nn, cas, support, ms_ssim, memorized, probe; of "
    "what upscales psnr, ssim.  [default: fid,kid,prdc; psnr,ssim]",
)
@click.option("--against", metavar="tfds:NAME|FOLDER|STATS", help="The real images.  [default: the card's]")
@click.option("--split", help="Of tfds:NAME, or of a folder that has splits.  [default: the card's, or train]")
@click.option(
    "--features", metavar="NAME", help="lenet_mnist, pixels, discriminator, inception2015, ...  [default: the card's]"
)
@click.option("--weights", metavar="FILE|URL", help="Of inception2015, which does not ship.")
@click.option("-n", "count", type=click.IntRange(1), metavar="N", help="Samples a seed.  [default: the card's]")
@click.option("--seeds", type=click.IntRange(1), metavar="N", default=5, show_default=True, help="Of the samples.")
@click.option("--record", is_flag=True, help="Write the scores into the model's folder (scores.json).")
@click.option(
    "--save-statistics",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the statistics of the real images, which --against takes in their place.",
)
@click.option(
    "--pairs",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.png",
    help="With --metrics memorized: the 16 samples closest to real images, each left of its own.",
)
@click.option(
    "--strip",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.png",
    help="Of what upscales: pictures of each pair.  [default: NAME_FOLDER.png]",
)
@output.json_option
def command(
    what: str,
    metrics: str | None,
    against: str | None,
    split: str | None,
    features: str | None,
    weights: str | None,
    count: int | None,
    seeds: int,
    record: bool,
    save_statistics: Path | None,
    pairs: Path | None,
    strip: Path | None,
    as_json: bool,
) -> None:
    """Measure a model against real images, or one folder of images against another.

    Every score stands with its protocol: scores of different protocols say nothing about one another. What a
    published model is measured against travels with the package.

    \b
      keras-gans evaluate dcgan_mnist
      keras-gans evaluate ./runs/mine --against tfds:mnist --features lenet_mnist --metrics fid,is
      keras-gans evaluate ./samples --against ./photos --features pixels --metrics kid
      keras-gans evaluate dcgan_celeba --metrics memorized --pairs closest.png
      keras-gans evaluate srresnet_x4 --against ./Set14
    """
    from keras_gans.artifacts import KerasGansError

    resolved = _resolved(what)
    quiet.import_keras()
    import keras_gans
    from keras_gans.api import evaluation

    if evaluation.upscales(resolved):
        _refuse_given("split", "features", "weights", "count", "seeds", "save_statistics", "pairs")
        _pairs(resolved, metrics, against, strip, record, as_json)
        return
    if pairs is not None:
        if "memorized" not in _split(metrics):
            raise click.UsageError("--pairs shows what the metric memorized counts: add it to --metrics.")
        _check_target("--pairs", pairs, ".png")
    if save_statistics is not None:
        _check_target("--save-statistics", save_statistics)
    chosen = _features(features, weights)
    line = output.Line()

    def progress(done: int, of: int | None) -> None:
        if line.due() or done == of:
            line.show(f"{done:,} of {of:,} images" if of else f"{done:,} images")

    if record and not evaluation.has_card(resolved):
        raise KerasGansError(f"--record writes into a model's folder, and {what} is none: leave it out.")
    try:
        scores = keras_gans.evaluate(
            resolved,
            metrics,
            against,
            features=chosen,
            n=count,
            seeds=seeds,
            split=split,
            progress=progress,
        )
        line.close()
        _say(scores, as_json)  # first, for what comes may find no room on the disk
        if record:
            output.note(f"wrote {evaluation.record(resolved, scores)}")
        if save_statistics is not None:
            evaluation.statistics_of(resolved, against, chosen, split, progress).save(save_statistics)
    finally:
        line.close()
    if pairs is not None:
        _show_closest(resolved, against, split, count, pairs)


def _say(scores: Sequence[Any], as_json: bool) -> None:
    if as_json:
        output.say_json([score.to_dict() for score in scores])
        return
    rows = [[score.metric, score.shown(), score.protocol] for score in scores]
    output.table(["metric", "value", "protocol"], rows, right=["value"])


def _refuse_given(*names: str) -> None:
    """UsageError where an option came that says nothing of a model that upscales."""
    context = click.get_current_context()
    flags = {option.name: option.opts[0] for option in context.command.params}
    for name in names:
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            raise click.UsageError(f"{flags[name]} is not for a model that upscales: leave it out.")


def _split(metrics: str | None) -> list[str]:
    return [] if metrics is None else [name.strip() for name in metrics.split(",")]


def _show_closest(what: str | Path, against: str | None, split: str | None, count: int | None, picture: Path) -> None:
    from keras_gans.api import closest
    from keras_gans.data import images

    found = closest.closest_pairs(what, against, n=min(count or closest.SAMPLES, closest.SAMPLES), split=split)
    images.save_png(picture, closest.page(found))
    output.note(f"wrote {picture}")


def _pairs(
    what: str | Path, metrics: str | None, against: str | None, picture: Path | None, record: bool, as_json: bool
) -> None:
    """Of a model that upscales: every pair of a folder, beside bicubic."""
    from keras_gans.api import cost, evaluation, pairs
    from keras_gans.artifacts import KerasGansError
    from keras_gans.data import images

    if against is None:
        raise KerasGansError("A folder with HR and LRx4 in it is what upscaling is measured on: give --against FOLDER.")
    names = pairs.chosen(pairs.METRICS if metrics is None else _split(metrics))
    picture = picture or Path(f"{Path(what).name}_{Path(against).resolve().name}.png")
    _check_target("--strip", picture, ".png")
    if record and not evaluation.has_card(what):
        raise KerasGansError(f"--record writes into a model's folder, and {what} is none: leave it out.")
    model = evaluation.upscaler(what)
    output.note(cost.said_of_pairs(model, against, names))
    line, of = output.Line(), len(pairs.pairs(against, model.scale))
    found = []
    try:
        for pair in pairs.measured(model, against):
            found.append(pair)
            if line.due() or len(found) == of:
                line.show(f"{len(found)} of {of} images")
    finally:
        line.close()
    scores = pairs.means(found, pairs.identity(against, model.scale), model.scale, names)
    _say_pairs(found, scores, names, as_json)  # first, for what comes may find no room on the disk
    if record:
        output.note(f"wrote {evaluation.record(what, scores)}")
    images.save_png(picture, pairs.strip(found))
    output.note(f"wrote {picture}")


def _check_target(option: str, path: Path, end: str = "") -> None:
    """KerasGansError where a file can not be written, before an hour is spent on what goes into it."""
    from keras_gans.artifacts import KerasGansError

    if end and path.suffix.lower() != end:
        raise KerasGansError(f"{option} is a {end}, and {path.name} came: end its name so.")
    above = path.absolute().parent
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise KerasGansError(f"{option} {path} cannot be written, for {above} is no folder: take another.")


def _say_pairs(found: Sequence[Any], scores: Sequence[Any], names: Sequence[str], as_json: bool) -> None:
    if as_json:
        output.say_json([score.to_dict() for score in scores])
        return
    rows = [[pair.name, *_beside(pair.scores, pair.bicubic_scores, names)] for pair in found]
    mean = {score.metric: score.value for score in scores}
    rows.append(["mean", *_beside(mean, {score.metric: score.details["bicubic"] for score in scores}, names)])
    columns = ["image", *(f"{who}{name}" for name in names for who in ("", "bicubic "))]
    output.table(columns, rows, right=columns[1:])
    for score in scores:
        output.note(score.protocol)


def _beside(ours: dict[str, float], bicubic: dict[str, float], names: Any) -> list[str]:
    digits = {"psnr": 2, "ssim": 4}
    return [f"{side[name]:.{digits[name]}f}" for name in names for side in (ours, bicubic)]


def _resolved(what: str) -> str | Path:
    """A name, a folder of a model or a run, or one of images. As everywhere, ./ tells folders from names."""
    import os

    from keras_gans.zoo.card import NAME

    folder = os.path.expanduser(what)
    if os.path.isdir(folder) and not NAME.fullmatch(what):
        return reference.model_folder(Path(folder))
    if NAME.fullmatch(what):
        reference.find(what)  # before anything heavy: it says ./ where a folder was meant
    return what


def _features(name: str | None, weights: str | None) -> Any:
    if weights is not None and name not in ("inception2015", "keras_inception"):
        raise click.UsageError("--weights is the file of --features inception2015 or keras_inception.")
    if name is None or weights is None:
        return name
    from keras_gans import feature_extractor

    return feature_extractor(name, weights=weights)
