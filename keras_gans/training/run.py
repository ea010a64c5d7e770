"""A whole training run from a recipe: what `keras-gans train` does.

Everything of a run stands in one folder, and a run that is started again goes on where it stopped:

    run.json       the recipe, model, data, versions and machine
    checkpoints/   the last two checkpoints
    samples/       a grid of the same latents, every so many steps
    curve.csv      every term by step
    model/         the finished model's folder, for `keras_gans.load` and `keras-gans publish`
"""

import json
import math
import os
import platform
from pathlib import Path

import keras
import numpy as np

from keras_gans import artifacts
from keras_gans.data import check
from keras_gans.training import backend, checkpoint, distribution
from keras_gans.training import callbacks as our_callbacks

RUN, CHECKPOINTS, GRIDS, CURVE, MODEL = "run.json", "checkpoints", "samples", "curve.csv", "model"


def train(
    build,
    card,
    recipe,
    data,
    out,
    *,
    steps=None,
    sample_every=None,
    checkpoint_every=None,
    callbacks=(),
    stop=None,
    strategy=None,
):
    """Trains `build()` on `data` by `recipe`, in the folder `out`; resumes what is there.

    Args:
        build: function that makes the model, called after the seed is set.
        card: the model's card, a dict.
        recipe: a table of the card's recipes: batch_size, steps, seed, compile, data (which may say flip = true).
        data: `keras_gans.data.Images`, brought to the model's size and channels; or `Patches`.
        out: folder, made where it is missing.
        steps: instead of the recipe's.
        sample_every, checkpoint_every: steps; None: twenty times in the run.
        callbacks: further Keras callbacks. Without a `Health` among them there is one that logs, of what draws.
        stop: function that says whether to stop now; asked after each step.
        strategy: the tf.distribute.Strategy to train under, as of `distribution.strategy`; None: one device. Of several
            processes the chief alone writes; the others return their model.

    Returns:
        The trained model.

    Raises:
        CardError: the recipe's `data` says what is not known.
        CheckpointError: `out` holds a run of another model, recipe or data, or one that is past `steps`.
        DataError: the data is not what the model takes; nothing was written.
        DistributionError: another process of the run is gone.
        Stopped: `stop` said so; the run is saved and goes on when it is started again.
    """
    out, steps = Path(out), int(steps or recipe["steps"])
    seed = recipe.get("seed", 0)
    deterministic(seed)
    with distribution.scope(strategy):
        model = build()
        model.card = dict(card)
        model.compile(**{"seed": seed, **recipe["compile"]})
    chief = distribution.place(model).chief
    data = model.training_data(data, recipe)
    per_epoch = data.steps_per_epoch(recipe["batch_size"] * model.discriminator_steps)
    if chief:
        record(out, card, recipe, model, data)
    told = [callback for callback in callbacks if not isinstance(callback, our_callbacks.Health)]  # which is a game's
    data = model.train_first(data, recipe, card, out, stop=stop, callbacks=told)
    often = max(1, steps // 20)
    kept = our_callbacks.Checkpoint(out / CHECKPOINTS, every=checkpoint_every or often)
    shown = [
        grid(model, out / GRIDS, sample_every or often, data),
        our_callbacks.Curve(out / CURVE, every=max(1, steps // 500)),
    ]
    ours = [
        *(shown if chief else []),
        kept,  # after the others: what it saves, they have seen
        our_callbacks.StopAfter(steps),
    ]
    asked = [] if stop is None else [our_callbacks.StopWhen(stop, kept)]
    if chief and model.task == "generate" and not any(isinstance(c, our_callbacks.Health) for c in callbacks):
        ours.append(our_callbacks.Health())
    kept.resume(model)  # `fit` does so too; here to see whether anything is left to do
    if is_left(model, steps, out):
        _check_executions(model.steps_per_execution, steps, per_epoch)
        model.fit(
            data,
            batch_size=recipe["batch_size"],
            epochs=math.ceil(steps / per_epoch),
            callbacks=[*ours, *callbacks, *asked],
            verbose=0,
        )
        kept.save()
    if chief:
        _finish(model, card, recipe, data, out, kept)
    return model


def grid(model, folder, every, data):
    """The callback that draws what a run's folder shows of its model."""
    if model.task == "upscale":
        return our_callbacks.UpscaledGrid(folder, every, data)
    return our_callbacks.SampleGrid(folder, every)


def as_in(recipe, data, numbers=()):
    """The data as the recipe's table `data` wants it: flip = true mirrors images at random, false does not.

    numbers: further keys that the table may have, which are others' to read. CardError for what is not known.
    """
    asked = recipe.get("data", {})
    known = {"flip", *numbers}
    if not isinstance(asked, dict) or not set(asked) <= known or not isinstance(asked.get("flip", False), bool):
        taken = ", ".join(["flip = true or flip = false", *(f"{key} = a number" for key in sorted(numbers))])
        raise artifacts.CardError(f"A recipe's data table takes {taken}, and {asked!r} came: correct the recipe.")
    return data.with_flips(asked["flip"]) if "flip" in asked else data


def _check_executions(together, steps, per_epoch):
    """CardError where steps that are taken together would go beyond the run's end: an epoch's last may be fewer."""
    last = steps % per_epoch
    if last % together:
        end = steps + together - last % together
        raise artifacts.CardError(
            f"steps_per_execution={together} would end the run at step {end}, and {steps} were asked for: take a "
            f"divisor of {last}, the steps in its last epoch."
        )


def is_left(model, steps, out):
    """Whether the run in `out` has steps to go. CheckpointError if it has gone further than that."""
    if model.steps_taken > steps:
        raise artifacts.CheckpointError(
            f"{out} holds a run that is at step {model.steps_taken}, and {steps} steps were asked for: "
            "ask for more, or train into another folder."
        )
    return model.steps_taken < steps


def fitted(data, image_shape, num_classes):
    """The data at the model's size and channels, and its labels; DataError if it can not take them."""
    height, _, channels = image_shape
    data = data.with_shape(height, channels)
    check.prepare(data, size=height, channels=channels, num_classes=num_classes)
    return data


def deterministic(seed):
    """Seeds initial weights, and asks the backend for operations that always add up in the same order."""
    keras.utils.set_random_seed(seed)
    backend.add_up_in_one_order()


def _finish(model, card, recipe, data, out, kept):
    model.settle(data)
    model.card, model.seen_since = dict(card), []  # this card was written for this training
    steps = model.steps_taken
    images = steps * recipe["batch_size"] * model.discriminator_steps
    model.save_pretrained(out / MODEL, provenance(recipe, data, steps, images, kept.elapsed(), model.before))


def provenance(recipe, data, steps, images_seen, seconds, before=()):
    """How weights came to be, for weights.json: this training, and in `before` those that it went on from."""
    return {
        **({"before": list(before)} if before else {}),
        "data": data.name,
        "images": len(data),
        "data_sha256": data.fingerprint(),
        "images_seen": images_seen,
        "steps": steps,
        "seconds": round(seconds),
        "images_per_second": round(images_seen / max(seconds, 1e-9), 1),
        "seed": recipe.get("seed", 0),
        "recipe": recipe,
        **machine(),
    }


def machine():
    """What a run was made with: hardware and versions."""
    return {"hardware": hardware(), "versions": versions()}


def hardware():
    """One line: processor, cores, and accelerators if there are any."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = lines[0].split(":", 1)[1].strip() if lines else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return ", ".join([name, f"{cores} core{'' if cores == 1 else 's'}", *backend.accelerators()])


def versions():
    """{package: version} of what computes."""
    found = {"python": platform.python_version(), "keras": keras.__version__, "numpy": np.__version__}
    return {**found, **backend.version()}


def record(out, card, recipe, model, data):
    """Writes run.json, or holds the run to the one that is there, and clears away what a killed process left."""
    run = {
        "family": card["family"],
        "architecture": model.architecture(),
        "recipe": {key: value for key, value in recipe.items() if key not in ("steps", "note")},
        "data": data.name,
        "data_sha256": data.fingerprint(),
    }
    run = json.loads(json.dumps(run))  # tuples become lists, as they will when it is read again
    path = out / RUN
    if path.is_file():
        there = artifacts.read_json(path)
        differs = [key for key, value in there.items() if key in run and run[key] != value]
        if differs:
            raise artifacts.CheckpointError(
                f"{out} holds another run: its {' and '.join(differs)} differ from what was asked for. "
                "Ask for the same, or train into another folder."
            )
    checkpoint.clear_partial_files(out)
    artifacts.write_json(path, {**run, **machine()})
