"""keras-gans cache ls, verify, clear"""

from __future__ import annotations

import click

from . import output, reference

_folder = click.option("--cache-dir", type=click.Path(), help="Instead of the user's cache folder.")


@click.group(
    epilog="The folder is KERAS_GANS_HOME if that is set; `keras-gans env` shows it.",
    short_help="Look at, verify or empty the cache of weights.",
)
def command() -> None:
    """Look at, verify or empty the cache of downloaded weights.

    \b
      keras-gans cache ls
      keras-gans cache verify
      keras-gans cache clear dcgan_mnist
    """


@command.command("ls")
@_folder
@output.json_option
def ls(cache_dir: str | None, as_json: bool) -> None:
    """List the cached weights."""
    from keras_gans.zoo import download

    entries = download.cache_list(cache_dir)
    if as_json:
        output.say_json([{"name": e.name, "path": str(e.path), "bytes": e.bytes} for e in entries])
    elif entries:
        cells = [(e.name, output.size(e.bytes), str(e.path)) for e in entries]
        output.table(("name", "size", "path"), cells, right=("size",))
    else:
        output.note(f"Nothing is cached in {download.cache_dir(cache_dir)}.")


@command.command("verify")
@_folder
@output.json_option
def verify(cache_dir: str | None, as_json: bool) -> None:
    """Hash every cached file; exit code 4 if one is damaged."""
    from keras_gans.artifacts import WeightsCorruptedError
    from keras_gans.zoo import download

    checked = download.cache_verify(cache_dir)
    if as_json:
        output.say_json([{"path": str(path), "sound": sound} for path, sound in checked])
    else:
        for path, sound in checked:
            output.say(f"{'sound  ' if sound else 'damaged'}  {path}")
    damaged = [path.parent.name for path, sound in checked if not sound]
    if damaged:
        raise WeightsCorruptedError(
            f"{len(damaged)} of {len(checked)} cached files are damaged: "
            f"fetch them again with `keras-gans download {' '.join(damaged)}`."
        )


@command.command("clear")
@click.argument("names", nargs=-1, shell_complete=reference.complete)
@_folder
def clear(names: tuple[str, ...], cache_dir: str | None) -> None:
    """Remove the cached weights of NAMES, or of all models."""
    from keras_gans.zoo import download

    freed = download.cache_clear(names or None, cache_dir)
    output.say(f"freed {output.size(freed)}")
