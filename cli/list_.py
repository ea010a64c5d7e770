"""keras-gans list"""

from __future__ import annotations

from typing import Any

import click

from . import output


@click.command("list")
@click.argument("pattern", default="*")
@click.option("--family", help="Only this family, as in DCGAN.")
@click.option("--task", type=click.Choice(["generate", "classify", "upscale"]), help="Only this task.")
@click.option("--status", type=click.Choice(["pretrained", "recipe"]), help="Only this status.")
@click.option("--long", "is_long", is_flag=True, help="With the licence of each model's weights.")
@output.json_option
def command(
    pattern: str, family: str | None, task: str | None, status: str | None, is_long: bool, as_json: bool
) -> None:
    """List the models whose name fits PATTERN.

    \b
      keras-gans list
      keras-gans list --long
      keras-gans list 'dcgan*' --status pretrained
      keras-gans list --json
    """
    from keras_gans.zoo import registry

    rows = [row(card) for card in registry.list_models(pattern, family, task, status)]
    if as_json:
        output.say_json(rows)
    elif rows:
        _show(rows, is_long)
    else:
        output.note("No model fits: `keras-gans list` shows all of them.")


def row(card: Any) -> dict[str, Any]:
    """What `list` says of one card."""
    from keras_gans import artifacts

    weights = artifacts.read_provenance(card.folder) if card.status == "pretrained" else {}
    return {
        "name": card.name,
        "task": card.task,
        "family": card.family,
        "images": image_shape(card),
        "classes": card.architecture.get("num_classes"),
        "status": card.status,
        "version": card.version,
        "bytes": weights.get("bytes"),
        "parameters": weights.get("parameters"),
        "data": card.data["seen"],
        "other_than_name": card.data.get("other_than_name"),
        "license": card.license,
        "weights_license": card.weights_license,
        "title": card.title,
    }


def image_shape(card: Any) -> str | None:
    """ "28x28x1", as far as the card's architecture says it."""
    if card.task == "upscale":
        return f"any, x{card.architecture.get('scale', 4)}"
    size, channels = card.architecture.get("size"), card.architecture.get("channels")
    if size is None:
        return None
    return f"{size}x{size}" + (f"x{channels}" if channels else "")


def _show(rows: list[dict[str, Any]], is_long: bool) -> None:
    columns = ("name", "task", "family", "images", "status", "size", *(["weights' licence"] if is_long else []), "data")
    cells = [
        (
            row["name"],
            row["task"],
            row["family"],
            row["images"] or "-",
            row["status"],
            "-" if row["bytes"] is None else output.size(row["bytes"]),
            *([row["weights_license"]] if is_long else []),
            row["data"] + (" (*)" if row["other_than_name"] else ""),
        )
        for row in rows
    ]
    output.table(columns, cells, right=("size",))
    for row in rows:
        if row["other_than_name"]:
            output.say(f"(*) {row['name']}: {row['other_than_name']}")
