"""keras-gans download"""

from __future__ import annotations

from typing import Any

import click

from . import output, reference


@click.command(short_help="Have weights in the cache, verified.")
@click.argument("names", nargs=-1, shell_complete=reference.complete)
@click.option("--all", "every", is_flag=True, help="Every pretrained model.")
@click.option("--cache-dir", type=click.Path(), help="Instead of the user's cache folder.")
@output.json_option
def command(names: tuple[str, ...], every: bool, cache_dir: str | None, as_json: bool) -> None:
    """Have the weights of NAMES in the cache, verified, and print where they are (and, on stderr, their licence).

    Sources are the mirrors in KERAS_GANS_MIRROR (http(s) URLs or folders, comma-separated), then the copy
    that ships with the package.

    \b
      keras-gans download dcgan_mnist
      keras-gans download --all
    """
    from keras_gans.zoo import registry

    if every == bool(names):
        raise click.UsageError("Give the names of models, or --all.")
    if every:
        cards = registry.list_models(status="pretrained")
    else:
        # All names are looked at before the first byte is fetched.
        cards = [reference.find(name, cache_dir)[1] for name in dict.fromkeys(names)]
    found = []
    for card in cards:
        path = _fetch(card, cache_dir)
        found.append({"name": card.name, "path": path, "weights_license": card.weights_license})
        if not as_json:
            output.say(path)
            output.note(f"{card.name}: the licence of these weights is: {card.weights_license}")
    if as_json:
        output.say_json(found)
    elif not cards:
        output.note("No model is pretrained yet: `keras-gans list` shows what there is.")


def _fetch(card: Any, cache_dir: str | None) -> str:
    """One model's weights, verified; progress on stderr. Those of a folder or the hub lie where they are."""
    from keras_gans import artifacts
    from keras_gans.zoo import download

    expected = download.record(card)
    total, file = expected["bytes"], card.folder / artifacts.WEIGHTS
    if not card.published:
        artifacts.check_bytes(artifacts.read_bytes(file, expected), expected, str(file))
        return str(file)
    line = output.Line()

    def progress(came: int) -> None:
        if line.due() or came >= total:
            line.show(f"{card.name}  {output.size(came)} of {output.size(total)}")

    try:
        return str(download.download(card.name, cache_dir, progress=progress))
    finally:
        line.close()
