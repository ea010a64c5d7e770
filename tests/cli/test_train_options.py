"""keras-gans train: what is asked for of the step, beside the recipe: its precision, XLA, micro-batches."""

import json
from pathlib import Path

import pytest

from keras_gans import artifacts
from keras_gans.artifacts import KerasGansError
from keras_gans.training import backend, precision


def recipe(out="run"):
    return json.loads((Path(out) / "run.json").read_text())["recipe"]


@pytest.fixture
def emulating(monkeypatch):
    """Lets this machine be one that computes in nothing but float32."""
    from keras_gans.training import precision

    monkeypatch.setattr(precision, "computed", lambda: {"float32"})


@pytest.fixture
def ask(photos):
    return ["train", "toy_recipe", "--data", photos, "--batch-size", 6, "--out", "run"]


@pytest.mark.slow
def test_what_is_asked_for_stands_in_the_runs_recipe_and_the_run_goes_on_in_it(kg, zoo, ask, emulating):
    options = ["--accumulate", 3, "--no-xla"]
    assert kg(*ask, *options, "--precision", "bfloat16", "--steps", 1).exit_code == 0
    assert recipe()["dtype"] == "mixed_bfloat16"
    assert (recipe()["compile"]["accumulate"], recipe()["compile"]["jit_compile"]) == (3, False)

    again = kg(*ask, *options, "--steps", 2)  # auto: not what the machine would begin in
    assert again.stdout == "wrote run/model (2 steps)\n"
    assert "computes in mixed_bfloat16, where the recipe has float32" in again.stderr
    assert recipe()["dtype"] == "mixed_bfloat16"
    record = artifacts.read_provenance("run/model")["provenance"]["recipe"]
    assert (record["dtype"], record["compile"]["accumulate"]) == ("mixed_bfloat16", 3)

    for other in ([*options, "--precision", "float32"], ["--no-xla"], ["--accumulate", 3]):
        refused = kg(*ask, *other, "--steps", 3)
        assert refused.exit_code == 1
        assert "its recipe differ" in refused.stderr


def test_a_precision_that_the_machine_would_emulate_is_not_begun_in(kg, zoo, ask, emulating):
    card = artifacts.read_card(zoo / "toy_recipe")
    card["recipes"]["quick"]["dtype"] = "mixed_bfloat16"
    artifacts.write_card(zoo / "toy_recipe", card)
    told = kg(*ask, "--steps", 1)
    assert "computes in float32, where the recipe has mixed_bfloat16: --precision chooses" in told.stderr
    assert recipe()["dtype"] == "float32"


def test_one_order_of_sums_is_asked_for_before_anything_looks_for_devices(kg, zoo, ask, monkeypatch):
    """XLA reads its flags when JAX first does: what is asked of it later goes unheard."""
    asked = []
    monkeypatch.setattr(backend, "add_up_in_one_order", lambda: asked.append("order"))

    def of_run(*_):
        asked.append("devices")
        raise KerasGansError("far enough")

    monkeypatch.setattr(precision, "of_run", of_run)
    assert "far enough" in kg(*ask).stderr
    assert asked == ["order", "devices"]


def test_a_batch_that_does_not_divide_is_refused(kg, zoo, ask):
    told = kg(*ask, "--accumulate", 4)
    assert told.exit_code == 1
    assert "to 4 micro-batches, and 6 of them came: give batch_size=4" in told.stderr


def test_what_is_not_for_a_classifier_says_so(kg, zoo, photos):
    told = kg("train", "toy_reader", "--data", photos, "--accumulate", 2)
    assert told.exit_code == 2
    assert "toy_reader plays none: give its recipe's optimizer gradient_accumulation_steps" in told.stderr
    told = kg("train", "toy_reader", "--data", photos, "--xla")
    assert told.exit_code == 2
    assert "leave out --xla, or set KERAS_BACKEND=jax" in told.stderr
