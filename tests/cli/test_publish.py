"""keras-gans publish"""

import shutil
from pathlib import Path

import numpy as np
import pytest

import keras_gans
from keras_gans import artifacts


@pytest.fixture(scope="module")
def trained(published, tmp_path_factory):
    """A finished run of the DCGAN, which has batch statistics."""
    from keras_gans import api, data
    from keras_gans.training import run
    from keras_gans.zoo.card import Card

    card = Card.from_folder(published / "toy_classes")
    rng = np.random.default_rng(0)
    photos = data.load((rng.integers(0, 256, (24, 28, 28, 1), dtype="uint8"), np.arange(24) % 3))
    out = tmp_path_factory.mktemp("trained")
    run.train(lambda: api.build(card), card.to_dict(), card.recipes["quick"], photos, out)
    return out


@pytest.fixture
def run(trained, zoo):
    """A copy of that run, where the test works."""
    return Path(shutil.copytree(trained, "run"))


def statistics(tensors):
    return {name: t for name, t in tensors.items() if name.startswith("generator/") and "/moving_" in name}


def test_a_run_becomes_a_small_model_folder(kg, run, pixels):
    result = kg("publish", run)
    record = artifacts.read_provenance("run/published")
    size = f"{record['bytes'] / 1000:.1f} kB"
    assert result.stdout == f"wrote run/published (version 1, {record['parameters']:,} parameters, {size})\n"
    assert sorted(path.name for path in Path("run/published").iterdir()) == [
        *("card.toml", "curve.csv", "curve.png", "samples.png", "weights.json", "weights.safetensors"),
    ]
    told = artifacts.read_provenance("run/model")["provenance"]
    assert record["provenance"] == {**told, "rounded": "matrices to float16"}
    assert Path("run/published/curve.csv").read_text() == Path("run/curve.csv").read_text()
    assert pixels("run/published/curve.png").ndim == 3
    drawn = keras_gans.load("./run/published").samples()
    np.testing.assert_array_equal(pixels("run/published/samples.png"), drawn[..., 0])


def test_matrices_are_rounded_and_statistics_taken_anew(kg, run):
    kg("publish", run)
    exact, rounded = artifacts.read_weights("run/model"), artifacts.read_weights("run/published")
    anew = statistics(exact)
    assert anew
    for name, tensor in exact.items():
        if tensor.ndim >= 2:
            np.testing.assert_array_equal(rounded[name], tensor.astype("float16"))
            assert rounded[name].dtype == np.float16
        elif name not in anew:
            np.testing.assert_array_equal(rounded[name], tensor)
        else:
            assert rounded[name].dtype == np.float32
    assert any(not np.array_equal(rounded[name], exact[name]) for name in anew)


def test_statistics_are_those_of_the_rounded_network(kg, run):
    """Old ones are put out of the way first: what is published must not remember them."""
    tensors = artifacts.read_weights("run/model")
    for tensor in statistics(tensors).values():
        tensor += 10.0
    artifacts.write_weights("run/model", tensors, {})
    kg("publish", run)
    model = keras_gans.load("./run/published")
    published = statistics(model.tensors())
    model.reestimate_statistics()
    for name, tensor in statistics(model.tensors()).items():
        np.testing.assert_allclose(tensor, published[name], rtol=1e-3, atol=1e-5, err_msg=name)


def test_a_card_at_the_target_is_kept_by_hand(kg, run, zoo):
    target = zoo / "toy_new"
    card = {**artifacts.read_card(zoo / "toy_classes"), "name": "toy_new", "status": "recipe"}
    artifacts.write_card(target, card)
    path = target / artifacts.CARD
    path.write_text("# by hand\n" + path.read_text())
    text = path.read_text()
    assert kg("publish", run, "--to", target).exit_code == 0
    assert path.read_text() == text.replace('status = "recipe"', 'status = "pretrained"')
    assert keras_gans.load("toy_new").generate(2).shape == (2, 28, 28, 1)


def test_other_weights_raise_the_version(kg, run, zoo):
    target = zoo / "toy_classes"
    artifacts.write_json(target / artifacts.SCORES, [])
    before = (target / artifacts.CARD).read_text()
    result = kg("publish", run, "--to", target)
    assert "(version 2, " in result.stdout
    assert "was measured on the weights before these" in result.stderr
    assert (target / artifacts.CARD).read_text() == before.replace("version = 1", "version = 2")
    again = kg("publish", run, "--to", target)
    assert "(version 2, " in again.stdout
    assert again.stderr == ""


def test_a_card_of_another_architecture_is_refused(kg, run, zoo):
    target = zoo / "toy_digits"
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    result = kg("publish", run, "--to", target)
    assert result.exit_code == 4
    assert f"do not fit the model that {target / artifacts.CARD} describes" in result.stderr
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before


def test_a_saved_classifier(kg, zoo):
    assert kg("publish", zoo / "toy_reader", "--to", "reader").exit_code == 0
    assert sorted(path.name for path in Path("reader").iterdir()) == [
        *("card.toml", "samples.png", "weights.json", "weights.safetensors"),
    ]
    drawn = np.zeros((2, 28, 28, 1), "uint8")
    assert keras_gans.load("./reader").classify(drawn).shape == (2,)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["MODELS/toy_digits", "--to", "MODELS/toy_digits"], 2, "is the model itself"),
        (["nowhere"], 2, "does not exist"),
        (["."], 1, "No card.toml could be read"),
        (["MODELS/toy_recipe"], 4, "weights.json could not be read"),
    ],
)
def test_refused(arguments, code, text, kg, zoo):
    result = kg("publish", *[a.replace("MODELS", str(zoo)) for a in arguments])
    assert (result.exit_code, result.stdout) == (code, "")
    assert text in result.stderr
    assert not list(Path().iterdir())


def test_prompts_travel_and_those_of_the_target_stay(kg, text_model):
    text_model.prompts = ("of the run", "and another")
    text_model.save_pretrained("mine")
    assert keras_gans.load("./mine").prompts == text_model.prompts
    assert kg("publish", "mine", "--to", "first").exit_code == 0
    assert keras_gans.load("./first").prompts == text_model.prompts
    Path("first", artifacts.PROMPTS).write_text("of others\n")
    assert kg("publish", "mine", "--to", "first").exit_code == 0
    assert keras_gans.load("./first").prompts == ("of others",)
