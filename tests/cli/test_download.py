"""keras-gans download, and keras-gans cache"""

import json
import shutil
from pathlib import Path

import pytest

from keras_gans import artifacts


def damage(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_prints_where_the_verified_file_is(kg, zoo, tmp_path):
    result = kg("download", "toy_digits", "toy_reader")
    paths = [Path(line) for line in result.stdout.splitlines()]
    assert [path.parent for path in paths] == [
        tmp_path / "cache" / "models" / name for name in ("toy_digits", "toy_reader")
    ]
    assert paths[0].read_bytes() == (zoo / "toy_digits" / artifacts.WEIGHTS).read_bytes()
    assert "toy_digits  " in result.stderr  # progress


def test_all_takes_what_is_pretrained(kg, zoo):
    told = json.loads(kg("download", "--all", "--json").stdout)
    assert [entry["name"] for entry in told] == ["toy_classes", "toy_digits", "toy_reader"]
    assert all(Path(entry["path"]).is_file() for entry in told)


def test_the_licence_of_the_weights_is_said_beside_the_path(kg, zoo):
    result = kg("download", "toy_digits", "toy_reader")
    assert len(result.stdout.splitlines()) == 2  # paths alone, for scripts
    for name in ("toy_digits", "toy_reader"):
        assert f"{name}: the licence of these weights is: CC0-1.0\n" in result.stderr
    (told,) = json.loads(kg("download", "toy_digits", "--json").stdout)
    assert told["weights_license"] == "CC0-1.0"


def test_another_cache(kg, zoo, tmp_path):
    path = Path(kg("download", "toy_digits", "--cache-dir", tmp_path / "other").stdout.strip())
    assert path.is_relative_to(tmp_path / "other")


def test_a_mirror_stands_in_for_a_copy_that_is_not_there(kg, zoo, tmp_path, monkeypatch):
    shutil.copytree(zoo / "toy_digits", tmp_path / "mirror" / "toy_digits")
    (zoo / "toy_digits" / artifacts.WEIGHTS).unlink()
    assert kg("download", "toy_digits").exit_code == 3
    monkeypatch.setenv("KERAS_GANS_OFFLINE", "1")
    assert kg("download", "toy_digits").exit_code == 5
    monkeypatch.setenv("KERAS_GANS_MIRROR", str(tmp_path / "mirror"))
    assert kg("download", "toy_digits").exit_code == 0


def test_a_folders_weights_are_verified_where_they_are(kg, zoo):
    weights = zoo / "toy_digits" / artifacts.WEIGHTS
    result = kg("download", weights.parent)
    assert result.stdout == f"{weights}\n"
    damage(weights)
    assert kg("download", weights.parent).exit_code == 4


def test_names_are_looked_at_before_anything_is_fetched(kg, zoo, tmp_path):
    result = kg("download", "toy_digits", "toy_nothing")
    assert result.exit_code == 1
    assert "toy_nothing" in result.stderr
    assert not (tmp_path / "cache").exists()


def test_a_recipe_names_the_train_command(kg, zoo):
    result = kg("download", "toy_recipe")
    assert result.exit_code == 1
    assert "keras-gans train toy_recipe" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["toy_digits", "--all"]])
def test_names_or_all(arguments, kg, zoo):
    assert kg("download", *arguments).exit_code == 2


def test_the_cache_is_listed_verified_and_cleared(kg, zoo):
    assert kg("cache", "ls").stdout == ""
    paths = [line for name in ("toy_digits", "toy_reader") for line in kg("download", name).stdout.split()]
    assert [line.split()[0] for line in kg("cache", "ls").stdout.splitlines()] == [
        "name",
        "toy_digits",
        "toy_reader",
    ]
    told = json.loads(kg("cache", "ls", "--json").stdout)
    assert [entry["path"] for entry in told] == paths
    assert [entry["bytes"] for entry in told] == [Path(path).stat().st_size for path in paths]

    assert kg("cache", "verify").stdout == "".join(f"sound    {path}\n" for path in paths)
    damage(Path(paths[1]))
    result = kg("cache", "verify")
    assert result.exit_code == 4
    assert f"damaged  {paths[1]}\n" in result.stdout
    assert "keras-gans download toy_reader" in result.stderr
    assert json.loads(kg("cache", "verify", "--json").stdout)[1] == {"path": paths[1], "sound": False}

    assert kg("cache", "clear", "toy_reader").stdout.startswith("freed ")
    assert [Path(path).exists() for path in paths] == [True, False]
    assert kg("cache", "clear").exit_code == 0
    assert not Path(paths[0]).exists()
    assert kg("cache", "clear").stdout == "freed 0 B\n"


def test_what_is_no_name_clears_nothing(kg, zoo):
    path = Path(kg("download", "toy_digits").stdout.strip())
    assert kg("cache", "clear", "toy_digits", "../x").exit_code == 1
    assert path.exists()
