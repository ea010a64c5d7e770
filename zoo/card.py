"""A model's card: what card.toml says, checked once, when it is read.

A card never carries code. Its architecture is the arguments of a family's class, its recipes are what
`keras-gans train` runs; both are plain tables that the code above this floor interprets.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from keras_gans import artifacts
from keras_gans.artifacts import CardError

NAME = re.compile(r"[a-z0-9_]{1,64}")
TASKS = ("generate", "classify", "upscale")
STATUSES = ("pretrained", "recipe")


@dataclass(frozen=True)
class Card:
    """One published model, or one that a user saved.

    name: what `keras_gans.load` takes: [a-z0-9_]{1,64}.
    family: the class that builds it, as the models package registers it.
    task: "generate", "classify" or "upscale": which verbs it has.
    status: "pretrained" (weights.json stands beside the card) or "recipe" (no weights yet).
    version: 1, 2, ...: new weights raise it, because they change what `generate(seed=0)` draws.
    architecture: the arguments of the family's class.
    paper: title, authors, year, url.
    data: source, split, seen (how much the weights saw), and optionally note and other_than_name (a sentence
        for weights that saw other data than the name says).
    license, weights_license: of the code and of the weights; they may differ.
    recipes: name -> {batch_size, steps, compile, ...}; default_recipe is the one that `train` takes.
    limits: known failures, a sentence each.
    protocol: how the model is measured where nothing else is asked for: features (an extractor's name), source and
        split (of the real images), samples (how many are drawn).
    folder: where the card was read; published: whether that was the registry. Neither is written.
    """

    name: str
    family: str
    task: str
    status: str
    version: int
    title: str
    description: str
    license: str
    weights_license: str
    architecture: dict[str, Any]
    paper: dict[str, Any]
    data: dict[str, Any]
    recipes: dict[str, dict[str, Any]] = field(default_factory=dict)
    default_recipe: str = ""
    limits: list[str] = field(default_factory=list)
    protocol: dict[str, Any] = field(default_factory=dict)
    folder: Path = field(default=Path(), compare=False)
    published: bool = field(default=False, compare=False)

    @classmethod
    def from_dict(cls, card: Mapping[str, Any], folder: str | Path, published: bool = False) -> Card:
        """A card from what TOML holds; CardError names the file and the key that is not as it must be."""
        folder = Path(folder)
        where = str(folder / artifacts.CARD)
        _check(card, _CARD, where, "")
        _check_default_recipe(card, where)
        return cls(**copy.deepcopy(dict(card)), folder=folder, published=published)

    @classmethod
    def from_folder(cls, folder: str | Path, published: bool = False) -> Card:
        """Reads and checks a folder's card.toml. A pretrained card without weights.json is an error."""
        folder = Path(folder)
        card = cls.from_dict(artifacts.read_card(folder), folder, published)
        if card.status == "pretrained" and not (folder / artifacts.PROVENANCE).is_file():
            raise CardError(
                f"{folder / artifacts.CARD}: key 'status' is 'pretrained' and there is no "
                f"{artifacts.PROVENANCE} beside it; publish the weights or set it to 'recipe'."
            )
        return card

    def to_dict(self) -> dict[str, Any]:
        """What card.toml holds, in the order of the fields; `from_dict` reads it back as an equal card."""
        values = {f.name: copy.deepcopy(getattr(self, f.name)) for f in fields(self) if f.compare}
        optional = ("recipes", "default_recipe", "limits", "protocol")
        return {key: value for key, value in values.items() if value or key not in optional}


# ---- what a card must say ---------------------------------------------------------------------------------
# A rule takes (value, where, key) and raises CardError, or returns. A table's rules are a dict of
# key -> (rule, required), so the shape of a card can be read off below.

Rule = Callable[[Any, str, str], None]
Rules = Mapping[str, tuple[Rule, bool]]


def _wrong(where: str, key: str, wanted: str, came: Any) -> CardError:
    shown = repr(came)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return CardError(f"{where}: key '{key}' must be {wanted}, not {shown}; correct it.")


def _text(value: Any, where: str, key: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(where, key, "a text that is not empty", value)


def _name(value: Any, where: str, key: str) -> None:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise _wrong(where, key, "1 to 64 of a-z, 0-9 and _", value)


def _positive(value: Any, where: str, key: str) -> None:
    if type(value) is not int or value < 1:  # not isinstance: True is an int too
        raise _wrong(where, key, "a whole number from 1 up", value)


def _table(value: Any, where: str, key: str) -> None:
    if not isinstance(value, dict):
        raise _wrong(where, key, "a table", value)


def _texts(value: Any, where: str, key: str) -> None:
    if not isinstance(value, list):
        raise _wrong(where, key, "a list of texts", value)
    for item in value:
        _text(item, where, key)


def _one_of(*choices: str) -> Rule:
    def rule(value: Any, where: str, key: str) -> None:
        if value not in choices:
            raise _wrong(where, key, "one of " + ", ".join(map(repr, choices)), value)

    return rule


def _table_of(rules: Rules, open_ended: bool = False) -> Rule:
    def rule(value: Any, where: str, key: str) -> None:
        _table(value, where, key)
        _check(value, rules, where, key + ".", open_ended)

    return rule


def _recipes(value: Any, where: str, key: str) -> None:
    _table(value, where, key)
    for name, recipe in value.items():
        _table_of(_RECIPE, open_ended=True)(recipe, where, f"{key}.{name}")


def _check(table: Mapping[str, Any], rules: Rules, where: str, prefix: str, open_ended: bool = False) -> None:
    """Holds one table to its rules. `prefix` is put before a key's name in errors: "paper." for [paper]."""
    for key in table:
        if key not in rules and not open_ended:
            known = ", ".join(rules)
            raise CardError(f"{where}: key '{prefix}{key}' is unknown; remove it or use one of: {known}.")
    for key, (rule, required) in rules.items():
        if key in table:
            rule(table[key], where, prefix + key)
        elif required:
            raise CardError(f"{where}: key '{prefix}{key}' is missing; add it.")


def _check_default_recipe(card: Mapping[str, Any], where: str) -> None:
    recipes = card.get("recipes", {})
    default = card.get("default_recipe", "")
    if default not in recipes and (default or recipes):
        wanted = "one of " + ", ".join(map(repr, recipes)) if recipes else "left out, as there are no recipes"
        raise _wrong(where, "default_recipe", wanted, default)


_RECIPE: Rules = {"batch_size": (_positive, True), "steps": (_positive, True), "compile": (_table, True)}
_PAPER: Rules = {
    "title": (_text, True),
    "authors": (_text, True),
    "year": (_positive, True),
    "url": (_text, True),
}
_DATA: Rules = {
    "source": (_text, True),
    "split": (_text, True),
    "seen": (_text, True),
    "note": (_text, False),
    "other_than_name": (_text, False),
}
_PROTOCOL: Rules = {
    "features": (_text, True),
    "source": (_text, True),
    "split": (_text, True),
    "samples": (_positive, True),
}
_CARD: Rules = {
    "name": (_name, True),
    "family": (_text, True),
    "task": (_one_of(*TASKS), True),
    "status": (_one_of(*STATUSES), True),
    "version": (_positive, True),
    "title": (_text, True),
    "description": (_text, True),
    "license": (_text, True),
    "weights_license": (_text, True),
    "architecture": (_table, True),
    "paper": (_table_of(_PAPER), True),
    "data": (_table_of(_DATA), True),
    "recipes": (_recipes, False),
    "default_recipe": (_text, False),
    "limits": (_texts, False),
    "protocol": (_table_of(_PROTOCOL), False),
}
