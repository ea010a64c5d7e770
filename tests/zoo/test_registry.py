"""What a reference means, and what is listed."""

import json
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from keras_gans import artifacts
from keras_gans.artifacts import CardError, KerasGansError, UnknownModelError
from keras_gans.zoo import registry

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def models(publish):
    publish("dcgan_mnist", seed=1)
    publish("dcgan_lsun", seed=2, status="recipe")
    root, _ = publish("lenet_mnist", seed=3, task="classify", family="LeNet")
    return root


# ---- references ----


@pytest.mark.parametrize("name", ["dcgan_mnist", "a", "0", "_", "a" * 64])
def test_names(name, models):
    assert registry.classify(name, folder=models) == ("name", name)


@pytest.mark.parametrize("text", [".", "./x", "../x", "/tmp/x", "~/x", "~", "./" + "a" * 300, "./Grüße 1"])
def test_folders(text, models):
    assert registry.classify(text, folder=models) == ("folder", Path(text))
    assert registry.classify(Path(text), folder=models) == ("folder", Path(text))


def test_a_path_object_is_a_folder_even_if_it_looks_like_a_name(models):
    assert registry.classify(Path("dcgan_mnist"), folder=models) == ("folder", Path("dcgan_mnist"))
    assert registry.classify(PurePosixPath("x"), folder=models) == ("folder", Path("x"))


@pytest.mark.parametrize(
    ("text", "hub"),
    [
        ("hf://user/repo", ("user/repo", None)),
        ("hf://user/repo@main", ("user/repo", "main")),
        ("hf://User-1/re.po_2@refs/pr/3", ("User-1/re.po_2", "refs/pr/3")),
    ],
)
def test_hub_references(text, hub, models):
    assert registry.classify(text, folder=models) == ("hub", hub)


REFUSED = [
    "",
    " ",
    "DCGAN_MNIST",
    "dcgan-mnist",
    "dcgan_mnist\n",
    "dcgan_mnist\0",
    "./folder\0",
    "\0",
    "a" * 65,
    "x" * 300,
    "b" * 1_000_000,
    "https://example.org/dcgan_mnist",
    "file:///etc/passwd",
    "C:\\models",
    "models/dcgan_mnist",
    "dcgan_mnist/..",
    "hf://",
    "hf://user",
    "hf://user/repo/more",
    "hf://user/repo@",
    "hf://user/../repo",
    "hf://user/repo@a/../b",
    "hf://-user/repo",
    "hf://user/repo\n",
    "HF://user/repo",
    "dcgan_mn\u0131st",
    "\uff11",
    "\ud800",
    None,
    3,
    10**6000,
    b"dcgan_mnist",
    ["dcgan_mnist"],
    pytest.param(object(), id="an object"),
    Path("folder\0"),
]


@pytest.fixture(scope="module")
def audit():
    """What is opened, connected or run while "on" is set. A hook cannot be removed, so there is just one."""
    seen, state = [], {"on": False}

    def hook(event, args):
        if state["on"] and event in (
            "open",
            "socket.connect",
            "socket.getaddrinfo",
            "subprocess.Popen",
            "exec",
        ):
            seen.append((event, *args[:1]))

    sys.addaudithook(hook)
    return seen, state


@pytest.fixture
def opened(audit):
    """The list of files opened (and sockets, processes) since the test began."""
    seen, state = audit
    seen.clear()
    state["on"] = True
    yield seen
    state["on"] = False


@pytest.mark.parametrize("reference", REFUSED, ids=lambda value: ascii(value)[:30] if value != 10**6000 else "huge")
def test_everything_else_is_unknown_before_anything_is_opened(reference, models, opened):
    for ask in (registry.classify, registry.find, registry.info):
        with pytest.raises(UnknownModelError) as caught:
            ask(reference, folder=models)
        assert len(str(caught.value)) < 250
        assert "\n" not in str(caught.value)
    assert opened == []


def test_an_unknown_name_gets_the_nearest(models, opened):
    with pytest.raises(UnknownModelError, match=r"^There is no model 'dcgan_minst': did you mean dcgan_mnist"):
        registry.info("dcgan_minst", folder=models)
    with pytest.raises(UnknownModelError, match="did you mean dcgan_lsun"):
        registry.classify("DCGAN LSUN", folder=models)
    with pytest.raises(UnknownModelError, match=r"list_models\(\)"):
        registry.info("zzzzzzzz", folder=models)
    assert opened == []


def test_a_long_text_is_cut(models):
    with pytest.raises(UnknownModelError) as caught:
        registry.classify("é" * 300, folder=models)
    shown = str(caught.value).removeprefix("There is no model ").split(": ")[0]
    assert len(shown) == 80
    assert shown.endswith("...")


def test_the_watch_over_opened_files_sees_one(models, opened):
    registry.info("dcgan_mnist", folder=models)
    assert ("open", str(models / "dcgan_mnist" / "card.toml")) in opened


# ---- listing ----


def test_names_are_folders_with_a_card(models):
    (models / "no_card").mkdir()
    (models / "Bad Name").mkdir()
    artifacts.write_card(models / "Bad Name", {})
    (models / "file").write_text("")
    assert registry.names(models) == ["dcgan_lsun", "dcgan_mnist", "lenet_mnist"]
    assert registry.names(models / "nowhere") == []


def test_list_models_filters(models):
    def listed(*args, **kwargs):
        return [card.name for card in registry.list_models(*args, **kwargs, folder=models)]

    assert listed() == ["dcgan_lsun", "dcgan_mnist", "lenet_mnist"]
    assert listed("dcgan_*") == ["dcgan_lsun", "dcgan_mnist"]
    assert listed("*mnist", task="generate") == ["dcgan_mnist"]
    assert listed(family="dcgan", status="recipe") == ["dcgan_lsun"]
    assert listed(family="lenet") == ["lenet_mnist"]
    assert listed(family="nothing") == []
    with pytest.raises(ValueError, match="task must be one of generate, classify, upscale, not 'draw'"):
        listed(task="draw")
    with pytest.raises(ValueError, match="status must be one of"):
        listed(status="done")


def test_info_reads_the_card(models):
    card = registry.info("lenet_mnist", folder=models)
    assert (card.name, card.family, card.task, card.published) == ("lenet_mnist", "LeNet", "classify", True)
    assert card.folder == models / "lenet_mnist"


def test_a_card_must_bear_its_folders_name(models, card_dict):
    artifacts.write_card(models / "dcgan_lsun", card_dict(name="dcgan_mnist"))
    artifacts.write_json(models / "dcgan_lsun" / artifacts.PROVENANCE, {})
    with pytest.raises(CardError, match="must be the folder's name 'dcgan_lsun', not 'dcgan_mnist'"):
        registry.info("dcgan_lsun", folder=models)


def test_the_shipped_cards_are_sound():
    for card in registry.list_models():
        assert card.folder.parent == registry.models_folder() == ROOT / "zoo" / "models"
        assert card.published


# ---- from a reference to a card ----


def test_find(models, tmp_path, monkeypatch, card_dict):
    assert registry.find("dcgan_mnist", folder=models).published
    artifacts.write_card(tmp_path / "mine", card_dict(name="mine", status="recipe"))
    for reference in (tmp_path / "mine", str(tmp_path / "mine")):
        assert registry.find(reference, folder=models).name == "mine"
        assert not registry.find(reference, folder=models).published
    monkeypatch.setenv("HOME", str(tmp_path))
    assert registry.find("~/mine").name == "mine"
    monkeypatch.chdir(tmp_path)
    assert registry.find("./mine").name == "mine"
    assert registry.find(Path("mine")).name == "mine"


def test_find_names_a_missing_folder(tmp_path):
    for reference in (tmp_path / "nowhere", "./nowhere", "./" + "a" * 300, "~nobody_by_that_name/x"):
        with pytest.raises(UnknownModelError, match="There is no folder"):
            registry.find(reference)
    with pytest.raises(CardError, match=r"No card\.toml"):
        registry.find(tmp_path)


def test_a_revision_belongs_to_a_hub_reference(models):
    for reference in ("dcgan_mnist", models / "dcgan_mnist"):
        with pytest.raises(KerasGansError, match="goes with hf://"):
            registry.find(reference, revision="v1", folder=models)
    with pytest.raises(KerasGansError, match="differ"):
        registry.find("hf://user/repo@v1", revision="v2")


# ---- lightness ----


def test_importing_and_listing_is_light():
    code = (
        "import json, sys, keras_gans.zoo.registry as r; r.list_models(); r.names();"
        "import keras_gans.zoo.download, keras_gans.zoo.weights; print(json.dumps(sorted(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT)
    loaded = set(json.loads(result.stdout))
    assert "keras_gans.zoo.registry" in loaded
    heavy = ["keras", "tensorflow", "pooch", "requests", "numpy", "safetensors", "filelock", "platformdirs"]
    assert loaded.isdisjoint([*heavy, "urllib3", "huggingface_hub", "zoo", "cli"])
