"""keras-gans evaluate"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import output, quiet, reference


@click.command(short_help="Measure a model, or a folder of images.")
@click.argument("what", metavar="NAME|FOLDER", shell_complete=reference.complete)
@click.option(
    "--metrics",
    default="fid,kid,prdc",
    show_default=True,
    help="With commas: fid, kid, prdc, is, accuracy, swd, parzen, one_nn, cas, support, ms_ssim, memorized, probe.",
)
@click.option("--against", metavar="tfds:NAME|FOLDER|STATS", help="The real images.  [default: the card's]")
@click.option("--split", default="train", show_default=True, help="Of tfds:NAME.")
@click.option("--features", metavar="NAME", help="lenet_mnist, pixels, inception2015, ...  [default: the card's]")
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
@output.json_option
def command(
    what: str,
    metrics: str,
    against: str | None,
    split: str,
    features: str | None,
    weights: str | None,
    count: int | None,
    seeds: int,
    record: bool,
    save_statistics: Path | None,
    as_json: bool,
) -> None:
    """Measure a model against real images, or one folder of images against another.

    Every score stands with its protocol: scores of different protocols say nothing about one another. What a
    published model is measured against travels with the package.

    \b
      keras-gans evaluate dcgan_mnist
      keras-gans evaluate ./runs/mine --against tfds:mnist --features lenet_mnist --metrics fid,is
      keras-gans evaluate ./samples --against ./photos --features pixels --metrics kid
    """
    from keras_gans.artifacts import KerasGansError

    resolved = _resolved(what)
    quiet.import_keras()
    import keras_gans
    from keras_gans.api import evaluation

    chosen = _features(features, weights)
    line = output.Line()

    def progress(done: int, of: int | None) -> None:
        if line.due():
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
        if save_statistics is not None:
            evaluation.statistics_of(resolved, against, chosen, split, progress).save(save_statistics)
    finally:
        line.close()
    if record:
        output.note(f"wrote {evaluation.record(resolved, scores)}")
    if as_json:
        output.say_json([score.to_dict() for score in scores])
        return
    rows = [[score.metric, score.shown(), score.protocol] for score in scores]
    output.table(["metric", "value", "protocol"], rows, right=["value"])


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
