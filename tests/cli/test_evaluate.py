"""keras-gans evaluate"""

import json
from pathlib import Path

import numpy as np
import pytest

import keras_gans
from keras_gans.data import images


@pytest.fixture
def folders(tmp_path, rng):
    """Two folders of 40 pictures."""
    for name in ("fake", "real"):
        for i in range(40):
            images.save_png(tmp_path / name / f"{i:02}.png", rng.integers(0, 256, (3, 3, 1), dtype="uint8"))
    return tmp_path / "fake", tmp_path / "real"


def test_one_folder_against_another(kg, folders):
    fake, real = folders
    result = kg("evaluate", fake, "--against", real, "--features", "pixels", "--metrics", "fid,kid")
    assert result.exit_code == 0, result.stderr
    header, fid, kid = result.stdout.splitlines()
    assert header.split() == ["metric", "value", "protocol"]
    assert fid.split(maxsplit=2)[2].startswith("fid[pixels, 40, images@")
    expected = keras_gans.evaluate(fake, "fid,kid", real, features="pixels")
    assert [fid.split()[1], kid.split()[1]] == [score.shown() for score in expected]
    told = json.loads(
        kg("evaluate", fake, "--against", real, "--features", "pixels", "--metrics", "kid", "--json").stdout
    )
    assert told == [expected[1].to_dict()]


def test_scores_are_recorded_in_the_models_folder_and_shown(kg, zoo, photos):
    def run(*more):
        return kg("evaluate", "toy_digits", "--against", photos, "--features", "pixels", "-n", 20, "--seeds", 2, *more)

    assert "wrote" in run("--metrics", "kid", "--record").stderr
    path = zoo / "toy_digits" / "scores.json"
    first = json.loads(path.read_text())
    assert [score["metric"] for score in first["scores"]] == ["kid"]
    run("--metrics", "kid,memorized", "--record")
    again = json.loads(path.read_text())
    assert [score["metric"] for score in again["scores"]] == ["kid", "memorized"]
    assert again["scores"][0] == first["scores"][0]
    shown = kg("info", "toy_digits").stdout
    assert first["scores"][0]["protocol"] in shown
    path.write_text(json.dumps({**again, "sha256": "of other weights"}))
    run("--metrics", "memorized", "--record")
    assert [score["metric"] for score in json.loads(path.read_text())["scores"]] == ["memorized"]


def test_statistics_are_written_and_taken(kg, folders, tmp_path):
    fake, real = folders
    options = ("--features", "pixels", "--metrics", "fid", "--json")
    stats = tmp_path / "real.stats.safetensors"
    first = kg("evaluate", fake, "--against", real, "--save-statistics", stats, *options)
    assert stats.is_file(), first.stderr
    assert kg("evaluate", fake, "--against", stats, *options).stdout == first.stdout


def test_a_name_is_a_name_though_a_folder_is_called_so(kg, zoo, photos):
    Path("toy_digits").mkdir()  # as `generate --individually` makes it
    result = kg("evaluate", "toy_digits", "--against", photos, "--features", "pixels", "--metrics", "kid", "-n", 8)
    assert result.exit_code == 0, result.stderr
    assert "kid[pixels-28x28x1, 8, images@" in result.stdout
    Path("pictures").mkdir()
    assert "no model 'pictures'" in kg("evaluate", "pictures", "--against", photos).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["no_such_model"], 1, "no model 'no_such_model'"),
        (["toy_digits", "--metrics", "fid"], 1, "the model's card names none"),
        (["toy_digits", "--metrics", "nothing"], 1, "Metrics are fid, kid"),
        (["toy_digits", "--weights", "x"], 2, "--weights is the file of --features inception2015"),
        (["./nowhere", "--against", "./nowhere", "--features", "pixels"], 1, "does not"),
        (["toy_digits", "--features", "inception2015", "--weights", "./nowhere.pb"], 4, "nowhere.pb"),
    ],
)
def test_mistakes_are_one_sentence(arguments, code, sentence, kg, zoo):
    result = kg("evaluate", *arguments)
    assert result.exit_code == code
    assert sentence in result.stderr
    assert np.sum([line.startswith("Error") for line in result.stderr.splitlines()]) == 1


def test_only_a_models_folder_takes_records(kg, folders):
    fake, real = folders
    result = kg("evaluate", fake, "--against", real, "--features", "pixels", "--metrics", "kid", "--record")
    assert result.exit_code == 1
    assert "--record writes into a model's folder" in result.stderr
