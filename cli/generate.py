"""keras-gans generate"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from . import memory, output, quiet, reference
from .progress import duration
from .signals import Wish

QUICK = 2.0  # seconds for which nobody wants to be told how far it is


class Shard(click.ParamType):
    """Which part of how many: "1/8"."""

    name = "shard"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        try:
            index, count = (int(part) for part in value.split("/"))
        except ValueError:
            self.fail(f"{value!r} is not one part of several, as 1/8 is.", param, ctx)
        if not 1 <= index <= count:
            self.fail(f"{value!r} is none of the parts 1/{count} to {count}/{count}.", param, ctx)
        return index, count


class Labels(click.ParamType):
    """Class numbers: "7", or "0,1,2"."""

    name = "class"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        try:
            return [int(part) for part in value.split(",")]
        except ValueError:
            self.fail(f"{value!r} is not a class number, nor several as in 0,1,2.", param, ctx)


@click.command(short_help="Draw pictures.")
@click.argument("name", shell_complete=reference.complete)
@click.option(
    "-n",
    "count",
    type=click.IntRange(1),
    metavar="N",
    default=16,
    show_default=True,
    help="Pictures, or walks.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    metavar="N",
    default=0,
    show_default=True,
    help="Of the latents.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="PNG to write; or .npy, or folder.  [default: NAME.png, or NAME]",
)
@click.option("--label", "labels", type=Labels(), multiple=True, help="Class; several, or 0,1,2, come in turn.")
@click.option("--prompt", "prompts", multiple=True, metavar="TEXT", help="What to draw, of a text-to-image model.")
@click.option("--individually", is_flag=True, help="Write OUT/000000.png and so on, not a page.")
@click.option(
    "--truncation",
    type=click.FloatRange(0, min_open=True),
    metavar="X",
    help="Less variety, fewer failures: 0.7, say.",
)
@click.option("--interpolate", type=click.IntRange(2), metavar="STEPS", help="Draw walks of so many steps, one a row.")
@click.option("--kind", type=click.Choice(["linear", "spherical"]), help="Of the walk.  [default: as the prior]")
@click.option("--columns", type=click.IntRange(1), metavar="N", help="Pictures a row.  [default: about a square]")
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    metavar="N",
    default=32,
    show_default=True,
    help="Pictures computed at once.",
)
@click.option("--shard", type=Shard(), metavar="I/N", help="Draw part I of N into what N processes write to.")
@output.json_option
def command(
    name: str,
    count: int,
    seed: int,
    out: Path | None,
    labels: tuple[list[int], ...],
    prompts: tuple[str, ...],
    individually: bool,
    truncation: float | None,
    interpolate: int | None,
    kind: str | None,
    columns: int | None,
    batch_size: int,
    shard: tuple[int, int] | None,
    as_json: bool,
) -> None:
    """Draw pictures with a pretrained model, on one page; or very many, into an array or a folder.

    Picture i depends on the weights, the seed and i alone, not on how many are drawn. A file that stands at OUT is
    written over; a folder has to be empty.

    \b
      keras-gans generate dcgan_mnist -n 64 --out grid.png
      keras-gans generate dcgan_mnist_conditional --label 7
      keras-gans generate dcgan_mnist -n 8 --interpolate 10 --out walks.png
      keras-gans generate ./runs/mine -n 1000 --individually --out pictures
      keras-gans generate ./runs/mine -n 1000000 --out samples.npy
      keras-gans generate ./runs/flowers -n 8 --prompt "a yellow flower" --prompt "a white flower"

    An array or a folder is written as it is drawn: what was stopped goes on when the same command is given again.

    With prompts, -n is how many of each, with the same latents for all; --interpolate then walks from each prompt to
    the next.
    """
    if kind and not interpolate:
        raise click.UsageError("--kind says how a walk goes: give --interpolate STEPS as well.")
    if columns and (interpolate or individually or _is_array(out)):
        raise click.UsageError("--columns is for a page of single pictures: leave it out.")
    if shard and not (individually or _is_array(out)):
        raise click.UsageError(
            "--shard is for very many pictures: add --individually, or name an --out that ends in .npy."
        )
    wanted, card = reference.find(name)
    classes = [label for several in labels for label in several]
    _check(card, classes)
    _check_prompts(card, prompts, interpolate, kind)
    out = _target(out, card.name, individually)

    memory.keep_freed()
    quiet.import_keras()
    import keras_gans

    model = keras_gans.load(wanted)
    row = interpolate
    if prompts:
        pictures, row = prompted(model, list(prompts), count, seed, truncation, interpolate)
    else:
        pictures = unprompted(model, count, seed, classes, truncation, interpolate, kind)
    if individually or _is_array(out):
        whole = _stream(model, pictures, out, batch_size, shard)
    else:
        whole = _write_page(model, pictures, out, columns or row, batch_size)
    _tell(model, pictures.n, out, whole, shard, as_json)


def _check(card: Any, classes: list[int]) -> None:
    """What the card alone can refuse, before TensorFlow is imported."""
    from keras_gans.artifacts import KerasGansError
    from keras_gans.zoo import download

    if card.task != "generate":
        raise KerasGansError(
            f"{card.name} is a model to {card.task}, and one that draws was wanted: "
            "`keras-gans list --task generate` shows those."
        )
    download.record(card)  # a recipe without weights says so
    known = card.architecture.get("num_classes")
    if classes and known is None:
        raise KerasGansError(f"{card.name} draws without classes, and --label came: leave it out.")
    wrong = [label for label in classes if not 0 <= label < known]
    if wrong:
        raise KerasGansError(
            f"{card.name} has the classes 0 to {known - 1}, and --label {wrong[0]} came: take one of them."
        )


def _check_prompts(card: Any, prompts: tuple[str, ...], interpolate: int | None, kind: str | None) -> None:
    from keras_gans.artifacts import KerasGansError

    if not prompts:
        return
    if card.family != "TextToImageGAN":
        raise KerasGansError(f"{card.name} does not read, and --prompt came: leave it out.")
    if kind:
        raise click.UsageError("--kind is of walks between latents, and prompts are walked in a straight line.")
    if interpolate and len(prompts) < 2:
        raise click.UsageError("--interpolate walks from one prompt to the next: give --prompt twice.")


def _is_array(out: Path | None) -> bool:
    return out is not None and out.suffix.lower() == ".npy"


def _target(out: Path | None, name: str, individually: bool) -> Path:
    """Where the pictures go, its folder made now: who waited for pictures shall not lose them to a path."""
    if individually:
        out = out or Path(name)
        if out.suffix.lower() in (".png", ".npy"):
            raise click.UsageError(f"--individually writes a folder, and {out} ends as a file does: leave one out.")
        if out.exists() and not out.is_dir():
            raise click.UsageError(f"--individually writes a folder, and {out} is a file: name a folder.")
    else:
        out = out or Path(f"{name}.png")
        if out.suffix.lower() not in (".png", ".npy") or out.is_dir():
            raise click.UsageError(
                f"--out is a file that ends in .png or .npy, and {out} came: name one, or add --individually."
            )
    out.parent.mkdir(parents=True, exist_ok=True)
    return out


# --- what is drawn --------------------------------------------------------------------------------------


def unprompted(
    model: Any,
    count: int,
    seed: int,
    classes: list[int],
    truncation: float | None,
    steps: int | None,
    kind: str | None,
) -> Any:
    """`sampling.Pictures`.

    count: pictures, or walks of `steps` pictures.
    classes: in turn, picture by picture or walk by walk; empty: all that there are.
    """
    import numpy as np

    from keras_gans import latent, random
    from keras_gans.training import sampling

    each, how = steps or 1, kind or ("linear" if model.prior == "uniform" else "spherical")

    def latents(start: int, stop: int) -> Any:
        return random.sample_latents(stop - start, seed, model.latent, model.prior, truncation, start=start)

    def walks(start: int, stop: int, steps: int) -> Any:
        ends = latents(2 * start, 2 * stop)
        return np.concatenate(latent.interpolate(ends[0::2], ends[1::2], steps, how))

    def inputs(start: int, stop: int) -> list[Any]:
        first, last = start // each, -(-stop // each)  # the walks that these pictures are of
        z = (walks(first, last, steps) if steps else latents(first, last))[start - first * each :][: stop - start]
        if model.num_classes is None:
            return [z]
        turn = np.array(classes or range(model.num_classes), "int32")
        return [z, turn[np.arange(start, stop) // each % len(turn)]]

    about = {"n": count * each, "seed": seed, "truncation": truncation, "labels": classes or None}
    walked = {"interpolate": steps, "kind": how} if steps else {}
    return sampling.Pictures(count * each, inputs, {**about, **walked})


def prompted(
    model: Any, prompts: list[str], count: int, seed: int, truncation: float | None, steps: int | None
) -> tuple[Any, int]:
    """(`sampling.Pictures`, how many belong in a row).

    A row for each prompt; or, with `steps`, for each latent, walking from prompt to prompt.
    """
    import numpy as np

    from keras_gans.training import sampling

    vectors = model.vectors(prompts)
    if steps:
        shares = np.linspace(0, 1, steps)[:, None]
        walks = [(1 - shares) * a + shares * b for a, b in itertools.pairwise(vectors)]
        vectors = np.concatenate(walks).astype("float32")
    across = len(vectors) if steps else count

    def which(i: Any) -> Any:
        row, column = np.divmod(i, across)
        return (column, row) if steps else (row, column)

    return sampling.of_conditions(model, count * len(vectors), vectors, which, seed, truncation), across


# --- where it goes --------------------------------------------------------------------------------------


class Pace:
    """How far it is, how fast and for how long still: a line on stderr, if it takes long."""

    def __init__(self, line: output.Line | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._line, self._clock = line or output.Line(seconds=5.0), clock
        self._began: tuple[int, float] | None = None  # after the first batch, which carries the compiling

    def show(self, done: int, total: int) -> None:
        now = self._clock()
        before, then = self._began = self._began or (done, now)
        if done < total and now - then > QUICK and self._line.due():
            rate = (done - before) / (now - then)
            left = duration((total - done) / rate)
            self._line.show(f"drew {done:,} of {total:,} images  {rate:,.0f} images/s  {left} left")

    def close(self) -> None:
        self._line.close()


def _stream(model: Any, pictures: Any, out: Path, batch_size: int, shard: tuple[int, int] | None) -> bool:
    """Writes an array or a folder as it is drawn, which a signal stops. Returns whether all shards are there."""
    from keras_gans.training import streaming
    from keras_gans.training.callbacks import Stopped

    pace, wish = Pace(), Wish()

    def progress(done: int, total: int) -> None:
        pace.show(done, total)
        if wish() and done < total:
            raise Stopped(f"Stopped after {done:,} of {total:,} images: the same command goes on from there.")

    wish.begin()
    try:
        return streaming.write(model, pictures, out, batch_size, shard, progress)
    except Stopped as stopped:
        pace.close()
        output.note(str(stopped))
        raise click.exceptions.Exit(128 + (wish.number or 0)) from stopped
    finally:
        wish.end()
        pace.close()


def _write_page(model: Any, pictures: Any, out: Path, columns: int | None, batch_size: int) -> bool:
    import numpy as np

    from keras_gans.artifacts import KerasGansError
    from keras_gans.data import images
    from keras_gans.training import sampling

    height, width, _ = model.image_shape
    pixels = pictures.n * (height + 2) * (width + 2)
    if pixels > images.max_pixels_allowed():
        raise KerasGansError(
            f"A page of {pictures.n:,} images has {pixels:,} pixels, more than most programs open: add --individually "
            "for a folder, or name an --out that ends in .npy for an array."
        )
    pace, drawn = Pace(), []
    for batch in sampling.batches(model, pictures, batch_size):
        drawn.append(batch)
        pace.show(sum(map(len, drawn)), pictures.n)
    pace.close()
    images.save_png(out, images.grid(np.concatenate(drawn), columns))
    return True


def _tell(model: Any, total: int, out: Path, whole: bool, shard: tuple[int, int] | None, as_json: bool) -> None:
    from keras_gans.training import on_disk

    height, width, _ = model.image_shape
    images = f"{total:,} image{'s' if total > 1 else ''} of {height}x{width}"
    if as_json:
        is_page = out.suffix.lower() == ".png"
        paths = [out] if is_page else on_disk.target(out, total, model.image_shape).paths()
        found = {"paths": [str(path) for path in paths], "images": total, "height": height, "width": width}
        output.say_json(found if shard is None else {**found, "whole": whole})
    elif whole:
        output.say(f"wrote {out} ({images})")
    else:
        output.say(f"drew part {shard[0]} of {shard[1]} of {out} ({images} in all)" if shard else "")
