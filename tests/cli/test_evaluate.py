"""keras-gans evaluate"""

import json
from pathlib import Path

import numpy as np
import pytest

import keras_gans
from keras_gans.api import closest
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


def test_statistics_by_another_name_are_taken_too(kg, folders, tmp_path):
    fake, real = folders
    options = ("--features", "pixels", "--metrics", "fid", "--json")
    first = kg("evaluate", fake, "--against", real, "--save-statistics", tmp_path / "real.safetensors", *options)
    assert kg("evaluate", fake, "--against", tmp_path / "real.safetensors", *options).stdout == first.stdout


def test_the_cost_and_the_end_of_the_progress_are_said(kg, folders):
    fake, real = folders
    said = kg("evaluate", fake, "--against", real, "--features", "pixels", "--metrics", "fid,kid").stderr
    assert "fid, kid: 40 images and 40 real ones, about 0 s" in said
    assert said.count("40 of 40 images") == 2  # of each side


def test_a_parzen_likelihood_stands_with_its_error_and_its_caveat(kg, zoo, monkeypatch, rng):
    import keras_gans
    from keras_gans import data, metrics

    splits = {split: rng.integers(0, 256, (30, 28, 28, 1), dtype="uint8") for split in ("test", "train[-10000:]")}
    load = data.load

    def loaded(source, split="train", **options):
        return data.Images(splits[split], name=f"tfds:mnist {split}") if source == "tfds:mnist" else load(source)

    monkeypatch.setattr(data, "load", loaded)
    arguments = ("toy_digits", "--against", "tfds:mnist", "--metrics", "parzen", "-n", 20, "--seeds", 2)
    shown = kg("evaluate", *arguments)
    (score,) = keras_gans.evaluate("toy_digits", "parzen", "tfds:mnist", n=20, seeds=2)
    error, (low, high) = score.details["standard_error"], score.interval
    words = f"{score.value:.4g} ± {error:.2g} (standard error; {low:.4g} to {high:.4g} over seeds)"
    assert words in shown.stdout
    assert shown.stderr.count(metrics.PARZEN_CAVEAT) == 1
    (told,) = json.loads(kg("evaluate", *arguments, "--json").stdout)
    assert told["details"]["standard_error"] == score.details["standard_error"]


def test_the_closest_pairs_are_shown(kg, zoo, photos, pixels):
    arguments = ("toy_digits", "--against", photos, "-n", 12, "--seeds", 1)
    result = kg("evaluate", *arguments, "--metrics", "memorized", "--pairs", "pairs.png")
    assert "wrote pairs.png" in result.stderr
    page = pixels("pairs.png")
    assert page.shape == (3 * 30 + 2, 8 * 30 + 2)  # twelve pairs, four to a row
    expected = closest.closest_pairs("toy_digits", photos, n=12)
    np.testing.assert_array_equal(page[2:30, 2:30], expected.samples[0, ..., 0])
    np.testing.assert_array_equal(page[2:30, 32:60], expected.real[0, ..., 0])
    refused = kg("evaluate", *arguments, "--metrics", "kid", "--features", "pixels", "--pairs", "pairs.png")
    assert refused.exit_code == 2
    assert "--pairs shows what the metric memorized counts: add it to --metrics." in refused.stderr


def test_a_models_own_discriminator_gives_features(kg, zoo, photos):
    arguments = ("--against", photos, "--features", "discriminator", "--metrics", "kid", "-n", 12, "--seeds", 1)
    assert "kid[discriminator-" in kg("evaluate", "toy_digits", *arguments).stdout
    refused = kg("evaluate", photos, *arguments)
    assert "The features of a discriminator are of a model, and images came" in refused.stderr


def test_pictures_of_several_sizes_say_so_to_pixels(kg, photos):
    said = kg("evaluate", photos, "--against", photos, "--features", "pixels", "--metrics", "kid").stderr
    assert "Images of one size were wanted here and photos has several: bring them to one size" in said


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
