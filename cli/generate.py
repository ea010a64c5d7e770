"""keras-gans generate"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from . import output, quiet, reference

CHUNK = 512  # pictures drawn between two looks at the clock; a multiple of generate's batch_size


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
@click.option("--out", type=click.Path(path_type=Path), help="PNG to write, or folder.  [default: NAME.png, or NAME]")
@click.option("--label", "labels", type=Labels(), multiple=True, help="Class; several, or 0,1,2, come in turn.")
@click.option("--prompt", "prompts", multiple=True, metavar="TEXT", help="What to draw, of a text-to-image model.")
@click.option("--individually", is_flag=True, help="Write OUT/000000.png and so on instead of one page.")
@click.option(
    "--truncation",
    type=click.FloatRange(0, min_open=True),
    metavar="X",
    help="Less variety, fewer failures: 0.7, say.",
)
@click.option("--interpolate", type=click.IntRange(2), metavar="STEPS", help="Draw walks of so many steps, one a row.")
@click.option("--kind", type=click.Choice(["linear", "spherical"]), help="Of the walk.  [default: as the prior]")
@click.option("--columns", type=click.IntRange(1), metavar="N", help="Pictures a row.  [default: about a square]")
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
    as_json: bool,
) -> None:
    """Draw pictures with a pretrained model. What stands at OUT is written over.

    Picture i depends on the weights, the seed and i alone, not on how many are drawn.

    \b
      keras-gans generate dcgan_mnist -n 64 --out grid.png
      keras-gans generate dcgan_mnist_conditional --label 7
      keras-gans generate dcgan_mnist -n 8 --interpolate 10 --out walks.png
      keras-gans generate ./runs/mine -n 1000 --individually --out pictures
      keras-gans generate ./runs/flowers -n 8 --prompt "a yellow flower" --prompt "a white flower"

    With prompts, -n is how many of each, with the same latents for all; --interpolate then walks from each prompt to
    the next.
    """
    if kind and not interpolate:
        raise click.UsageError("--kind says how a walk goes: give --interpolate STEPS as well.")
    if columns and (interpolate or individually):
        raise click.UsageError("--columns is for a page of single pictures: leave it out.")
    wanted, card = reference.find(name)
    classes = [label for several in labels for label in several]
    _check(card, classes)
    _check_prompts(card, prompts, interpolate, kind)
    out = _target(out, card.name, individually)

    quiet.import_keras()
    import keras_gans

    model = keras_gans.load(wanted)
    row = interpolate
    if prompts:
        draw, total, row = prompted(model, list(prompts), count, seed, truncation, interpolate)
    else:
        draw, total = drawer(model, count, seed, classes, truncation, interpolate, kind)
    paths = _write_each(draw, total, out) if individually else [_write_page(draw, total, out, columns or row)]
    height, width, _ = model.image_shape
    if as_json:
        output.say_json({"paths": [str(p) for p in paths], "images": total, "height": height, "width": width})
    else:
        output.say(f"wrote {out} ({total} image{'s' if total > 1 else ''} of {height}x{width})")


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


def _target(out: Path | None, name: str, individually: bool) -> Path:
    """Where the pictures go, its folder made now: who waited for pictures shall not lose them to a path."""
    if individually:
        out = out or Path(name)
        if out.exists() and not out.is_dir():
            raise click.UsageError(f"--individually writes a folder, and {out} is a file: name a folder.")
        out.mkdir(parents=True, exist_ok=True)
        return out
    out = out or Path(f"{name}.png")
    if out.suffix.lower() != ".png" or out.is_dir():
        raise click.UsageError(f"--out is a file that ends in .png, and {out} came: name one, or add --individually.")
    out.parent.mkdir(parents=True, exist_ok=True)
    return out


Draw = Callable[[int, int], Any]  # (start, stop) -> uint8 (stop - start, h, w, c)


def drawer(
    model: Any,
    count: int,
    seed: int,
    classes: list[int],
    truncation: float | None,
    steps: int | None,
    kind: str | None,
) -> tuple[Draw, int]:
    """A function that draws pictures `start` to before `stop`, and how many there are.

    count: pictures, or walks of `steps` pictures.
    classes: in turn, picture by picture or walk by walk; empty: all that there are.
    """
    import numpy as np

    from keras_gans import latent, random

    def latents(start: int, stop: int) -> Any:
        return random.sample_latents(stop - start, seed, model.latent, model.prior, truncation, start=start)

    def walks(start: int, stop: int, steps: int) -> Any:
        ends = latents(2 * start, 2 * stop)
        how = kind or ("linear" if model.prior == "uniform" else "spherical")
        return np.concatenate(latent.interpolate(ends[0::2], ends[1::2], steps, how))

    def draw(start: int, stop: int) -> Any:
        each = steps or 1
        first, last = start // each, -(-stop // each)  # the walks that these pictures are of
        z = (walks(first, last, steps) if steps else latents(first, last))[start - first * each :][: stop - start]
        return model.generate(latents=z, labels=labels(start, stop, each))

    def labels(start: int, stop: int, each: int) -> Any:
        if model.num_classes is None:
            return None
        turn = np.array(classes or range(model.num_classes))
        return turn[np.arange(start, stop) // each % len(turn)]

    return draw, count * (steps or 1)


def prompted(
    model: Any, prompts: list[str], count: int, seed: int, truncation: float | None, steps: int | None
) -> tuple[Draw, int, int]:
    """(a function that draws pictures `start` to before `stop`, how many there are, how many belong in a row).

    A row for each prompt; or, with `steps`, for each latent, walking from prompt to prompt.
    """
    import numpy as np

    from keras_gans import random
    from keras_gans.training import sampling

    latents = random.sample_latents(count, seed, model.latent, model.prior, truncation)
    vectors = model.vectors(prompts)
    if steps:
        shares = np.linspace(0, 1, steps)[:, None]
        walks = [(1 - shares) * a + shares * b for a, b in itertools.pairwise(vectors)]
        vectors = np.concatenate(walks).astype("float32")
    across = len(vectors) if steps else count

    def draw(start: int, stop: int) -> Any:
        row, column = np.divmod(np.arange(start, stop), across)
        of_latent, of_vector = (row, column) if steps else (column, row)
        return sampling.drawn(model, latents[of_latent], vectors[of_vector], "uint8", 32)

    return draw, count * len(vectors), across


def _chunks(draw: Draw, total: int) -> Iterator[Any]:
    """All pictures, a chunk at a time; how far it is on stderr if that takes long."""
    line = output.Line(seconds=5.0)
    for start in range(0, total, CHUNK):
        stop = min(start + CHUNK, total)
        yield draw(start, stop)
        if stop < total and line.due():
            line.show(f"drew {stop} of {total} images")
    line.close()


def _write_page(draw: Draw, total: int, out: Path, columns: int | None) -> Path:
    import numpy as np

    from keras_gans.data import images

    images.save_png(out, images.grid(np.concatenate(list(_chunks(draw, total))), columns))
    return out


def _write_each(draw: Draw, total: int, out: Path) -> list[Path]:
    from keras_gans.data import images

    paths: list[Path] = []
    for pictures in _chunks(draw, total):
        for picture in pictures:
            paths.append(out / f"{len(paths):06d}.png")
            images.save_png(paths[-1], picture)
    return paths
