"""keras-gans train"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import os
import signal
from pathlib import Path
from typing import Any

import click

from . import kernels, memory, output, quiet, reference


class Setting(click.ParamType):
    """KEY=VALUE, the value as TOML has it: a number, true, a [list]; anything else is text."""

    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        import tomllib

        key, equals, text = value.partition("=")
        if not equals or not key.isidentifier():
            self.fail(f"{value!r} is not like width=32.", param, ctx)
        try:
            return key, tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return key, text


@click.command(short_help="Train a model, or go on with a run.")
@click.argument("name", metavar="NAME", shell_complete=reference.complete)
@click.option("--data", metavar="tfds:NAME|lsun:PATH|PATH", help="A folder, .zip, .npz, .npy.  [default: the card's]")
@click.option("--split", help="As TFDS writes it: train[:50000].  [default: the card's, or train]")
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder.  [default: runs/NAME]")
@click.option("--recipe", "recipe_name", help="One of the card's recipes.  [default: the card's]")
@click.option("--steps", type=click.IntRange(1), metavar="N", help="Stop there; schedules stay as the recipe has them.")
@click.option("--batch-size", type=click.IntRange(1), metavar="N", help="Images of one turn.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Of initial weights, order and noise.")
@click.option("--finetune", is_flag=True, help="Begin with the published weights.")
@click.option(
    "--sample-every", type=click.IntRange(1), metavar="N", help="Steps between grids.  [default: 20 in a run]"
)
@click.option(
    "--checkpoint-every",
    type=click.IntRange(1),
    metavar="N",
    help="Steps.  [default: each epoch, and 20 in a GAN's run]",
)
@click.option(
    "--strategy",
    type=click.Choice(["auto", "one", "mirrored", "multi-worker"]),
    default="auto",
    show_default=True,
    help="Devices: one; mirrored, all GPUs; multi-worker, TF_CONFIG's processes; auto, what is there.",
)
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    show_default=True,
    help="Of the networks. auto: as the run began; else the recipe's, or float32 where that is emulated.",
)
@click.option("--xla/--no-xla", default=None, help="Whether XLA compiles a step.  [default: the recipe's, or Keras's]")
@click.option(
    "--accumulate",
    type=click.IntRange(1),
    metavar="K",
    help="Go through each turn's batch in K parts, with the memory of one. Of games alone.",
)
@click.option("--set", "settings", type=Setting(), multiple=True, help="Of the architecture, as in --set width=32.")
def command(
    name: str,
    data: str | None,
    split: str | None,
    out: Path | None,
    recipe_name: str | None,
    steps: int | None,
    batch_size: int | None,
    seed: int | None,
    finetune: bool,
    sample_every: int | None,
    checkpoint_every: int | None,
    strategy: str,
    precision: str,
    xla: bool | None,
    accumulate: int | None,
    settings: tuple[tuple[str, Any], ...],
) -> None:
    """Train a model by a recipe of its card, or go on with a run that was stopped.

    NAME may also be the path of a card.toml. OUT gets model/ (for generate and publish), samples/, curve.csv
    and checkpoints/. What looks wrong with the game is said on the way, with one thing to try. The same command
    again goes on where OUT stands, bit for bit. Ctrl-C and SIGTERM save first. A classifier draws no samples/.

    \b
      keras-gans train dcgan_mnist
      keras-gans train dcgan_mnist --data ./photos --set size=64 --set channels=3 --out runs/photos
      keras-gans train dcgan_mnist --finetune --data ./sevens --steps 500 --out runs/sevens
    """
    memory.keep_freed()  # reading data may already start threads
    kernels.prefer_onednn()
    wanted, card = _find(name)
    recipe = _recipe(card, recipe_name, steps, batch_size, seed)
    _compile_with(recipe, card, xla, accumulate)
    if card.task == "classify" and (sample_every or finetune):
        raise click.UsageError(f"{card.name} draws nothing: --sample-every and --finetune are not for it.")
    if finetune and settings:
        raise click.UsageError("--finetune keeps the architecture of the weights: leave out --set, or --finetune.")

    from keras_gans.zoo import download

    if finetune:
        recipe["finetuned"] = f"{card.name}, version {card.version}, sha256 {download.record(card)['sha256'][:16]}"
    read = _reader(card, recipe, dict(settings))
    images = read(data or card.data["source"], split=split or ("train" if data else card.data["split"]))
    out = out or Path("runs") / card.name

    def build() -> Any:
        import keras_gans

        if finetune:
            return keras_gans.load(wanted, dtype=recipe.get("dtype"))
        return _begun(_build(card, recipe, dict(settings)), recipe)

    output.note(f"{card.name}, recipe {recipe_name or card.default_recipe}: {recipe['steps']} steps into {out}")
    quiet.import_keras()
    from keras_gans.training import backend, distribution

    backend.add_up_in_one_order()  # before anything looks for devices: JAX hears of it then or never
    chosen = distribution.strategy(strategy)  # before anything is computed: processes must find each other first
    _check_xla(recipe, card)
    _compute_in(recipe, precision, out)
    of_run = _card_of_run(card, data, split, images, finetune, out)
    taken = _run(build, of_run, recipe, images, out, sample_every, checkpoint_every, chosen)
    if distribution.place_under(chosen).chief:
        output.say(f"wrote {out / 'model'} ({taken} steps)")
    else:
        output.say(f"took part in {taken} steps: the chief wrote {out / 'model'}")


def _reader(card: Any, recipe: dict[str, Any], settings: dict[str, Any]) -> Any:
    """What opens the data that a model of this kind learns from, given a source and a split."""
    from functools import partial

    from keras_gans import data

    if card.task == "upscale":
        return _photographs(card, recipe, settings)
    if card.family == "TextToImageGAN":
        size = {**card.architecture, **recipe.get("architecture", {}), **settings}.get("size", 64)
        return partial(data.captioned, size=size, loaded=recipe.get("data", {}).get("loaded"))
    return data.load


def _photographs(card: Any, recipe: dict[str, Any], settings: dict[str, Any]) -> Any:
    """What opens the photographs that a super-resolution model learns from."""
    from functools import partial

    from keras_gans import data

    architecture = {**card.architecture, **recipe.get("architecture", {}), **settings}
    scale = architecture.get("scale", 4)
    crop = architecture.get("size") or recipe.get("data", {}).get("crop")
    return partial(data.super_resolution, scale=scale, crop=crop, batch=recipe["batch_size"])


def _find(name: str) -> tuple[str | Path, Any]:
    """As `reference.find`; the path of a card.toml stands for its folder."""
    if os.path.basename(name) == "card.toml":
        return reference.find(Path(os.path.dirname(name) or os.curdir))
    return reference.find(name)


def _recipe(card: Any, name: str | None, steps: int | None, batch_size: int | None, seed: int | None) -> dict[str, Any]:
    """A recipe of the card, with what was asked for in its place."""
    from keras_gans.artifacts import KerasGansError

    if not card.recipes:
        raise KerasGansError(f"{card.folder}/card.toml has no recipes: add a table [recipes.modern] to it.")
    name = name or card.default_recipe
    if name not in card.recipes:
        raise click.UsageError(f"{card.name} has no recipe {name!r}: take one of {', '.join(card.recipes)}.")
    asked = {"steps": steps, "batch_size": batch_size, "seed": seed}
    recipe = {
        **copy.deepcopy(card.recipes[name]),
        **{key: value for key, value in asked.items() if value is not None},
    }
    if seed is not None and "seed" in recipe["compile"]:
        recipe["compile"]["seed"] = seed
    return recipe


def _compile_with(recipe: dict[str, Any], card: Any, xla: bool | None, accumulate: int | None) -> None:
    """Puts what was asked for into the recipe's table for `compile`."""
    if accumulate is not None and "optimizer" in recipe["compile"]:
        raise click.UsageError(
            f"--accumulate divides the turns of a game, and {card.name} plays none: give its recipe's optimizer "
            "gradient_accumulation_steps, which adds up the gradients of as many steps."
        )
    asked = {"jit_compile": xla, "accumulate": accumulate}
    recipe["compile"].update({key: value for key, value in asked.items() if value is not None})


def _check_xla(recipe: dict[str, Any], card: Any) -> None:
    """Keras compiles nothing by XLA where TensorFlow is to add up in one order, and only says that it did not."""
    import keras

    asked = recipe["compile"].get("jit_compile") is True
    if asked and "optimizer" in recipe["compile"] and keras.backend.backend() == "tensorflow":
        raise click.UsageError(
            f"{card.name} plays no game, and Keras then compiles no step by XLA on TensorFlow in a run that can be "
            "repeated bit for bit: leave out --xla, or set KERAS_BACKEND=jax."
        )


def _compute_in(recipe: dict[str, Any], precision: str, out: Path) -> None:
    """Sets the recipe's precision, and says so where it is not the card's."""
    from keras_gans.training import precision as of_machine

    before, chosen = recipe.get("dtype"), of_machine.of_run(precision, recipe, out)
    recipe.pop("dtype", None)
    if chosen is not None:
        recipe["dtype"] = chosen
    if precision == "auto" and (before or "float32") != (chosen or "float32"):
        there = f"where the recipe has {before or 'float32'}"
        output.note(f"computes in {chosen or 'float32'}, {there}: --precision chooses")


def _build(card: Any, recipe: dict[str, Any], settings: dict[str, Any]) -> Any:
    """A fresh model: the card's architecture, over it the recipe's, over it --set's."""
    from keras_gans import api, models
    from keras_gans.artifacts import KerasGansError

    architecture = {**card.architecture, **recipe.get("architecture", {}), **settings}
    if card.family in models.FAMILIES:  # else api.build says so
        known = [
            key for key in inspect.signature(getattr(models, card.family)).parameters if key not in ("dtype", "name")
        ]
        unknown = [key for key in settings if key not in known]
        if unknown:
            raise KerasGansError(f"{card.family} has no {unknown[0]!r}: --set takes {', '.join(known)}.")
    return api.build(dataclasses.replace(card, architecture=architecture), dtype=recipe.get("dtype"))


def _begun(model: Any, recipe: dict[str, Any]) -> Any:
    """The model, with the weights that its recipe starts from: a published name, or the folder of a run's model."""
    if "starts_from" in recipe:
        import keras_gans

        model.start_from(keras_gans.load(recipe["starts_from"]))
        model.before = _trainings(recipe["starts_from"])
    return model


def _trainings(start: str) -> list[dict[str, Any]]:
    """What made the weights that a recipe starts from, oldest first, in the words of their weights.json."""
    from keras_gans import artifacts

    _, card = _find(start)
    record = artifacts.read_provenance(card.folder)
    origin = record["provenance"]
    told = ("data", "images_seen", "steps", "seconds", "hardware")
    last = {key: origin[key] for key in told if key in origin}
    named = {"name": card.name, "version": card.version, "sha256": record["sha256"]}
    return [*origin.get("before", []), {**named, **last}]


def _card_of_run(
    card: Any, data: str | None, split: str | None, images: Any, finetuned: bool, out: Path
) -> dict[str, Any]:
    """The card that the finished model gets: the recipe's own, unless it saw other data. Then it says how much."""
    from keras_gans.artifacts import name_from

    found = card.to_dict()
    found.pop("limits", None)  # known of other weights
    source = data or card.data["source"]
    split = split or ("train" if data else card.data["split"])
    if (source, split) == (card.data["source"], card.data["split"]) and not finetuned:
        return found
    count = images.count()
    seen = f"{count:,} picture{'' if count == 1 else 's'} of {images.name}"
    how = "fine-tuned" if finetuned else "trained"
    return {
        **found,
        "name": name_from(out),
        "version": 1,
        "title": f"{card.family} {how} on {seen}",
        "description": f"{card.name} {how} on {seen} by `keras-gans train`: say here what it draws.",
        "weights_license": card.weights_license if source == card.data["source"] else "unstated",
        "data": {
            "source": source,
            "split": split,
            "seen": f"{card.data['seen']}, then {seen}" if finetuned else seen,
        },
    }


def _run(
    build: Any,
    card: dict[str, Any],
    recipe: dict[str, Any],
    images: Any,
    out: Path,
    sample_every: Any,
    checkpoint_every: Any,
    strategy: Any,
) -> int:
    """A run, which a signal stops with a checkpoint. Returns the steps taken."""
    import keras

    from keras_gans.training import distribution
    from keras_gans.training.callbacks import Stopped

    from .progress import Progress
    from .signals import Wish

    chief = distribution.place_under(strategy).chief
    progress = Progress(recipe["steps"], recipe["batch_size"] * recipe["compile"].get("discriminator_steps", 1))
    wish = Wish()
    # Not before: there is nothing to save while data is read.
    begin: Any = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: wish.begin())
    show = _shown(progress)
    if "reader" in recipe:  # which is trained first, and has steps of its own
        part = Progress(recipe["reader"]["steps"], recipe["reader"]["batch_size"], progress.line, title="reader")
        show = _shown(progress, part)
    train, arguments = _how(card, sample_every, [begin, show] if chief else [begin], progress.say if chief else None)
    try:
        with distribution.together(strategy):
            model = train(
                build,
                card,
                recipe,
                images,
                out,
                checkpoint_every=checkpoint_every,
                stop=wish,
                strategy=strategy,
                **arguments,
            )
    except Stopped as stopped:
        progress.line.close()
        output.note(str(stopped))
        raise click.exceptions.Exit(128 + (wish.number or signal.SIGTERM)) from stopped
    finally:
        wish.end()
        progress.line.close()
    return int(model.steps_taken)


def _shown(progress: Any, part: Any = None) -> Any:
    """The callback that tells `progress`, or `part` of what is no model of the zoo: what is trained first."""
    import keras

    def of() -> Any:
        return part if part is not None and shown.model.task == "match" else progress

    shown: Any = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: of().epoch(),
        on_train_batch_end=lambda batch, logs: of().update(shown.model.steps_taken, batch, logs),
    )
    return shown


def _how(card: dict[str, Any], sample_every: Any, callbacks: list[Any], say: Any) -> tuple[Any, dict[str, Any]]:
    """What trains a model of the card's task, and the arguments that are that one's own.

    say: what Health tells its findings; None: there is no Health.
    """
    from keras_gans import models
    from keras_gans.models.supervised import SupervisedModel
    from keras_gans.training import run, supervised
    from keras_gans.training.callbacks import Health

    if issubclass(getattr(models, card["family"]), SupervisedModel):
        return supervised.train, {"callbacks": callbacks, "sample_every": sample_every}
    if card["task"] == "upscale":
        return run.train, {"callbacks": callbacks, "sample_every": sample_every}
    health = [] if say is None else [Health(say=say)]
    return run.train, {"callbacks": [*callbacks, *health], "sample_every": sample_every}
