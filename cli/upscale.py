"""keras-gans upscale"""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from . import output, quiet, reference


class Job(NamedTuple):
    """An image to read, and where its large one goes."""

    source: Path
    target: Path


@click.command(short_help="Make photographs larger.")
@click.argument("sources", metavar="IN...", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), help="File, or folder.  [default: beside each image]")
@click.option("--model", "name", default="srgan_x4", show_default=True, shell_complete=reference.complete)
@click.option(
    "--tile", type=click.IntRange(1), metavar="N", help="Side of a tile in small pixels.  [default: by memory]"
)
@click.option(
    "--suffix", metavar="TEXT", help="Between a name and its end.  [default: _x4, or as the model; in OUT none]"
)
@click.option("--compare", is_flag=True, help="Write the image, bicubic, SRResNet and the model side by side.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@output.json_option
def command(
    sources: tuple[str, ...],
    out: Path | None,
    name: str,
    tile: int | None,
    suffix: str | None,
    compare: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Make photographs larger, with detail that looks right.

    IN are files, folders with all that is in them, or patterns as "*.jpg". Images keep their format where it can be
    written, their colour profile and alpha, and stand upright; grey 16-bit images keep their depth. What cannot be
    read is said and left out, and the exit code is 1.

    \b
      keras-gans upscale photo.jpg
      keras-gans upscale holiday/ --out large --model srresnet_x4
      keras-gans upscale photo.jpg --compare --out side_by_side.png
    """
    from keras_gans.artifacts import KerasGansError

    if suffix and os.path.basename(suffix) != suffix:
        raise click.UsageError(f"--suffix is a part of a name, and {suffix!r} came.")
    wanted, card = reference.find(name)
    if card.task != "upscale":
        raise KerasGansError(
            f"{card.name} is a model to {card.task}, and one that upscales was wanted: "
            "`keras-gans list --task upscale` shows those."
        )
    scale = card.architecture.get("scale", 4)
    mark = suffix if suffix is not None else _mark(scale, compare, out)
    jobs = _jobs(sources, out, mark, overwrite)

    quiet.import_keras()
    import keras_gans

    model = keras_gans.load(wanted)
    others = [("SRResNet", _srresnet(scale, card))] if compare else []
    written, failed = _work(jobs, model, tile, [*others, (card.name, model)] if compare else [])
    if as_json:
        output.say_json({"paths": [str(path) for path in written], "failed": len(failed)})
    if failed:
        rest = "; the others were" if written else ""
        raise KerasGansError(f"{len(failed)} of {len(jobs)} images could not be upscaled{rest}.")


def _mark(scale: int, compare: bool, out: Path | None) -> str:
    if compare:
        return "_compared"
    return f"_x{scale}" if out is None else ""


def _jobs(sources: Sequence[str], out: Path | None, mark: str, overwrite: bool) -> list[Job]:
    """What is to be done, with every target checked before anything is computed."""
    from keras_gans.data.photograph import WRITTEN

    found = [pair for source in sources for pair in _images(source)]
    found = list({os.path.abspath(path): (path, inside) for path, inside in found}.values())  # each once
    to_file = _is_file(out)
    if to_file and len(found) > 1:
        raise click.UsageError(f"--out {out} is one file, and {len(found)} images came: name a folder.")
    jobs = []
    for path, inside in found:
        end = path.suffix.lower() if path.suffix.lower() in WRITTEN else ".png"
        folder = path.parent if out is None else out / inside.parent
        jobs.append(Job(path, out if to_file and out else folder / f"{path.stem}{mark}{end}"))
    _check_targets(jobs, overwrite)
    return jobs


def _check_targets(jobs: list[Job], overwrite: bool) -> None:
    """KerasGansError where one would be written over, be it by another name or through a link."""
    from keras_gans.artifacts import KerasGansError

    sources = {job.source.resolve() for job in jobs}
    targets: dict[Path, Path] = {}
    for source, target in jobs:
        place = target.resolve()
        if place in sources:
            raise KerasGansError(f"{target} is one of the images that came in: take another --out or --suffix.")
        if place in targets:
            raise KerasGansError(f"{source} and {targets[place]} would both become {target}: rename one.")
        targets[place] = source
        if target.exists() and not overwrite:
            raise KerasGansError(f"{target} is there already: take another --out or --suffix, or --overwrite.")


def _is_file(out: Path | None) -> bool:
    """Whether --out names an image; else it is a folder, or nothing."""
    from keras_gans.data.images import SUFFIXES
    from keras_gans.data.photograph import WRITTEN

    if out is None or out.is_dir():
        return False
    end = out.suffix.lower()
    if end not in WRITTEN and (end in SUFFIXES or out.exists()):
        raise click.UsageError(f"--out is a folder, or a file that ends in {', '.join(WRITTEN)}, and {out} came.")
    return end in WRITTEN


def _images(source: str) -> list[tuple[Path, Path]]:
    """(path, path within what was named) of every image that an argument names."""
    from keras_gans.artifacts import KerasGansError
    from keras_gans.data.folder import walk

    path = Path(os.path.expanduser(source))
    if path.is_dir():
        found = [(path / name, Path(name)) for name in walk(path)]
    elif path.is_file():
        found = [(path, Path(path.name))]
    else:
        names = sorted(glob.glob(str(path), recursive=True))
        found = [(Path(name), Path(Path(name).name)) for name in names if os.path.isfile(name)]
    if not found:
        raise KerasGansError(f"An image, a folder of images or a pattern was wanted and {source!r} is none: check it.")
    return found


def _srresnet(scale: int, card: Any) -> Any:
    """What the model is compared with: the zoo's SRResNet of this scale, if there is one and the model is another."""
    import keras_gans
    from keras_gans.zoo import registry

    name = f"srresnet_x{scale}"
    return keras_gans.load(name) if card.family != "SRResNet" and name in registry.names() else None


def _work(
    jobs: list[Job], model: Any, tile: int | None, compared: list[tuple[str, Any]]
) -> tuple[list[Path], list[Path]]:
    """Does all jobs. Returns (what was written, the images that could not be)."""
    from keras_gans.artifacts import DataError
    from keras_gans.data import photograph

    line = output.Line()
    written, failed = [], []
    for number, job in enumerate(jobs, start=1):
        of = f"{number} of {len(jobs)}, " if len(jobs) > 1 else ""

        def progress(done: int, parts: int, of: str = of, name: str = job.source.name) -> None:
            if done < parts and line.due():
                line.show(f"{of}{name}: {done} of {parts} tiles")

        try:
            small = photograph.read(job.source)
            if compared:
                large = _side_by_side(small, compared, tile, progress)
            else:
                large = small._replace(pixels=model.upscale(small.pixels, tile or "auto", progress))
            photograph.write(job.target, large)
        except (DataError, OSError, MemoryError) as error:
            failed.append(job.source)
            line.close()
            reason = str(error) if isinstance(error, DataError) else f"{job.source}: {str(error) or 'memory ran out'}"
            output.note(f"error: {reason}")
            continue
        written.append(job.target)
        height, width = large.pixels.shape[:2]
        line.close()
        output.note(f"wrote {job.target} ({width}x{height})")
    return written, failed


def _side_by_side(small: Any, compared: list[tuple[str, Any]], tile: int | None, progress: Any) -> Any:
    """A page: the image with each pixel repeated, bicubic, and what each model makes of it, called by their names."""
    import numpy as np

    from keras_gans.data import bicubic
    from keras_gans.data.photograph import Photograph, flat

    from .captions import captioned

    pixels = flat(small.pixels)
    models = [(name, model) for name, model in compared if model is not None]
    scale = models[0][1].scale
    parts = [
        ("the image", pixels.repeat(scale, axis=0).repeat(scale, axis=1)),
        ("bicubic", bicubic(pixels, scale=scale)),
        *((name, model.upscale(pixels, tile or "auto", progress)) for name, model in models),
    ]
    profile = small.profile if small.pixels.shape[-1] > 2 else None  # grey's is not the page's
    return Photograph(np.concatenate([captioned(image, name) for name, image in parts], axis=1), profile)
