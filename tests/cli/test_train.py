"""keras-gans train"""

import json
from pathlib import Path

import numpy as np
import pytest

import keras_gans
from keras_gans import artifacts


def tensors(out="run"):
    return artifacts.read_weights(Path(out) / "model")


def same(left, right):
    assert sorted(left) == sorted(right)
    return all(np.array_equal(left[name], right[name]) for name in left)


@pytest.fixture
def still(zoo):
    """toy_digits with a recipe of learning rate 0: whatever it begins with, it ends with."""
    card = artifacts.read_card(zoo / "toy_digits")
    frozen = {"class": "SGD", "learning_rate": 0.0}
    compiled = {"generator_optimizer": frozen, "discriminator_optimizer": frozen, "run_eagerly": True}
    card["recipes"]["still"] = {"batch_size": 8, "steps": 2, "compile": compiled}
    artifacts.write_card(zoo / "toy_digits", card)


def test_a_run_leaves_all_of_it_behind(kg, zoo, photos):
    result = kg("train", "toy_recipe", "--data", photos, "--out", "deep/run", "--sample-every", 3)
    assert result.stdout == "wrote deep/run/model (6 steps)\n"
    assert "step 6/6  d_loss " in result.stderr
    run = Path("deep/run")
    assert sorted(path.name for path in (run / "samples").iterdir()) == [f"step-00000000{i}.png" for i in (3, 6)]
    assert (run / "curve.csv").read_text().startswith("step,d_loss,g_loss\n1,")
    card = artifacts.read_card(run / "model")
    assert (card["name"], card["status"], card["weights_license"]) == ("run", "pretrained", "unstated")
    assert card["data"] == {"source": str(photos), "split": "train", "seen": "24 pictures of photos"}
    assert "limits" not in card
    assert kg("generate", "./deep/run").exit_code == 0
    assert "2014" in kg("info", "./deep/run").stdout


def test_it_goes_on_where_it_was_and_is_not_moved_by_asking_again(kg, zoo, photos):
    ask = ["train", "toy_recipe", "--data", photos, "--batch-size", 5, "--checkpoint-every", 2]
    assert kg(*ask, "--out", "run", "--steps", 3).exit_code == 0
    assert kg(*ask, "--out", "run", "--steps", 7).exit_code == 0
    assert kg(*ask, "--out", "straight", "--steps", 7).exit_code == 0
    first = tensors("straight")
    assert same(tensors("run"), first)

    again = kg(*ask, "--out", "straight", "--steps", 7)  # in the middle of an epoch of four steps
    assert again.stdout == "wrote straight/model (7 steps)\n"
    assert same(tensors("straight"), first)

    fewer = kg(*ask, "--out", "run", "--steps", 6)
    assert fewer.exit_code == 1
    assert "run holds a run that is at step 7, and 6 steps were asked for" in fewer.stderr
    other = kg(*ask, "--out", "run", "--steps", 9, "--seed", 1)
    assert other.exit_code == 1
    assert "its recipe differ" in other.stderr


def test_a_seed_is_another_run(kg, zoo, photos):
    """Also where both begin with the same weights: order and noise are the seed's too."""
    for seed in (0, 1):
        kg("train", "toy_digits", "--finetune", "--data", photos, "--steps", 2, "--out", f"run{seed}", "--seed", seed)
    record = artifacts.read_provenance("run1/model")["provenance"]
    assert (record["seed"], record["steps"], record["images_seen"]) == (1, 2, 16)
    assert not same(tensors("run0"), tensors("run1"))


def test_a_wish_to_stop_is_granted_after_the_step(zoo, photos):
    from keras_gans import api, data
    from keras_gans.training import run
    from keras_gans.training.callbacks import Stopped
    from keras_gans.zoo.registry import info

    card = info("toy_recipe")
    recipe = card.recipes["quick"]

    def go(out, **arguments):
        return run.train(lambda: api.build(card), card.to_dict(), recipe, data.load(photos), out, **arguments)

    asked = iter([False, False, False, True])
    with pytest.raises(Stopped, match="Stopped after step 4, saved in run"):  # three steps are an epoch
        go("run", stop=lambda: next(asked), checkpoint_every=100)
    assert len(list(Path("run/checkpoints").glob("step-000000004-*"))) == 1
    assert not Path("run/model").exists()
    go("run")
    go("straight")
    assert same(tensors("run"), tensors("straight"))


def test_finetune_begins_with_the_published_weights(kg, zoo, photos, still):
    ask = ["train", "toy_digits", "--recipe", "still", "--data", photos]
    assert kg(*ask, "--out", "run", "--finetune").exit_code == 0
    assert same(tensors("run"), artifacts.read_weights(zoo / "toy_digits"))
    sha = artifacts.read_provenance(zoo / "toy_digits")["sha256"]
    recipe = artifacts.read_provenance("run/model")["provenance"]["recipe"]
    assert recipe["finetuned"] == f"toy_digits, version 1, sha256 {sha[:16]}"
    assert artifacts.read_card("run/model")["data"]["seen"] == "9 images, then 24 pictures of photos"

    assert kg(*ask, "--out", "run").exit_code == 1  # which would be another run
    assert kg(*ask, "--out", "fresh").exit_code == 0
    assert not same(tensors("fresh"), tensors("run"))


def test_a_recipe_may_start_from_published_weights(kg, zoo, photos, still):
    card = artifacts.read_card(zoo / "toy_digits")
    card["recipes"]["still"]["starts_from"] = "toy_digits"
    artifacts.write_card(zoo / "toy_digits", card)
    assert kg("train", "toy_digits", "--recipe", "still", "--data", photos, "--out", "run").exit_code == 0
    assert same(tensors("run"), artifacts.read_weights(zoo / "toy_digits"))
    start, told = (artifacts.read_provenance(folder) for folder in (zoo / "toy_digits", "run/model"))
    (before,) = told["provenance"]["before"]
    assert (before["name"], before["version"], before["sha256"]) == ("toy_digits", 1, start["sha256"])

    card["recipes"]["still"]["starts_from"] = "./run/model"  # a folder: its history comes along
    artifacts.write_card(zoo / "toy_digits", card)
    assert kg("train", "toy_digits", "--recipe", "still", "--data", photos, "--out", "more").exit_code == 0
    told_more = artifacts.read_provenance("more/model")["provenance"]["before"]
    assert told_more[0] == before
    assert told_more[1]["sha256"] == told["sha256"]
    assert told_more[1]["steps"] == told["provenance"]["steps"]


def test_the_architecture_can_be_set(kg, zoo, photos):
    settings = ["--set", "generator_units=[4, 6]", "--set", "latent=3"]
    path = zoo / "toy_recipe" / "card.toml"
    assert kg("train", path, "--data", photos, "--steps", 1, "--out", "run", *settings).exit_code == 0
    architecture = artifacts.read_card("run/model")["architecture"]
    assert (architecture["generator_units"], architecture["latent"]) == ([4, 6], 3)
    assert architecture["discriminator_units"] == 4


def test_a_recipe_may_have_an_architecture_and_a_precision_of_its_own(kg, zoo, photos):
    card = artifacts.read_card(zoo / "toy_recipe")
    card["recipes"]["quick"] |= {"architecture": {"latent": 7, "generator_units": [5]}, "dtype": "mixed_bfloat16"}
    artifacts.write_card(zoo / "toy_recipe", card)
    ask = ["train", "toy_recipe", "--data", photos, "--steps", 1, "--set", "latent=2", "--out", "run"]
    assert kg(*ask, "--precision", "bfloat16").exit_code == 0  # auto would ask the machine
    architecture = artifacts.read_card("run/model")["architecture"]
    assert (architecture["latent"], architecture["generator_units"]) == (2, [5])
    saved = json.loads(Path("run/run.json").read_text())
    assert saved["recipe"]["dtype"] == "mixed_bfloat16"
    assert keras_gans.load("./run/model").generator.dtype_policy.name == "float32"


def test_what_goes_wrong_is_said_on_the_way(kg, zoo, photos):
    """A discriminator that a rate beyond all bounds throws out of the floats: each turn after its first is skipped."""
    card = artifacts.read_card(zoo / "toy_recipe")
    beyond = {"class": "SGD", "learning_rate": 1e38}
    card["recipes"]["quick"]["compile"] |= {"discriminator_optimizer": beyond}
    artifacts.write_card(zoo / "toy_recipe", card)
    result = kg("train", "toy_recipe", "--data", photos, "--steps", 8, "--out", "run")
    assert result.stdout == "wrote run/model (8 steps)\n"
    lines = result.stderr.splitlines()
    told = [line for line in lines if "gradient was not finite in 5 turns in a row, and moved nothing." in line]
    assert [line.split(":")[0] for line in told] == ["step 5", "step 6"]  # the generator meets it in step 1 already
    assert told[1].endswith("Try half the discriminator's learning rate, now 1e+38.")


def test_what_looks_find_is_said_on_the_way(kg, zoo, photos, monkeypatch):
    """Players that never move: the discriminator's logits stay the same. Looks begin at step 2 here, not at 1000."""
    from keras_gans.training import callbacks

    class Soon(callbacks.Health):
        def __init__(self, **arguments):
            super().__init__(**{**arguments, "every": 1, "grace": 2, "patience": 2})

    monkeypatch.setattr(callbacks, "Health", Soon)
    card = artifacts.read_card(zoo / "toy_recipe")
    still = {"class": "SGD", "learning_rate": 0.0}
    card["recipes"]["quick"]["compile"] |= {"generator_optimizer": still, "discriminator_optimizer": still}
    artifacts.write_card(zoo / "toy_recipe", card)
    result = kg("train", "toy_recipe", "--data", photos, "--out", "run")
    assert result.stdout == "wrote run/model (6 steps)\n"
    (told,) = [line for line in result.stderr.splitlines() if "The discriminator says nothing: its logits" in line]
    assert told.startswith("step 3: ")
    assert " Try " in told


def test_a_classifier(kg, zoo, photos):
    result = kg("train", "toy_reader", "--data", photos, "--out", "run")
    assert result.stdout == "wrote run/model (6 steps)\n"
    assert "accuracy" in result.stderr
    assert Path("run/curve.csv").read_text().startswith("step,loss,accuracy\n1,")
    before = tensors()
    assert not same(before, artifacts.read_weights(zoo / "toy_reader"))
    ask = ["train", "toy_reader", "--data", photos, "--checkpoint-every", 2, "--out", "parts"]
    assert kg(*ask, "--steps", 2).stdout == "wrote parts/model (2 steps)\n"  # three are an epoch
    kept = [path.name[:14] for path in sorted(Path("parts/checkpoints").iterdir())]
    assert kept == ["step-000000002"]
    assert kg(*ask).exit_code == 0
    assert same(tensors("parts"), before)
    assert kg("publish", "run").exit_code == 0
    assert {"curve.csv", "curve.png"} <= {path.name for path in Path("run/published").iterdir()}


def test_a_wish_to_stop_is_granted_to_a_classifier_too(kg, zoo, photos, monkeypatch):
    from keras_gans.cli import signals

    monkeypatch.setattr(signals.Wish, "__call__", lambda wish: True)
    result = kg("train", "toy_reader", "--data", photos, "--out", "run")
    assert (result.exit_code, result.stdout) == (143, "")  # as a worker that is stopped by another one's signal
    assert "Stopped after step 1, saved in run/checkpoints" in result.stderr
    assert not Path("run/model").exists()
    assert "has not come to its end" in kg("publish", "run").stderr


def test_labels_for_a_model_with_classes(kg, zoo, photos):
    assert kg("train", "toy_classes", "--data", photos, "--steps", 1, "--out", "run").exit_code == 0
    assert json.loads(Path("run/run.json").read_text())["architecture"]["num_classes"] == 3


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["toy_recipe", "--data", "nowhere"], 1, "'nowhere' does not exist"),
        (["toy_recipe", "--data", "PHOTOS", "--batch-size", "99"], 1, "A batch takes 99 images"),
        (["toy_recipe", "--data", "PHOTOS/class_0", "--split", "test"], 1, "has no splits"),
        (["toy_classes", "--data", "PHOTOS/class_0"], 1, "the data has no labels"),
        (["toy_reader", "--data", "PHOTOS/class_0"], 1, "the data has no labels"),
        (["toy_reader", "--data", "PHOTOS", "--set", "num_classes=2"], 1, "the labels go from 0 to 2"),
        (["toy_recipe", "--data", "PHOTOS", "--set", "size=0"], 1, "size must be a whole number"),
        (
            ["toy_recipe", "--data", "PHOTOS", "--set", "depth=2"],
            1,
            "VanillaGAN has no 'depth': --set takes size,",
        ),
        (["toy_recipe", "--set", "depth"], 2, "'depth' is not like width=32"),
        (["toy_recipe", "--recipe", "slow"], 2, "toy_recipe has no recipe 'slow': take one of quick."),
        (["toy_recipe", "--finetune"], 1, "toy_recipe is a recipe without weights yet"),
        (["toy_digits", "--finetune", "--set", "size=32"], 2, "--finetune keeps the architecture"),
        (["toy_reader", "--sample-every", "2"], 2, "toy_reader draws nothing"),
        (["toy_recipe", "--steps", "0"], 2, "0 is not in the range"),
        (["toy_nothing"], 1, "There is no model 'toy_nothing'"),
    ],
)
def test_refused_before_anything_is_written(arguments, code, text, kg, zoo, photos):
    result = kg("train", *[a.replace("PHOTOS", str(photos)) for a in arguments], "--out", "run")
    assert (result.exit_code, result.stdout) == (code, "")
    assert text in result.stderr
    assert not Path("run").exists()


def test_a_card_without_recipes(kg, zoo, photos):
    card = artifacts.read_card(zoo / "toy_digits")
    del card["recipes"], card["default_recipe"]
    artifacts.write_card(zoo / "toy_digits", card)
    result = kg("train", "toy_digits", "--data", photos)
    assert result.exit_code == 1
    assert "has no recipes: add a table [recipes.modern] to it" in result.stderr


@pytest.mark.slow
def test_a_folder_of_captions_trains_a_model_that_reads(kg, photos):
    from keras_gans.models.text_to_image import TextToImageGAN

    sizes = {"size": 16, "width": 2, "latent": 4, "compressed": 3, "reader_units": (2, 3, 4), "reader_dim": 4}
    TextToImageGAN(**sizes, reader_recurrent=0).save_pretrained("toy_text")
    card = artifacts.read_card("toy_text")
    card["recipes"] = {"quick": {"batch_size": 4, "steps": 2, "compile": {}, "data": {"flip": False}}}
    artifacts.write_card("toy_text", {**card, "default_recipe": "quick"})
    folder = Path(photos)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    (folder / "captions.csv").write_text("\n".join(f"{name},a digit" for name in names))
    found = kg("train", "./toy_text", "--data", photos, "--out", "run")
    assert found.exit_code == 0, found.output
    assert f"{len(names)} pictures" in artifacts.read_card("run/model")["data"]["seen"]
    assert kg("generate", "./run/model", "--prompt", "a digit", "-n", 2).exit_code == 0
