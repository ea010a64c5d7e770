"""keras-gans list"""

import json

import pytest

from keras_gans import artifacts


def names(result):
    return [line.split()[0] for line in result.stdout.splitlines()[1:]]


def change(zoo, name, **changes):
    artifacts.write_card(zoo / name, {**artifacts.read_card(zoo / name), **changes})


def test_a_table_of_all_models(kg, zoo):
    result = kg("list")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["name", "task", "family", "images", "status", "size", "data"]
    assert names(result) == ["toy_classes", "toy_digits", "toy_reader", "toy_recipe"]
    size = (zoo / "toy_digits" / artifacts.WEIGHTS).stat().st_size
    assert lines[2].split() == [
        *("toy_digits", "generate", "VanillaGAN", "28x28x1", "pretrained"),
        *(f"{size / 1000:.1f}", "kB", "9", "images"),
    ]
    assert lines[4].split()[4:6] == ["recipe", "-"]  # status, and no size


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["toy_d*"], ["toy_digits"]),
        (["--family", "dcgan"], ["toy_classes"]),
        (["--task", "classify"], ["toy_reader"]),
        (["--status", "recipe"], ["toy_recipe"]),
        (["toy_*", "--task", "generate", "--status", "pretrained"], ["toy_classes", "toy_digits"]),
    ],
)
def test_filters(arguments, found, kg, zoo):
    assert names(kg("list", *arguments)) == found


def test_nothing_found(kg, zoo):
    result = kg("list", "x*")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "keras-gans list" in result.stderr
    assert json.loads(kg("list", "x*", "--json").stdout) == []


def test_json(kg, zoo):
    rows = {row["name"]: row for row in json.loads(kg("list", "--json").stdout)}
    record = artifacts.read_provenance(zoo / "toy_classes")
    assert rows["toy_classes"]["bytes"] == record["bytes"]
    assert rows["toy_classes"]["parameters"] == record["parameters"]
    assert rows["toy_classes"]["classes"] == 3
    assert rows["toy_recipe"]["bytes"] is None
    assert rows["toy_digits"]["weights_license"] == "CC0-1.0"


def test_weights_that_saw_other_data_are_marked(kg, zoo):
    told = "Trained on 9 of 60,000 images."
    data = {"source": "tfds:mnist", "split": "train[:9]", "seen": "9 images", "other_than_name": told}
    change(zoo, "toy_digits", data=data)
    lines = kg("list").stdout.splitlines()
    assert [line.endswith("9 images (*)") for line in lines[1:5]] == [False, True, False, False]
    assert lines[5:] == [f"(*) toy_digits: {told}"]


def test_cells_are_no_markup_and_steer_no_terminal(kg, zoo):
    seen = "[red]train[:9][/red] \x1b[2J\x07"
    change(zoo, "toy_digits", data={"source": "tfds:mnist", "split": "train[:9]", "seen": seen})
    shown = kg("list").stdout
    assert "[red]train[:9][/red]" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_the_licence_of_the_weights_when_asked(kg, zoo):
    change(zoo, "toy_digits", weights_license="as the data, for research")
    assert "licence" not in kg("list").stdout
    lines = kg("list", "--long").stdout.splitlines()
    assert "weights' licence" in lines[0]
    assert ["as the data, for research" in line for line in lines[1:]] == [False, True, False, False]
