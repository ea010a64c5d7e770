"""keras-gans info"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import click

from . import output, reference
from .list_ import image_shape


@click.command(short_help="Show all that is known of a model.")
@click.argument("name", shell_complete=reference.complete)
@output.json_option
def command(name: str, as_json: bool) -> None:
    """Show all that is known of a model: card, licences, weights, scores, recipes.

    \b
      keras-gans info dcgan_mnist
      keras-gans info ./runs/mine/model --json
    """
    _, card = reference.find(name)
    weights, scores = _weights(card), scores_of(card)
    if as_json:
        output.say_json({"card": card.to_dict(), "weights": weights, "scores": scores, "folder": str(card.folder)})
        return
    for line in described(card, weights, scores):
        output.say(line)


def _weights(card: Any) -> dict[str, Any] | None:
    from keras_gans import artifacts

    return artifacts.read_provenance(card.folder) if card.status == "pretrained" else None


def scores_of(card: Any) -> Any:
    """scores.json, or None where nothing was measured."""
    from keras_gans import artifacts

    path = card.folder / artifacts.SCORES
    if not path.is_file():
        return None
    try:
        found = artifacts.read_json(path)
    except ValueError as error:
        raise artifacts.CardError(f"{path} is not valid JSON ({error}): measure again, or remove it.") from error
    scores = found.get("scores") if isinstance(found, dict) else None
    if not isinstance(scores, list) or not all(isinstance(s, dict) and {"protocol", "value"} <= set(s) for s in scores):
        raise artifacts.CardError(f"{path} holds no list of scores: measure again, or remove it.")
    return found


def described(card: Any, weights: Mapping[str, Any] | None, scores: Any) -> Iterator[str]:
    """The lines that `info` prints."""
    yield f"{card.name}: {card.title}"
    yield card.description
    if "other_than_name" in card.data:
        yield f"Mind: {card.data['other_than_name']}"
    yield from _section("Model", _model(card))
    yield from _section("Licences", {"code": card.license, "weights": card.weights_license})
    yield from _section("Paper", card.paper)
    yield from _section("Data", card.data)
    yield from _section("Architecture", card.architecture)
    yield from _section("Weights", _flat_weights(weights) if weights else {"none yet": _how_to_train(card)})
    for name, recipe in card.recipes.items():
        mark = " (default)" if name == card.default_recipe else ""
        yield from _section(f"Recipe {name}{mark}", {**recipe, "command": _command(card, name)})
    if scores:
        stale = weights is not None and scores.get("sha256", weights["sha256"]) != weights["sha256"]
        title = "Scores of earlier weights: measure again" if stale else "Scores"
        yield from _section(title, {score["protocol"]: _score(score) for score in scores["scores"]})
    if card.limits:
        yield ""
        yield "Limits"
        yield from (f"  - {limit}" for limit in card.limits)


def _score(score: Mapping[str, Any]) -> str:
    from keras_gans.metrics import Score

    return Score.from_dict({"metric": "", **score}).shown()


def _model(card: Any) -> dict[str, Any]:
    facts = {
        "task": card.task,
        "family": card.family,
        "images": image_shape(card),
        "status": card.status,
        "version": card.version,
        "folder": card.folder,
    }
    return {key: value for key, value in facts.items() if value is not None}


def _flat_weights(weights: Mapping[str, Any]) -> dict[str, Any]:
    """weights.json with its provenance, but not the whole recipe, which stands below."""
    facts = {**weights, "bytes": f"{weights['bytes']} ({output.size(weights['bytes'])})"}
    origin = {key: value for key, value in facts.pop("provenance").items() if key != "recipe"}
    return {**facts, **origin}


def _how_to_train(card: Any) -> str:
    return f"keras-gans train {_typed(card)}"


def _command(card: Any, recipe: str) -> str:
    return f"keras-gans train {_typed(card)} --recipe {recipe}"


def _typed(card: Any) -> str:
    """What to type for this card."""
    folder = str(card.folder)
    if card.published:
        return card.name
    return folder if folder.startswith((".", "/", "~")) else os.path.join(os.curdir, folder)


def _section(title: str, facts: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield title
    width = max((len(str(key)) for key in facts), default=0)
    for key, value in facts.items():
        yield f"  {key!s:<{width}}  {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_inner(item)}" for key, item in value.items())
    return json.dumps(value) if isinstance(value, list | bool) else str(value)


def _inner(value: Any) -> str:
    return f"({_shown(value)})" if isinstance(value, dict) else _shown(value)
