"""keras-gans publish"""

from __future__ import annotations

import re
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import click

from . import output, quiet, reference


@click.command(short_help="Make a model folder of a run.")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--to", "target", type=click.Path(path_type=Path, file_okay=False), help="[default: FOLDER/published]")
def command(folder: Path, target: Path | None) -> None:
    """Make a small model folder of a training run, or of a model that save_pretrained wrote.

    Matrices are rounded to float16, the generator's batch statistics taken anew with them, and a seeded grid
    of samples and the training curve drawn. A card.toml that stands in the target is kept: only its status
    becomes pretrained, and its version rises by one if other weights were published there.

    \b
      keras-gans publish runs/mine
      keras-gans publish runs/mine --to zoo/models/dcgan_mnist
    """
    from keras_gans import artifacts

    source, target = reference.model_folder(folder), target or folder / "published"
    if target.resolve() == source.resolve():
        raise click.UsageError(f"--to {target} is the model itself: name another folder.")
    described = _checked_card(_card_folder(source, target))
    provenance = artifacts.read_provenance(source)["provenance"]
    quiet.import_keras()
    model = _rounded(source, described)
    tensors = artifacts.round_matrices(model.tensors())
    model.assign_tensors(tensors, f"this {described.family}")  # samples.png shows what will be loaded
    origin = {**provenance, "rounded": "matrices to float16"}
    card = _card(source, target, tensors, origin)
    target.mkdir(parents=True, exist_ok=True)
    _write_card(target, card)
    record = artifacts.write_weights(target, tensors, origin)
    model.write_files(target)
    _write_pictures(model, folder, target)
    size = output.size(record["bytes"])
    output.say(f"wrote {target} (version {card['version']}, {record['parameters']:,} parameters, {size})")


def _card_folder(source: Path, target: Path) -> Path:
    """Whose card it will be: the target's, if somebody wrote one."""
    from keras_gans.artifacts import CARD

    return target if (target / CARD).is_file() else source


def _checked_card(folder: Path) -> Any:
    """A folder's card, whether or not the weights that its status promises are there yet."""
    from keras_gans import artifacts
    from keras_gans.zoo.card import Card

    return Card.from_dict(artifacts.read_card(folder), folder)


def _rounded(source: Path, card: Any) -> Any:
    """The card's model with the source's weights as float16 gives them back, its statistics estimated anew.

    IncompatibleWeightsError if the card describes another architecture than the weights have.
    """
    from keras_gans import api, artifacts

    model = api.build(card)
    tensors = artifacts.round_matrices(artifacts.read_weights(source))
    model.assign_tensors(tensors, f"the model that {card.folder / artifacts.CARD} describes")
    for folder in (source, card.folder):  # what stands in the target is kept
        model.read_files(folder)
    if card.task == "generate":
        model.reestimate_statistics()
    return model


def _card(source: Path, target: Path, tensors: Any, origin: dict[str, Any]) -> dict[str, Any]:
    """The card to write: pretrained, and of a new version if the target holds other weights."""
    from keras_gans import artifacts

    card = artifacts.read_card(_card_folder(source, target))
    if not (target / artifacts.PROVENANCE).is_file():
        return {**card, "status": "pretrained"}
    with tempfile.TemporaryDirectory() as folder:
        new = artifacts.write_weights(folder, tensors, origin)["sha256"]
    if artifacts.read_provenance(target)["sha256"] == new:
        return {**card, "status": "pretrained"}
    if (target / artifacts.SCORES).is_file():
        output.note(f"{target / artifacts.SCORES} was measured on the weights before these: measure again.")
    return {**card, "status": "pretrained", "version": card["version"] + 1}


def _write_card(target: Path, card: dict[str, Any]) -> None:
    """Writes the card; one that stands there keeps its comments and its lines but for status and version."""
    from keras_gans import artifacts

    path = target / artifacts.CARD
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        for key in ("status", "version"):
            value = f'"{card[key]}"' if isinstance(card[key], str) else card[key]
            text = re.sub(rf"^{key}\s*=.*$", f"{key} = {value}", text, count=1, flags=re.MULTILINE)
        if tomllib.loads(text) == card:
            artifacts.write_atomically(path, text.encode("utf-8"))
            return
    artifacts.write_card(target, card)


def _write_pictures(model: Any, run: Path, target: Path) -> None:
    """samples.png, and the curve of a run as a table and a picture."""
    from keras_gans import artifacts
    from keras_gans.data import images
    from keras_gans.training.callbacks import read_curve
    from keras_gans.training.run import CURVE

    from . import curve

    grid = model.samples()
    if grid is not None:
        images.save_png(target / artifacts.SAMPLES, grid)
    rows = read_curve(run / CURVE) if (run / CURVE).is_file() else []
    if rows:
        shutil.copyfile(run / CURVE, target / CURVE)
        images.save_png(target / "curve.png", curve.draw(rows))
