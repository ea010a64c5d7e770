"""keras-gans generate"""

import itertools
import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import keras_gans
from keras_gans import artifacts, latent
from keras_gans.cli import generate
from keras_gans.data import images
from keras_gans.training import drawing


def test_a_page_of_what_the_model_draws(kg, zoo, pixels):
    result = kg("generate", "toy_digits", "-n", 5, "--seed", 3, "--out", "deep/grid.png")
    assert result.stdout == "wrote deep/grid.png (5 images of 28x28)\n"
    drawn = keras_gans.load("toy_digits").generate(5, seed=3)
    np.testing.assert_array_equal(pixels("deep/grid.png"), images.grid(drawn)[..., 0])


def test_by_itself_it_draws_16_into_a_file_of_the_models_name(kg, zoo, pixels):
    assert kg("generate", zoo / "toy_digits").stdout == "wrote toy_digits.png (16 images of 28x28)\n"
    drawn = keras_gans.load("toy_digits").generate()
    np.testing.assert_array_equal(pixels("toy_digits.png"), images.grid(drawn)[..., 0])


def test_one_file_each_and_in_any_batches(kg, zoo, pixels):
    result = kg("generate", "toy_digits", "-n", 5, "--batch-size", 2, "--individually", "--out", "pictures", "--json")
    told = json.loads(result.stdout)
    assert told == {
        "paths": [f"pictures/{i:06d}.png" for i in range(5)],
        "images": 5,
        "height": 28,
        "width": 28,
    }
    drawn = keras_gans.load("toy_digits").generate(5)[..., 0]
    np.testing.assert_array_equal([pixels(path) for path in told["paths"]], drawn)


@pytest.mark.parametrize(
    ("arguments", "labels"),
    [
        ([], [0, 1, 2, 0, 1]),
        (["--label", "2"], [2] * 5),
        (["--label", "2", "--label", "0,1"], [2, 0, 1, 2, 0]),
    ],
)
def test_labels_come_in_turn(arguments, labels, kg, zoo, pixels):
    kg("generate", "toy_classes", "-n", 5, "--columns", 5, "--batch-size", 2, "--out", "grid.png", *arguments)
    drawn = keras_gans.load("toy_classes").generate(5, labels=labels, batch_size=2)
    np.testing.assert_array_equal(pixels("grid.png"), images.grid(drawn, columns=5)[..., 0])


@pytest.mark.parametrize("kind", [None, "linear", "spherical"])
def test_walks_lie_in_rows(kind, kg, zoo, pixels):
    arguments = ["--kind", kind] if kind else []
    arguments += ["--batch-size", 7]  # of which one ends within a walk
    result = kg("generate", "toy_digits", "-n", 3, "--interpolate", 5, "--out", "walks.png", *arguments)
    assert result.stdout == "wrote walks.png (15 images of 28x28)\n"
    model = keras_gans.load("toy_digits")
    ends = latent.sample(model, 6)
    walks = latent.interpolate(ends[::2], ends[1::2], 5, kind or "linear")
    drawn = model.generate(latents=walks.reshape(15, -1), batch_size=7)
    np.testing.assert_array_equal(pixels("walks.png"), images.grid(drawn, columns=5)[..., 0])


def test_a_walk_keeps_its_class(kg, zoo, pixels):
    kg("generate", "toy_classes", "-n", 2, "--interpolate", 3, "--label", "2,0", "--out", "walks.png")
    model = keras_gans.load("toy_classes")
    ends = latent.sample(model, 4)
    walks = latent.interpolate(ends[::2], ends[1::2], 3).reshape(6, -1)
    drawn = model.generate(latents=walks, labels=[2, 2, 2, 0, 0, 0])
    np.testing.assert_array_equal(pixels("walks.png"), images.grid(drawn, columns=3)[..., 0])


def test_truncation(kg, zoo, pixels):
    kg("generate", "toy_digits", "-n", 4, "--truncation", "0.1", "--out", "grid.png")
    drawn = keras_gans.load("toy_digits").generate(4, truncation=0.1)
    np.testing.assert_array_equal(pixels("grid.png"), images.grid(drawn)[..., 0])


def test_what_stood_there_is_written_over(kg, zoo, pixels):
    Path("grid.png").write_text("old")
    kg("generate", "toy_digits", "--out", "grid.png")
    assert pixels("grid.png").shape == (122, 122)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["toy_reader"], 1, "toy_reader is a model to classify, and one that draws was wanted"),
        (["toy_recipe"], 1, "keras-gans train toy_recipe"),
        (["toy_digits", "--label", "1"], 1, "toy_digits draws without classes, and --label came"),
        (["toy_classes", "--label", "0,3"], 1, "toy_classes has the classes 0 to 2, and --label 3 came"),
        (["toy_classes", "--label", "seven"], 2, "'seven' is not a class number"),
        (["toy_digits", "--out", "grid.jpg"], 2, "--out is a file that ends in .png or .npy, and grid.jpg came"),
        (["toy_digits", "--out", "."], 2, "--out is a file that ends in .png or .npy"),
        (["toy_digits", "--individually", "--out", "a.npy"], 2, "writes a folder, and a.npy ends as a file does"),
        (["toy_digits", "--columns", "2", "--out", "a.npy"], 2, "--columns"),
        (["toy_digits", "--shard", "1/2"], 2, "--shard is for very many pictures"),
        (["toy_digits", "--shard", "0/2", "--individually"], 2, "'0/2' is none of the parts 1/2 to 2/2"),
        (["toy_digits", "--shard", "half", "--individually"], 2, "'half' is not one part of several, as 1/8 is"),
        (["toy_digits", "-n", "0"], 2, "0 is not in the range x>=1"),
        (["toy_digits", "--seed", str(2**63)], 2, "is not in the range"),
        (["toy_digits", "--truncation", "0"], 2, "is not in the range"),
        (["toy_digits", "--kind", "linear"], 2, "give --interpolate"),
        (["toy_digits", "--columns", "2", "--individually"], 2, "--columns"),
        (["toy_nothing"], 1, "There is no model 'toy_nothing'"),
    ],
)
def test_refused_before_anything_is_loaded(arguments, code, text, kg, zoo):
    (zoo / "toy_digits" / artifacts.WEIGHTS).unlink()  # who looked for them would say so
    result = kg("generate", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert text in result.stderr
    assert not list(Path().iterdir())


def test_a_file_where_a_folder_was_wanted(kg, zoo):
    Path("pictures").write_text("a file")
    result = kg("generate", "toy_digits", "--individually", "--out", "pictures")
    assert result.exit_code == 2
    assert Path("pictures").read_text() == "a file"


def test_damaged_weights_are_4(kg, zoo):
    path = zoo / "toy_digits" / artifacts.WEIGHTS
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert kg("generate", "toy_digits").exit_code == 4


def test_a_folder_that_cannot_be_made(kg, zoo):
    Path("taken").write_text("a file")
    result = kg("generate", "toy_digits", "--out", "taken/grid.png")
    assert result.exit_code == 1
    assert "taken could not be used" in result.stderr


def test_prompts_are_rows_with_the_same_latents(kg, text_model, pixels):
    prompts = ["a red flower", "a blue bird"]
    asked = ["generate", "./toy_text", "-n", 3, "--seed", 4, "--out", "page.png"]
    asked += [part for prompt in prompts for part in ("--prompt", prompt)]
    assert kg(*asked).stdout == "wrote page.png (6 images of 16x16)\n"
    drawn = text_model.generate(prompts, n=3, seed=4)
    np.testing.assert_array_equal(pixels("page.png"), images.grid(drawn, 3))

    assert kg(*asked, "--interpolate", 4).exit_code == 0
    page = pixels("page.png")
    assert page.shape == (3 * 18 + 2, 4 * 18 + 2, 3)
    for row in range(3):
        for column, picture in ((0, drawn[row]), (3, drawn[3 + row])):
            top, left = 2 + 18 * row, 2 + 18 * column
            assert np.abs(page[top : top + 16, left : left + 16].astype(int) - picture).max() <= 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("toy_digits", "--prompt", "a"), "toy_digits does not read, and --prompt came: leave it out."),
        (
            ("./toy_text", "--prompt", "a", "--interpolate", 3),
            "walks from one prompt to the next: give --prompt twice.",
        ),
        (("./toy_text", "--prompt", "a", "--interpolate", 3, "--kind", "linear"), "--kind is of walks between latents"),
    ],
)
def test_prompts_that_cannot_be_drawn(kg, zoo, text_model, arguments, words):
    found = kg("generate", *arguments)
    assert found.exit_code != 0
    assert words in " ".join(found.stderr.split())


# --- very many ------------------------------------------------------------------------------------------


def test_an_array(kg, zoo):
    result = kg("generate", "toy_classes", "-n", 1200, "--label", "2,0", "--seed", 4, "--out", "deep/samples.npy")
    assert result.stdout == "wrote deep/samples.npy (1,200 images of 28x28)\n"
    labels = np.resize([2, 0], 1200)
    np.testing.assert_array_equal(
        np.load("deep/samples.npy"), keras_gans.load("toy_classes").generate(1200, seed=4, labels=labels)
    )
    told = json.loads(kg("generate", "toy_digits", "-n", 3, "--out", "a.npy", "--json").stdout)
    assert told == {"paths": ["a.npy"], "images": 3, "height": 28, "width": 28}


def test_an_array_of_walks_and_of_sentences(kg, zoo, text_model):
    kg("generate", "toy_digits", "-n", 3, "--interpolate", 5, "--batch-size", 4, "--out", "walks.npy")
    kg("generate", "toy_digits", "-n", 3, "--interpolate", 5, "--out", "walks.png")
    np.testing.assert_allclose(
        images.grid(np.load("walks.npy"), columns=5)[..., 0].astype(int), images.decode("walks.png"), atol=1
    )
    kg("generate", "./toy_text", "-n", 3, "--prompt", "a", "--prompt", "b", "--out", "rows.npy")
    np.testing.assert_array_equal(np.load("rows.npy"), text_model.generate(["a", "b"], n=3))


def test_shards(kg, zoo):
    asked = ("generate", "toy_digits", "-n", 100, "--individually", "--out", "pictures", "--shard")
    assert kg(*asked, "2/2").stdout == "drew part 2 of 2 of pictures (100 images of 28x28 in all)\n"
    told = json.loads(kg(*asked, "1/2", "--json").stdout)
    assert told["whole"] is True
    assert told["paths"] == [f"pictures/{i:06d}.png" for i in range(100)]
    drawn = keras_gans.load("toy_digits").generate(100)
    np.testing.assert_array_equal([np.asarray(images.decode(path)) for path in told["paths"]], drawn[..., 0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_it_goes_on(number, kg, zoo, monkeypatch):
    asked = ("generate", "toy_digits", "-n", 320, "--out", "a.npy")
    turn, once = itertools.count(), drawing.Drawing.batch

    def batch(self, *inputs):
        if next(turn) == 3:  # devices have threads of their own
            os.kill(os.getpid(), number)
            time.sleep(0.1)  # the main thread gets it
        return once(self, *inputs)

    monkeypatch.setattr(drawing.Drawing, "batch", batch)
    before = signal.getsignal(number)
    result = kg(*asked)
    assert (result.exit_code, result.stdout) == (128 + number, "")
    assert result.stderr.startswith("Stopped after ")
    assert result.stderr.endswith(" of 320 images: the same command goes on from there.\n")
    assert signal.getsignal(number) == before
    assert not Path("a.npy").exists()
    begun = next(turn)
    assert kg(*asked).stdout == "wrote a.npy (320 images of 28x28)\n"
    assert next(turn) - begun - 1 < 10  # batches: what was done is not drawn again
    np.testing.assert_array_equal(np.load("a.npy"), keras_gans.load("toy_digits").generate(320))


def test_something_else_that_was_begun_is_refused(kg, zoo):
    Path("pictures").mkdir()
    Path("pictures/mine.txt").touch()
    result = kg("generate", "toy_digits", "--individually", "--out", "pictures")
    assert result.exit_code == 1
    assert "Pictures want a folder of their own, and pictures holds other files" in result.stderr
    assert kg("generate", "toy_digits", "--shard", "1/2", "--out", "a.npy").exit_code == 0
    result = kg("generate", "toy_digits", "--shard", "2/2", "--seed", 1, "--out", "a.npy")
    assert result.exit_code == 1
    assert "a.npy.partial was begun with seed 0, and 1 came" in result.stderr


def test_a_page_without_end(kg, zoo):
    result = kg("generate", "toy_digits", "-n", 1_000_000, "--out", "page.png")
    assert result.exit_code == 1
    assert (
        "A page of 1,000,000 images has 900,000,000 pixels, more than most programs open: add --individually for a "
        "folder, or name an --out that ends in .npy for an array."
    ) in " ".join(result.stderr.split())
    assert not Path("page.png").exists()


class Line:
    """A line that remembers what it showed."""

    def __init__(self):
        self.shown = []

    def due(self):
        return True

    def show(self, text):
        self.shown.append(text)


def test_the_pace_is_told_when_it_takes_long():
    seconds, line = iter([10.0, 11.0, 30.0, 40.0]), Line()
    pace = generate.Pace(line, lambda: next(seconds))
    for done in (100, 200, 4100, 6000):
        pace.show(done, 6000)
    assert line.shown == ["drew 4,100 of 6,000 images  200 images/s  10 s left"]
