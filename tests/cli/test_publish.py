"""keras-gans publish"""

import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import keras_gans
from fake_hub import TOKEN, FakeHub
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


def test_a_runs_model_has_the_runs_curve_and_other_weights_lose_theirs(kg, run, zoo):
    target = zoo / "toy_classes"
    assert kg("publish", "run/model", "--to", target).exit_code == 0
    assert (target / "curve.csv").read_text() == Path("run/curve.csv").read_text()
    assert (target / "curve.png").is_file()
    model = keras_gans.load("./run/model")
    model.save_pretrained("alone")
    assert kg("publish", "alone", "--to", target).exit_code == 0
    assert (target / "curve.csv").is_file()  # the same weights: it is theirs
    model.assign_tensors({name: tensor + 0.5 for name, tensor in model.tensors().items()})
    model.save_pretrained("other")
    assert kg("publish", "other", "--to", target).exit_code == 0
    assert not (target / "curve.csv").exists()
    assert not (target / "curve.png").exists()
    assert (target / "samples.png").is_file()  # of a generator they are drawn anew


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
        (["MODELS/toy_digits", "--to", "s3://bucket"], 2, "neither a folder nor hf://user/repo[@revision]"),
        (["MODELS/toy_digits", "--to", "hf://user"], 2, "neither a folder nor hf://user/repo[@revision]"),
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


# ---- mirrors ----


def test_weights_that_were_published_stay_as_they_are(kg, run):
    kg("publish", run)
    record = artifacts.read_provenance("run/published")
    scores = {"version": 1, "sha256": record["sha256"], "scores": []}
    artifacts.write_json(Path("run/published", artifacts.SCORES), scores)
    result = kg("publish", "run/published", "--to", "mirror/toy_classes")
    assert result.stdout.startswith("wrote mirror/toy_classes (version 1, ")
    assert artifacts.read_provenance("mirror/toy_classes") == record
    for name in ("card.toml", "curve.csv", "samples.png", "scores.json", "weights.safetensors"):
        assert Path("mirror/toy_classes", name).read_bytes() == Path("run/published", name).read_bytes(), name
    artifacts.write_json(Path("run/published", artifacts.SCORES), {**scores, "sha256": "0" * 64})
    kg("publish", "run/published", "--to", "other/toy_classes")
    assert not Path("other/toy_classes", artifacts.SCORES).exists()  # they are of other weights


def test_a_folder_of_published_models_is_a_mirror(kg, run, zoo, serve, monkeypatch, tmp_path):
    """The package has card and weights.json, and not the weights: these come from the server, to the cache."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert kg("publish", run, "--to", "mirror/toy_classes").exit_code == 0
    for name in (artifacts.CARD, artifacts.PROVENANCE):
        shutil.copyfile(Path("mirror/toy_classes", name), zoo / "toy_classes" / name)
    (zoo / "toy_classes" / artifacts.WEIGHTS).unlink()
    server = serve(Path("mirror").resolve())
    monkeypatch.setenv("KERAS_GANS_MIRROR", server.url)
    drawn = keras_gans.load("toy_classes").generate(2)
    assert server.paths == ["/toy_classes/weights.safetensors"]
    np.testing.assert_array_equal(drawn, keras_gans.load("./mirror/toy_classes").generate(2))
    assert len(list((tmp_path / "cache" / "models" / "toy_classes").glob("*.safetensors"))) == 1


# ---- the hub ----


@pytest.fixture
def hub(monkeypatch):
    """A stand-in for huggingface_hub that holds what was sent, as it was then."""
    stand_in = SimpleNamespace(sent={}, get_token=lambda: "a token", create_repo=lambda **k: None)

    def upload_folder(*, folder_path, repo_id, revision, **rest):
        stand_in.sent = {path.name: path.read_bytes() for path in Path(folder_path).iterdir()}
        stand_in.to = (repo_id, revision)

    stand_in.upload_folder, stand_in.create_branch = upload_folder, lambda **k: None
    monkeypatch.setitem(sys.modules, "huggingface_hub", stand_in)
    return stand_in


def test_a_run_goes_to_the_hub_by_way_of_its_published_folder(kg, run, hub):
    result = kg("publish", run, "--to", "hf://user/toys@v1")
    record = artifacts.read_provenance("run/published")
    size = f"{record['bytes'] / 1000:.1f} kB"
    assert result.stdout == (
        f"uploaded run/published to hf://user/toys@v1 (version 1, {record['parameters']:,} parameters, {size})\n"
    )
    assert hub.to == ("user/toys", "v1")
    page = hub.sent.pop("README.md").decode()
    assert 'keras_gans.load("hf://user/toys@v1").generate(16)' in page
    assert "- weights: CC0-1.0" in page
    assert "![samples](samples.png)" in page
    assert hub.sent == {path.name: path.read_bytes() for path in Path("run/published").iterdir()}


@pytest.fixture
def measured(zoo, tmp_path):
    """A folder as `publish` leaves it, with a score."""
    folder = tmp_path / "measured"
    shutil.copytree(zoo / "toy_digits", folder)
    record = artifacts.write_weights(folder, artifacts.read_weights(folder), {"rounded": "matrices to float16"})
    score = {"metric": "fid", "protocol": "fid[x, 10k, y]", "value": 3.5}
    artifacts.write_json(folder / artifacts.SCORES, {"version": 1, "sha256": record["sha256"], "scores": [score]})
    return folder


def test_a_published_folder_goes_as_it_is_with_its_scores(kg, measured, hub):
    before = {path.name: path.read_bytes() for path in measured.iterdir()}
    assert kg("publish", measured, "--to", "hf://user/toys").exit_code == 0
    assert '          - type: "fid"\n            value: 3.5\n' in hub.sent.pop("README.md").decode()
    assert hub.sent == before == {path.name: path.read_bytes() for path in measured.iterdir()}


def test_what_the_hub_needs_is_said_before_anything_is_made(kg, run, hub, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_OFFLINE", "1")
    assert kg("publish", run, "--to", "hf://user/toys").exit_code == 5
    monkeypatch.delenv("KERAS_GANS_OFFLINE")
    hub.get_token = lambda: None
    assert "set HF_TOKEN" in kg("publish", run, "--to", "hf://user/toys").stderr
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    result = kg("publish", run, "--to", "hf://user/toys")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "pip install 'keras_gans[hub]'" in result.stderr
    assert not Path("run/published").exists()


def test_to_a_hub_and_back(start, measured, tmp_path):
    """huggingface_hub itself against a server: what comes back is what was sent, and later commits replace it."""
    pytest.importorskip("huggingface_hub")
    settings = {
        "HF_TOKEN": TOKEN,
        "HF_HOME": str(tmp_path / "hf"),
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }

    def done(*arguments):
        process = start(*arguments, **{**settings, "HF_ENDPOINT": hub.url})
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        return output

    with FakeHub() as hub:
        assert "to hf://user/toys (" in done("publish", measured, "--to", "hf://user/toys")
        assert sorted(hub.branches["main"]) == ["README.md", *sorted(path.name for path in measured.iterdir())]
        came = Path(done("download", "hf://user/toys").splitlines()[0])
        assert came.read_bytes() == (measured / artifacts.WEIGHTS).read_bytes()
        (measured / artifacts.SCORES).unlink()
        done("publish", measured, "--to", "hf://user/toys@next")
        assert artifacts.SCORES in hub.branches["main"]
        assert artifacts.SCORES not in hub.branches["next"]  # those of the branch before
        assert hub.commits == ["main", "next"]
