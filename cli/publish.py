"""keras-gans publish"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import click

from . import output, quiet, reference

CURVE_PICTURE = "curve.png"
Hub = tuple[str, str | None]  # a hub repository and its revision


class Target(click.Path):
    """A folder, as a Path; or hf://user/repo[@revision], as (repo, revision)."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, file_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from keras_gans.artifacts import UnknownModelError
        from keras_gans.zoo import registry

        if "://" not in str(value):
            return super().convert(value, param, ctx)
        try:
            return registry.classify(value)[1]
        except UnknownModelError:
            self.fail(f"{value!r} is neither a folder nor hf://user/repo[@revision].", param, ctx)


@click.command(short_help="Make a model folder of a run, here or on the hub.")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--to", "target", type=Target(), help="A folder, or hf://user/repo[@branch].  [default: FOLDER/published]"
)
def command(folder: Path, target: Path | Hub | None) -> None:
    """Make a small model folder of a training run, or of a model that save_pretrained wrote.

    Matrices are rounded to float16, the generator's batch statistics taken anew with them, and a seeded grid
    of samples and the training curve drawn; weights that were published before stay as they are. A card.toml
    that stands in the target is kept: only its status becomes pretrained, and its version rises by one if
    other weights were published there.

    A folder MIRROR/NAME makes MIRROR a mirror of the model NAME, for KERAS_GANS_MIRROR: files that any web
    server can serve. hf:// uploads the model folder, with a README.md made of its card and scores, by the
    extra [hub] and your token; a repository that is not there is made, and is public.

    \b
      keras-gans publish runs/mine
      keras-gans publish runs/mine --to zoo/models/dcgan_mnist
      keras-gans publish zoo/models/dcgan_mnist --to /srv/mirror/dcgan_mnist
      keras-gans publish runs/mine/published --to hf://user/mine
    """
    if isinstance(target, tuple):
        _to_hub(folder, *target)
    else:
        card, record = _to_folder(folder, target or folder / "published")
        output.say(f"wrote {target or folder / 'published'} ({_told(card, record)})")


def _told(card: dict[str, Any], record: dict[str, Any]) -> str:
    return f"version {card['version']}, {record['parameters']:,} parameters, {output.size(record['bytes'])}"


def _to_hub(folder: Path, repo: str, revision: str | None) -> None:
    """Uploads a published folder; of a run or a saved model one is made first, FOLDER/published."""
    from keras_gans.artifacts import SAMPLES
    from keras_gans.zoo import model_card, upload
    from keras_gans.zoo.card import Card

    from .info import scores_of

    upload.check_ready(repo)
    made = reference.model_folder(folder)
    if not _was_published(made):
        made = folder / "published"
        _to_folder(folder, made)
    card, record = Card.from_folder(made), _record(made)
    name = f"hf://{repo}" + (f"@{revision}" if revision else "")
    text = model_card.readme(card, record, scores_of(card), name, (made / SAMPLES).is_file())
    upload.upload(made, text, repo, revision)
    output.say(f"uploaded {made} to {name} ({_told(card.to_dict(), record)})")


def _record(folder: Path) -> dict[str, Any]:
    from keras_gans import artifacts

    return artifacts.read_provenance(folder)


def _was_published(folder: Path) -> bool:
    """Whether a folder's weights are `publish`'s own: to round them again would change nothing."""
    return "rounded" in _record(folder)["provenance"]


def _to_folder(folder: Path, target: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Makes the model folder, and returns its card and its weights.json."""
    from keras_gans import artifacts

    source = reference.model_folder(folder)
    if target.resolve() == source.resolve():
        raise click.UsageError(f"--to {target} is the model itself: name another folder.")
    described = _checked_card(_card_folder(source, target))
    provenance = _record(source)["provenance"]
    quiet.import_keras()
    model = _rounded(source, described)
    tensors = artifacts.round_matrices(model.tensors())
    model.assign_tensors(tensors, f"this {described.family}")  # samples.png shows what will be loaded
    origin = {**provenance, "rounded": "matrices to float16"}
    card = _card(source, target, tensors, origin)
    target.mkdir(parents=True, exist_ok=True)
    _write_card(target, card)
    before = _record(target)["sha256"] if (target / artifacts.PROVENANCE).is_file() else None
    record = artifacts.write_weights(target, tensors, origin)
    model.write_files(target)
    if before != record["sha256"]:
        _remove_pictures(target)
    _write_pictures(model, _run_of(folder), target)
    _keep_scores(source, target, record)
    return card, record


def _keep_scores(source: Path, target: Path, record: dict[str, Any]) -> None:
    """Copies the scores of a model that was published before, if they are of these very weights."""
    from keras_gans import artifacts

    path = source / artifacts.SCORES
    with contextlib.suppress(OSError, ValueError):  # there are none, or none that read
        found = artifacts.read_json(path)
        if isinstance(found, dict) and found.get("sha256") == record["sha256"]:
            shutil.copyfile(path, target / artifacts.SCORES)


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

    Weights that were published before are the ones that were measured: their statistics stay.
    IncompatibleWeightsError if the card describes another architecture than the weights have.
    """
    from keras_gans import api, artifacts

    model = api.build(card)
    tensors = artifacts.round_matrices(artifacts.read_weights(source))
    model.assign_tensors(tensors, f"the model that {card.folder / artifacts.CARD} describes")
    for folder in (source, card.folder):  # what stands in the target is kept
        model.read_files(folder)
    if card.task == "generate" and not _was_published(source):
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
    if _record(target)["sha256"] == new:
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


def _run_of(folder: Path) -> Path:
    """The run that a folder is, or whose model it is: the run's own folder has the curve and the samples."""
    from keras_gans.training.run import MODEL, RUN

    return folder.resolve().parent if folder.name == MODEL and (folder.resolve().parent / RUN).is_file() else folder


def _remove_pictures(target: Path) -> None:
    """Those of other weights: what is published now need not have any."""
    from keras_gans import artifacts
    from keras_gans.training.run import CURVE

    for name in (artifacts.SAMPLES, CURVE, CURVE_PICTURE):
        (target / name).unlink(missing_ok=True)


def _write_pictures(model: Any, run: Path, target: Path) -> None:
    """samples.png, and the curve of a run as a table and a picture.

    What upscales has a picture where its run looked at photographs: these, as the published weights upscale them.
    """
    from keras_gans import artifacts
    from keras_gans.data import images
    from keras_gans.training import upscaled
    from keras_gans.training.callbacks import read_curve
    from keras_gans.training.run import CURVE, GRIDS

    from . import curve

    grid = upscaled.redrawn(model, run / GRIDS) if model.task == "upscale" else model.samples()
    if grid is not None:
        images.save_png(target / artifacts.SAMPLES, grid)
    rows = read_curve(run / CURVE) if (run / CURVE).is_file() else []
    if rows:
        shutil.copyfile(run / CURVE, target / CURVE)
        images.save_png(target / CURVE_PICTURE, curve.draw(rows))
