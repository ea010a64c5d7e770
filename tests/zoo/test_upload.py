"""To the hub: what is called, what is sent, what is refused. tests/cli/test_publish.py has it against a server."""

import inspect
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from keras_gans import artifacts
from keras_gans.artifacts import KerasGansError, OfflineError, WeightsCorruptedError
from keras_gans.zoo import upload


@pytest.fixture
def hub(monkeypatch):
    """A stand-in for huggingface_hub: `calls` holds what was called with what, `sent` the files as they were then."""
    stand_in = SimpleNamespace(calls=[], sent={}, get_token=lambda: "a token")

    def recorded(name):
        def call(**arguments):
            stand_in.calls.append((name, arguments))
            if name == "upload_folder":
                files = Path(arguments["folder_path"]).iterdir()
                stand_in.sent = {path.name: path.read_bytes() for path in files}

        return call

    for name in ("create_repo", "create_branch", "upload_folder"):
        setattr(stand_in, name, recorded(name))
    monkeypatch.setitem(sys.modules, "huggingface_hub", stand_in)
    return stand_in


@pytest.fixture
def folder(publish):
    models, _ = publish()
    (models / "toy_digits" / "diary.txt").write_text("not part of a model")
    (models / "toy_digits" / "curve.csv").write_text("step\n1\n")
    (models / "toy_digits" / "README.md").write_text("of the folder")
    return models / "toy_digits"


def test_one_commit_of_the_models_files(hub, folder):
    upload.upload(folder, "the page", "user/repo")
    assert [name for name, _ in hub.calls] == ["create_repo", "upload_folder"]
    assert all(arguments["repo_id"] == "user/repo" for _, arguments in hub.calls)
    assert hub.calls[0][1]["exist_ok"] is True
    assert hub.calls[1][1]["revision"] is None
    assert sorted(hub.sent) == ["README.md", "card.toml", "curve.csv", "weights.json", "weights.safetensors"]
    assert hub.sent.pop("README.md") == b"the page"
    assert all(data == (folder / name).read_bytes() for name, data in hub.sent.items())
    assert not Path(hub.calls[1][1]["folder_path"]).exists()


@pytest.mark.parametrize(("revision", "made"), [("v2", True), ("refs/pr/3", False)])
def test_a_branch_is_made_and_a_pull_request_is_not(revision, made, hub, folder):
    upload.upload(folder, "", "user/repo", revision)
    assert [arguments["branch"] for name, arguments in hub.calls if name == "create_branch"] == [revision] * made
    assert hub.calls[-1][1]["revision"] == revision


def test_the_calls_fit_the_library(monkeypatch, folder, request):
    library = pytest.importorskip("huggingface_hub")
    real = {name: getattr(library, name) for name in ("create_repo", "create_branch", "upload_folder", "get_token")}
    calls = request.getfixturevalue("hub").calls
    upload.upload(folder, "", "user/repo", "v2")
    assert len(calls) == 3
    for name, arguments in calls:
        signature = inspect.signature(real[name])
        signature.bind(**arguments)
        assert set(arguments) <= set(signature.parameters)  # else **kwargs would take any name
    inspect.signature(real["get_token"]).bind()


def test_nothing_corrupt_goes_out(hub, folder):
    path = folder / artifacts.WEIGHTS
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsCorruptedError, match="not the file that was published"):
        upload.upload(folder, "", "user/repo")
    assert hub.calls == []


def test_refused_before_anything_is_begun(hub, folder, monkeypatch):
    with pytest.raises(OfflineError, match="hf://user/repo"):
        upload.check_ready("user/repo", offline=True)
    monkeypatch.setenv("KERAS_GANS_OFFLINE", "1")
    with pytest.raises(OfflineError):
        upload.upload(folder, "", "user/repo")
    monkeypatch.delenv("KERAS_GANS_OFFLINE")
    hub.get_token = lambda: None
    with pytest.raises(KerasGansError, match=r"no.* was found: set HF_TOKEN"):
        upload.check_ready("user/repo")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)  # what Python does for a module that is not there
    with pytest.raises(KerasGansError, match=r"pip install 'keras_gans\[hub\]'"):
        upload.check_ready("user/repo")
    assert hub.calls == []


def test_what_the_library_raises_is_one_sentence(hub, folder):
    def fail(**arguments):
        raise RuntimeError("403 Forbidden\nand a page of it, with the token")

    hub.upload_folder = fail
    with pytest.raises(KerasGansError, match=r"hf://user/repo could not be written \(RuntimeError\): check") as caught:
        upload.upload(folder, "", "user/repo")
    assert "token," not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
