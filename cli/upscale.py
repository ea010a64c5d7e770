"""keras-gans upscale"""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from . import output, quiet, reference
from .captions import MARGIN, side_by_side


class Job(NamedTuple):
    """An image to read, and where its large one goes."""

    source: Path
    target: Path


@click.command(short_help="Make photographs larger.")
@click.argument("sources", metavar="IN...", nargs=-1, required=True)
@click.option("--out", type=click.Path(), help="File, or folder.  [default: beside each image]")
@click.option("--model", "name", default="srgan_x4", show_default=True, shell_complete=reference.complete)
@click.option(
    "--tile", type=click.IntRange(1), metavar="N", help="Side of a tile in small pixels.  [default: by memory]"
)
@click.option(
    "--suffix", metavar="TEXT", help="Between a name and its end.  [default: _x4, or as the model; in OUT none]"
)
@click.option("--compare", is_flag=True, help="Write the image, bicubic, SRResNet and the model side by side.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@click.option("--skip-existing", is_flag=True, help="Leave out images whose large one is there.")
@output.json_option
def command(
    sources: tuple[str, ...],
    out: str | None,
    name: str,
    tile: int | None,
    suffix: str | None,
    compare: bool,
    overwrite: bool,
    skip_existing: bool,
    as_json: bool,
) -> None:
    """Make photographs larger, with detail that looks right.

    IN are files, folders with all that is in them, or patterns as "*.jpg". What an earlier call made of the other
    images there is not taken for one more. Images keep their format where it can be written, their colour profile and
    alpha, and stand upright; grey 16-bit images keep their depth, others become 8-bit. What cannot be read is said and
    left out, and the exit code is 1.

    \b
      keras-gans upscale photo.jpg
      keras-gans upscale holiday/ --out large --model srresnet_x4
      keras-gans upscale photo.jpg --compare --out side_by_side.png
    """
    from keras_gans.artifacts import KerasGansError

    if overwrite and skip_existing:
        raise click.UsageError("--overwrite and --skip-existing: take one of them.")
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
    jobs = _jobs(sources, out, mark, ".png" if compare else None)
    jobs = _checked(jobs, overwrite, skip_existing)
    written, failed = _upscaled(jobs, wanted, card, tile, compare, overwrite) if jobs else ([], [])
    if not jobs:
        output.note("Nothing is left to do: every image has its large one.")
    if as_json:
        output.say_json({"paths": [str(path) for path in written], "failed": len(failed)})
    if failed:
        rest = "; the others were" if written else ""
        raise KerasGansError(f"{len(failed)} of {len(jobs)} images could not be upscaled{rest}.")


def _upscaled(
    jobs: list[Job], wanted: Any, card: Any, tile: int | None, compare: bool, overwrite: bool
) -> tuple[list[Path], list[Path]]:
    quiet.import_keras()
    import keras_gans

    model = keras_gans.load(wanted)
    others = [("SRResNet", _srresnet(model.scale, card))] if compare else []
    return _work(jobs, model, tile, [*others, (card.name, model)] if compare else [], overwrite)


def _mark(scale: int, compare: bool, out: str | None) -> str:
    if compare:
        return "_compared"
    return f"_x{scale}" if out is None else ""


def _jobs(sources: Sequence[str], out: str | None, mark: str, end: str | None) -> list[Job]:
    """What is to be done. end: of every file that goes into a folder; None: as the image's, where that is written."""
    from keras_gans.data.photograph import WRITTEN

    named = {os.path.abspath(source) for source in sources}
    found = [pair for source in sources for pair in _images(source)]
    found = list({os.path.abspath(path): (path, inside) for path, inside in found}.values())  # each once
    folder = None if out is None else Path(out)
    to_file = _is_file(out)
    jobs = []
    for path, inside in found:
        suffix = end or (path.suffix.lower() if path.suffix.lower() in WRITTEN else ".png")
        beside = path.parent if folder is None else folder / inside.parent
        jobs.append(Job(path, folder if to_file and folder else beside / f"{path.stem}{mark}{suffix}"))
    jobs = _without_earlier(jobs, named, folder)
    if to_file and len(jobs) > 1:
        raise click.UsageError(f"--out {out} is one file, and {len(jobs)} images came: name a folder.")
    return jobs


def _without_earlier(jobs: list[Job], named: set[str], out: Path | None) -> list[Job]:
    """Without images of folders and patterns that an earlier call has made: of others among them, or in --out."""
    made = {job.target.resolve() for job in jobs if job.target.resolve() != job.source.resolve()}
    inside = None if out is None else out.resolve()

    def is_earlier(job: Job) -> bool:
        if os.path.abspath(job.source) in named:
            return False
        place = job.source.resolve()
        # Where --out is the folder that came in, the images are in it.
        return place in made if inside is None else inside in place.parents and not _is_root(inside, named)

    return [job for job in jobs if not is_earlier(job)]


def _is_root(folder: Path, named: set[str]) -> bool:
    return any(folder == Path(name).resolve() or folder in Path(name).resolve().parents for name in named)


def _checked(jobs: list[Job], overwrite: bool, skip_existing: bool) -> list[Job]:
    """Those that are to be done; KerasGansError where an image would be written over, by another name or a link."""
    from keras_gans.artifacts import KerasGansError

    sources = {job.source.resolve() for job in jobs}
    targets: dict[Path, Path] = {}
    left = []
    for job in jobs:
        source, target = job
        place = target.resolve()
        if place in sources:
            raise KerasGansError(f"{target} is one of the images that came in: take another --out or --suffix.")
        if place in targets:
            raise KerasGansError(f"{source} and {targets[place]} would both become {target}: rename one.")
        targets[place] = source
        if target.exists() and not overwrite and not skip_existing:
            raise KerasGansError(
                f"{target} is there already: take another --out or --suffix, or --overwrite, or --skip-existing."
            )
        if not (skip_existing and target.exists()):
            left.append(job)
    return left


def _is_file(out: str | None) -> bool:
    """Whether --out names an image; else it is a folder, or nothing."""
    from keras_gans.data.images import SUFFIXES
    from keras_gans.data.photograph import WRITTEN

    if out is None or os.path.isdir(out) or out.endswith(("/", os.sep)):
        return False
    end = Path(out).suffix.lower()
    if end not in WRITTEN and (end in SUFFIXES or os.path.exists(out)):
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
    jobs: list[Job], model: Any, tile: int | None, compared: list[tuple[str, Any]], overwrite: bool
) -> tuple[list[Path], list[Path]]:
    """Does all jobs. Returns (what was written, the images that could not be)."""
    from keras_gans.artifacts import DataError

    line = output.Line()
    written, failed = [], []
    for number, job in enumerate(jobs, start=1):
        of = f"{number} of {len(jobs)}, " if len(jobs) > 1 else ""

        def progress(done: int, parts: int, of: str = of, name: str = job.source.name) -> None:
            if done < parts and line.due():
                line.show(f"{of}{name}: {done} of {parts} tiles")

        try:
            width, height = _do(job, model, tile, compared, overwrite, progress)
        except (DataError, OSError, MemoryError) as error:
            failed.append(job.source)
            line.close()
            reason = str(error) if isinstance(error, DataError) else f"{job.source}: {str(error) or 'memory ran out'}"
            output.note(f"error: {reason}")
            continue
        written.append(job.target)
        line.close()
        output.note(f"wrote {job.target} ({width}x{height})")
    return written, failed


def _do(
    job: Job, model: Any, tile: int | None, compared: list[tuple[str, Any]], overwrite: bool, progress: Any
) -> tuple[int, int]:
    """Does one. Returns the width and height of what was written; what its format cannot hold is found before."""
    from keras_gans.artifacts import DataError
    from keras_gans.data import photograph

    small = photograph.read(job.source)
    if small.deeper:
        output.note(f"{job.source}: its 16 bits a channel become 8; grey without transparency alone keeps them")
    height, width = (model.scale * side for side in small.pixels.shape[:2])
    models = [(name, model) for name, model in compared if model is not None]
    if models:
        height, width = height + 5 * MARGIN, (2 + len(models)) * (width + 2 * MARGIN)
    photograph.check_size(job.target, height, width)
    if models:
        large = _side_by_side(small, models, tile, progress)
    else:
        large = small._replace(pixels=model.upscale(small.pixels, tile or "auto", progress))
    if not overwrite and job.target.exists():
        raise DataError(f"{job.target} has come to be there meanwhile: take another --out, or --overwrite.")
    photograph.write(job.target, large)
    return width, height


def _side_by_side(small: Any, models: list[tuple[str, Any]], tile: int | None, progress: Any) -> Any:
    """A page: the image with each pixel repeated, bicubic, and what each model makes of it, called by their names."""
    from keras_gans.data import bicubic
    from keras_gans.data.photograph import Photograph, flat

    pixels = flat(small.pixels)
    scale = models[0][1].scale
    height, width = (scale * side for side in pixels.shape[:2])

    def by(model: Any) -> Any:
        return lambda: model.upscale(pixels, tile or "auto", progress)

    named = [
        ("the image", lambda: pixels.repeat(scale, axis=0).repeat(scale, axis=1)),
        ("bicubic", lambda: bicubic(pixels, scale=scale)),
        *((name, by(model)) for name, model in models),
    ]
    profile = small.profile if small.pixels.shape[-1] > 2 else None  # grey's is not the page's
    return Photograph(side_by_side(height, width, named), profile)
