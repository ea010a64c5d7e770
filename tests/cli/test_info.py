"""keras-gans info"""

import json

import pytest

from keras_gans import artifacts


def test_everything_is_shown(kg, zoo):
    record = artifacts.read_provenance(zoo / "toy_digits")
    shown = kg("info", "toy_digits").stdout
    for text in (
        "toy_digits: The toy toy_digits",
        "code     Apache-2.0",
        "weights  CC0-1.0",
        record["sha256"],
        f"{record['parameters']}",
        "hardware    none",
        "https://example.org",
        "Recipe quick (default)",
        "keras-gans train toy_digits --recipe quick",
        "- Draws toys only.",
    ):
        assert text in shown


def test_json_is_card_weights_and_scores(kg, zoo):
    scores = {"version": 1, "scores": [{"metric": "fid", "protocol": "fid[x, 10k, y]", "value": 3.5}]}
    artifacts.write_json(zoo / "toy_digits" / artifacts.SCORES, scores)
    told = json.loads(kg("info", "toy_digits", "--json").stdout)
    assert told["card"] == artifacts.read_card(zoo / "toy_digits")
    assert told["weights"] == artifacts.read_provenance(zoo / "toy_digits")
    assert told["scores"] == scores
    assert "fid[x, 10k, y]  3.5" in kg("info", "toy_digits").stdout


def test_scores_of_other_weights_say_so(kg, zoo):
    scores = {"version": 1, "sha256": "0" * 64, "scores": [{"metric": "fid", "protocol": "fid[x]", "value": 3.5}]}
    artifacts.write_json(zoo / "toy_digits" / artifacts.SCORES, scores)
    assert "Scores of earlier weights: measure again" in kg("info", "toy_digits").stdout


def test_a_recipe_says_how_to_train_it(kg, zoo):
    assert "none yet  keras-gans train toy_recipe" in kg("info", "toy_recipe").stdout
    assert json.loads(kg("info", "toy_recipe", "--json").stdout)["weights"] is None


def test_a_folder_and_the_command_to_type_for_it(kg, zoo):
    shown = kg("info", "../models/toy_digits").stdout
    assert "keras-gans train ../models/toy_digits --recipe quick" in shown


def test_broken_scores_are_one_sentence(kg, zoo):
    for broken, why in (
        ("{", "not valid JSON"),
        ('[{"metric": 1}]', "no list of scores"),
        ('{"scores": [1]}', "no list"),
    ):
        (zoo / "toy_digits" / artifacts.SCORES).write_text(broken)
        result = kg("info", "toy_digits")
        assert result.exit_code == 1
        assert f"scores.json holds {why}" in result.stderr.replace("is not valid", "holds not valid")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nothing_like_it", "`keras-gans list` shows the names."),
        ("models/toy_digits", "if it is a folder, write ./models/toy_digits."),
        ("https://example.org/x", "There is no model 'https://example.org/x'"),
        ("./nowhere", "There is no folder 'nowhere'"),
        ("x" * 300, "There is no model"),
        ("", "There is no model ''"),
    ],
)
def test_what_is_no_model(name, text, kg, zoo):
    result = kg("info", name)
    assert result.exit_code == 1
    assert text in result.stderr
    assert len(result.stderr) < 250
