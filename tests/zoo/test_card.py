"""What a card must say, and how it complains."""

import dataclasses

import pytest

from keras_gans import artifacts
from keras_gans.artifacts import CardError
from keras_gans.zoo.card import Card


def test_a_card_survives_the_round_trip_through_toml(tmp_path, card_dict):
    data = {
        "source": "a",
        "split": "b",
        "seen": "c",
        "note": "d",
        "other_than_name": "It saw 10,000 of 3 million.",
    }
    card = Card.from_dict(card_dict(status="recipe", data=data), tmp_path)
    artifacts.write_card(tmp_path, card.to_dict())
    again = Card.from_folder(tmp_path)
    assert again == card
    assert again.to_dict() == card.to_dict() == card_dict(status="recipe", data=data)
    assert (again.folder, again.published) == (tmp_path, False)
    assert again.data["other_than_name"] == "It saw 10,000 of 3 million."


def test_recipes_and_limits_may_be_left_out(tmp_path, card_dict):
    plain = {k: v for k, v in card_dict().items() if k not in ("recipes", "default_recipe", "limits")}
    card = Card.from_dict(plain, tmp_path)
    assert (card.recipes, card.default_recipe, card.limits) == ({}, "", [])
    assert card.to_dict() == plain


def test_a_card_is_frozen_and_shares_nothing_with_what_it_was_made_of(tmp_path, card_dict):
    source = card_dict()
    card = Card.from_dict(source, tmp_path)
    with pytest.raises(dataclasses.FrozenInstanceError):
        card.name = "other"
    source["architecture"]["size"] = 1
    card.to_dict()["architecture"]["size"] = 2
    assert card.architecture["size"] == 28


PAPER = {"title": "A paper", "authors": "A. Author", "year": 2014, "url": "https://example.org"}
DATA = {"source": "tfds:mnist", "split": "train", "seen": "60,000 images"}
RECIPE = {"batch_size": 64, "steps": 100, "compile": {}}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "Has Capitals"}, "'name' must be 1 to 64"),
        ({"name": "a" * 65}, "'name' must be 1 to 64"),
        ({"name": "a\n"}, "'name' must be 1 to 64"),
        ({"name": 3}, "'name' must be 1 to 64"),
        ({"family": ""}, "'family' must be a text"),
        ({"task": "draw"}, "'task' must be one of 'generate', 'classify', 'upscale', not 'draw'"),
        ({"task": ["generate"]}, "'task' must be one of"),
        ({"status": "trained"}, "'status' must be one of 'pretrained', 'recipe'"),
        ({"version": 0}, "'version' must be a whole number"),
        ({"version": True}, "'version' must be a whole number"),
        ({"version": "1"}, "'version' must be a whole number"),
        ({"title": "  "}, "'title' must be a text"),
        ({"weights_license": None}, "'weights_license' must be a text"),
        ({"architecture": [28]}, "'architecture' must be a table"),
        ({"paper": "GAN, 2014"}, "'paper' must be a table"),
        ({"paper": {**PAPER, "year": "2014"}}, "'paper.year' must be a whole number"),
        ({"paper": {"title": "t", "year": 1, "url": "u"}}, "'paper.authors' is missing"),
        ({"paper": {**PAPER, "doi": "1"}}, "'paper.doi' is unknown"),
        ({"data": {**DATA, "seen": 60000}}, "'data.seen' must be a text"),
        ({"data": {**DATA, "images": "1"}}, "'data.images' is unknown"),
        ({"data": {**DATA, "other_than_name": True}}, "'data.other_than_name' must be a text"),
        ({"limits": "none"}, "'limits' must be a list of texts"),
        ({"limits": ["a", 3]}, "'limits' must be a text"),
        ({"recipes": {"modern": 3}}, "'recipes.modern' must be a table"),
        ({"recipes": {"modern": {**RECIPE, "steps": 1.5}}}, "'recipes.modern.steps' must be a whole number"),
        ({"recipes": {"modern": {"batch_size": 1, "steps": 1}}}, "'recipes.modern.compile' is missing"),
        ({"recipes": {"modern": {**RECIPE, "compile": "adam"}}}, "'recipes.modern.compile' must be a table"),
        ({"default_recipe": "paper"}, "'default_recipe' must be one of 'modern', not 'paper'"),
        ({"recipes": {}}, "'default_recipe' must be left out"),
        ({"sha256": "ab"}, "'sha256' is unknown"),
    ],
)
def test_each_mistake_is_named_with_its_file_and_key(tmp_path, card_dict, changes, complaint):
    with pytest.raises(CardError) as caught:
        Card.from_dict(card_dict(**changes), tmp_path)
    text = str(caught.value)
    assert text.startswith(f"{tmp_path / 'card.toml'}: key ")
    assert complaint in text
    assert "\n" not in text
    assert len(text) < 500


@pytest.mark.parametrize("key", ["name", "family", "task", "version", "license", "paper", "data", "architecture"])
def test_each_missing_key_is_named(tmp_path, card_dict, key):
    card = card_dict()
    del card[key]
    with pytest.raises(CardError, match=f"key '{key}' is missing"):
        Card.from_dict(card, tmp_path)


def test_recipes_need_a_default(tmp_path, card_dict):
    card = card_dict()
    del card["default_recipe"]
    with pytest.raises(CardError, match="'default_recipe' must be one of 'modern'"):
        Card.from_dict(card, tmp_path)


def test_recipes_may_say_more_than_is_checked(tmp_path, card_dict):
    recipe = {**RECIPE, "seed": 3, "note": "A note.", "data": {"flip": True}}
    card = Card.from_dict(card_dict(recipes={"modern": recipe}), tmp_path)
    assert card.recipes["modern"] == recipe


def test_pretrained_without_weights_is_refused(tmp_path, publish, card_dict):
    artifacts.write_card(tmp_path, card_dict())
    with pytest.raises(CardError, match=r"'status' is 'pretrained' and there is no weights\.json"):
        Card.from_folder(tmp_path)
    models, _ = publish()
    assert Card.from_folder(models / "toy_digits").status == "pretrained"
